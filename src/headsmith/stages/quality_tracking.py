"""The picture of the tracking: the head over the frames, and its curves over time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from headsmith.contract.settings import QualitySettings
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera, project, to_camera
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import face_normals
from headsmith.show.curves import Plot, draw_plots
from headsmith.show.overlays import cross_out, draw_mesh
from headsmith.show.sheets import Panel, contact_sheet
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, frame_panel, spread
from headsmith.stages.tracking_file import read_tracking

Arrays = dict[str, ndarray]
TRACKED = ("identity", "expression", "jaw", "eyes", "eyelids", "neck", "rotation", "translation", "focal", "principal")


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
        drawn = _mesh_over(frame_panel(inputs, i, clip), model, arrays, row)
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


def normals_of(vertices: Float[ndarray, "V 3"], faces: ndarray) -> Float[ndarray, "F 3"]:
    """Return the unit normal of each triangle; zero where it has no area."""
    normals = face_normals(vertices, faces)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
