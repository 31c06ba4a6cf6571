"""A label for each pixel: one of the 19 face-parsing classes."""

from pathlib import Path

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import ParsingSettings
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.progress import progress
from headsmith.stages.parsing_maps import details_of, label_maps, open_parser, read_chunks


def parse_faces(
    *,
    clip: str,
    frames: Path,
    network: Path,
    manifest: Path,
    settings: ParsingSettings,
    threads: int,
    chunks: list[Path] | None = None,
) -> None:
    """Write a label map (ids of ``contract.labels.LABELS``, 8-bit) for every frame.

    Frames are parsed side by side, one a thread: threads that share one frame wait for each other (benchmarks/networks.py).
    Images are decoded a few ahead and label maps encoded behind, in threads of their own.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        network: The parsing network.
        manifest: Manifest to write; the maps go into its folder. Its details name the network and its order of labels.
        settings: The stage's settings.
        threads: Frames in work at once.
        chunks: Folders of ``parse_faces_chunk``, of all the clip's chunks in order; None: the frames are parsed here.

    Raises:
        UserError: The frames, the network or a chunk cannot be read, or the order of the network's labels is not known.
    """
    parser = open_parser(network, settings)
    ids = read_manifest(frames, clip=clip, verify=False).ids
    with FrameFolderWriter(manifest, clip, details=details_of(network, parser), flat=True) as writer:
        maps = read_chunks(chunks, ids, clip) if chunks else label_maps(parser, frames, clip, threads)
        for frame_id, labels in progress(maps, len(ids), f"{clip}: parsing"):
            writer.add(frame_id, labels)
