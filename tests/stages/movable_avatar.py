"""An avatar of a synthetic head that nobody has trained: random Gaussians, bases and weights, on a clip with a known plate."""

import numpy as np
import torch

from headsmith.heads.container import save_head
from headsmith.media.frames import FrameFolderWriter
from headsmith.splat.avatar import AvatarShape
from headsmith.splat.avatars import make_avatar
from headsmith.splat.binding import Binding
from headsmith.stages.avatar_views import load_views
from tests.synthetic_head import synthetic_head

SIDE, COUNT, GAUSSIANS = 96, 6, 700
BASES = 3


def plate():
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.stack([columns * 2, rows * 2, 255 - columns - rows], -1).clip(0, 255).astype(np.uint8)


def write_tracking(folder, head):
    generator = np.random.default_rng(1)
    yaw = np.linspace(-0.3, 0.3, COUNT)
    rotation = np.stack([[[np.cos(a), 0, np.sin(a)], [0, -1, 0], [np.sin(a), 0, -np.cos(a)]] for a in yaw])
    np.savez(
        folder / "tracking.npz",
        ids=np.arange(COUNT) + 10,
        identity=generator.normal(size=4),
        expression=generator.uniform(0, 1.3, (COUNT, 6)),
        jaw=generator.normal(size=(COUNT, 3)) * 0.1,
        eyes=generator.normal(size=(COUNT, 2, 3)) * 0.2,
        eyelids=generator.uniform(0, 1, (COUNT, 2)),
        neck=generator.normal(size=(COUNT, 3)) * 0.1,
        rotation=rotation,
        translation=np.array([0.01, -0.02, 1.0]) + generator.normal(size=(COUNT, 3)) * 0.005,
        focal=np.float64(4 * SIDE),
        principal=np.array([SIDE / 2 + 3, SIDE / 2 - 2]),
        size=np.array([SIDE, SIDE]),
        status=np.full(COUNT, "ok"),
        residual=np.zeros(COUNT),
        head_sha256=head.sha256,
        convention="mediapipe478",
    )


def bind(container):
    generator = np.random.default_rng(2)
    faces = generator.integers(0, len(container.faces), GAUSSIANS)
    barycentrics = generator.dirichlet((1, 1, 1), GAUSSIANS)
    return Binding(torch.from_numpy(faces), torch.from_numpy(barycentrics.astype(np.float32)))


def shake(avatar, wildness):
    """Give every learned number a random value: colours and sizes that differ, bases as strong as they are asked for."""
    generator = torch.Generator().manual_seed(3)
    amounts = {"offset": 0.012, "log_scale": 0.6, "rotation": 1.0, "opacity": 1.5, "colour": 1.5}
    with torch.no_grad():
        for name, value in avatar.gaussians.items():
            value += amounts[name] * torch.randn(value.shape, generator=generator)
        avatar.deformation.bases.copy_(wildness * torch.randn(avatar.deformation.bases.shape, generator=generator))


def write_movable(folder, wildness=0.2, deformation="basis", correctives=True):
    """Write head, tracking, frames' manifest and avatar; return the paths that the stages take."""
    folder.mkdir(parents=True, exist_ok=True)
    head = synthetic_head(correctives=correctives)
    save_head(head, folder / "head.npz")
    write_tracking(folder, head)
    with FrameFolderWriter(folder / "frames.json", "toy", details={"fps": 25.0}) as writer:
        for number in range(COUNT):
            writer.add(10 + number, plate())
    views = load_views(clip="toy", tracking=folder / "tracking.npz", head=folder / "head.npz")
    binding = bind(head)
    shape = AvatarShape(deformation, views.conditions.shape[1], BASES, 8, 0.005)
    avatar = make_avatar(binding.points(views.rest(), views.head.faces), shape, seed=4)
    if deformation == "basis":
        shake(avatar, wildness)
        avatar.familiarise(views.conditions[1:4], views.cameras.rotation[1:4], torch.tensor([0.6, 0.5, 0.4]))
    content = {"clip": "toy", "head_sha256": head.sha256, "settings": {}, "shape": vars(shape), "binding": vars(binding)}
    torch.save(content | {"plate": torch.from_numpy(plate()), "state": avatar.state_dict()}, folder / "avatar.pt")
    return {name: folder / f"{name}.npz" for name in ("tracking", "head")} | {"avatar": folder / "avatar.pt", "clip": "toy"}
