"""A matting network over one stream of frames, and the mattes of several streams put together."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest
from headsmith.contract.networks import SELFIE, brought_matting, matting_view
from headsmith.contract.settings import MatteSettings
from headsmith.maths.jumps import JumpWatch
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.progress import note, progress
from headsmith.nets.matting import Matting, open_own_rvm, open_rvm, open_selfie
from headsmith.stages.matte_chunks import Chunk, chunks_of, merged_mattes

HALF = 127
"""A pixel above this belongs to the person where mattes are compared as masks."""

Mattes = Iterable[tuple[int, UInt8[ndarray, "S S"]]]


def estimate_part(
    *,
    clip: str,
    frames: Path,
    network: Path,
    manifest: Path,
    settings: MatteSettings,
    threads: int,
    chunk: Chunk,
    verify: bool = True,
) -> None:
    """Write the mattes of a chunk and of the frames over which the chunk before fades into it.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames of the whole clip.
        network: As for ``estimate_matte``.
        manifest: Manifest to write, ``part_manifest`` of the folder of parts.
        settings: The stage's settings.
        threads: Threads that the network uses.
        chunk: One of ``chunks_of``.
        verify: Whether to check the folder of frames against its manifest.

    Raises:
        UserError: As ``estimate_matte``.
    """
    matting = open_matting(clip, frames, network, settings, threads)
    mattes = mattes_of(clip, frames, matting, chunk, verify=verify)
    with FrameFolderWriter(manifest, clip) as writer:
        for frame_id, matte in progress(mattes, chunk.last - chunk.shown, f"{clip}: matte to frame {chunk.last}"):
            writer.add(frame_id, matte)


def merge_parts(*, clip: str, frames: Path, parts: Path, manifest: Path, settings: MatteSettings) -> None:
    """Write the mattes of a clip from those of its chunks.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        parts: The folder with the manifest of each chunk, ``part_manifest``.
        manifest: Manifest to write.
        settings: The stage's settings.

    Raises:
        UserError: A part is missing, broken, or of other frames.
    """
    chunks = chunks_of(read_manifest(frames, clip=clip, verify=False).count, settings.chunk)
    files = [part_manifest(parts, chunk) for chunk in chunks]
    merge_files(clip=clip, frames=frames, chunks=chunks, files=files, manifest=manifest, settings=settings)


def merge_files(
    *, clip: str, frames: Path, chunks: Sequence[Chunk], files: Sequence[Path], manifest: Path, settings: MatteSettings
) -> None:
    """Write the mattes of a clip from those of its streams.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        chunks: The streams, in order.
        files: The manifest of each.
        manifest: Manifest to write.
        settings: The stage's settings.

    Raises:
        UserError: A part is missing, broken, or of other frames.
    """
    ids = read_manifest(frames, clip=clip, verify=False).ids
    for chunk, file in zip(chunks, files, strict=True):
        if read_manifest(file, clip=clip, verify=False).ids != ids[chunk.shown : chunk.last]:
            remedy = f"delete {file} and run again: the part is made anew"
            raise UserError("a part of the mattes does not hold the frames of its chunk", clip=clip, file=file, remedy=remedy)
    write_mattes(merged_mattes(files, clip), clip, manifest, settings)


def part_manifest(parts: Path, chunk: Chunk) -> Path:
    """Return where the manifest of a chunk lies."""
    return parts / f"{chunk.first:06d}.json"


def open_matting(clip: str, frames: Path, network: Path, settings: MatteSettings, threads: int) -> Matting:
    """Return the network that the settings name, ready for the clip's frames.

    Raises:
        UserError: It cannot be opened, or does not fit the frames or the settings.
    """
    try:
        if settings.network == SELFIE:
            return open_selfie(network, threads)
        size, _ = read_manifest(frames, clip=clip, verify=False).size
        view = matting_view(size, settings.downsample, settings.enlarge)
        own = brought_matting(settings.network, settings.weights) is not None
        return open_own_rvm(network, *view, threads) if own else open_rvm(network, *view, threads)
    except UserError as error:
        raise UserError(error.what, clip=clip, file=error.file or network, remedy=error.remedy) from error


def mattes_of(
    clip: str, frames: Path, matting: Matting, chunk: Chunk, *, verify: bool
) -> Iterator[tuple[int, UInt8[ndarray, "S S"]]]:
    """Yield frame id and matte from the first frame that a chunk shows; the stream begins earlier."""
    ids = read_manifest(frames, clip=clip, verify=False).ids
    whole = chunk.begin == 0 and chunk.last == len(ids)
    chosen = ids[chunk.begin : chunk.last]
    stream = iterate_frames(frames, clip, ids=None if whole else chosen, verify=verify)
    mattes = zip(chosen, matting.mattes(image for _, image in stream), strict=True)
    for place, (frame_id, matte) in enumerate(mattes, start=chunk.begin):
        if place >= chunk.shown:
            yield frame_id, matte


def write_mattes(mattes: Mattes, clip: str, manifest: Path, settings: MatteSettings) -> None:
    """Write mattes and their manifest, with the jumps among them; tell of these."""
    watch = JumpWatch(settings.min_overlap)
    with FrameFolderWriter(manifest, clip) as writer:
        for frame_id, matte in mattes:
            writer.add(frame_id, matte)
            watch.add(frame_id, matte > HALF)
        writer.details["jumps"] = watch.jumps
    if watch.jumps:
        shown = ", ".join(str(frame_id) for frame_id, _ in watch.jumps[:8])
        note(f"{clip}: matte: {len(watch.jumps)} frames differ much from the one before ({shown}): look at its quality picture")
