"""Gaussians: their state, their binding to a head, deformation and rasterizers."""
