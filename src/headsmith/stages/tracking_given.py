"""What a user knows of a clip beforehand: the camera's focal length, and the person's identity codes."""

import math
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.archives import check_array, check_arrays
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import Manifest
from headsmith.heads.clip_types import ClipProblem
from headsmith.heads.container import HeadContainer

CERTAIN = 1e-4
"""Deviation of what is given: of the focal length's logarithm, and of identity codes, in standard deviations of people."""
MOST_BYTES = 2**26
"""Of a file of identity codes, unpacked; it may be the tracking of 30,000 frames, and only the codes are read of it."""
LARGEST_CODE = 20.0
"""Standard deviations: beyond, codes are of no person."""
CODES, HEAD = "identity", "head_sha256"
REMEDY = "name a tracking.npz of this head, or save the codes alone: numpy.save('codes.npy', codes)"


@dataclass(frozen=True)
class Given:
    """What is known beforehand; what is None is sought.

    Attributes:
        focal: Focal length in pixels of the frames, not of the video.
        identity: Codes of the person, in standard deviations.
    """

    focal: float | None = None
    identity: Float[ndarray, " K"] | None = None


def read_given(
    clip: str, manifest: Manifest, frames: Path, head: HeadContainer, *, focal: float | None, identity: Path | None
) -> Given:
    """Return what is known of a clip, in the frames' own units.

    Args:
        clip: Name of the clip.
        manifest: Of the frames: how many of their pixels are one of the video's.
        frames: Where that stands, for messages.
        head: The head that is tracked.
        focal: Focal length in pixels of the video, upright and with square pixels.
        identity: A ``tracking.npz`` of the head, an ``.npz`` with ``identity (K)``, or a ``.npy`` of codes ``(K)``.

    Raises:
        UserError: The frames are no cut of the video with one scale, or the codes cannot be read or are not of this head.
    """
    own = None if focal is None else focal * scale_of(clip, manifest, frames)
    return Given(own, None if identity is None else read_identity(clip, identity, head))


def scale_of(clip: str, manifest: Manifest, frames: Path) -> float:
    """Return how many pixels of the frames are one of the video's.

    Raises:
        UserError: Each frame is a square of its own (crop ``aligned``), or the manifest does not say.
    """
    if manifest.details.get("aligned"):
        what = "a focal length is given, but each frame is cut and turned in its own way (crop `aligned`): no camera sees all"
        raise UserError(what, clip=clip, file=frames, remedy="set the crop to `face`, or leave the column `focal` blank")
    scale = manifest.details.get("scale")
    if not isinstance(scale, int | float) or not 0 < scale < math.inf:
        what = "a focal length is given in pixels of the video, and the frames do not say how many of theirs those are"
        raise UserError(what, clip=clip, file=frames, remedy=f"delete {frames} and run snakemake again: they are cut anew")
    return float(scale)


def read_identity(clip: str, path: Path, head: HeadContainer) -> Float[ndarray, " K"]:
    """Return the codes of a person from a file.

    Raises:
        UserError: It cannot be read, is of another head, or holds no codes of this one.
    """
    codes, made_with = _read(clip, path)
    if made_with is not None and made_with != head.sha256:
        what = (
            f"the identity is of another head ({made_with[:12]}) than {head.name} ({head.sha256[:12]}), and means nothing here"
        )
        raise UserError(what, clip=clip, file=path, remedy="name the tracking of a clip that was made with this head")
    count = len(head.identity)
    if codes.dtype.kind not in "fiu" or codes.shape != (count,):
        what = f"the identity is {codes.dtype} of the shape {codes.shape}; the head {head.name} has {count} codes"
        raise UserError(what, clip=clip, file=path, remedy=REMEDY)
    if not (np.abs(codes) <= LARGEST_CODE).all():
        what = f"the identity holds numbers that are not finite or beyond {LARGEST_CODE:g} standard deviations"
        raise UserError(what, clip=clip, file=path, remedy=REMEDY)
    return codes.astype(np.float64)


def _read(clip: str, path: Path) -> tuple[ndarray, str | None]:
    """Return what a file has for codes, and the head that it says they are of."""
    try:
        if path.suffix == ".npy":
            check_array(path, MOST_BYTES)
            return np.load(path, allow_pickle=False), None
        check_arrays(path, (CODES, HEAD), MOST_BYTES)
        with np.load(path, allow_pickle=False) as content:
            return content[CODES], str(content[HEAD]) if HEAD in content.files else None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"the identity cannot be read: {error}", clip=clip, file=path, remedy=REMEDY) from error


def with_given(problem: ClipProblem, given: Given) -> ClipProblem:
    """Return the problem with what is given as beliefs that hardly bend."""
    priors = problem.priors
    if given.focal is not None:
        priors = replace(priors, log_focal=(math.log(given.focal), CERTAIN))
    if given.identity is not None:
        priors = replace(priors, identity_mean=torch.from_numpy(given.identity), identity=CERTAIN)
    return replace(problem, priors=priors)
