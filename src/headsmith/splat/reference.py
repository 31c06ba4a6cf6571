"""The Gaussian rasterizer in plain torch: the definition, slow and readable, against which the fast ones are tested.

Every Gaussian is laid over the whole image, in depth order. Works in float32 and float64, on any device; autograd gives the
gradients.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.maths.cameras import Camera, to_camera
from headsmith.maths.rotations import quaternion_to_matrix
from headsmith.splat.harmonics import shade

NEAR = 0.01  # metres; gsplat 1.5.3's near plane
BLUR = 0.3  # square pixels added to each variance (Kerbl et al., "3D Gaussian Splatting", 2023; gsplat's eps2d)
MARGIN = 0.3  # how far beyond the image, in tan(half the field of view), the Jacobian is followed (gsplat 1.5.3, `persp_proj`)
MOST, LEAST, OPAQUE = 0.999, 1 / 255, 1e-4  # gsplat 1.5.3, `RasterizeToPixels3DGSFwd.cu`


def jacobian(seen: Float[Tensor, "N 3"], camera: Camera) -> Float[Tensor, "N 2 3"]:
    """The derivative of pixels by points in the camera's axes (Zwicker et al., "EWA Volume Splatting", 2001, eq. 29)."""
    size = seen.new_tensor(camera.size)
    margin = MARGIN * 0.5 * size / camera.focal
    slope = seen[:, :2] / seen[:, 2:]
    slope = torch.minimum(
        torch.maximum(slope, -camera.principal / camera.focal - margin), (size - camera.principal) / camera.focal + margin
    )
    own = torch.diag_embed(camera.focal.expand(len(seen), 2) / seen[:, 2:])
    return torch.cat([own, (-camera.focal * slope / seen[:, 2:])[..., None]], -1)


def footprints(
    means: Float[Tensor, "N 3"], scales: Float[Tensor, "N 3"], quats: Float[Tensor, "N 4"], camera: Camera
) -> tuple[Float[Tensor, "N 2"], Float[Tensor, "N 2 2"], Float[Tensor, " N"]]:
    """Centres in pixels, inverse covariances in the image (1 / square pixels), depths (metres)."""
    seen = to_camera(means, camera)
    centres = camera.focal * seen[:, :2] / seen[:, 2:] + camera.principal
    axes = quaternion_to_matrix(quats / quats.norm(dim=-1, keepdim=True)) * scales[:, None, :]
    spread = jacobian(seen, camera) @ camera.rotation @ axes
    covariance = spread @ spread.transpose(1, 2) + BLUR * torch.eye(2, dtype=means.dtype, device=means.device)
    return centres, torch.linalg.inv(covariance), depths_of(means, camera)


def depths_of(means: Float[Tensor, "N 3"], camera: Camera) -> Float[Tensor, " N"]:
    """Distances along the viewing direction, metres; added number by number, so that equal centres have equal depths."""
    x, y, z = means.unbind(-1)
    right, down, ahead = camera.rotation[2]
    return x * right + y * down + z * ahead + camera.translation[2]


def rasterize_reference(
    means: Float[Tensor, "N 3"],
    scales: Float[Tensor, "N 3"],
    quats: Float[Tensor, "N 4"],
    opacities: Float[Tensor, " N"],
    colours: Float[Tensor, "N C"] | Float[Tensor, "N K 3"],
    camera: Camera,
    background: Float[Tensor, " C"] | Float[Tensor, "H W C"],
) -> tuple[Float[Tensor, "H W C"], Float[Tensor, "H W"]]:
    """Blends Gaussians over a background; `rasterize.rasterize` describes the arguments. Any number of channels."""
    width, height = camera.size
    kept = (depths_of(means, camera) > NEAR).nonzero()[:, 0]
    shown = colours[kept]
    if colours.ndim == 3:
        shown = shade(shown, means[kept] + camera.rotation.T @ camera.translation)
    centres, conics, depths = footprints(means[kept], scales[kept], quats[kept], camera)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pixels = torch.stack([columns, rows], -1).to(means) + 0.5
    image, through = means.new_zeros(height, width, colours.shape[-1]), means.new_ones(height, width)
    running = through > 0
    for i in torch.argsort(depths, stable=True).tolist():
        offset = pixels - centres[i]
        sigma = 0.5 * torch.einsum("hwa,ab,hwb->hw", offset, conics[i], offset)
        alpha = (opacities[kept[i]] * torch.exp(-sigma)).clamp(max=MOST)
        alpha = torch.where((alpha >= LEAST) & (sigma >= 0), alpha, torch.zeros_like(alpha))
        running = running & ~((alpha > 0) & (through * (1 - alpha) <= OPAQUE))
        weight = torch.where(running, alpha, torch.zeros_like(alpha)) * through
        image = image + weight[..., None] * shown[i]
        through = through - weight
    return image + through[..., None] * background, 1 - through
