"""Every detector of landmarks on the same clips: error against truth on rendered ones, agreement on real ones, speed.

    PYTHONPATH=src python benchmarks/detectors.py --cache /tmp/truth [--frames 30] [--openface folder]

Errors are mean distances of iBUG's 68 points in percent of the distance of the outer eye corners: on rendered clips from where
the points truly are, on real ones from MediaPipe's points that stand for them. `clnf` has experts that were taught by the other
clips alone (made once, minutes each); `clnf_follow` follows the face through as many frames in a row, from a third of the clip
on; `five_points` is its model of shapes, without what experts add, laid through MTCNN's five points; `shapes` the same laid
through all 68 points that are compared with: what no fit of this model comes below. `share` is how many frames showed a face.
Clips and experts are kept in the cache (see `tracking_truth.py`); those that other code made must be deleted. The last line is
JSON.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from truth_clips import prepare_clip
from truth_motion import SCENES
from truth_sources import ROOT, SOURCES, asset, prepare_source, read_track

from headsmith.bridges.track import Track
from headsmith.contract.conventions import IBUG68
from headsmith.contract.detectors import CLNF_EXPERTS, CLNF_SHAPES, OPENFACE, TEACHERS, detector_files
from headsmith.contract.errors import UserError
from headsmith.contract.paths import HEAD
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import project
from headsmith.maths.point_distribution import PointDistribution, landmarks_of
from headsmith.maths.point_distribution_fit import fit_shapes
from headsmith.media.frames import iterate_frames
from headsmith.nets.clnf import five_points_of
from headsmith.nets.clnf_landmarker import ClnfTracker, open_clnf, through_five
from headsmith.nets.detectors import open_detector
from headsmith.nets.finders import Finder, open_finder
from headsmith.nets.mtcnn import Mtcnn
from headsmith.nets.point_distribution_file import read_point_distribution
from headsmith.stages.patch_experts import train_patch_experts
from headsmith.stages.point_distribution import build_point_distribution

REAL = ("cap12", "pexels", "single_face")
RENDERED = ("turning", "wide_lens", "long_lens", "box_turning")
MAPPED = "mediapipe68"
FINDER = "mtcnn"

Find = Callable[[np.ndarray], np.ndarray | None]
"""From a picture to the 68 points of its face, None where there is none."""


@dataclass(frozen=True)
class Clip:
    """A clip.

    Attributes:
        name: Its name.
        manifest: That of its frames.
        count: How many there are.
        truth: The true points of all of them; None: MediaPipe's are compared with.
        teacher: The video that its person is from.
    """

    name: str
    manifest: Path
    count: int
    truth: np.ndarray | None
    teacher: str


@dataclass
class Tally:
    """What a detector did: errors of each clip, frames, and seconds of wall and processor."""

    errors: dict[str, float]
    shares: dict[str, float]
    frames: int = 0
    wall: float = 0.0
    cpu: float = 0.0


def spread(count: int, frames: int) -> list[int]:
    """Return so many frames, evenly spread."""
    return np.linspace(0, count - 1, min(count, frames)).round().astype(int).tolist()


def in_a_row(count: int, frames: int) -> list[int]:
    """Return so many frames in a row, from a third of the clip on."""
    first = min(count // 3, max(count - frames, 0))
    return list(range(first, min(count, first + frames)))


def real_clip(name: str, cache: Path) -> Clip:
    """Return a real clip."""
    folder = prepare_source(name, cache, 2)
    count = json.loads((folder / "frames.json").read_text())["count"]
    return Clip(name, folder / "frames.json", count, None, SOURCES[name].asset)


def rendered_clip(name: str, cache: Path, head: Path, model: HeadModel) -> Clip:
    """Return a rendered clip, with the true places of its points."""
    folder = prepare_clip(name, cache, head, model, 2)
    truth = read_track(folder / "truth.npz")
    points = true_points(truth, model)
    return Clip(name, folder / "frames.json", len(points), points, SOURCES[SCENES[name].texture].asset)


def true_points(truth: Track, model: HeadModel) -> np.ndarray:
    """Return where the 68 points of a rendered head are in its pictures."""
    marks = model.container.embeddings[IBUG68.name]
    corners = model.container.faces[marks.faces].astype(np.int64)
    part = model.at(torch.from_numpy(corners.ravel()))
    with torch.no_grad():
        vertices = part(truth.parameters()).unflatten(1, (-1, 3))
        places = (vertices * torch.from_numpy(marks.barycentrics).to(vertices)[..., None]).sum(2)
        return project(places, truth.cameras())[0].numpy()


def experts_without(teacher: str, cache: Path, head: Path) -> dict[str, Path]:
    """Return the model and experts that one video had no part in."""
    folder = cache / "experts"
    folder.mkdir(parents=True, exist_ok=True)
    shapes, experts = folder / "PDM_68.txt", folder / f"without-{Path(teacher).stem}.npz"
    if not shapes.exists():
        build_point_distribution(head=head, output=shapes)
    if not experts.exists():
        videos = [asset(name) for name in TEACHERS if name != teacher]
        train_patch_experts(head=head, model=shapes, detector=asset("face_landmarker.task"), videos=videos, output=experts)
    return {CLNF_SHAPES: shapes, CLNF_EXPERTS: experts}


def first_face(detector: object) -> Find:
    """Return what finds the most prominent face's points with a detector of pictures."""

    def find(image: np.ndarray) -> np.ndarray | None:
        faces = detector.detect(image)
        return faces[0].points[:, :2] if faces else None

    return find


