"""The held-out frames as the avatar shows them: pictures for the scores, and a video beside the truth."""

import json
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import RendersSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import note, progress
from headsmith.media.video_writer import VideoWriter
from headsmith.splat.avatar import View
from headsmith.stages.avatar_file import TrainedAvatar, read_avatar
from headsmith.stages.avatar_progress import difference
from headsmith.stages.avatar_views import ClipViews, load_views
from headsmith.stages.renders_cutouts import cut_out, frames_per_second

Picture = UInt8[np.ndarray, "H W 3"]

SPEED_SIDES = (256, 512)
"""Widths at which the speed is told, pixels."""


def render_avatar(
    *,
    clip: str,
    avatar: Path,
    head: Path,
    tracking: Path,
    dataset: Path,
    frames: Path,
    manifest: Path,
    video: Path,
    cutouts: Path | None = None,
    settings: RendersSettings,
    threads: int,
) -> None:
    """Render the held-out frames over the background plate, and a video: truth, render, difference.

    Args:
        clip: Name of the clip.
        avatar: ``avatar.pt``.
        head: The head container.
        tracking: ``tracking.npz``.
        dataset: ``dataset.json``: which frames are held out.
        frames: Manifest of the frames.
        manifest: Manifest to write; the renders go into its folder.
        video: Video to write, MP4.
        cutouts: Manifest to write of the same frames over another background, or at another size; None: none.
        settings: The stage's settings.
        threads: Pictures in work at once; a picture is never shared, which a busy machine would not bear.

    Raises:
        UserError: An input is broken, or avatar and tracking belong to different heads.
    """
    torch.set_num_threads(1)
    ids = json.loads(Path(dataset).read_text())["held_out"]
    views = load_views(clip=clip, tracking=tracking, head=head)
    trained = read_avatar(avatar, views, clip)
    rate = settings.fps or read_manifest(frames, clip=clip, verify=False).details["fps"]
    pairs = zip(iterate_frames(frames, clip, ids=ids), views.views(ids, trained.binding), strict=True)
    with FrameFolderWriter(manifest, clip, threads=threads) as folder, VideoWriter(video, rate) as film:
        drawn = map_in_order(lambda pair: draw(trained, pair[1]), pairs, threads)
        for ((frame_id, truth), _), render in progress(drawn, len(ids), f"{clip}: renders"):
            folder.add(frame_id, render)
            film.add(np.concatenate([truth, render, difference(truth, render)], 1))
    if cutouts is not None:
        write_cutouts(clip, cutouts, ids, views, trained, settings, threads)
    tell_speed(clip, trained, next(views.views(ids, trained.binding)), threads)


def write_cutouts(
    clip: str, manifest: Path, ids: list[int], views: ClipViews, trained: TrainedAvatar, settings: RendersSettings, threads: int
) -> None:
    """Write the same frames over the background of the settings, at their size; their manifest says both."""
    details = {"background": settings.background, "scale": settings.scale}
    with FrameFolderWriter(manifest, clip, details=details, threads=threads) as folder:
        seen = zip(ids, views.views(ids, trained.binding), strict=True)
        drawn = map_in_order(lambda pair: cut_out(trained, pair[1], settings.background, settings.scale), seen, threads)
        for (frame_id, _), picture in progress(drawn, len(ids), f"{clip}: cutouts"):
            folder.add(frame_id, picture)


def tell_speed(clip: str, trained: TrainedAvatar, view: View, threads: int) -> None:
    """Say in the log how fast pictures are drawn: a manifest holds no times."""
    told = [f"{frames_per_second(trained, view, side, threads):.1f} at {side} pixels' width" for side in SPEED_SIDES]
    note(f"{clip}: pictures a second on {threads} threads: {', '.join(told)}")


@torch.no_grad()
def draw(trained: TrainedAvatar, view: View) -> Picture:
    """Return the avatar's picture of a frame."""
    image, _ = trained.avatar(view, trained.plate)
    return (image.clamp(0, 1) * 255).round().byte().numpy()
