"""The stage *dataset*: frames, mattes, masks and tracking in FlashAvatar's own layout."""

import csv
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from headsmith.bridges.flashavatar import EXPRESSIONS, IDENTITIES, frame_content, write_frame
from headsmith.bridges.placing import Framing, centred_crop, recentre
from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import Manifest, folder_of, read_manifest
from headsmith.contract.settings import DatasetSettings
from headsmith.heads.container import HeadContainer, load_head
from headsmith.media.atomic import atomic_folder, atomic_path
from headsmith.media.images import read_image
from headsmith.media.progress import progress
from headsmith.stages.dataset_split import Split, check_sizes, split_frames, tell_left_out
from headsmith.stages.tracking_file import Tracking, read_tracking

ORIGINAL_SIZE = 512
"""The size that FlashAvatar's own code has built in."""
ORIGINAL_HELD_OUT = 500
"""The number of frames at the end that FlashAvatar's own code tests on."""
JPEG_QUALITY = 100
CENTRE_TOLERANCE = 1e-3
"""Pixels by which the principal point may miss the image's centre."""
MOST_SHIFTED = 1.0
"""Pixels up to which it is put there by shifting the head."""
FLASHAVATARS = "flame2020"
"""The head model that FlashAvatar's own code has."""


@dataclass(frozen=True)
class Sources:
    """Manifests of what goes into the dataset."""

    frames: Path
    matte: Path
    mouth_masks: Path
    head_masks: Path

    def read(self, clip: str) -> dict[str, Manifest]:
        """Return the manifests, each checked against its folder."""
        paths = {"frames": self.frames, "matte": self.matte, "mouth_masks": self.mouth_masks, "head_masks": self.head_masks}
        return {word: read_manifest(path, clip=clip) for word, path in paths.items()}

    def image(self, word: str, frame_id: int) -> Path:
        """Return the path of a frame's image."""
        return folder_of(getattr(self, word)) / frame_name(frame_id)


def write_dataset(
    *,
    clip: str,
    frames: Path,
    matte: Path,
    mouth_masks: Path,
    head_masks: Path,
    tracking: Path,
    head: Path,
    manifest: Path,
    settings: DatasetSettings,
) -> None:
    """Write ``imgs/ alpha/ parsing/ checkpoint/`` for FlashAvatar's own code, and the split into training and held-out frames.

    Frames that tracking marks bad, or that lack a matte or a mask, are left out; the rest is numbered without gaps, images from
    1 and parameters from 0. ``mapping.csv`` and the manifest tell which is which.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        matte: Manifest of the mattes.
        mouth_masks: Manifest of the mouth masks.
        head_masks: Manifest of the head masks.
        tracking: The clip's tracking.
        head: The head container it was made with.
        manifest: ``dataset.json`` to write; the dataset goes into its folder.
        settings: The stage's settings.

    Raises:
        UserError: An input cannot be read, inputs do not belong together, the format cannot hold them, or no frame is left to
            train on.
    """
    sources = Sources(Path(frames), Path(matte), Path(mouth_masks), Path(head_masks))
    container = load_head(head)
    tracked = read_tracking(tracking, container, clip)
    manifests = sources.read(clip)
    check_format(tracked, container, manifests, clip, tracking)
    track, shifted = centred(tracked, container, manifests["frames"], clip, tracking)
    frames_and_status = list(zip(tracked.ids, tracked.arrays["status"].tolist(), strict=True))
    split = split_frames(frames_and_status, manifests, settings.held_out, section="dataset", clip=clip, file=tracking)
    Path(manifest).unlink(missing_ok=True)
    with atomic_folder(folder_of(manifest)) as folder:
        fill(folder, sources, track, split, clip)
        content = describe(folder, tracked, container, split, settings, shifted)
    for note in content["notes"]:
        sys.stderr.write(f"{clip}: dataset: {note}\n")
    with atomic_path(manifest) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")


def check_format(tracked: Tracking, head: HeadContainer, manifests: dict[str, Manifest], clip: str, file: Path) -> None:
    """Accept what the format can hold.

    Raises:
        UserError: Sizes differ, the head has too many codes, or the neck is bent.
    """
    check_sizes(manifests, tracked.size, clip, file)
    if len(head.identity) > IDENTITIES or len(head.expression) > EXPRESSIONS:
        what = f"the head has {len(head.identity)} identity and {len(head.expression)} expression codes"
        raise UserError(f"{what}; FlashAvatar holds {IDENTITIES} and {EXPRESSIONS}", clip=clip, file=file)
    if np.abs(tracked.arrays["neck"]).max(initial=0) > 0:
        remedy = "set tracking.neck to `fold`: the head then turns in the place of the neck"
        raise UserError("the neck is bent; FlashAvatar has no neck", clip=clip, file=file, remedy=remedy)


