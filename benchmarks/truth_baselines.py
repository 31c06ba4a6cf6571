"""What a truth clip is compared with: our tracker, the sequential fit, and the detector's blendshapes alone."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from sequential_fit import fit_in_step
from truth_metrics import inner_embedding
from truth_sources import ROOT, read_track, track  # noqa: F401  (ROOT: puts src on the path)

from headsmith.bridges.blendshapes import JAW_OPEN
from headsmith.bridges.gaze import ANNY, LOOKS, turn_eyes
from headsmith.bridges.track import MISSING, OK, Track, project_embedded
from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.model import HeadModel
from headsmith.maths.barycentrics import interpolate_on_faces
from headsmith.maths.smoothness import bridge
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import progress

FOCAL_IN_SIZES = 3.5
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")


@dataclass(frozen=True)
class Seen:
    """What the detector saw in a clip: ``points (T, L, 2)`` in pixels, where frames are ``usable``, and scores by name."""

    points: np.ndarray
    usable: np.ndarray
    scores: dict[str, np.ndarray]
    size: tuple[int, int]


def read_seen(folder: Path) -> Seen:
    """Return the landmarks of a clip's folder."""
    with np.load(folder / "landmarks.npz") as content:
        points, names = content["points"][..., :2].astype(np.float64), content["blendshape_names"].tolist()
        usable = (content["status"] == "ok") & np.isfinite(points).all((1, 2))
        scores = dict(zip(names, content["blendshapes"].astype(np.float64).T, strict=True))
    manifest = read_manifest(folder / "frames.json", verify=False)
    return Seen(np.where(usable[:, None, None], points, 0), usable, scores, manifest.size)


def run_ours(
    folder: Path, name: str, head: Path, settings: TrackingSettings, threads: int, output: Path
) -> tuple[Track, dict[str, np.ndarray]]:
    """Track a clip by the stage and return it with the arrays of its file."""
    track(folder, name, head, output, settings, threads)
    with np.load(output) as content:
        return read_track(output), dict(content)


def run_on_truth(
    folder: Path, name: str, head: Path, model: HeadModel, settings: TrackingSettings, threads: int
) -> tuple[Track, dict[str, np.ndarray]]:
    """Track a clip by the points' true places, as a detector without error would see them."""
    truth = read_track(folder / "truth.npz")
    embedding = model.container.embeddings[MEDIAPIPE478.name]
    with np.load(folder / "landmarks.npz") as content:
        arrays = dict(content)
    arrays["points"][:, embedding.points, :2] = project_embedded(truth, model, embedding)
    with atomic_path(folder / "landmarks-true.npz") as partial, partial.open("wb") as stream:
        np.savez(stream, **arrays)
    track(folder, name, head, folder / "tracking-true.npz", settings, threads, "landmarks-true.npz")
    with np.load(folder / "tracking-true.npz") as content:
        return read_track(folder / "tracking-true.npz"), dict(content)


def sequential_path(folder: Path, head: Path, frames: int) -> Path:
    """Return where the sequential fit of the first frames of a clip lies."""
    return folder / f"sequential-{head.stem}-{frames}.npz"


def prepare_sequential(folders: dict[str, Path], head: Path, model: HeadModel, frames: int) -> None:
    """Fit the first frames of clips one after the other, those clips together that are not there yet.

    Args:
        folders: Of the clips, whose pictures have one size.
        head: The head container.
        model: The head.
        frames: How many of each.
    """
    missing = {name: folder for name, folder in folders.items() if not sequential_path(folder, head, frames).exists()}
    if not missing:
        return
    seen = [read_seen(folder) for folder in missing.values()]
    points, usable = [clip.points[:frames] for clip in seen], [clip.usable[:frames] for clip in seen]
    what = f"sequential fit of {len(missing)} clips, frame by frame"
    tracks, _ = fit_in_step(model, points, usable, seen[0].size, watch=lambda places: progress(places, len(places), what))
    for folder, found in zip(missing.values(), tracks, strict=True):
        with atomic_path(sequential_path(folder, head, frames)) as partial, partial.open("wb") as stream:
            np.savez(stream, **found.arrays())


def run_blendshapes(seen: Seen, model: HeadModel) -> Track:
    """Return what the detector's scores say of each frame, worn by the mean head, posed by a closed form.

    Codes are scores by name, as ``bridges/blendshapes.py`` takes them; jaw, eyes and lids likewise. The pose is OpenCV's
    perspective solution (SQPnP: Terzakis and Lourakis 2020) over the points that are not on the outline, at the focal length
    that our tracker believes beforehand. Frames without a face are bridged.
    """
    names = model.container.expression_names
    zero = np.zeros(len(seen.usable))
    score = {name: np.where(seen.usable, values, 0) for name, values in seen.scores.items()}
    expression = np.stack([score.get(name, zero) for name in names], 1)
    codes = {
        "expression": expression,
        "jaw": score["jawOpen"][:, None] * [JAW_OPEN, 0, 0],
        "eyes": turn_eyes({look: score[look] for look in LOOKS}, ANNY),
        "eyelids": np.stack([score[blink] for blink in BLINKS], 1),
    }
    known = torch.from_numpy(seen.usable)
    codes = {name: bridge(torch.from_numpy(values), known).numpy() for name, values in codes.items()}
    count, focal = len(zero), FOCAL_IN_SIZES * seen.size[0]
    still = Track(
        **codes,
        ids=np.arange(count),
        identity=np.zeros(len(model.identity)),
        neck=np.zeros((count, 3)),
        rotation=np.tile(np.eye(3), (count, 1, 1)),
        translation=np.zeros((count, 3)),
        focal=focal,
        principal=np.array(seen.size) / 2,
        size=seen.size,
        status=tuple(OK if usable else MISSING for usable in seen.usable.tolist()),
        residual=np.full(count, np.nan),
        head_sha256=model.sha256,
        convention="mediapipe478",
    )
    return pose_by_points(still, seen, model)


def pose_by_points(still: Track, seen: Seen, model: HeadModel) -> Track:
    """Return a clip whose heads stand where the detector's points say."""
    embedding = inner_embedding(model)
    corners, places = model.faces[torch.from_numpy(embedding.faces).long()].unique(return_inverse=True)
    with torch.no_grad():
        vertices = model.at(corners)(still.parameters())
    points = interpolate_on_faces(vertices, places, torch.from_numpy(embedding.barycentrics).double()).numpy()
    matrix = np.array([[still.focal, 0, still.principal[0]], [0, still.focal, still.principal[1]], [0, 0, 1]])
    rotation, translation = still.rotation.copy(), still.translation.copy()
    last = None
    for place in range(len(points)):
        if seen.usable[place]:
            pixels = seen.points[place, embedding.points]
            _, turn, shift = cv2.solvePnP(points[place], pixels, matrix, None, flags=cv2.SOLVEPNP_SQPNP)
            last = cv2.Rodrigues(turn)[0], shift[:, 0]
        if last is not None:
            rotation[place], translation[place] = last
    return Track(**{**vars(still), "rotation": rotation, "translation": translation})
