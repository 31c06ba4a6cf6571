"""The beginning of a round of the refinement as a job of its own: the clip fitted to the round before, and its skin baked."""

from pathlib import Path

import torch

from headsmith.contract.settings import TrackingSettings
from headsmith.stages.photometric_file import write_round
from headsmith.stages.photometric_opening import Sources, judge_tracking, open_refinement, round_after


def begin_round(
    *,
    clip: str,
    frames: Path,
    parsing: Path,
    landmarks: Path,
    head: Path,
    tracking: Path,
    output: Path,
    settings: TrackingSettings,
    threads: int,
    focal: float | None = None,
    identity: Path | None = None,
    texture: Path | None = None,
    last: Path | None = None,
    shifts: list[Path] | None = None,
) -> None:
    """Begin a round, whose frames ``measure_shifts_chunk`` then measures; where nothing is left to be measured, it says so.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        parsing: Manifest of their label maps.
        landmarks: The clip's landmarks.
        head: The head container.
        tracking: The tracking by landmarks.
        output: The ``.npz`` to write.
        settings: The stage's settings.
        threads: Threads; the number changes no result.
        focal: The camera's focal length in pixels of the video's own frames; None: sought.
        identity: A file of the person's identity codes; None: sought.
        texture: ``FLAME_texture.npz``; None: skin has the clip's own colours alone.
        last: The round before; None: this is the first.
        shifts: What its chunks told, in order.

    Raises:
        UserError: An input cannot be read, inputs do not belong together, the head has no face, no skin is seen, or the
            renderer cannot be opened.
    """
    torch.set_num_threads(1)
    sources = Sources(clip, frames, parsing, landmarks, head, tracking, focal, identity, texture)
    with open_refinement(sources, output, settings, threads, measures=False) as opened:
        if last is None:
            judge_tracking(opened.refinement, parsing)
        now = round_after(opened.refinement, last, shifts)
    write_round(output, now)
