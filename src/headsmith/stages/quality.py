"""One picture a stage, so that a person sees what each has made before hours are spent on it.

Every picture is a contact sheet of frames spread evenly over the clip, with a note that says how to read it.
"""

from collections.abc import Callable
from pathlib import Path

from headsmith.contract.settings import QualitySettings
from headsmith.media.atomic import atomic_path
from headsmith.media.images import write_image
from headsmith.stages.quality_frames import show_frames
from headsmith.stages.quality_landmarks import show_landmarks
from headsmith.stages.quality_masks import show_masks
from headsmith.stages.quality_matte import show_matte
from headsmith.stages.quality_parsing import show_parsing
from headsmith.stages.quality_parts import Picture
from headsmith.stages.quality_renders import show_renders
from headsmith.stages.quality_tracking import show_tracking
from headsmith.stages.quality_training import show_training

SHEETS: dict[str, Callable[[str, str, dict[str, Path], QualitySettings], Picture]] = {
    "frames": show_frames,
    "landmarks": show_landmarks,
    "matte": show_matte,
    "parsing": show_parsing,
    "masks": show_masks,
    "tracking": show_tracking,
    "training": show_training,
    "renders": show_renders,
}


def draw_quality(
    *, clip: str, picture: str, inputs: dict[str, Path | list[Path]], output: Path, settings: QualitySettings
) -> None:
    """Draw the quality picture of one stage.

    Args:
        clip: Name of the clip.
        picture: ``frames``, ``landmarks``, ``matte``, ``parsing``, ``masks``, ``tracking``,
            ``training-<variant>`` or ``renders-<variant>``.
        inputs: ``frames`` (manifest), and by picture: ``landmarks`` (npz); ``matte``; ``parsing``; ``mouth_masks`` and
            ``head_masks``; ``tracking`` (npz), ``tracking_summary``, ``landmarks`` and ``head`` (npz); ``curve`` (alone);
            ``renders``. Manifests stand for their folders.
        output: The PNG.
        settings: How many frames, in how many columns.

    Raises:
        UserError: An input is missing, broken or does not fit the others.
        ValueError: There is no such picture.
    """
    kind = picture.partition("-")[0]
    if kind not in SHEETS:
        raise ValueError(f"there is no picture {picture!r}")
    sheet = SHEETS[kind](
        clip, picture, {word: Path(path) for word, path in inputs.items() if not isinstance(path, list)}, settings
    )
    with atomic_path(output) as partial:
        write_image(partial, sheet)
