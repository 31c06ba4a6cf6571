"""One person's avatar, moved by another's motion: the driver's frames and the avatar beside each other."""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import ReenactmentSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.frames import iterate_frames
from headsmith.media.images import write_image
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import progress
from headsmith.media.video_writer import VideoWriter
from headsmith.show.sheets import Panel, contact_sheet, enlarge
from headsmith.splat.avatar import View
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_views import load_views
from headsmith.stages.reenactment_motion import Driver, transferred, usable_frames

Picture = UInt8[np.ndarray, "H W 3"]

COLUMNS, ROWS = 4, 4
"""Pairs in a row of the sheet, and rows."""

PANEL_WIDTH = 420
"""Width of a pair in the sheet, pixels."""

NOTE = "Left the driver's frame, right the avatar in that moment: brows, lids, gaze and mouth do the same, in its own manner."


def reenact_avatar(
    *,
    clip: str,
    driver: str,
    avatar: Path,
    head: Path,
    tracking: Path,
    dataset: Path,
    driver_tracking: Path,
    driver_frames: Path,
    video: Path,
    sheet: Path,
    settings: ReenactmentSettings,
    threads: int,
) -> None:
    """Move a clip's avatar as another clip's person moves, before the avatar's own camera and plate.

    Args:
        clip: Name of the avatar's clip.
        driver: Name of the clip whose motion is taken.
        avatar: ``avatar.pt``.
        head: The head container, of both clips.
        tracking: ``tracking.npz`` of the avatar's clip.
        dataset: Its ``dataset.json``: the training frames, which tell its neutral face.
        driver_tracking: ``tracking.npz`` of the driver.
        driver_frames: Manifest of the driver's frames.
        video: The MP4 to write: driver, avatar.
        sheet: The contact sheet to write, PNG.
        settings: What is taken over, and how.
        threads: Pictures in work at once.

    Raises:
        UserError: An input is broken, or the driver is tracked with another head.
    """
    torch.set_num_threads(1)
    ids = json.loads(Path(dataset).read_text())["train"]
    own = load_views(clip=clip, tracking=tracking, head=head)
    trained = read_avatar(avatar, own, clip)
    driving = usable_frames(driver, driver_tracking, own.head.container, clip)
    motion = Driver(driver, load_views(clip=driver, tracking=driver_tracking, head=head), driving)
    views = transferred(motion, own, ids, settings)
    frames = iterate_frames(driver_frames, driver, ids=driving)

    @torch.no_grad()
    def draw(item: tuple[tuple[int, UInt8[np.ndarray, "h w 3"]], View]) -> UInt8[np.ndarray, "H both 3"]:
        (_, frame), view = item
        image, _ = trained.avatar(view, trained.plate)
        return beside(frame, (image.clamp(0, 1) * 255).round().byte().numpy())

    pairs = zip(frames, views.views(list(range(len(driving))), trained.binding), strict=True)
    chosen = set(np.linspace(0, len(driving) - 1, min(COLUMNS * ROWS, len(driving))).round().astype(int).tolist())
    panels = []
    rate = read_manifest(driver_frames, clip=driver, verify=False).details["fps"]
    with VideoWriter(video, rate) as film:
        drawn = progress(map_in_order(draw, pairs, threads), len(driving), f"{clip}: moved by {driver}")
        for place, (_, picture) in enumerate(drawn):
            film.add(picture)
            if place in chosen:
                panels.append(Panel(enlarge(picture, PANEL_WIDTH), f"frame {driving[place]}"))
    with atomic_path(sheet) as partial:
        write_image(partial, contact_sheet(panels, columns=COLUMNS, title=f"{clip}, moved by {driver}", note=NOTE))


def beside(frame: UInt8[np.ndarray, "h w 3"], render: Picture) -> UInt8[np.ndarray, "H both 3"]:
    """Return a driver's frame, brought to a render's height, beside the render."""
    height = render.shape[0]
    width = round(frame.shape[1] * height / frame.shape[0])
    how = cv2.INTER_AREA if height < frame.shape[0] else cv2.INTER_CUBIC
    fitted = frame if frame.shape[0] == height else cv2.resize(frame, (width, height), interpolation=how)
    return np.concatenate([fitted, render], 1)
