"""The stage *splats*: a trained avatar as files that people open without headsmith."""

from pathlib import Path

import torch

from headsmith.contract.errors import UserError
from headsmith.contract.settings import SplatsSettings
from headsmith.exports.arrays import write_npz
from headsmith.exports.splat_ply import AXES, SplatCloud, flat_harmonics, write_splat_ply
from headsmith.heads.model import HeadParameters
from headsmith.maths.cameras import FLIP, Camera
from headsmith.media.atomic import atomic_path
from headsmith.splat.avatar import View, make_condition
from headsmith.stages.avatar_file import TrainedAvatar, read_avatar
from headsmith.stages.avatar_views import ClipViews, load_views
from headsmith.stages.splats_arrays import avatar_arrays

REST = -1
"""The setting ``frame`` that stands for no frame: the person at rest."""


def write_splats(
    *, clip: str, variant: str, form: str, avatar: Path, head: Path, tracking: Path, output: Path, settings: SplatsSettings
) -> None:
    """Write an avatar as ``.ply``, its Gaussians of one moment, or as ``.npz``, all that it takes to move it.

    Args:
        clip: Name of the clip.
        variant: Name of the variant.
        form: ``ply`` or ``npz``.
        avatar: ``avatar.pt``.
        head: The head container.
        tracking: ``tracking.npz``.
        output: The file to write.
        settings: Which moment, and which axes; for ``ply`` alone.

    Raises:
        UserError: An input is broken, the clip has no such frame, or the avatar cannot be moved without headsmith.
    """
    torch.set_num_threads(1)
    views = load_views(clip=clip, tracking=tracking, head=head)
    trained = read_avatar(avatar, views, clip)
    if form == "npz":
        arrays = avatar_arrays(trained, views, clip, variant)
        with atomic_path(output) as partial:
            write_npz(partial, arrays)
        return
    cloud = cloud_of(trained, moment(trained, views, settings.frame, clip))
    cloud = cloud.turned() if settings.axes == "viewers" else cloud
    shown = "at rest" if settings.frame == REST else f"frame {settings.frame}"
    remarks = (f"headsmith: clip {clip}, variant {variant}, {shown}", f"metres; axes: {AXES[settings.axes]}")
    with atomic_path(output) as partial:
        write_splat_ply(partial, cloud, remarks)


def moment(trained: TrainedAvatar, views: ClipViews, frame: int, clip: str) -> View:
    """Return the view of a frame, or that of the person at rest who is looked in the face from the clip's mean distance.

    Raises:
        UserError: The clip has no such frame.
    """
    if frame == REST:
        return rest_view(trained, views)
    if frame not in views.rows:
        known = f"the clip has {min(views.rows)} to {max(views.rows)}"
        raise UserError(
            f"splats.frame: there is no frame {frame}; {known}", clip=clip, remedy="set splats.frame to one of them, or to -1"
        )
    return next(views.views([frame], trained.binding))


def rest_view(trained: TrainedAvatar, views: ClipViews) -> View:
    """Return the view of the person at rest, straight ahead."""
    neutral = views.head.neutral()
    rest = HeadParameters(views.parameters.identity, *list(vars(neutral).values())[1:])
    points = trained.binding.points(views.head(rest), views.head.faces)
    straight = torch.diag(torch.tensor(FLIP, dtype=torch.float32))
    cameras = views.cameras
    camera = Camera(straight, cameras.translation.mean(0), cameras.focal[0], cameras.principal[0], cameras.size)
    return View(points, make_condition(rest.expression, rest.jaw, rest.eyes, rest.eyelids), camera)


@torch.no_grad()
def cloud_of(trained: TrainedAvatar, view: View) -> SplatCloud:
    """Return the Gaussians that a view shows, in the head's axes."""
    means, scales, quats, opacities, colours = (part.double().numpy() for part in trained.avatar.splats(view))
    return SplatCloud(means, scales, quats, opacities, colours if colours.ndim == 3 else flat_harmonics(colours))
