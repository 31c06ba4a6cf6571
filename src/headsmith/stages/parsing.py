"""A label for each pixel: one of the 19 face-parsing classes."""

from pathlib import Path

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import ParsingSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.progress import progress
from headsmith.nets.bisenet import BiSeNet
from headsmith.nets.parallel import map_in_order


def parse_faces(*, clip: str, frames: Path, network: Path, manifest: Path, settings: ParsingSettings, threads: int) -> None:
    """Write a label map (ids of ``contract.labels.LABELS``, 8-bit) for every frame.

    Frames are parsed side by side, one a thread: that takes 89 ms of processor time a frame where two threads on one frame
    take 101 ms (benchmarks/networks.py), and no thread waits for another.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        network: The parsing network.
        manifest: Manifest to write; the maps go into its folder.
        settings: The stage's settings.
        threads: Frames in work at once.

    Raises:
        UserError: The frames or the network cannot be read.
    """
    parser = BiSeNet(network)
    count = read_manifest(frames, clip=clip, verify=False).count
    with FrameFolderWriter(manifest, clip) as writer:
        parsed = map_in_order(lambda frame: parser.parse(frame[1]), iterate_frames(frames, clip), threads)
        for (frame_id, _), labels in progress(parsed, count, f"{clip}: parsing"):
            writer.add(frame_id, labels)
