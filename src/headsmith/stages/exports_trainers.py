"""Datasets for other trainers from a clip's tracking: INSTA, GaussianAvatars, IMavatar and SplattingAvatar."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headsmith.bridges import insta
from headsmith.bridges.left_out import measure_left_out
from headsmith.bridges.track import Track
from headsmith.contract.settings import ExportsSettings
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import project, to_camera
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import note, progress
from headsmith.stages.dataset_split import check_sizes, split_frames
from headsmith.stages.exports_trainers_images import Picture, Sources, draw_depth, write_picture
from headsmith.stages.exports_trainers_kinds import TRAINERS, Trainer, check_head
from headsmith.stages.exports_trainers_notes import tell


def write_trainer(
    *,
    export: str,
    folder: Path,
    frames: Path,
    matte: Path,
    parsing: Path,
    head_masks: Path,
    tracked: Track,
    model: HeadModel,
    settings: ExportsSettings,
    clip: str,
    threads: int = 1,
) -> dict[str, Any]:
    """Write the dataset of one trainer and return what the export's manifest tells of it.

    Frames that tracking does not call ``ok``, or that lack a picture, are left out; the rest is numbered without gaps.
    ``mapping.csv`` tells which is which. Pictures pass through one by one.

    Args:
        export: ``insta``, ``gaussian_avatars`` or ``imavatar``.
        folder: A folder that exists and is empty.
        frames: Manifest of the frames.
        matte: Manifest of the mattes.
        parsing: Manifest of the label maps.
        head_masks: Manifest of the head masks.
        tracked: The clip's tracking.
        model: The head it was made with, float64.
        settings: How many frames are held out.
        clip: Name of the clip.
        threads: How many work on pictures.

    Raises:
        UserError: The trainer takes another head, pictures do not fit the tracking, no frame is left to train on, or the disk
            is full.
    """
    trainer, sources = TRAINERS[export], Sources(Path(frames), Path(matte), Path(parsing), Path(head_masks))
    check_head(trainer, model.container, clip)
    manifests = sources.read(clip)
    check_sizes(manifests, tracked.size, clip)
    frames_and_status = list(zip(tracked.ids.tolist(), tracked.status, strict=True))
    split = split_frames(frames_and_status, manifests, settings.held_out, section="exports", clip=clip)
    written = tracked.take(np.flatnonzero(np.isin(tracked.ids, split.usable)))
    regions = trainer.write(written, model, folder, len(split.held_out))
    write_pictures(export, folder, written, model, sources, clip, threads)
    write_mapping(folder / "mapping.csv", trainer, written, len(split.train))
    lost = None if export == "insta" else measure_left_out(written, model, *trainer.codes)
    notes = list(tell(export, written, model.container, len(split.held_out), lost, regions))
    for line in notes:
        note(f"{clip}: {export}: {line}")
    return {
        **split.told(),
        "split": trainer.split,
        "size": list(tracked.size),
        "head": model.container.name,
        "head_sha256": model.sha256,
        "lost": {} if lost is None else lost.figures(),
        "notes": notes,
    }


def write_pictures(
    export: str, folder: Path, written: Track, model: HeadModel, sources: Sources, clip: str, threads: int
) -> None:
    """Write the pictures of all frames, and for INSTA their meshes and depth; a frame or two for each thread are in memory."""

    def write(index: int) -> None:
        pictures = TRAINERS[export].draw(index, sources.load(int(written.ids[index]), clip))
        if export == "insta":
            pictures |= write_geometry(folder, index, written.take([index]), model)
        for name, picture in pictures.items():
            write_picture(folder / name, picture)

    count = len(written.ids)
    for _ in progress(map_in_order(write, range(count), threads), count, f"{clip}: {export}"):
        pass


def write_geometry(folder: Path, index: int, frame: Track, model: HeadModel) -> dict[str, Picture]:
    """Write the mesh of a frame for INSTA and return the picture of its depth, by its path."""
    with torch.no_grad():
        vertices = model(frame.parameters())
    camera, faces = frame.cameras(), model.container.faces
    insta.write_mesh(folder, index, vertices[0].numpy(), faces)
    seen, pixels = to_camera(vertices, camera)[0].numpy(), project(vertices, camera)[0][0].numpy()
    return {f"depth/{insta.image_name(index)}": draw_depth(seen, pixels, faces, frame.size)}


def write_mapping(path: Path, trainer: Trainer, written: Track, first: int) -> None:
    """Write which frame of the clip each image is, and whether it is for training."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("frame", "image", "part"))
        for index, frame_id in enumerate(written.ids.tolist()):
            writer.writerow((frame_id, trainer.name(index), "train" if index < first else "held_out"))
