"""Turn a talking-head video into an animatable 3D Gaussian head avatar, reproducibly."""

__version__ = "0.1.0"
