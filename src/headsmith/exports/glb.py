"""GLB: one file with mesh, texture, morph targets and joints, and, where it is asked for, the clip as an animation.

Mesh and material go through trimesh; ``glb_rig`` adds what trimesh does not know. glTF has metres, +y up, and a face that
looks along +z: the head's own axes. Seen by the camera, the camera stands at the origin and looks along -z.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from headsmith.exports.glb_file import GlbFile
from headsmith.exports.glb_rig import Motion, add_animation, add_skin, add_targets, morph_targets, rest_of
from headsmith.exports.surface import Seams, Surface, mismatch
from headsmith.heads.model import HeadModel, HeadParameters

NEAR = 0.01
"""Metres in front of the camera from which on things are drawn."""


@dataclass(frozen=True)
class Lens:
    """The clip's camera: field of view from top to bottom in radians, and width by height."""

    field: float
    aspect: float


def write_glb(
    path: Path,
    model: HeadModel,
    person: HeadParameters,
    texture: UInt8[ndarray, "H W 3"],
    *,
    name: str,
    motion: Motion | None = None,
    lens: Lens | None = None,
) -> None:
    """Write the head of a person, and check the file against the head.

    Args:
        path: The file.
        model: The head, float64.
        person: Parameters of which the identity counts.
        texture: RGB.
        name: Of the animation.
        motion: The clip; without it the mesh stands at rest, with targets and joints to be moved.
        lens: The clip's camera, where the head is seen by it.

    Raises:
        UserError: The file does not hold what the head is.
    """
    surface = Surface.of(model.container)
    seams = surface.split()
    rest = rest_of(model, person)
    file = base_file(model(rest)[0].numpy(), surface, seams, texture)
    targets = morph_targets(model, correctives=motion is not None)
    add_targets(file, targets, seams)
    add_skin(file, model, model.places(rest)[0].numpy(), seams)
    if motion is not None:
        add_animation(file, model, motion, targets, name)
    if lens is not None:
        add_camera(file, lens)
    file.tree["asset"] |= {"generator": "headsmith, trimesh", "copyright": model.container.licence}
    path.write_bytes(file.content())
    check_glb(path, surface, seams)


def base_file(vertices: Float[ndarray, "V 3"], surface: Surface, seams: Seams, texture: UInt8[ndarray, "H W 3"]) -> GlbFile:
    """Return the mesh and its texture as trimesh writes them."""
    material = PBRMaterial(
        name="head", baseColorTexture=Image.fromarray(texture), metallicFactor=0.0, roughnessFactor=0.8, doubleSided=True
    )
    mesh = trimesh.Trimesh(
        vertices[seams.vertices],
        seams.faces,
        vertex_normals=surface.normals(vertices)[seams.vertices],
        visual=TextureVisuals(uv=seams.uv, material=material),
        process=False,
    )
    scene = trimesh.Scene({"head": mesh})
    return GlbFile(trimesh.exchange.gltf.export_glb(scene, include_normals=True))


def add_camera(file: GlbFile, lens: Lens) -> None:
    """Put the clip's camera at the origin, where it looks along -z."""
    perspective = {"yfov": lens.field, "aspectRatio": lens.aspect, "znear": NEAR}
    tree: dict[str, Any] = file.tree
    tree["cameras"] = [{"name": "clip", "type": "perspective", "perspective": perspective}]
    tree["nodes"].append({"name": "camera", "camera": 0})
    tree["scenes"][0]["nodes"].append(len(tree["nodes"]) - 1)


def check_glb(path: Path, surface: Surface, seams: Seams) -> None:
    """Accept a written file whose triangles are the head's own.

    Raises:
        UserError: They differ.
    """
    file = GlbFile(path.read_bytes())
    part = file.tree["meshes"][0]["primitives"][0]
    faces = file.read(part["indices"]).reshape(-1, 3)
    counts = (len(file.read(part["attributes"]["POSITION"])), len(file.read(part["attributes"]["TEXCOORD_0"])), len(faces))
    surface.check(path, counts, (len(seams.vertices), len(seams.vertices), len(surface.faces)))
    uv = file.read(part["attributes"]["TEXCOORD_0"])[faces] * [1, -1] + [0, 1]
    same = np.array_equal(seams.vertices[faces], surface.faces)
    if not same or np.abs(uv - surface.uv[surface.uv_faces]).max(initial=0) > 1e-6:
        raise mismatch("its triangles differ", path)
