"""How far two files are apart that are not equal, in the unit of what they hold."""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import folder_of
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import project, to_camera
from headsmith.media.images import read_image
from headsmith.stages.avatar_views import CHUNK, ClipViews, load_views

Difference = dict[str, Any]
MILLIMETRES = 1000.0
"""In a metre."""
WHITE = 255.0
"""The largest value of a pixel: the peak in PSNR, 10 log10(peak^2 / mean squared difference) (Gonzalez and Woods, 8.1)."""


def measure(stage: str, ours: Path, theirs: Path) -> Difference:
    """Return how far two unequal files of a stage are apart: numbers by name, and ``text``, the same for people.

    Empty where the other is not at hand, where the two cannot be laid beside each other, or where there is no measure.
    """
    measures: dict[str, Callable[[Path, Path], Difference]] = {
        **dict.fromkeys(("frames", "matte", "renders"), compare_pictures),
        **dict.fromkeys(("parsing", "masks"), compare_labels),
        "quality": compare_picture,
        "landmarks": compare_landmarks,
        "heads": compare_heads,
        "tracking": compare_tracking,
        "scores": compare_scores,
    }
    of_kind = {"quality": ".png", "landmarks": ".npz", "heads": ".npz", "tracking": ".npz"}.get(stage, ".json")
    if stage not in measures or ours.suffix != of_kind or not (ours.exists() and theirs.exists()):
        return {}
    return measures[stage](ours, theirs)


def compare_pictures(ours: Path, theirs: Path) -> Difference:
    """Return the PSNR in dB over all frames that two manifests share, and how many of them are unequal."""
    pairs = list(shared_frames(ours, theirs))
    squares = [squared(read_image(one), read_image(other)) for one, other in pairs]
    if not squares or None in squares:
        return {"text": "no frames of one size to compare"}
    known = [value for value in squares if value is not None]
    return said_in_db(float(np.mean(known)), sum(value > 0 for value in known), len(known))


def compare_picture(ours: Path, theirs: Path) -> Difference:
    """Return the PSNR in dB of two pictures."""
    value = squared(read_image(ours), read_image(theirs))
    return {"text": "of two sizes"} if value is None else said_in_db(value, int(value > 0), 1)


def compare_labels(ours: Path, theirs: Path) -> Difference:
    """Return the share of pixels whose label differs, in percent, over all frames that two manifests share."""
    unequal, pixels = 0, 0
    for one, other in shared_frames(ours, theirs):
        first, second = (read_image(path, grey=True) for path in (one, other))
        if first.shape != second.shape:
            return {"text": "of two sizes"}
        unequal, pixels = unequal + int((first != second).sum()), pixels + first.size
    percent = 100 * unequal / pixels if pixels else 0.0
    return {"pixels_percent": percent, "text": f"{percent:.4f} % of the pixels"}


def compare_landmarks(ours: Path, theirs: Path) -> Difference:
    """Return the mean and the largest distance of two sets of landmarks, in pixels, over frames that both have found."""
    (points, ids), (others, their_ids) = ((file["points"], file["ids"]) for file in map(np.load, (ours, theirs)))
    _, rows, their_rows = np.intersect1d(ids, their_ids, return_indices=True)
    if points.shape[1:] != others.shape[1:]:
        return {"text": "of two conventions"}
    distances = np.linalg.norm(points[rows, :, :2] - others[their_rows, :, :2], axis=-1)
    return said_in("px", distances[np.isfinite(distances)])


def compare_heads(ours: Path, theirs: Path) -> Difference:
    """Return the distances of two heads' vertices at rest, in millimetres."""
    first, second = (torch.as_tensor(HeadModel.load(path).container.template) for path in (ours, theirs))
    if first.shape != second.shape:
        return {"text": f"{len(first)} vertices here, {len(second)} there"}
    return said_in("mm", MILLIMETRES * (first - second).norm(dim=-1).numpy())


