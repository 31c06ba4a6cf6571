"""Random scenes of Gaussians, ordinary and nasty, and where in them a result may jump."""

import math
from typing import NamedTuple

import torch

from headsmith.maths.cameras import Camera
from headsmith.splat.harmonics import harmonics
from headsmith.splat.reference import LEAST, MARGIN, MOST, NEAR, OPAQUE, depths_of, footprints

NAMES = ("means", "scales", "quats", "opacities", "colours")
NASTY = ("ordinary", "behind", "huge", "tiny", "transparent", "coincident", "one depth", "off-screen", "thin", "close", "none")


class Scene(NamedTuple):
    """Gaussians, camera, background and the loss' weights; all numbers float64, most of them float32's too."""

    kind: str
    gaussians: list
    camera: Camera
    background: torch.Tensor
    weights: list


def turn_of(generator):
    """A random rotation that keeps the scene before the camera."""
    x, y, z = (0.6 * torch.rand(3, generator=generator) - 0.3).tolist()
    matrices = []
    for angle, (i, j) in ((x, (1, 2)), (y, (0, 2)), (z, (0, 1))):
        matrix = torch.eye(3, dtype=torch.float64)
        matrix[i, i] = matrix[j, j] = math.cos(angle)
        matrix[i, j], matrix[j, i] = -math.sin(angle), math.sin(angle)
        matrices.append(matrix)
    return matrices[0] @ matrices[1] @ matrices[2]


def spoil(kind, gaussians):
    """Makes the first half of the Gaussians nasty."""
    means, scales, _, opacities, _ = gaussians
    half = slice(0, len(means) // 2)
    if kind == "behind":
        means[half, 2] -= 1.5
    elif kind == "huge":
        scales[half] *= 40
    elif kind == "tiny":
        scales[half] *= 1e-3
    elif kind == "transparent":
        opacities[half] *= 0.01
        opacities[: len(means) // 4] = 0
        opacities[-len(means) // 4 :] = 1
    elif kind == "coincident":
        for part in gaussians:
            part[half] = part[-1:].clone()
    elif kind == "one depth":
        means[:, 2] = 0.25
    elif kind == "off-screen":
        means[half, :2] *= 12
    elif kind == "thin":
        scales[half, 0] *= 20
        scales[half, 1:] *= 0.02
    elif kind == "close":
        means[half] = means[half] * 0.05 + torch.tensor([0.0, 0.0, -0.95])
    elif kind == "none":
        del gaussians[:]
        gaussians += [torch.zeros(0, 3), torch.zeros(0, 3), torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, 3)]


def make_scene(seed, spread=0.25):
    """One scene; the seed chooses its kind, size, kind of colours and background."""
    generator = torch.Generator().manual_seed(seed)
    kind = NASTY[seed % len(NASTY)]
    count = int(torch.randint(1, 60, (1,), generator=generator))
    width, height = torch.randint(1, 45, (2,), generator=generator).tolist()
    bands = (0, 1, 4, 9, 16, 0)[seed % 6]
    means = spread * torch.randn(count, 3, generator=generator)
    scales = 0.03 * torch.exp(0.6 * torch.randn(count, 3, generator=generator))
    quats = torch.randn(count, 4, generator=generator)
    opacities = torch.sigmoid(1.5 * torch.randn(count, generator=generator))
    colours = torch.rand(count, 3, generator=generator) * 1.4 - 0.2
    if bands:
        colours = 0.4 * torch.randn(count, bands, 3, generator=generator)
    gaussians = [means, scales, quats, opacities, colours]
    spoil(kind, gaussians)
    rotation = torch.eye(3, dtype=torch.float64) if kind == "one depth" else turn_of(generator)
    focal = 60 * torch.exp(0.3 * torch.randn(2, generator=generator))
    principal = torch.tensor([width, height]) * (0.3 + 0.4 * torch.rand(2, generator=generator))
    translation = torch.tensor([0.01, -0.02, 1.0])
    camera = Camera(*(part.float().double() for part in (rotation, translation, focal, principal)), (width, height))
    background = torch.rand(*((3,), (height, width, 3))[seed % 2], generator=generator).double()
    weights = [torch.randn(height, width, 3, generator=generator), torch.randn(height, width, generator=generator)]
    return Scene(
        kind, [part.double() for part in gaussians], camera, background.float().double(), [w.double() for w in weights]
    )


def single(thing):
    """The same in float32."""
    if isinstance(thing, Camera):
        return Camera(*(single(part) for part in (thing.rotation, thing.translation, thing.focal, thing.principal)), thing.size)
    return [single(part) for part in thing] if isinstance(thing, list) else thing.float()


def near_jumps(scene, margin):
    """Pixels where the result, or its gradient, comes within a relative margin of a jump.

    Jumps are alpha at 1/255 and at 0.999, transmittance at 1e-4, two unequal depths, a colour at 0, and the Jacobian's limits.
    """
    means, scales, quats, opacities, colours = scene.gaussians
    width, height = scene.camera.size
    doubtful = torch.zeros(height, width, dtype=torch.bool)
    kept = (depths_of(means, scene.camera) > NEAR).nonzero()[:, 0]
    centres, conics, depths = footprints(means[kept], scales[kept], quats[kept], scene.camera)
    order = torch.argsort(depths, stable=True)
    edges = doubtful_gaussians(means[kept], colours[kept], scene.camera, margin)
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    through, before = torch.ones(height, width, dtype=torch.float64), None
    for i in order.tolist():
        dx, dy = x - centres[i, 0], y - centres[i, 1]
        sigma = 0.5 * (conics[i, 0, 0] * dx * dx + conics[i, 1, 1] * dy * dy) + conics[i, 0, 1] * dx * dy
        raw = opacities[kept[i]] * torch.exp(-sigma)
        doubtful |= (raw / LEAST - 1).abs() < margin
        seen = raw >= LEAST
        alpha = torch.where(seen, raw.clamp(max=MOST), 0)
        running = through > OPAQUE
        doubtful |= running & (((raw / MOST - 1).abs() < margin) | (seen & edges[i]))
        if before is not None and 0 < depths[i] - depths[before[0]] < 1e-6 * depths[i]:
            doubtful |= seen & before[1]
        after = through * (1 - alpha)
        doubtful |= seen & running & ((after / OPAQUE - 1).abs() < margin)
        through = torch.where(running & (after <= OPAQUE), 0, after)
        before = i, seen
    return doubtful


def doubtful_gaussians(means, colours, camera, margin):
    """Gaussians whose colour comes near 0, or which stand near the Jacobian's limits."""
    doubtful = torch.zeros(len(means), dtype=torch.bool)
    offset = means + camera.rotation.T @ camera.translation
    if colours.ndim == 3:
        basis = harmonics(offset / offset.norm(dim=1, keepdim=True), colours.shape[1])
        raw = (basis[..., None] * colours).sum(1) + 0.5
        doubtful |= (raw.abs() < margin).any(1)
    seen = offset @ camera.rotation.T
    slope, size = seen[:, :2] / seen[:, 2:], torch.tensor(camera.size)
    room = MARGIN * 0.5 * size / camera.focal
    for limit in (-camera.principal / camera.focal - room, (size - camera.principal) / camera.focal + room):
        doubtful |= ((slope - limit).abs() < margin).any(1)
    return doubtful
