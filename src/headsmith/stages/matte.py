"""How much of each pixel is the person: a matting network over the stream of frames."""

import shutil
from pathlib import Path

from headsmith.contract.chunks import chunk_names, share
from headsmith.contract.manifest import folder_of, read_manifest
from headsmith.contract.settings import MatteSettings
from headsmith.media.progress import progress
from headsmith.stages.matte_chunks import chunks_of, streams_of
from headsmith.stages.matte_streams import (
    estimate_part,
    mattes_of,
    merge_files,
    merge_parts,
    open_matting,
    part_manifest,
    write_mattes,
)


def estimate_matte(
    *,
    clip: str,
    frames: Path,
    network: Path,
    manifest: Path,
    settings: MatteSettings,
    threads: int,
    chunks: list[Path] | None = None,
) -> None:
    """Write an 8-bit opacity picture for every frame.

    Frames whose person overlaps less than ``settings.min_overlap`` with that of the frame before are kept in the manifest, as
    ``jumps``: pairs of frame id and overlap. The number of threads changes no byte.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        network: The matting network: converted for the frames' size, or the user's own that ``settings.weights`` names.
        manifest: Manifest to write; the pictures go into its folder.
        settings: The stage's settings.
        threads: Threads that the network uses.
        chunks: Folders of ``estimate_matte_chunk``, of all the clip's chunks in order; None: all is done here.

    Raises:
        UserError: The frames or the network cannot be read, or do not fit each other or the settings.
    """
    count = read_manifest(frames, clip=clip, verify=False).count
    if chunks:
        merge_chunks(clip, frames, chunks, manifest, settings)
        return
    streams = chunks_of(count, settings.chunk)
    if len(streams) == 1:
        matting = open_matting(clip, frames, network, settings, threads)
        mattes = mattes_of(clip, frames, matting, streams[0], verify=True)
        write_mattes(progress(mattes, count, f"{clip}: matte"), clip, manifest, settings)
        return
    folder = folder_of(manifest)
    parts = folder.with_name(f".{folder.name}.parts")
    shutil.rmtree(parts, ignore_errors=True)
    try:
        for chunk in streams:
            part = {"manifest": part_manifest(parts, chunk), "chunk": chunk, "verify": chunk.first == 0}
            estimate_part(clip=clip, frames=frames, network=network, settings=settings, threads=threads, **part)
        merge_parts(clip=clip, frames=frames, parts=parts, manifest=manifest, settings=settings)
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def merge_chunks(clip: str, frames: Path, folders: list[Path], manifest: Path, settings: MatteSettings) -> None:
    """Write the mattes of a clip from what jobs of their own have made of its chunks.

    Raises:
        UserError: A part is missing, broken, or of other frames.
    """
    streams = streams_of(read_manifest(frames, clip=clip, verify=False).count, settings.chunk, len(folders))
    parts = [(folder, share(name, streams)) for name, folder in zip(chunk_names(len(folders)), folders, strict=True)]
    files = [part_manifest(folder, stream) for folder, own in parts for stream in own]
    merge_files(clip=clip, frames=frames, chunks=streams, files=files, manifest=manifest, settings=settings)
