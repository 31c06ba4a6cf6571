"""Label maps of frames, one by one: of a whole clip, or of a chunk of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ParsingSettings
from headsmith.media.frames import iterate_frames
from headsmith.media.parallel import map_in_order
from headsmith.nets.parsers import Parser

CHUNK = "labels.json"
"""Manifest of a chunk's maps, in the chunk's folder."""

Maps = Iterator[tuple[int, UInt8[ndarray, "H W"]]]


def open_parser(network: Path, settings: ParsingSettings) -> Parser:
    """Return the network, ready for frames.

    Raises:
        UserError: It cannot be read, or the order of its labels is not known.
    """
    return Parser(network, order=settings.label_order)


def details_of(network: Path, parser: Parser) -> dict[str, str]:
    """Return what the manifest tells of where the maps come from."""
    return {"network": network.stem, "label_order": parser.order}


def label_maps(
    parser: Parser, frames: Path, clip: str, threads: int, *, ids: Sequence[int] | None = None, verify: bool = True
) -> Maps:
    """Yield the id and the labels of each frame, several parsed side by side; of all frames, or of some.

    Raises:
        UserError: The frames cannot be read.
    """
    images = iterate_frames(frames, clip, ids=ids, verify=verify)
    for (frame_id, _), labels in map_in_order(lambda frame: parser.parse(frame[1]), images, threads):
        yield frame_id, labels


def read_chunks(folders: list[Path], ids: tuple[int, ...], clip: str) -> Maps:
    """Yield the id and the labels of each frame from a clip's chunks.

    Args:
        folders: Those of the chunks, in order; one without frames holds nothing.
        ids: The clip's frames.
        clip: Name of the clip, for messages.

    Raises:
        UserError: A part is broken, or they are not of these frames.
    """
    told: list[int] = []
    for part in (folder / CHUNK for folder in folders):
        if part.exists():
            for frame_id, labels in iterate_frames(part, clip, grey=True):
                told.append(frame_id)
                yield frame_id, labels
    if tuple(told) != ids:
        remedy = f"delete {folders[0].parent} and run snakemake again: the faces are parsed anew"
        raise UserError("the chunks of the label maps are of other frames than the clip's", clip=clip, remedy=remedy)
