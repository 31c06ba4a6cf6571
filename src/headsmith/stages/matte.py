"""How much of each pixel is the person: Robust Video Matting over the stream of frames."""

from pathlib import Path

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import MatteSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.progress import progress
from headsmith.nets.rvm import Matting


def estimate_matte(*, clip: str, frames: Path, network: Path, manifest: Path, settings: MatteSettings, threads: int) -> None:
    """Write an 8-bit opacity picture for every frame.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        network: The matting network, converted for the frames' size.
        manifest: Manifest to write; the pictures go into its folder.
        settings: The stage's settings.
        threads: Threads that the network uses.

    Raises:
        UserError: The frames or the network cannot be read, or do not fit each other or the settings.
    """
    matting = Matting(network, threads)
    if abs(matting.scale - settings.downsample) > 0.005:
        what = f"the matting network works at scale {matting.scale}, the settings ask for {settings.downsample}"
        raise UserError(what, clip=clip, file=network, remedy=f"delete {network} and run again")
    count = read_manifest(frames, clip=clip, verify=False).count
    with FrameFolderWriter(manifest, clip) as writer:
        for frame_id, image in progress(iterate_frames(frames, clip), count, f"{clip}: matte"):
            alpha, _ = matting.estimate(image)
            writer.add(frame_id, np.round(alpha * 255).astype(np.uint8))
