"""Names of head models, of the programs whose results are read, and of what is exported; one word each, everywhere."""

from dataclasses import dataclass
from typing import Final

from headsmith.contract.errors import UserError

HEADS: Final = ("anny", "flame2020", "flame2023", "flame2023_open")
"""Head models. Those of FLAME share their triangles, and nothing else: codes of one mean something else on another."""

FLAME_HEADS: Final = tuple(name for name in HEADS if name.startswith("flame"))


@dataclass(frozen=True)
class Tracker:
    """A program whose results can stand in the place of our own tracking.

    Attributes:
        title: What people call it.
        heads: The head models that its codes are codes of.
        files: What its results are, for messages and the docs.
    """

    title: str
    heads: tuple[str, ...]
    files: str


SOLVE: Final = "solve"
"""``tracking.source`` of our own solver."""

TRACKERS: Final[dict[str, Tracker]] = {
    "headsmith": Tracker("headsmith", HEADS, "a tracking.npz"),
    "flame_head_tracker": Tracker("flame-head-tracker", ("flame2020",), "a folder of <frame>.npz"),
    "metrical_tracker": Tracker("metrical-tracker", ("flame2020",), "a folder of <frame>.frame (its checkpoint folder)"),
    "smirk": Tracker("SMIRK", ("flame2020",), "a folder of <frame>.npz: its outputs, with `tform`, `width` and `height`"),
    "sheap": Tracker("SHeaP", ("flame2020",), "a folder of <frame>.npz: its outputs, with `bbox`, `width` and `height`"),
    "vhap": Tracker(
        "VHAP", ("flame2023",), "a tracked_flame_params_<epoch>.npz or its folder, or the export for GaussianAvatars"
    ),
    "pixel3dmm": Tracker(
        "Pixel3DMM", ("flame2020",), "a folder of <frame>.frame (its checkpoint folder), with the crop's file"
    ),
    "deca": Tracker(
        "DECA", ("flame2020",), "a folder of <frame>.npz or .mat: its codedict, with `tform`, `width` and `height`"
    ),
    "emoca": Tracker("EMOCA", ("flame2020",), "a folder of <frame>.npz or .mat: its codes, with `tform`, `width` and `height`"),
    "blendshapes": Tracker("MediaPipe blendshapes", ("anny",), "a table (.csv): `frame`, scores, and the matrix m00 to m33"),
}
"""Values of ``tracking.source`` beside ``SOLVE``."""

ALIGNED_SOURCES: Final = ("flame_head_tracker", "headsmith")
"""Values of ``tracking.source`` that frames go with that are turned and cut each for itself: flame-head-tracker's camera fits
such squares alone, and a tracking of ours may have been made of it."""

MESHES: Final = ("obj", "ply", "glb")
TABLES: Final = ("csv", "parquet", "mat", "npz", "keypoints")
TRAINERS: Final = ("insta", "gaussian_avatars", "imavatar", "flame_head_tracker")
EXPORTS: Final = (*MESHES, *TABLES, *TRAINERS)
"""What a clip can be exported as, beside FlashAvatar's layout, which is the stage dataset."""


def check_codes(source: str, head: str) -> None:
    """Accept a head model that the codes of ``tracking.source`` are codes of; our own solver takes any.

    Raises:
        UserError: They are another's.
    """
    if source == SOLVE or head in TRACKERS[source].heads:
        return
    tracker, meant = TRACKERS[source], TRACKERS[source].heads[0]
    remedy = (
        f"set heads.model to {meant}; for {head}, also set conversion.to to {head}, run `snakemake convert_head`, and take "
    )
    remedy += f"its result: tracking.source headsmith, heads.model {head}, and the file in the column `tracking`"
    raise UserError(f"{tracker.title}'s codes are of the head {meant}, and heads.model is {head}", remedy=remedy)