def following(tracker: ClnfTracker) -> Find:
    """Return what follows a face."""

    def find(image: np.ndarray) -> np.ndarray | None:
        face = tracker.track(image)
        return None if face is None else face.points[:, :2]

    return find


def five_points(shapes: PointDistribution, finder: Finder) -> Find:
    """Return what lays shapes through MTCNN's five points alone."""
    five = five_points_of(shapes)

    def find(image: np.ndarray) -> np.ndarray | None:
        found = finder.detect(image)
        if not found:
            return None
        return landmarks_of(shapes, through_five(five, found[0]))[0].numpy()

    return find


def through_all(shapes: PointDistribution, points: np.ndarray) -> list[np.ndarray]:
    """Return shapes laid through all points of each frame."""
    told = torch.from_numpy(points[np.isfinite(points).all((1, 2))].astype(np.float64))
    return list(landmarks_of(shapes, fit_shapes(shapes, told).parameters).numpy())


def opened(clip: Clip, cache: Path, head: Path, openface: str) -> Iterator[tuple[str, Find]]:
    """Yield the detectors by name; those whose files are not to be had are left out, with a word."""
    made = experts_without(clip.teacher, cache, head)
    for name in (MAPPED, "dlib", "fan", "clnf", "openface"):
        try:
            files = made | {part: asset(part) for part in detector_files(name, FINDER)}
            files |= {OPENFACE: Path(openface)} if openface else {}
            with open_detector(name, files, faces=FINDER, max_faces=1) as detector:
                yield name, first_face(detector)
        except UserError as error:
            print(f"{clip.name}: without {name}: {error.what}")
    finder = open_finder(FINDER, {part: asset(part) for part in detector_files("clnf", FINDER)}, 1)
    with open_clnf(made[CLNF_SHAPES], made[CLNF_EXPERTS], finder) as landmarker:
        yield "clnf_follow", following(ClnfTracker(landmarker))
        yield "five_points", five_points(read_point_distribution(made[CLNF_SHAPES]), finder)


