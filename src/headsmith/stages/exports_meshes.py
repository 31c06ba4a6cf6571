"""Meshes of a clip's head: OBJ, PLY and GLB, with a texture."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.settings import ExportsSettings
from headsmith.exports.glb import Lens, write_glb
from headsmith.exports.glb_rig import Motion, rest_of
from headsmith.exports.obj import NAME, ObjFolder
from headsmith.exports.ply import write_ply
from headsmith.exports.surface import Surface
from headsmith.exports.texture_bake import bake
from headsmith.exports.texture_fill import fill
from headsmith.exports.texture_layout import as_picture, lay_out
from headsmith.exports.texture_model import model_texture
from headsmith.exports.texture_regions import COLOURS, paint_regions
from headsmith.heads.colours import vertex_colours
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import FLIP
from headsmith.media.images import write_image
from headsmith.media.progress import progress
from headsmith.stages.exports_frames import ALL, NEUTRAL, chosen, left_out, times_of
from headsmith.stages.exports_views import clip_views

Picture = UInt8[ndarray, "S S 3"]

HEAD_AXES: Final = "the head's own: +x the subject's left, +y up, +z out of the face"
CAMERA_AXES: Final = "OpenGL's: the camera at the origin looks along -z, +x is right in the picture, +y up"
CENTRE_TOLERANCE: Final = 0.5
"""Pixels by which the principal point may miss the picture's centre where a glTF camera, which has none, stands for it."""


def write_meshes(
    *,
    export: str,
    folder: Path,
    clip: str,
    frames: Path | None,
    head_masks: Path | None,
    texture: Path | None,
    tracked: Track,
    model: HeadModel,
    settings: ExportsSettings,
) -> dict[str, Any]:
    """Write the meshes of a clip into a folder and return what they are.

    Args:
        export: ``obj``, ``ply`` or ``glb``.
        folder: An empty folder.
        clip: Name of the clip.
        frames: Manifest of the frames; needed for a texture from the clip, and for the times of a GLB.
        head_masks: Manifest of the head masks; needed for a texture from the clip.
        texture: ``FLAME_texture.npz``; needed for the texture ``model``.
        tracked: The clip's tracking.
        model: The head, float64.
        settings: Which frames, which axes, which texture.

    Raises:
        UserError: An input is missing, no frame can be used, or what was written is not the head.
    """
    still = settings.frames == NEUTRAL and export != "glb"
    places = [] if still else chosen(tracked, ALL if settings.frames == NEUTRAL else settings.frames, clip)
    posed = settings.pose and bool(places)
    picture, told = make_texture(settings, model, tracked, clip, frames=frames, head_masks=head_masks, texture=texture)
    if export == "glb":
        told |= write_moving(folder, clip, model, tracked.take(places), picture, posed=posed, frames=frames)
    else:
        write_still(export, folder, clip, model, tracked, places, picture, posed=posed)
    surface = Surface.of(model.container)
    return {
        "frames": [int(tracked.ids[place]) for place in places] or NEUTRAL,
        "left_out": left_out(tracked) if places else [],
        "units": "metres",
        "axes": CAMERA_AXES if posed else HEAD_AXES,
        "vertices": surface.count,
        "texture_coordinates": len(surface.uv),
        "triangles": len(surface.faces),
        **told,
    }


def write_still(
    export: str, folder: Path, clip: str, model: HeadModel, tracked: Track, places: list[int], picture: Picture, *, posed: bool
) -> None:
    """Write an OBJ or PLY of each frame, named by its id, or one of the person at rest, ``neutral``."""
    surface = Surface.of(model.container)
    write_image(folder / f"{NAME}.png", picture)
    remarks = (f"{model.container.name} of {clip}", "metres", CAMERA_AXES if posed else HEAD_AXES)
    objs, seams = (ObjFolder(folder, surface, remarks), None) if export == "obj" else (None, surface.split())
    meshes = moving(model, tracked, places, posed=posed) if places else [("neutral", neutral(model, tracked))]
    for stem, vertices in progress(meshes, max(1, len(places)), f"{clip}: {export}"):
        if objs is not None:
            objs.add(stem, vertices)
        else:
            write_ply(folder / f"{stem}.ply", vertices, surface, seams, remarks)


def neutral(model: HeadModel, tracked: Track) -> Float[ndarray, "V 3"]:
    """Return the vertices of the person at rest."""
    with torch.no_grad():
        return model(rest_of(model, tracked.parameters()))[0].numpy()


def moving(model: HeadModel, tracked: Track, places: list[int], *, posed: bool) -> Iterator[tuple[str, Float[ndarray, "V 3"]]]:
    """Yield the stem of a file and the vertices, frame by frame."""
    for place in places:
        frame = tracked.take([place])
        with torch.no_grad():
            vertices = model(frame.parameters())[0].numpy()
        if posed:
            vertices = (vertices @ frame.rotation[0].T + frame.translation[0]) * FLIP
        yield Path(frame_name(int(tracked.ids[place]))).stem, vertices


def write_moving(
    folder: Path, clip: str, model: HeadModel, own: Track, picture: Picture, *, posed: bool, frames: Path | None
) -> dict[str, Any]:
    """Write the GLB of a person who moves as in a clip, whose frames are all tracked."""
    times = times_of(own, needed(frames, "the frames", clip), clip)
    pose = np.concatenate([FLIP[:, None] * own.rotation, (FLIP * own.translation)[..., None]], -1) if posed else None
    motion = Motion(times - times[0], own.parameters(), pose)
    centred = np.abs(own.principal - np.array(own.size) / 2).max() <= CENTRE_TOLERANCE
    lens = Lens(2 * float(np.arctan(own.size[1] / (2 * own.focal))), own.size[0] / own.size[1]) if posed and centred else None
    with torch.no_grad():
        write_glb(folder / f"{NAME}.glb", model, own.parameters(), picture, name=clip, motion=motion, lens=lens)
    return {"seconds": float(motion.times[-1]), "camera": lens is not None}


def make_texture(
    settings: ExportsSettings,
    model: HeadModel,
    tracked: Track,
    clip: str,
    *,
    frames: Path | None,
    head_masks: Path | None,
    texture: Path | None,
) -> tuple[Picture, dict[str, Any]]:
    """Return the texture that the settings ask for, RGB, and what to tell of it."""
    head, size = model.container, settings.texture_size
    told: dict[str, Any] = {"from": settings.texture, "size": size}
    if settings.texture == "regions":
        return paint_regions(head, size), {"texture": told}
    if settings.texture == "model":
        return model_texture(needed(texture, "heads.texture", clip), head, size), {"texture": told}
    surface = Surface.of(head)
    texels = lay_out(surface, size)
    ids, views = clip_views(
        tracked, model, needed(frames, "the frames", clip), needed(head_masks, "the head masks", clip), clip
    )
    colours, weights = bake(texels, surface.faces, views)
    filled = fill(texels, surface.faces, colours, weights, vertex_colours(head, COLOURS))
    told |= {"baked_from": ids, "seen_share": round(float((weights > 0).mean()), 4)}
    return as_picture(texels.picture(filled)), {"texture": told}


def needed(path: Path | None, what: str, clip: str) -> Path:
    """Return a path that must be there.

    Raises:
        UserError: It was not given.
    """
    if path is None:
        raise UserError(
            f"the export needs {what}", clip=clip, remedy="set it in config/config.yaml, or use exports.texture: clip"
        )
    return path
