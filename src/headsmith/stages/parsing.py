"""A label for each pixel: one of the 19 face-parsing classes."""

from pathlib import Path

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import ParsingSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import progress
from headsmith.nets.parsers import Parser


def parse_faces(*, clip: str, frames: Path, network: Path, manifest: Path, settings: ParsingSettings, threads: int) -> None:
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

    Raises:
        UserError: The frames or the network cannot be read, or the order of the network's labels is not known.
    """
    parser = Parser(network, order=settings.label_order)
    count = read_manifest(frames, clip=clip, verify=False).count
    details = {"network": Path(network).stem, "label_order": parser.order}
    with FrameFolderWriter(manifest, clip, details=details, flat=True) as writer:
        parsed = map_in_order(lambda frame: parser.parse(frame[1]), iterate_frames(frames, clip), threads)
        for (frame_id, _), labels in progress(parsed, count, f"{clip}: parsing"):
            writer.add(frame_id, labels)
