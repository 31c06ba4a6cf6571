"""The label maps of a chunk of a clip, made by a job of its own."""

from pathlib import Path

from headsmith.contract.chunks import is_first, share
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import ParsingSettings
from headsmith.media.atomic import atomic_folder
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.progress import progress
from headsmith.stages.parsing_maps import CHUNK, label_maps, open_parser


def parse_faces_chunk(
    *, clip: str, frames: Path, network: Path, chunk: str, folder: Path, settings: ParsingSettings, threads: int
) -> None:
    """Write the label maps of a chunk's frames. Each frame is parsed by itself: where a clip is cut changes nothing.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames of the whole clip; the first chunk checks its folder.
        network: The parsing network.
        chunk: Name of the chunk.
        folder: The folder to write, for ``parse_faces``; one without frames where the clip has fewer than chunks.
        settings: The stage's settings.
        threads: Frames in work at once.

    Raises:
        UserError: The frames or the network cannot be read, or the order of the network's labels is not known.
    """
    ids = share(chunk, read_manifest(frames, clip=clip, verify=False).ids)
    with atomic_folder(folder) as partial:
        if ids:
            maps = label_maps(open_parser(network, settings), frames, clip, threads, ids=ids, verify=is_first(chunk))
            with FrameFolderWriter(partial / CHUNK, clip, flat=True) as writer:
                for frame_id, labels in progress(maps, len(ids), f"{clip}: parsing, {chunk}"):
                    writer.add(frame_id, labels)
