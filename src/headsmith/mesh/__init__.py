"""Mesh rasterizer on the CPU."""
