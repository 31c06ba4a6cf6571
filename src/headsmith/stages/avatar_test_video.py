"""`test.avi`, as FlashAvatar's `test.py` draws it: the truth left, the render right, over the background of the training."""

import json
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from headsmith.media.frames import iterate_frames
from headsmith.media.progress import progress
from headsmith.media.video_xvid import XvidWriter
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_targets import COLOURS, FramePlan, over_colour, over_plate
from headsmith.stages.avatar_views import load_views

RATE = 25.0
"""Frames a second, whatever the clip's (`test.py`)."""

Picture = UInt8[np.ndarray, "H W 3"]


def draw_test_video(
    *,
    clip: str,
    avatar: Path,
    head: Path,
    tracking: Path,
    dataset: Path,
    frames: Path,
    matte: Path,
    head_masks: Path,
    output: Path,
    threads: int,
) -> None:
    """Write the video of an avatar of either deformation, twice as wide as a frame.

    Args:
        clip: Name of the clip.
        avatar: ``avatar.pt``; its settings tell the background.
        head: The head container.
        tracking: ``tracking.npz``.
        dataset: ``dataset.json``: which frames are held out.
        frames: Manifest of the frames.
        matte: Manifest of the mattes.
        head_masks: Manifest of the head masks.
        output: Video to write, AVI.
        threads: Threads that share a picture.

    Raises:
        UserError: An input is broken, or avatar and tracking belong to different heads.
    """
    torch.set_num_threads(threads)
    ids = json.loads(Path(dataset).read_text())["held_out"]
    views = load_views(clip=clip, tracking=tracking, head=head)
    trained = read_avatar(avatar, views, clip)
    background = torch.load(avatar, weights_only=True, map_location="cpu")["settings"]["background"]
    plate = (trained.plate * 255).round().byte()
    behind = FramePlan(background, 0.0).behind(plate)
    streams = [iterate_frames(frames, clip, ids=ids)]
    streams += [iterate_frames(path, clip, ids=ids, grey=True) for path in (matte, head_masks)]
    rows = zip(*streams, views.views(ids, trained.binding), strict=True)
    with XvidWriter(output, RATE) as film, torch.no_grad():
        for *pictures, view in progress(rows, len(ids), f"{clip}: test video"):
            image, _ = trained.avatar(view, behind, threads)
            truth = cut_out(*(picture for _, picture in pictures), background, plate.numpy())
            film.add(np.concatenate([truth, shown(image)], 1))


def cut_out(
    image: Picture, matte: UInt8[np.ndarray, "H W"], head: UInt8[np.ndarray, "H W"], background: str, plate: Picture
) -> Picture:
    """Return a true frame over what the avatar was trained over."""
    if background in COLOURS:
        return over_colour(image, matte, head, COLOURS[background])
    return over_plate(image, matte, head, plate)


def shown(image: torch.Tensor) -> Picture:
    """Return a render's values in 0..255, cut off rather than rounded, as `test.py` does."""
    return (image.clamp(0, 1) * 255).byte().numpy()
