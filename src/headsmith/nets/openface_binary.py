"""OpenFace's own programs, which the user has built, as a detector: pictures or a video in, its tables out.

Programs are run by argument lists, never through a shell, in a process group of their own that a time limit ends whole. One
process looks at all pictures of a call, or at a whole video: starting it, it loads its networks for seconds.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.media.images import write_image
from headsmith.nets.openface_table import OpenFaceOutputError, OpenFaceTable, read_table

IMAGES, VIDEOS = "FaceLandmarkImg", "FeatureExtraction"
"""The program for pictures, each by itself and with all its faces, and that for videos of one face."""
FEATURES = ("-2Dfp", "-3Dfp", "-pdmparams", "-pose", "-aus", "-gaze")
"""All numbers, and none of the pictures and videos that the programs write unless they are told what to."""
TIME_LIMIT = 600.0
MOST_TOLD = 2000
"""Signs of what a program said last that are shown."""
REMEDY = "see that the program runs by itself, with its models beside it (model/, download_models.sh)"


class OpenFaceAbsentError(UserError):
    """The program is not there, or cannot be started."""


class OpenFaceFailedError(UserError):
    """The program ended with an error."""


class OpenFaceKilledError(UserError):
    """A signal ended the program: it crashed, or was killed."""


class OpenFaceTimeoutError(UserError):
    """The program took longer than allowed."""


class NoFaceFoundError(UserError):
    """The program saw no face."""


class OpenFaceDetector:
    """OpenFace's programs.

    Args:
        binary: ``FaceLandmarkImg`` or ``FeatureExtraction``, or the folder that has them; what is not a path is looked for
            where the shell would.
        time_limit: Seconds that one run may take.

    Raises:
        OpenFaceAbsentError: Neither program is there.
    """

    def __init__(self, binary: str | Path, time_limit: float = TIME_LIMIT) -> None:
        self._programs = find_programs(binary)
        self._limit = time_limit

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> tuple[Float[ndarray, "68 2"], float]:
        """Return the landmarks of the most certain face in an RGB picture, in pixels (a pixel's centre at +0.5), and 0..1.

        Raises:
            NoFaceFoundError: There is none.
            UserError: The program is absent, failed, was killed, took too long, or wrote what cannot be read.
        """
        (table,) = self.detect_images([image])
        if not (table.success > 0).any():
            raise NoFaceFoundError(
                "OpenFace sees no face in the picture", remedy="show it a picture with a face, not too small"
            )
        best = int(np.where(table.success > 0, table.confidence, -1).argmax())
        return table.landmarks[best], float(table.confidence[best])

    def detect_images(self, images: Sequence[UInt8[ndarray, "H W 3"]]) -> list[OpenFaceTable]:
        """Return the faces in each RGB picture, a row each, none where there is none; one process looks at all.

        Raises:
            UserError: As ``detect``, but for pictures without a face.
        """
        with tempfile.TemporaryDirectory(prefix="openface-") as folder:
            pictures, tables = Path(folder) / "pictures", Path(folder) / "tables"
            pictures.mkdir()
            names = [f"{number:06d}" for number in range(len(images))]
            for name, image in zip(names, images, strict=True):
                write_image(pictures / f"{name}.png", image)
            if images:
                self._run(IMAGES, ["-fdir", str(pictures)], tables)
            return [read_table(tables / f"{name}.csv") for name in names]

    def detect_video(self, path: str | Path) -> OpenFaceTable:
        """Return what OpenFace tracks in a video, a row for each frame; ``success`` is 0 where it saw no face.

        Raises:
            NoFaceFoundError: It saw a face in no frame.
            UserError: The video is not there; or as ``detect``.
        """
        video = Path(path)
        if not video.is_file():
            raise UserError("the video is not there", file=video, remedy="correct its path")
        with tempfile.TemporaryDirectory(prefix="openface-") as folder:
            tables = Path(folder) / "tables"
            self._run(VIDEOS, ["-f", str(video.absolute()), "-of", "video"], tables)
            table = read_table(tables / "video.csv")
        if (np.diff(table.frame) != 1).any():
            raise OpenFaceOutputError("frames are missing in the output of OpenFace", file=video, remedy="run it again")
        if not (table.success > 0).any():
            remedy = "show it a video with a face, not too small"
            raise NoFaceFoundError("OpenFace sees no face in any frame", file=video, remedy=remedy)
        return table

    def _run(self, name: str, arguments: list[str], output: Path) -> None:
        program = self._programs.get(name)
        if program is None:
            others = ", ".join(str(path) for path in self._programs.values())
            raise OpenFaceAbsentError(f"OpenFace's {name} is not there, {others} alone", remedy="name the folder that has both")
        run_program([str(program), *arguments, "-out_dir", str(output), *FEATURES, "-q"], self._limit)


def find_programs(binary: str | Path) -> dict[str, Path]:
    """Return OpenFace's programs by name, those that are there.

    Raises:
        OpenFaceAbsentError: There is none.
    """
    place = Path(binary)
    if not place.exists() and (found := shutil.which(str(binary))):
        place = Path(found)
    folder = place if place.is_dir() else place.parent
    endings = ("", ".exe")
    programs = {
        name: folder / f"{name}{end}" for end in endings for name in (IMAGES, VIDEOS) if (folder / f"{name}{end}").is_file()
    }
    if not place.exists() or not programs:
        remedy = f"build OpenFace, and name the folder that has {IMAGES} and {VIDEOS} (landmarks.openface)"
        raise OpenFaceAbsentError("OpenFace's programs are not there", file=place, remedy=remedy)
    return {name: path.absolute() for name, path in programs.items()}


def run_program(command: list[str], limit: float) -> None:
    """Run a program to its end; what it says is kept in a file, of which errors show the last lines.

    Raises:
        OpenFaceAbsentError: It cannot be started.
        OpenFaceFailedError: It ended with an error.
        OpenFaceKilledError: A signal ended it.
        OpenFaceTimeoutError: It took more than ``limit`` seconds; it and what it started are ended.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            what = f"OpenFace cannot be started: {error.strerror}"
            raise OpenFaceAbsentError(
                what, file=command[0], remedy="see that it may be executed, and was built here"
            ) from error
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired as error:
            what = f"OpenFace did not end within {limit:g} s{_last_words(said)}"
            raise OpenFaceTimeoutError(what, file=command[0], remedy="allow it more time, or show it less") from error
        finally:
            _end(process)
        if status < 0:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
            raise OpenFaceKilledError(f"{name} ended OpenFace{_last_words(said)}", file=command[0], remedy=REMEDY)
        if status > 0:
            raise OpenFaceFailedError(f"OpenFace ended with status {status}{_last_words(said)}", file=command[0], remedy=REMEDY)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a program's process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(said: "tempfile._TemporaryFileWrapper[bytes]") -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - MOST_TOLD))
    words = said.read().decode("utf-8", "replace").strip()
    return f"; it said:\n{words}" if words else ", and said nothing"
