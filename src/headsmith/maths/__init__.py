"""Pure functions on tensors: rotations, cameras, skinning, barycentrics, robust losses, solvers and metrics."""
