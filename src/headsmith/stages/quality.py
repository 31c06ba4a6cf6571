"""One picture a stage, so that a person sees what each has made before hours are spent on it.

Every picture is a contact sheet of frames spread evenly over the clip, with a note that says how to read it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import Manifest, folder_of, read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera, project, to_camera
from headsmith.media.arrays import read_landmark_arrays
from headsmith.media.atomic import atomic_path
from headsmith.media.images import read_image, write_image
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.show.colours import (
    HEAD_COLOUR,
    LABEL_COLOURS,
    MATTE_COLOUR,
    MOUTH_COLOUR,
    colour_differences,
    legend,
    scale_legend,
)
from headsmith.show.curves import Plot, draw_plots
from headsmith.show.overlays import blend_labels, cross_out, draw_edges, draw_landmarks, draw_mesh, over_checkerboard
from headsmith.show.sheets import Panel, contact_sheet, enlarge
from headsmith.stages.tracking_file import read_tracking

Picture = UInt8[ndarray, "H W 3"]
Arrays = dict[str, ndarray]

PANEL_WIDTH = 300
"""Width of a panel in pixels: six of them beside each other fit a wide screen."""

ALARM_SHARE = 0.34
"""Largest share of a sheet that is given to frames with a fault, so that they are seen however few they are."""


def draw_quality(
    *, clip: str, picture: str, inputs: dict[str, Path | list[Path]], output: Path, settings: QualitySettings
) -> None:
    """Draw the quality picture of one stage.

    Args:
        clip: Name of the clip.
        picture: ``frames``, ``landmarks``, ``matte``, ``parsing``, ``masks``, ``tracking`` or ``renders-<variant>``.
        inputs: ``frames`` (manifest) always, and by picture: ``landmarks`` (npz); ``matte``; ``parsing``; ``mouth_masks`` and
            ``head_masks``; ``tracking`` (npz) and ``head`` (npz); ``renders``. Manifests stand for their folders.
        output: The PNG.
        settings: How many frames, in how many columns.

    Raises:
        UserError: An input is missing, broken or does not fit the others.
        ValueError: There is no such picture.
    """
    kind = picture.partition("-")[0]
    if kind not in SHEETS:
        raise ValueError(f"there is no picture {picture!r}")
    sheet = SHEETS[kind](
        clip, picture, {word: Path(path) for word, path in inputs.items() if not isinstance(path, list)}, settings
    )
    with atomic_path(output) as partial:
        write_image(partial, sheet)


def spread(ids: Sequence[int], count: int, alarming: Sequence[int] = ()) -> list[int]:
    """Choose frames for a sheet: evenly spread, with some of the alarming ones among them, in order.

    Args:
        ids: All frames.
        count: How many to choose at most.
        alarming: Frames with a fault; up to ``ALARM_SHARE`` of the sheet is theirs.
    """
    few = _evenly(alarming, max(1, int(count * ALARM_SHARE))) if alarming else []
    others = [frame_id for frame_id in ids if frame_id not in set(alarming)]
    return sorted([*few, *_evenly(others, count - len(few))])


def _evenly(ids: Sequence[int], count: int) -> list[int]:
    places = np.linspace(0, len(ids) - 1, min(count, len(ids))).round().astype(int)
    return [ids[place] for place in places]


def show_frames(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the crop sheet."""
    manifest = read_manifest(inputs["frames"], clip=clip)
    panels = [Panel(_frame(inputs, i, clip), f"frame {i}") for i in spread(manifest.ids, settings.frames)]
    dropped = f"; dropped: {len(manifest.dropped)}" if manifest.dropped else ""
    note = (
        f"{manifest.count} frames of {manifest.size[0]}x{manifest.size[1]} pixels{dropped}. The crop is the same in all: "
        "the whole head stays inside with room to move, and the background stands still."
    )
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: frames", note=note)