def centred(tracked: Tracking, head: HeadContainer, frames: Manifest, clip: str, file: Path) -> tuple[Track, str]:
    """Return the tracked clip with its principal point in the middle of the frames, and what that costs, if anything.

    A part of a pixel, which a crop of whole pixels that is centred on the principal point leaves, is put into the head's place.
    A FlashAvatar subject that was brought with another principal point keeps it.

    Raises:
        UserError: The principal point is farther off.
    """
    track = Track.from_arrays(tracked.arrays)
    offset = float(np.abs(track.principal - np.array(track.size) / 2).max())
    if offset <= CENTRE_TOLERANCE:
        return track, ""
    if offset > MOST_SHIFTED and "subject" in frames.details:
        told = f"the principal point is {track.principal.round(2).tolist()}, as in the folder that was brought"
        return track, f"{told}; FlashAvatar's own code takes the image's centre"
    if offset > MOST_SHIFTED:
        what = f"the principal point is {track.principal.round(2).tolist()}; FlashAvatar takes the image's centre"
        raise UserError(what, clip=clip, file=file, remedy=advised_crop(track, frames))
    track, error = recentre(track, head.template.mean(0).astype(np.float64))
    return (
        track,
        f"the principal point was {offset:.2f} pixels off the centre; the head is shifted, exact to {error:.2f} pixels",
    )


def advised_crop(track: Track, frames: Manifest) -> str:
    """Return which crop has the principal point in its middle."""
    if not {"crop", "source_size"} <= frames.details.keys():
        return "cut the frames around the principal point (frames.crop: x,y,size)"
    (width, height), (x, y, side) = frames.details["source_size"], frames.details["crop"]
    crop = centred_crop(track.principal, Framing((width, height), (x, y, side), track.size[0]))
    return "set the clip's column `crop` to {},{},{}: that square has the principal point in its middle".format(*crop)


def fill(folder: Path, sources: Sources, track: Track, split: Split, clip: str) -> None:
    """Write the files of all frames where FlashAvatar's own code looks for them, and ``mapping.csv``."""
    images, checkpoint = folder / "dataset" / clip, folder / "metrical-tracker" / "output" / clip / "checkpoint"
    for place in (images / "imgs", images / "alpha", images / "parsing", checkpoint):
        place.mkdir(parents=True)
    rows = {frame_id: row for row, frame_id in enumerate(track.ids.tolist())}
    for index, frame_id in enumerate(progress(split.usable, len(split.usable), f"{clip}: dataset")):
        number = f"{index + 1:05d}"
        write_jpeg(images / "imgs" / f"{number}.jpg", read_image(sources.image("frames", frame_id), clip=clip)[..., ::-1])
        write_jpeg(images / "alpha" / f"{number}.jpg", read_image(sources.image("matte", frame_id), grey=True, clip=clip))
        shutil.copyfile(sources.image("head_masks", frame_id), images / "parsing" / f"{number}_neckhead.png")
        shutil.copyfile(sources.image("mouth_masks", frame_id), images / "parsing" / f"{number}_mouth.png")
        write_frame(checkpoint / f"{index:05d}.frame", frame_content(track, rows[frame_id], index))
    with (images / "mapping.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("frame", "parameters", "image", "part"))
        for index, frame_id in enumerate(split.usable):
            part = "train" if index < len(split.train) else "held_out"
            writer.writerow((frame_id, f"{index:05d}.frame", f"{index + 1:05d}.jpg", part))


def write_jpeg(path: Path, image: np.ndarray) -> None:
    """Write an image, BGR or grey, as JPEG with full colour resolution."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, content = cv2.imencode(".jpg", np.ascontiguousarray(image), options)
    path.write_bytes(content.tobytes())


def describe(
    folder: Path, tracked: Tracking, head: HeadContainer, split: Split, settings: DatasetSettings, shifted: str
) -> dict[str, Any]:
    """Return the content of ``dataset.json``; ``shifted`` says how the principal point came to the centre."""
    return {
        "count": len(split.usable),
        **split.told(),
        "size": list(tracked.size),
        "background": settings.background,
        "head": head.name,
        "head_sha256": head.sha256,
        "notes": [*tell_left_out(split), *notes(tracked.size, head, len(split.usable)), *([shifted] if shifted else [])],
        "sha256": hash_folder(folder),
    }


def notes(size: tuple[int, int], head: HeadContainer, count: int) -> Iterator[str]:
    """Yield what a user of FlashAvatar's own code must know."""
    if size != (ORIGINAL_SIZE, ORIGINAL_SIZE):
        yield f"images are {size[0]}x{size[1]}; FlashAvatar's own code reads {ORIGINAL_SIZE}x{ORIGINAL_SIZE} only (frames.size)"
    if count <= ORIGINAL_HELD_OUT:
        yield f"FlashAvatar's own code holds out the last {ORIGINAL_HELD_OUT} frames: of these {count} none would train"
    if head.name in FLAME_HEADS and head.name != FLASHAVATARS:
        yield f"codes are of {head.name}: put its file in the place of {FLASHAVATARS}'s, which FlashAvatar's own code has"
    elif head.name != FLASHAVATARS:
        yield (
            f"codes are those of the head {head.name}, padded with zeros; on FlashAvatar's own, FLAME's, they mean "
            "something else (conversion.to, `snakemake convert_head`)"
        )


def hash_folder(folder: Path) -> str:
    """Return the sha256 over names and bytes of all files of a folder, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
