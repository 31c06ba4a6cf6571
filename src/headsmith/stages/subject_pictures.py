"""Images, mattes and masks of a FlashAvatar subject become those of a clip, numbered by the parameters they belong to."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.bridges.subject_images import MOST_BYTES, OPAQUE
from headsmith.contract.archives import file_size
from headsmith.contract.errors import UserError
from headsmith.maths.jumps import JumpWatch
from headsmith.media.file_frames import USUAL_FPS
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.image_facts import decode_as_stored, image_facts
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import note, progress
from headsmith.stages.subject_reading import Accepted, read_accepted

FILES: Final = {"frames": "image", "matte": "alpha", "mouth_masks": "mouth", "head_masks": "neckhead"}
"""Which of a subject's files are a clip's, by the words of both."""
MASKS: Final = ("mouth_masks", "head_masks")

Picture = UInt8[ndarray, "H W *C"]


def import_pictures(
    *,
    clip: str,
    word: str,
    subject: Path,
    checkpoint: Path | None,
    verdict: Path,
    manifest: Path,
    fps: float | None,
    min_overlap: float,
    threads: int,
) -> None:
    """Write frames, mattes or masks of a subject as the stages of a video write theirs; nothing is resized or left out.

    Args:
        clip: Name of the clip.
        word: ``frames``, ``matte``, ``mouth_masks`` or ``head_masks``.
        subject: The folder, as ``accept_subject`` has it.
        checkpoint: The folder of ``.frame`` files; None where it lies in its place.
        verdict: What ``accept_subject`` wrote.
        manifest: To write; the images go into its folder.
        fps: Frames a second; None: 25. The folder does not tell.
        min_overlap: Masks and mattes that overlap the one before by less are told, 0..1.
        threads: Reading and encoding threads.

    Raises:
        UserError: A file has changed since the folder was accepted.
    """
    accepted = read_accepted(subject, checkpoint, verdict, clip)
    kind, watch = FILES[word], JumpWatch(0.0 if word == "frames" else min_overlap)
    count = len(accepted.indices)
    pictures = map_in_order(lambda index: read_picture(accepted, index, word, clip), accepted.indices, threads, 2 * threads + 1)
    with FrameFolderWriter(manifest, clip, threads=threads, flat=word in MASKS) as writer:
        for index, picture in progress(pictures, count, f"{clip}: {word.replace('_', ' ')}"):
            writer.add(index, picture)
            if word != "frames":
                watch.add(index, picture >= OPAQUE)
        writer.details |= {"jumps": watch.jumps} if word != "frames" else facts_of(accepted, fps or USUAL_FPS)
    if watch.jumps:
        note(f"{clip}: {word}: {len(watch.jumps)} {kind}s differ much from the one before: look at the quality picture")


def read_picture(accepted: Accepted, index: int, word: str, clip: str) -> Picture:
    """Return an image as RGB, a matte as grey, a mask as 0 and 255.

    Raises:
        UserError: It is not as it was when the folder was accepted.
    """
    path = accepted.subject.files(index)[FILES[word]]
    try:
        file_size(path, MOST_BYTES)
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise changed(path, clip, str(error)) from error
    facts = image_facts(content)
    if facts is None or facts.size != accepted.size:
        raise changed(path, clip, "it is no image of the size that it had")
    pixels = decode_as_stored(content)
    if pixels is None or pixels.dtype != np.uint8 or (word == "frames" and pixels.shape[2:] != (3,)):
        raise changed(path, clip, "its pixels cannot be read")
    if word == "frames":
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    grey = np.ascontiguousarray(pixels if pixels.ndim == 2 else pixels[..., 1])
    return np.where(grey >= OPAQUE, 255, 0).astype(np.uint8) if word in MASKS else grey


def changed(path: Path, clip: str, what: str) -> UserError:
    """Return the error of a file that was sound when the folder was accepted."""
    remedy = "leave the folder as it is while it is read, and run snakemake again: it is looked through anew"
    return UserError(f"the file has changed: {what}", clip=clip, file=path, remedy=remedy)


def facts_of(accepted: Accepted, fps: float) -> dict[str, Any]:
    """Return what the manifest of frames says of their origin, in the words of frames that are cut from a video."""
    width, height = accepted.size
    count = len(accepted.indices)
    return {
        "subject": accepted.subject.name,
        "fps": fps,
        "source_size": [width, height],
        "capped_size": [width, height],
        "crop": [0, 0, max(width, height)],
        "scale": 1.0,
        "source_index": accepted.indices,
        "names": [accepted.subject.files(index)["image"].name for index in accepted.indices],
        "decoded": count,
        "expected": count,
        "broken_packets": 0,
        "outside": [],
        "remarks": [f"frames are the images of the FlashAvatar subject {accepted.subject.name}, as they are"],
    }
