"""Training that starts from FlashAvatar's checkpoint file, `chkpnt<it>.pth`."""

import zlib
from pathlib import Path
from pickle import UnpicklingError
from typing import Final

import torch

from headsmith.contract.archives import open_archive
from headsmith.contract.errors import UserError
from headsmith.splat.flashavatar import FlashAvatar
from headsmith.splat.flashavatar_checkpoint import read_content

MOST_BYTES: Final = 2**30
"""Of a file, unpacked; one of 13,453 Gaussians has 15 million, one of 512 x 512 texels 160 million."""

REMEDY: Final = "name a `chkpnt<iteration>.pth` that FlashAvatar wrote for this subject, of the same head, UV map and texels"


def start_from(path: Path, clip: str, avatar: FlashAvatar, optimiser: torch.optim.Adam) -> int:
    """Make an avatar and its optimiser what a checkpoint holds; return the images that it was shown.

    Nothing in the file is run (``weights_only``), and it is bounded before it is read.

    Raises:
        UserError: The file is missing, is no checkpoint, or belongs to another head or map.
    """
    try:
        with open_archive(path, MOST_BYTES) as archive:
            fault = archive.testzip()
        if fault is not None:
            raise ValueError(f"its member {ascii(fault)[:40]} is spoilt")
        content = torch.load(path, map_location="cpu", weights_only=True)
        return read_content(content, avatar, optimiser)
    except (OSError, RuntimeError, ValueError, TypeError, LookupError, EOFError, AttributeError) as error:
        raise _refused(error, path, clip) from error
    except (UnpicklingError, zlib.error, NotImplementedError) as error:
        raise _refused(error, path, clip) from error


def _refused(error: Exception, path: Path, clip: str) -> UserError:
    told = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return UserError(f"no training can start from this checkpoint: {told}", clip=clip, file=path, remedy=REMEDY)