def score(clip: Clip, frames: int, cache: Path, head: Path, openface: str, tallies: dict[str, Tally]) -> None:
    """Add what every detector does on a clip."""
    orders = {order: order(clip.count, frames) for order in (spread, in_a_row)}
    pictures = {order: read(clip, ids) for order, ids in orders.items()}
    truth = {order: None if clip.truth is None else clip.truth[ids] for order, ids in orders.items()}
    for name, find in opened(clip, cache, head, openface):
        order = in_a_row if name == "clnf_follow" else spread
        if name == MAPPED and clip.truth is None:
            truth = {kind: all_points(find, pictures[kind]) for kind in orders}
        tally = tallies.setdefault(name, Tally({}, {}))
        find(pictures[order][0])
        start, used = time.perf_counter(), time.process_time()
        found = [find(picture) for picture in pictures[order]]
        tally.wall += time.perf_counter() - start
        tally.cpu += time.process_time() - used
        tally.frames += len(found)
        errors = [miss(points, true) for points, true in zip(found, truth[order], strict=True) if points is not None]
        tally.errors[clip.name] = round(float(np.nanmean(errors)), 3) if errors else float("nan")
        tally.shares[clip.name] = round(len(errors) / len(found), 3)
        print(f"{clip.name}: {name}: {tally.errors[clip.name]:.2f} % of the eye distance, in {len(errors)} of {len(found)}")
    points = truth[spread][np.isfinite(truth[spread]).all((1, 2))]
    shapes = read_point_distribution(experts_without(clip.teacher, cache, head)[CLNF_SHAPES])
    laid = [miss(*pair) for pair in zip(through_all(shapes, points), points, strict=True)]
    tallies.setdefault("shapes", Tally({}, {})).errors[clip.name] = round(float(np.mean(laid)), 3)


def read(clip: Clip, ids: list[int]) -> list[np.ndarray]:
    """Return frames of a clip."""
    return [image for _, image in iterate_frames(clip.manifest, clip.name, ids=ids, verify=False)]


def all_points(find: Find, pictures: list[np.ndarray]) -> np.ndarray:
    """Return the points in pictures, NaN where there are none."""
    return np.stack([np.full((68, 2), np.nan) if points is None else points for points in map(find, pictures)])


def miss(points: np.ndarray, true: np.ndarray) -> float:
    """Return the mean distance of points, percent of the eye distance."""
    right, left = IBUG68.outer_eye_corners
    return float(100 * np.linalg.norm(points - true, axis=1).mean() / np.linalg.norm(true[right] - true[left]))


def time_mtcnn(clip: Clip, frames: int) -> dict[str, float]:
    """Return MTCNN's pictures a second one by one, in batches, and facenet-pytorch's where that is installed."""
    files = [asset(name) for name in ("mtcnn/pnet.pt", "mtcnn/rnet.pt", "mtcnn/onet.pt")]
    pictures = read(clip, spread(clip.count, frames))
    ours = Mtcnn(files, smallest_face=20)
    ways = {"one_by_one": lambda: [ours.detect(image) for image in pictures], "batched": lambda: ours.detect_batch(pictures)}
    if find_spec("facenet_pytorch"):
        sys.path.insert(0, str(ROOT / "tests"))
        from nets.genuine_facenet import open_genuine

        genuine = open_genuine(smallest_face=20)
        ways["facenet_pytorch"] = lambda: [genuine.detect(image, landmarks=True) for image in pictures]
    result = {}
    for name, run in ways.items():
        run()
        start = time.process_time()
        run()
        result[name] = round(len(pictures) / (time.process_time() - start), 2)
    return result


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--head", type=Path, default=ROOT / HEAD.format(head="anny"))
    parser.add_argument("--openface", default=os.environ.get("OPENFACE", ""))
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, tallies = HeadModel.load(options.head, torch.float64), {}
    clips = [real_clip(name, options.cache) for name in REAL]
    clips += [rendered_clip(name, options.cache, options.head, model) for name in RENDERED]
    for clip in clips:
        score(clip, options.frames, options.cache, options.head, options.openface, tallies)
    told = {
        name: {
            "error_percent": tally.errors,
            "share": tally.shares,
            "frames_a_second": round(tally.frames / max(tally.wall, 1e-9), 2),
            "frames_a_cpu_second": round(tally.frames / max(tally.cpu, 1e-9), 2),
        }
        for name, tally in tallies.items()
    }
    print(json.dumps({"detectors": told, "mtcnn_pictures_a_cpu_second": time_mtcnn(clips[0], options.frames)}))


if __name__ == "__main__":
    main()