def show_landmarks(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the 478 points and the contours, frames without a usable face crossed out."""
    arrays = read_landmark_arrays(inputs["landmarks"], clip, "ids", "status", "points", "confidence")
    status = {int(i): str(word) for i, word in zip(arrays["ids"], arrays["status"], strict=True)}
    places = {int(i): row for row, i in enumerate(arrays["ids"])}
    bad = [i for i, word in status.items() if word != "ok"]
    panels = []
    for i in spread(list(status), settings.frames, bad):
        frame = _frame(inputs, i, clip)
        points = arrays["points"][places[i]] * (PANEL_WIDTH / _width(inputs, clip))
        drawn = draw_landmarks(frame, points) if status[i] == "ok" else cross_out(frame)
        confidence = f" · {arrays['confidence'][places[i]]:.2f}" if status[i] == "ok" else ""
        panels.append(Panel(drawn, f"frame {i} · {status[i].replace('_', ' ')}{confidence}", status[i] != "ok"))
    note = (
        f"{len(status) - len(bad)} of {len(status)} frames have a usable face; the number is the detector's confidence. "
        "Rings must follow lids, lips and brows: warm colours on the person's right, cool ones on the left. "
        "Crossed-out frames are not used."
    )
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: landmarks", note=note)


def show_matte(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw what the matte keeps, over a checkerboard, with its half-way edge."""
    panels = []
    for i in spread(read_manifest(inputs["matte"], clip=clip).ids, settings.frames):
        alpha = _grey(inputs["matte"], i, clip)
        cut = over_checkerboard(_frame(inputs, i, clip), enlarge(alpha, PANEL_WIDTH))
        panels.append(Panel(draw_edges(cut, alpha, MATTE_COLOUR, 1), f"frame {i} · keeps {100 * alpha.mean() / 255:.0f} %"))
    note = (
        "The person over a checkerboard; the line is where the matte is half. There must be no squares inside the face, and no "
        "wall around the hair."
    )
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: matte", note=note)


def show_parsing(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the label colours over the frames, with their names."""
    panels, used = [], np.zeros(len(LABEL_COLOURS), bool)
    for i in spread(read_manifest(inputs["parsing"], clip=clip).ids, settings.frames):
        labels = _grey(inputs["parsing"], i, clip)
        used[np.unique(labels)] = True
        panels.append(Panel(blend_labels(_frame(inputs, i, clip), enlarge(labels, PANEL_WIDTH, smooth=False)), f"frame {i}"))
    entries = [(name.replace("_", " "), colour) for (name, colour), on in zip(LABEL_COLOURS.items(), used, strict=True) if on]
    note = (
        "Each pixel has the colour of its label; the labels that occur in these frames are named below the panels. The network "
        "may swap left and right of brows, eyes and ears: no mask depends on it."
    )
    footer = [legend(entries, PANEL_WIDTH * settings.columns)]
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: parsing", note=note, footer=footer)


def show_masks(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the edges of the mouth and head masks on the frames."""
    panels = []
    for i in spread(read_manifest(inputs["head_masks"], clip=clip).ids, settings.frames):
        head, mouth = _grey(inputs["head_masks"], i, clip), _grey(inputs["mouth_masks"], i, clip)
        drawn = draw_edges(draw_edges(_frame(inputs, i, clip), head, HEAD_COLOUR), mouth, MOUTH_COLOUR)
        empty = not mouth.any() or not head.any()
        panels.append(Panel(drawn, f"frame {i}" + (" · an empty mask" if empty else ""), empty))
    note = (
        "The head mask must follow the hair and end at the collar; the mouth mask must hold both lips and what is between them."
    )
    footer = [legend([("head", HEAD_COLOUR), ("mouth", MOUTH_COLOUR)], PANEL_WIDTH * settings.columns)]
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: masks", note=note, footer=footer)


def show_tracking(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the tracked head over the frames, and what was tracked over time."""
    model = HeadModel.load(inputs["head"])
    arrays = read_tracking(inputs["tracking"], model.container, clip).arrays
    ids = [int(i) for i in arrays["ids"]]
    status = {i: str(word) for i, word in zip(ids, arrays["status"], strict=True)}
    bad = [i for i, word in status.items() if word != "ok"]
    panels = []
    for i in spread(ids, settings.frames, bad):
        row = ids.index(i)
        residual = "" if status[i] == "missing" else f" · {arrays['residual'][row]:.2f} %"
        drawn = _mesh_over(_frame(inputs, i, clip), model, arrays, row)
        panels.append(Panel(drawn, f"frame {i} · {status[i]}{residual}", status[i] != "ok"))
    note = (
        "The head model at its tracked place, over the frames; the number is the mean landmark error in percent of the "
        "distance between the outer eye corners. Eyes, nose and lips must lie on the person's own. "
        "Red strokes in the curves: frames that are not used."
    )
    footer = [draw_plots(tracking_plots(arrays, model.container.expression_names), PANEL_WIDTH * settings.columns)]
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: tracking", note=note, footer=footer)


def tracking_plots(arrays: Arrays, names: Sequence[str]) -> list[Plot]:
    """Return the curves of a clip: error, head turn, jaw and eyelids, and the strongest of its expressions, ``names``."""
    ids, marks = arrays["ids"], tuple(int(i) for i in arrays["ids"][arrays["status"] != "ok"])
    strongest = np.argsort(-np.nan_to_num(arrays["expression"]).std(0), kind="stable")[:4]
    jaw = {"jaw opening / rad": arrays["jaw"][:, 0], "left lid": arrays["eyelids"][:, 0], "right lid": arrays["eyelids"][:, 1]}
    forward = arrays["rotation"][:, :, 2]
    turn = {
        "yaw": np.degrees(np.arctan2(forward[:, 0], -forward[:, 2])),
        "pitch": np.degrees(np.arcsin(np.clip(forward[:, 1], -1, 1))),
    }
    expressions = {names[code]: arrays["expression"][:, code] for code in strongest}
    return [
        Plot("Landmark error", "frame", "% of eye distance", ids, {"error": arrays["residual"]}, marks),
        Plot("Where the face points", "frame", "degrees", ids, turn, marks),
        Plot("Jaw and eyelids", "frame", "", ids, jaw, marks),
        Plot("Expression codes that move most", "frame", "", ids, expressions, marks),
    ]


def show_renders(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw truth, render and difference beside each other."""
    panels, columns = [], max(3, settings.columns // 3 * 3)
    for i in spread(read_manifest(inputs["renders"], clip=clip).ids, settings.frames):
        truth = _frame(inputs, i, clip)
        render = enlarge(read_image(folder_of(inputs["renders"]) / frame_name(i), clip=clip), PANEL_WIDTH)
        error = 100 * np.abs(truth.astype(float) - render).mean() / 255
        panels += [Panel(truth, f"frame {i} · truth"), Panel(render, "render")]
        panels.append(Panel(colour_differences(truth, render), f"difference {error:.1f} %"))
    note = (
        "Held-out frames, which the avatar never saw. The renders show the head alone over the background, so the shoulders "
        "always differ; look at the face."
    )
    footer = [scale_legend(PANEL_WIDTH * columns)]
    title = f"{clip}: renders, variant {picture.partition('-')[2]}"
    return contact_sheet(panels, columns=columns, title=title, note=note, footer=footer)


SHEETS: dict[str, Callable[[str, str, dict[str, Path], QualitySettings], Picture]] = {
    "frames": show_frames,
    "landmarks": show_landmarks,
    "matte": show_matte,
    "parsing": show_parsing,
    "masks": show_masks,
    "tracking": show_tracking,
    "renders": show_renders,
}


def _mesh_over(frame: Picture, model: HeadModel, arrays: Arrays, row: int) -> Picture:
    """Return a panel with the head of one frame; the frame alone where nothing was tracked."""
    numbers = {name: torch.as_tensor(arrays[name], dtype=torch.float32) for name in TRACKED}
    if not all(torch.isfinite(numbers[name][row]).all() for name in TRACKED[1:8]):
        return cross_out(frame)
    codes = HeadParameters(
        numbers["identity"], *(numbers[name][row] for name in ("expression", "jaw", "eyes", "eyelids", "neck"))
    )
    size = (int(arrays["size"][0]), int(arrays["size"][1]))
    camera = Camera(
        numbers["rotation"][row], numbers["translation"][row], numbers["focal"].expand(2), numbers["principal"], size
    )
    vertices = model.forward(codes)
    pixels, depth = project(vertices, camera)
    scale = frame.shape[1] / size[0]
    corners = torch.cat([pixels * scale, depth[:, None]], 1).numpy()
    faces = model.faces.numpy()
    face_ids, barycentrics, _ = rasterize_mesh(corners, faces, frame.shape[1], frame.shape[0], True)
    return draw_mesh(frame, face_ids, barycentrics, normals_of(to_camera(vertices, camera).numpy(), faces))


TRACKED = ("identity", "expression", "jaw", "eyes", "eyelids", "neck", "rotation", "translation", "focal", "principal")


def normals_of(vertices: Float[ndarray, "V 3"], faces: ndarray) -> Float[ndarray, "F 3"]:
    """Return the unit normal of each triangle; zero where it has no area."""
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    normals = np.cross(second - first, third - first)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _frame(inputs: dict[str, Path], frame_id: int, clip: str) -> Picture:
    return enlarge(read_image(folder_of(inputs["frames"]) / frame_name(frame_id), clip=clip), PANEL_WIDTH)


def _grey(manifest: Path, frame_id: int, clip: str) -> UInt8[ndarray, "h w"]:
    return read_image(folder_of(manifest) / frame_name(frame_id), grey=True, clip=clip)


def _width(inputs: dict[str, Path], clip: str) -> int:
    manifest: Manifest = read_manifest(inputs["frames"], clip=clip, verify=False)
    return manifest.size[0]
