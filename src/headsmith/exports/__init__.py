"""Meshes, textures and tables that other programs open."""
