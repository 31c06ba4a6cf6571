"""The curves of the tracking's picture: errors and every kind of parameter over time, with how sure each is."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.show.colours import STATUS_COLOURS
from headsmith.show.curves import Plot, spans
from headsmith.stages.quality_tracking_data import TrackedClip
from headsmith.stages.tracking_table import head_angles

MILLI = 1000.0
STRONGEST = 6
"""Expression codes that are drawn: those that move most."""
Curves = dict[str, Float[ndarray, " T"]]


def tracking_plots(tracked: TrackedClip) -> list[Plot]:
    """Return the plots, frames that are not ok marked in each."""
    ids = tracked.track.ids
    marks = spans(ids.tolist(), tracked.track.status, STATUS_COLOURS)
    return [
        Plot(title, "frame", unit, ids, lines, {name: band for name, band in bands.items() if name in lines}, marks)
        for title, unit, lines, bands in (*error_curves(tracked), *pose_curves(tracked), *face_curves(tracked))
    ]


def error_curves(tracked: TrackedClip) -> Iterator[tuple[str, str, Curves, Curves]]:
    """Yield title, unit, lines and bands of the errors: of all landmarks, and by part of the face."""
    lines = {"error": tracked.track.residual}
    if "deviation" in tracked.deviations:
        lines["standard deviation"] = tracked.deviations["deviation"]
    yield "Landmark error", "% of eye distance", lines, {}
    yield "Landmark error by part", "% of eye distance", tracked.part_errors, {}


def pose_curves(tracked: TrackedClip) -> Iterator[tuple[str, str, Curves, Curves]]:
    """Yield the curves of the head's turn and place."""
    track, own = tracked.track, split_deviations(tracked)
    angles = head_angles(torch.from_numpy(np.ascontiguousarray(track.rotation))).numpy()
    yield (
        "Turn of the head",
        "degrees",
        named(("yaw", "pitch", "roll"), angles),
        named(("pitch", "yaw", "roll"), own.get("turn")),
    )
    shift = MILLI * (track.translation - np.nanmedian(track.translation, axis=0))
    yield "Place, from its median", "mm", named(("x", "y", "z"), shift), named(("x", "y", "z"), own.get("shift"))


def face_curves(tracked: TrackedClip) -> Iterator[tuple[str, str, Curves, Curves]]:
    """Yield the curves of the jaw, the lids, the gaze, and the expression codes that move most."""
    track, own = tracked.track, split_deviations(tracked)
    jaw = ("open", "side", "twist")
    yield "Jaw", "degrees", named(jaw, np.rad2deg(track.jaw)), named(jaw, own.get("jaw"))
    sides = ("left", "right")
    yield "Eyelids", "0 open, 1 closed", named(sides, track.eyelids), named(sides, own.get("eyelids"))
    for title, axis in (("Gaze, downwards", 0), ("Gaze, to the subject's left", 1)):
        eyes = own["eyes"][:, :, axis] if "eyes" in own else None
        yield title, "degrees", named(sides, np.rad2deg(track.eyes[:, :, axis])), named(sides, eyes)
    names, codes = tracked.model.container.expression_names, track.expression
    strongest = np.argsort(-np.nan_to_num(codes).std(0), kind="stable")[:STRONGEST]
    for number, part in enumerate(np.array_split(strongest, 2)):
        chosen = tuple(names[code] for code in part)
        title = ("Strongest expressions", "Expressions, next")[number]
        if chosen:
            yield title, "code", named(chosen, codes[:, part]), named(chosen, own["expression"][:, part] if own else None)


def named(names: tuple[str, ...], values: Float[ndarray, "T n"] | None) -> Curves:
    """Return columns by name; nothing where there are none."""
    return {} if values is None else dict(zip(names, values.T, strict=True))


def split_deviations(tracked: TrackedClip) -> dict[str, Float[ndarray, "T *n"]]:
    """Return the parameters' standard deviations by kind, in the units of the plots; nothing where none were estimated."""
    if "parameter_deviation" not in tracked.deviations:
        return {}
    values, count = tracked.deviations["parameter_deviation"], tracked.track.expression.shape[1]
    expression, eyelids, jaw, eyes, turn, shift = np.split(values, np.cumsum([count, 2, 3, 6, 3]), axis=1)
    degrees = {"jaw": jaw, "eyes": eyes.reshape(-1, 2, 3), "turn": turn}
    found = {name: np.rad2deg(part) for name, part in degrees.items()}
    return found | {"expression": expression, "eyelids": eyelids, "shift": MILLI * shift}
