"""A stand-in for OpenFace's programs: writes files of their format, and misbehaves as $OPENFACE_MOOD says.

Run as ``FaceLandmarkImg`` or ``FeatureExtraction``. It sees a face where a picture is bright, at a place that its size tells.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45")


def columns(first: list[str]) -> list[str]:
    """Return the header of a file, in OpenFace's order."""
    names = [*first, "confidence", "success"] if "frame" in first else [*first, "confidence"]
    names += [f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"] + ["gaze_angle_x", "gaze_angle_y"]
    names += [f"eye_lmk_{axis}_{point}" for axis in "xyXYZ" for point in range(56)]
    names += [f"pose_{name}" for name in ("Tx", "Ty", "Tz", "Rx", "Ry", "Rz")]
    names += [f"{axis}_{point}" for axis in "xyXYZ" for point in range(68)]
    names += [f"p_{name}" for name in ("scale", "rx", "ry", "rz", "tx", "ty", *range(34))]
    return names + [f"AU{unit}_r" for unit in UNITS] + [f"AU{unit}_c" for unit in sorted({*UNITS, "28"})]


def value(name: str, number: int, seen: bool) -> float:
    """Return what stands in a column: a number that tells the column."""
    known = {
        "frame": number + 1,
        "face": number,
        "timestamp": number / 25,
        "confidence": 0.98 if seen else 0.0,
        "success": seen,
    }
    if name in known or not seen:
        return float(known.get(name, 0))
    end = name.rpartition("_")[2]
    place = int(end) if end.isdigit() else 7
    return 100 * (ord(name[0]) % 16) + place + number / 8


def write(path: Path, first: list[str], seen: list[bool], mood: str) -> None:
    """Write a file."""
    names = columns(first)
    rows = [", ".join([f"{value(name, number, there):.3f}" for name in names]) for number, there in enumerate(seen)]
    if mood == "shuffled":
        order = sorted(range(len(names)), key=lambda place: names[place][::-1])
        rows = [",".join(row.split(", ")[place] for place in order) for row in rows]
        names = [f"   {names[place]} " for place in order]
    text = "\n".join([", ".join(names), *rows]) + "\n"
    text = {"truncated": text[: int(0.7 * len(text))], "empty": "", "garbled": text.replace("0.980", "0.98x")}.get(mood, text)
    path.write_text(text)


def main() -> None:
    """Look at what the arguments name."""
    mood, arguments = os.environ.get("OPENFACE_MOOD", ""), sys.argv[1:]
    given = {key: arguments[place + 1] for place, key in enumerate(arguments[:-1]) if key in ("-f", "-fdir", "-out_dir", "-of")}
    if mood == "fails":
        sys.exit("ERROR: Could not load the landmark detector")
    if mood == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if mood == "hangs":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(os.environ["OPENFACE_NOTE"]).write_text(str(child.pid))
        time.sleep(600)
    if note := os.environ.get("OPENFACE_CALLS"):
        with Path(note).open("a") as stream:
            stream.write(json.dumps(sys.argv) + "\n")
    out = Path(given["-out_dir"])
    out.mkdir(parents=True, exist_ok=True)
    if mood == "silent":
        return
    if "-fdir" in given:
        for picture in sorted(Path(given["-fdir"]).iterdir()):
            faces = [] if mood == "faceless" else [True, True]
            write(out / f"{picture.stem}.csv", ["face"], faces, mood)
    else:
        seen = [False] * 5 if mood == "faceless" else [True, True, False, True, True]
        write(out / f"{given['-of']}.csv", ["frame", "face_id", "timestamp"], seen, mood)


main()
