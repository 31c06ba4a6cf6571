"""What OpenFace's programs write about faces: the columns of their CSV files as arrays, and as a table of pandas'.

The names are those of OpenFace 2.2 (wiki, *Output Format*). They may come in any order, with or without spaces around them, and
whole groups may be absent, because options of the programs leave them out; a group of which only a part is there is an error.
"""

import csv
import io
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.archives import file_size
from headsmith.contract.errors import UserError

LARGEST_FILE = 2**31
MOST_COLUMNS = 4096
UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")
"""Action units with an intensity, 0..5."""
PRESENT_UNITS = (*UNITS[:16], "28", "45")
"""Action units that are there or not."""
_AXES = ("X", "Y", "Z")

GROUPS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "landmarks": ((68, 2), tuple(f"{axis}_{point}" for point in range(68) for axis in "xy")),
    "landmarks_in_space": ((68, 3), tuple(f"{axis}_{point}" for point in range(68) for axis in _AXES)),
    "pose": ((6,), tuple(f"pose_{name}" for name in ("Tx", "Ty", "Tz", "Rx", "Ry", "Rz"))),
    "gaze": ((2, 3), tuple(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz")),
    "gaze_angle": ((2,), ("gaze_angle_x", "gaze_angle_y")),
    "eye_landmarks": ((56, 2), tuple(f"eye_lmk_{axis}_{point}" for point in range(56) for axis in "xy")),
    "eye_landmarks_in_space": ((56, 3), tuple(f"eye_lmk_{axis}_{point}" for point in range(56) for axis in _AXES)),
    "global_parameters": ((6,), tuple(f"p_{name}" for name in ("scale", "rx", "ry", "rz", "tx", "ty"))),
    "local_parameters": ((34,), tuple(f"p_{mode}" for mode in range(34))),
    "unit_intensities": ((17,), tuple(f"AU{unit}_r" for unit in UNITS)),
    "unit_presences": ((18,), tuple(f"AU{unit}_c" for unit in PRESENT_UNITS)),
}
"""Shape and columns of each group. Landmarks in pixels, in space and translations in millimetres, rotations and angles in
radians, gaze as unit vectors in the camera's axes; the subject's left eye is 0."""
_SINGLE = ("frame", "face_id", "face", "timestamp", "confidence", "success")


class OpenFaceOutputError(UserError):
    """What OpenFace wrote cannot be read."""


@dataclass(frozen=True)
class OpenFaceTable:
    """The rows of a file: frames of a video, or faces of a picture.

    Attributes:
        names: All columns of the file, in its order, without spaces.
        values: The whole table; text that is no number does not occur.
        frame: Number of the frame, from 1; of pictures, of the face, from 0.
        timestamp: Seconds; 0 where the file tells none.
        confidence: 0..1.
        success: Whether the face was tracked; of pictures, whether its confidence is above 0.
        groups: By name of ``GROUPS``, ``(N, ...)``, those that the file has.
    """

    names: tuple[str, ...]
    values: Float[ndarray, "N C"]
    frame: Int[ndarray, " N"]
    timestamp: Float[ndarray, " N"]
    confidence: Float[ndarray, " N"]
    success: Int[ndarray, " N"]
    groups: dict[str, Float[ndarray, "N *_"]]

    @property
    def landmarks(self) -> Float[ndarray, "N 68 2"]:
        """The 68 points in pixels; the centre of a pixel is at +0.5, as everywhere here, where OpenFace's is at +0."""
        return self.groups["landmarks"] + 0.5

    def table(self) -> Any:
        """Return the file as a ``DataFrame`` of pandas', with its own numbers and names.

        Pandas is loaded by name: the environment in which frames are looked at does not have it, nor needs it.
        """
        return import_module("pandas").DataFrame(self.values, columns=list(self.names))


def read_table(path: Path) -> OpenFaceTable:
    """Return what a CSV file of FeatureExtraction or FaceLandmarkImg says; of no rows where it has a header alone.

    Raises:
        OpenFaceOutputError: The file is missing, empty, cut off, or no such table.
    """
    try:
        file_size(path, LARGEST_FILE)
        text = path.read_bytes().decode("ascii")
        names, values = _parse(text)
        return _arrange(names, values)
    except (OSError, ValueError) as error:
        remedy = "run OpenFace again; if its disk was full or it was stopped, its output is incomplete"
        raise OpenFaceOutputError(f"the output of OpenFace cannot be read: {error}", file=path, remedy=remedy) from error


def _parse(text: str) -> tuple[tuple[str, ...], Float[ndarray, "N C"]]:
    if not text.strip():
        raise ValueError("it is empty")
    if not text.endswith("\n"):
        raise ValueError("it is cut off: its last line has no end")
    rows = csv.reader(io.StringIO(text))
    names = tuple(name.strip() for name in next(rows))
    if len(names) > MOST_COLUMNS or len(set(names)) < len(names):
        raise ValueError(f"its header has {len(names)} columns, of which {len(set(names))} have names of their own")
    values = []
    for number, row in enumerate(rows, start=2):
        if not row or row == [""]:
            continue
        if len(row) != len(names):
            raise ValueError(f"line {number} has {len(row)} of {len(names)} columns: it is cut off or damaged")
        values.append([_number(word, names[place], number) for place, word in enumerate(row)])
    return names, np.array(values, np.float64).reshape(len(values), len(names))


def _number(word: str, name: str, line: int) -> float:
    try:
        return float(word)
    except ValueError as error:
        raise ValueError(f"line {line} has {word.strip()[:40]!r} for {name}") from error


def _arrange(names: tuple[str, ...], values: Float[ndarray, "N C"]) -> OpenFaceTable:
    place = {name: column for column, name in enumerate(names)}
    if "confidence" not in place or "x_0" not in place:
        raise ValueError("it has no columns `confidence` and `x_0`: it is no table of faces with landmarks (-2Dfp)")
    groups = {}
    for group, (shape, columns) in GROUPS.items():
        lacking = [name for name in columns if name not in place]
        if lacking and len(lacking) < len(columns):
            raise ValueError(
                f"of the columns for {group.replace('_', ' ')}, {len(lacking)} are missing, the first {lacking[0]}"
            )
        if not lacking:
            groups[group] = values[:, [place[name] for name in columns]].reshape(-1, *shape)
    single = {name: values[:, place[name]] for name in _SINGLE if name in place}
    confidence = single["confidence"]
    success = single.get("success", (confidence > 0).astype(np.float64))
    number = single.get("frame", single.get("face", np.arange(len(values), dtype=np.float64)))
    _check(groups["landmarks"], number, confidence, success)
    timestamp = single.get("timestamp", np.zeros(len(values)))
    return OpenFaceTable(names, values, number.astype(np.int64), timestamp, confidence, success.astype(np.int64), groups)


def _check(
    landmarks: Float[ndarray, "N 68 2"],
    number: Float[ndarray, " N"],
    confidence: Float[ndarray, " N"],
    success: Float[ndarray, " N"],
) -> None:
    if not np.isfinite(np.stack([number, confidence, success])).all():
        raise ValueError("a frame's number, confidence or success is not finite")
    if not np.isfinite(landmarks[success > 0]).all():
        raise ValueError("a face that was found has landmarks that are not finite")
    if (confidence < 0).any() or (confidence > 1).any():
        raise ValueError("a confidence is not within 0..1")
