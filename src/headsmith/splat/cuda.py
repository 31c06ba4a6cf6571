"""gsplat 1.5.3 (Ye et al., "gsplat: An Open-Source Library for Gaussian Splatting", 2024) behind `rasterize`.

gsplat is imported on the first call. Its kernels are compiled then, for minutes, by the CUDA toolkit's `nvcc`, unless they are
kept in torch's cache of extensions. Its conventions are ours (quaternions wxyz, OpenCV's axes, pixel centres at +0.5, spherical
harmonics of Inria); backgrounds are laid behind from alpha, because it takes none but one colour a frame.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.cameras import Camera
from headsmith.splat.reference import BLUR, NEAR

VERSION = "1.5.3"
"""The version whose blending rules, culling and signature this module and the compiled rasterizer follow."""


def gsplat_rasterization() -> Callable:
    """Gsplat's function.

    Raises:
        RuntimeError: gsplat is not installed.
    """
    try:
        from gsplat import rasterization
    except ImportError as error:
        raise RuntimeError(
            f"Gaussians on a GPU are drawn by gsplat {VERSION}, which is not installed. Install it beside torch's CUDA build: "
            "pip install --require-hashes --no-deps -r requirements/gsplat.lock; or keep the tensors on the CPU"
        ) from error
    return rasterization


def world_to_camera(camera: Camera) -> Float[Tensor, "B 4 4"]:
    """The cameras' matrices, which take homogeneous points of the world to the camera."""
    above = torch.cat([camera.rotation, camera.translation[..., None]], -1)
    below = above.new_tensor([0.0, 0, 0, 1]).expand(len(above), 1, 4)
    return torch.cat([above, below], 1)


def intrinsics(camera: Camera) -> Float[Tensor, "B 3 3"]:
    """The cameras' matrices, which take homogeneous points of the camera to pixels."""
    matrix = torch.diag_embed(torch.cat([camera.focal, torch.ones_like(camera.focal[:, :1])], -1))
    matrix[:, :2, 2] = camera.principal
    return matrix


def rasterize_cuda(
    means: Float[Tensor, "B N 3"],
    scales: Float[Tensor, "B N 3"],
    quats: Float[Tensor, "B N 4"],
    opacities: Float[Tensor, "B N"],
    colours: Float[Tensor, "B N 3"] | Float[Tensor, "B N K 3"],
    camera: Camera,
    background: Float[Tensor, " 3"] | Float[Tensor, "B 3"] | Float[Tensor, "H W 3"] | Float[Tensor, "B H W 3"],
) -> tuple[Float[Tensor, "B H W 3"], Float[Tensor, "B H W"]]:
    """Draws frames by one call of gsplat; `rasterize.rasterize_batch` describes the arguments, all on one CUDA device.

    Raises:
        RuntimeError: gsplat is not installed.
    """
    (width, height), frames = camera.size, len(means)
    if not means.shape[1]:
        none = means.sum() + colours.sum()  # 0, and differentiable as the others are
        image, alpha = none.expand(frames, height, width, 3), none.expand(frames, height, width, 1)
    else:
        image, alpha, _ = gsplat_rasterization()(
            means=means,
            quats=quats,
            scales=scales,
            opacities=opacities,
            colors=colours,
            viewmats=world_to_camera(camera).to(means)[:, None],
            Ks=intrinsics(camera).to(means)[:, None],
            width=width,
            height=height,
            near_plane=NEAR,
            eps2d=BLUR,
            sh_degree=None if colours.ndim == 3 else round(colours.shape[2] ** 0.5) - 1,
            packed=False,
        )
        image, alpha = image[:, 0], alpha[:, 0]
    behind = background[:, None, None] if background.ndim == 2 else background
    return image + (1 - alpha) * behind, alpha[..., 0]
