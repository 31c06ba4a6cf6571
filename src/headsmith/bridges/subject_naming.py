"""How the files of a FlashAvatar subject are named, found by their numbers and endings.

FlashAvatar's own code pairs parameters k with image k + 1, a JPEG (``scene/__init__.py``). Folders of other programs number
images from 0, so that parameters k belong to image k, or hold PNG: HyperGaussians takes one where there is no JPEG.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

from headsmith.bridges.flashavatar import FRAME_TO_IMAGE
from headsmith.bridges.subject import IMAGES, Naming, Subject

FRAME_NAME = re.compile(r"([0-9]{5,9})\.frame")
IMAGE_NAME = re.compile(r"([0-9]{5,9})(?:_neckhead|_mouth)?\.(?:jpg|png)")
DELTAS = (FRAME_TO_IMAGE, 0)


def find_naming(subject: Subject) -> Subject:
    """Return a subject whose images are named as they lie there.

    Numbers are paired so that the fewest frames lack an image. Where both ways leave none without, as images from 0 on that are
    one more than the frames, it is FlashAvatar's: metrical-tracker leaves the video's first frame out.
    """
    frames = list_numbers(subject.checkpoint, FRAME_NAME)
    images = list_numbers(subject.images / IMAGES, IMAGE_NAME)
    delta = min(DELTAS, key=lambda delta: len({number + delta for number in frames} - images))
    return replace(subject, naming=Naming(delta, (".jpg", ".png")))


def list_numbers(folder: Path, name: re.Pattern[str]) -> set[int]:
    """Return the numbers by which files of a folder are named; none where it is not there."""
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        return {int(matched[1]) for entry in entries if (matched := name.fullmatch(entry.name))}
