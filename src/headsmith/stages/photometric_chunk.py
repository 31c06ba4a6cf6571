"""A round of the refinement measured in a chunk of a clip, by a job of its own."""

from pathlib import Path

import torch

from headsmith.contract.chunks import share
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.model import HeadModel
from headsmith.stages.photometric_file import read_round, write_shifts
from headsmith.stages.photometric_problem import tracked_well
from headsmith.stages.photometric_scene import face_anchors, open_scene
from headsmith.stages.photometric_shifts import Shifts


def measure_shifts_chunk(
    *,
    clip: str,
    frames: Path,
    parsing: Path,
    head: Path,
    begun: Path,
    chunk: str,
    output: Path,
    settings: TrackingSettings,
    threads: int,
) -> None:
    """Measure a chunk's share of the frames that were tracked well; each by itself, so that where they are cut changes nothing.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames of the whole clip.
        parsing: Manifest of their label maps.
        head: The head container.
        begun: The round, of ``begin_round``.
        chunk: Name of the chunk.
        output: The ``.npz`` to write.
        settings: The stage's settings.
        threads: Threads; the number changes no result.

    Raises:
        UserError: An input cannot be read, inputs do not belong together, or the renderer cannot be opened.
    """
    torch.set_num_threads(1)
    now = read_round(begun, clip)
    places = list(share(chunk, tracked_well(now.track)))
    found: dict[int, Shifts] = {}
    if now.size and places:
        model = HeadModel.load(head, torch.float64)
        parts = {"anchors": face_anchors(model.container, clip, head), "frames": frames, "parsing": parsing, "beside": output}
        with open_scene(clip=clip, model=model, **parts, settings=settings, threads=threads, places=places) as scene:
            what = f"{now.heading(clip, settings)}, {chunk}"
            found = dict(scene.measured(now.track, now.skin, now.size, now.deviation, places, what))
    write_shifts(output, now.number, places, found)
