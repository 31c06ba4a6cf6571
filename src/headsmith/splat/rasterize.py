"""Draws Gaussians: `rasterize` and `rasterize_batch`, over a compiled CPU rasterizer, gsplat on CUDA, or a torch reference."""

from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.cameras import Camera
from headsmith.splat.compiled import Rasterization
from headsmith.splat.cuda import rasterize_cuda
from headsmith.splat.harmonics import BANDS
from headsmith.splat.reference import rasterize_reference

Backend: TypeAlias = Literal["cpu", "cuda", "reference"]


def rasterize(
    means: Float[Tensor, "N 3"],
    scales: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    opacities: Float[Tensor, " N"],
    colours: Float[Tensor, "N C"] | Float[Tensor, "N K 3"],
    camera: Camera,
    background: Float[Tensor, " C"] | Float[Tensor, "H W C"],
    backend: Backend | None = None,
    threads: int = 1,
) -> tuple[Float[Tensor, "H W C"], Float[Tensor, "H W"]]:
    """Blends 3D Gaussians over a background, near to far, by the rules of gsplat 1.5.3.

    A Gaussian adds 0.3 square pixels to its variance in the image, weighs min(0.999, opacity exp(-sigma)) at a pixel's centre
    (nothing below 1/255), and a pixel takes no more once its transmittance would come to 1e-4. Gaussians nearer than 0.01 m are
    left out, equally deep ones drawn in their own order. The weights and the order are differentiated as they stand: not their
    jumps.

    The `cpu` backend takes float32 or float64, and 3 channels. It releases the GIL, so frames may be drawn in Python threads of
    one's own, forward and backward, at full speed. The same input gives the same bits, whatever the threads.

    Args:
        means: Centres, metres. Differentiable, like the next four.
        scales: Standard deviations along the Gaussian's own axes, metres.
        quats: Rotations from the own axes to the world's, wxyz; any length but 0, only the direction matters.
        opacities: 0 to 1.
        colours: 3 channels (any number for the reference), any range; or K = 1, 4, 9 or 16 coefficients a channel of the real
            spherical harmonics of the direction from the camera to the centre, in the world's axes, as in 3D Gaussian
            Splatting (`harmonics`): the colour is max(0, their sum + 0.5).
        camera: A single camera (no batch); it gets no gradient.
        background: One colour, or an image of the camera's size; it gets no gradient on a CPU.
        backend: `cpu` (compiled), `cuda` (gsplat; float32), `reference` (plain torch, any device; slow); None: by the device of
            the means.
        threads: Threads that share this one image on a CPU. For training keep 1 and draw several frames at once.

    Returns:
        The image: colours times weights, plus the transmittance that is left times the background. And alpha, 1 less that rest.

    Raises:
        ValueError: Wrong dtype, shape, device or background for the backend; or, on a CPU, a number is not finite, or a
            quaternion is 0.
        RuntimeError: CUDA is asked for, and gsplat is not installed.
    """
    if camera.rotation.shape != (3, 3):
        raise ValueError("rasterize draws one camera at a time; rasterize_batch draws several")
    gaussians = (means, scales, quats, opacities, colours)
    check_background(background, camera, (1, 3))
    image, alpha = draw_frames([part[None] for part in gaussians], one_of(camera), background, backend, threads)
    return image[0], alpha[0]


def rasterize_batch(
    means: Float[Tensor, "B N 3"],
    scales: Float[Tensor, "B N 3"],
    quats: Float[Tensor, "B N 4"],
    opacities: Float[Tensor, "B N"],
    colours: Float[Tensor, "B N C"] | Float[Tensor, "B N K 3"],
    camera: Camera,
    background: Float[Tensor, " C"] | Float[Tensor, "B C"] | Float[Tensor, "H W C"] | Float[Tensor, "B H W C"],
    backend: Backend | None = None,
    threads: int = 1,
) -> tuple[Float[Tensor, "B H W C"], Float[Tensor, "B H W"]]:
    """Draws several frames at once, each with Gaussians and a camera of its own: `rasterize` with a leading axis.

    On CUDA they are one call of gsplat; on a CPU each frame has a thread, `threads` at a time, forward and backward. What all
    frames share may be given as `tensor.expand(B, ...)`.
    """
    if camera.rotation.shape != (len(means), 3, 3):
        raise ValueError(f"{len(means)} frames need as many cameras, not {tuple(camera.rotation.shape[:-2])}")
    check_background(background, camera, (1, 2, 3, 4))
    return draw_frames([means, scales, quats, opacities, colours], camera, background, backend, threads)


def one_of(camera: Camera) -> Camera:
    """A camera as a batch of one."""
    parts = (camera.rotation, camera.translation, camera.focal, camera.principal)
    return Camera(*(part[None] for part in parts), camera.size)


def check_background(background: Tensor, camera: Camera, axes: tuple[int, ...]) -> None:
    """Refuses a background of another size than the camera's."""
    width, height = camera.size
    if background.ndim not in axes or (background.ndim > 2 and background.shape[-3:-1] != (height, width)):
        raise ValueError(f"the background is {tuple(background.shape)}, neither a colour nor an image of {height} x {width}")


def draw_frames(
    gaussians: list[Tensor], camera: Camera, background: Tensor, backend: Backend | None, threads: int
) -> tuple[Tensor, Tensor]:
    """Chooses the backend, refuses what it cannot draw, and draws."""
    backend = backend or ("cuda" if gaussians[0].is_cuda else "cpu")
    check_colours(gaussians[-1], gaussians[3])
    if backend == "reference":
        own = background.ndim in (2, 4)
        drawn = [
            rasterize_reference(*(part[i] for part in gaussians), camera[i], background[i] if own else background)
            for i in range(len(gaussians[0]))
        ]
        images, alphas = zip(*drawn, strict=True)
        return torch.stack(images), torch.stack(alphas)
    check_backend(gaussians, background, backend)
    if backend == "cuda":
        return rasterize_cuda(*gaussians, camera, background)
    return Rasterization.apply(*gaussians, camera, background, threads)


def check_colours(colours: Tensor, opacities: Tensor) -> None:
    """Refuses colours that are neither channels nor coefficients of whole degrees."""
    harmonics = colours.ndim == opacities.ndim + 2
    if harmonics and (colours.shape[-1] != 3 or colours.shape[-2] not in BANDS):
        raise ValueError(f"spherical harmonics need K of {BANDS} and 3 channels, not {tuple(colours.shape[-2:])}")


def check_backend(gaussians: list[Tensor], background: Tensor, backend: Backend) -> None:
    """Refuses what the fast rasterizers cannot draw."""
    allowed = {"cpu": (torch.float32, torch.float64), "cuda": (torch.float32,)}[backend]
    kinds, places = ({getattr(tensor, name) for tensor in (*gaussians, background)} for name in ("dtype", "device"))
    if len(kinds) > 1 or kinds.pop() not in allowed:
        wanted = " or ".join(str(kind).removeprefix("torch.") for kind in allowed)
        raise ValueError(f"the {backend} rasterizer takes {wanted}, the same for all")
    if {place.type for place in places} != {backend}:
        raise ValueError(f"the {backend} rasterizer takes tensors on {backend}, not on {sorted(map(str, places))}")
    if gaussians[-1].shape[-1] != 3 or background.shape[-1] != 3:
        raise ValueError(f"the {backend} rasterizer draws 3 channels, not {gaussians[-1].shape[-1]}")