def compare_tracking(ours: Path, theirs: Path) -> Difference:
    """Return the distances of two tracked heads' vertices over the frames that both have, in millimetres and in pixels."""
    views, others = (tracked_head(path) for path in (ours, theirs))
    if views is None or others is None or len(views.head.container.template) != len(others.head.container.template):
        return {"text": "no two heads of one kind to compare"}
    ids = sorted(set(views.rows) & set(others.rows))
    first, second = (seen(each, ids) for each in (views, others))
    millimetres = said_in("mm", (MILLIMETRES * (first[0] - second[0]).norm(dim=-1)).numpy())
    pixels = said_in("px", (first[1] - second[1]).norm(dim=-1).numpy())
    return {**millimetres, **pixels, "text": f"{millimetres['text']}; {pixels['text']}"}


def compare_scores(ours: Path, theirs: Path) -> Difference:
    """Return how much higher each score is here than there, as far as it differs, in its own unit."""
    first, second = (json.loads(path.read_text()) for path in (ours, theirs))
    numbers = [key for key, value in first.items() if isinstance(value, float) and isinstance(second.get(key), float)]
    changes = {key: first[key] - second[key] for key in numbers if first[key] != second[key]}
    return {**changes, "text": ", ".join(f"{key} {value:+.4g}" for key, value in list(changes.items())[:4])}


def shared_frames(ours: Path, theirs: Path) -> Iterable[tuple[Path, Path]]:
    """Yield the pairs of pictures, as paths, whose frame is in both manifests and whose files are there."""
    first, second = (json.loads(path.read_text())["ids"] for path in (ours, theirs))
    for frame_id in sorted(set(first) & set(second)):
        pair = tuple(folder_of(path) / frame_name(frame_id) for path in (ours, theirs))
        if all(path.exists() for path in pair):
            yield pair[0], pair[1]


def squared(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    """Return the mean squared difference of two pictures, None where their sizes differ."""
    if ours.shape != theirs.shape:
        return None
    return float(np.square(ours.astype(np.float64) - theirs.astype(np.float64)).mean())


def tracked_head(tracking: Path) -> ClipViews | None:
    """Return a tracking on its head, which is looked for among the containers of its run; None where it is not there."""
    made_with = str(np.load(tracking)["head_sha256"])
    heads = tracking.parents[2] / "resources/heads"
    for path in sorted(heads.glob("*.npz")):
        if not path.stem.endswith("-read") and HeadModel.load(path).sha256 == made_with:
            return load_views(clip=tracking.parent.name, tracking=tracking, head=path)
    return None


def seen(views: ClipViews, ids: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the vertices of a tracked head in the camera's axes, metres, and in the frames, pixels; a row a frame."""
    placed, projected = [], []
    names = ("expression", "jaw", "eyes", "eyelids", "neck")
    for first in range(0, len(ids), CHUNK):
        rows = torch.tensor([views.rows[frame_id] for frame_id in ids[first : first + CHUNK]])
        moving = [getattr(views.parameters, name)[rows] for name in names]
        vertices = views.head(type(views.parameters)(views.parameters.identity, *moving))
        placed.append(to_camera(vertices, views.cameras[rows]))
        projected.append(project(vertices, views.cameras[rows])[0])
    return torch.cat(placed), torch.cat(projected)


def said_in(unit: str, distances: np.ndarray) -> Difference:
    """Return the mean and the largest of distances; not a number counts for nothing."""
    known = distances[np.isfinite(distances)]
    mean, most = (float(known.mean()), float(known.max())) if known.size else (math.nan, math.nan)
    return {f"mean_{unit}": mean, f"largest_{unit}": most, "text": f"{mean:.3g} {unit} on the mean, {most:.3g} {unit} at most"}


def said_in_db(square: float, unequal: int, count: int) -> Difference:
    """Return a mean squared difference as a PSNR, and how many pictures are unequal."""
    if square == 0:
        return {"unequal": 0, "text": "the pictures are equal"}
    psnr = 10 * math.log10(WHITE**2 / square)
    return {"psnr_db": psnr, "unequal": unequal, "text": f"{psnr:.2f} dB, {unequal} of {count} pictures unequal"}
