"""The mattes of a chunk of a clip, made by a job of its own: one or more of the clip's streams."""

from pathlib import Path

from headsmith.contract.chunks import count_of, share
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import MatteSettings
from headsmith.media.atomic import atomic_folder
from headsmith.stages.matte_chunks import streams_of
from headsmith.stages.matte_streams import estimate_part, part_manifest


def estimate_matte_chunk(
    *, clip: str, frames: Path, network: Path, chunk: str, folder: Path, settings: MatteSettings, threads: int
) -> None:
    """Write the mattes of a chunk's streams, each warmed up over its halo (``matte_chunks``).

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames of the whole clip; the first stream checks its folder.
        network: As for ``estimate_matte``.
        chunk: Name of the chunk.
        folder: The folder to write, for ``estimate_matte``; empty where the clip has fewer streams than chunks.
        settings: The stage's settings.
        threads: Threads that the network uses.

    Raises:
        UserError: As ``estimate_matte``.
    """
    streams = streams_of(read_manifest(frames, clip=clip, verify=False).count, settings.chunk, count_of(chunk))
    how = {"clip": clip, "frames": frames, "network": network, "settings": settings, "threads": threads}
    with atomic_folder(folder) as partial:
        for stream in share(chunk, streams):
            estimate_part(**how, manifest=part_manifest(partial, stream), chunk=stream, verify=stream.first == 0)
