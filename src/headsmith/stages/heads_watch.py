"""What the detector looks at: a head as a plain, lit rendering with irises."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from headsmith.heads.colours import Colour, vertex_colours
from headsmith.heads.container import HeadContainer
from headsmith.heads.embedding import View, Watch
from headsmith.heads.sighting import Sight
from headsmith.maths.cameras import FLIP, Camera, project, to_camera
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import shade_pixels, spread, vertex_normals
from headsmith.nets.faces import Detector

SIZE = 512
"""Side of the renderings, pixels."""

DISTANCE, FIELD = 0.8, 0.36
"""Metres from the camera to between the eyes, and metres across the picture at that distance."""

COLOURS: dict[str, Colour] = {
    "lips": (178, 104, 100),
    "mouth_cavity": (110, 45, 45),
    "tongue": (190, 90, 95),
    "teeth": (240, 238, 228),
    "left_eyeball": (238, 238, 238),
    "right_eyeball": (238, 238, 238),
}
"""Colours of regions of the renderings, where the head has them; later ones win. The rest is skin."""

IRIS, PUPIL = (90, 60, 40), (15, 15, 15)
IRIS_RADIUS, PUPIL_RADIUS = 0.0059, 0.002
"""Metres. The visible iris is 11.7 mm wide on average (Ruefer, Schroeder and Erb 2005, *Cornea* 24)."""


def watcher(head: HeadContainer, detector: Detector, surfaces: dict[str, Int[ndarray, " n"]]) -> Watch:
    """Return the function that renders a head from the front and lets the detector look at it."""
    colours, middle = vertex_colours(head, COLOURS), between_eyes(head)

    def watch(vertices: Float[ndarray, "V 3"], turn: Float[ndarray, "3 3"]) -> View:
        camera = front_camera(turn, middle)
        points = torch.as_tensor(vertices)
        pixels, depth = project(points, camera)
        screen = torch.cat([pixels, depth[:, None]], -1).numpy()
        picture = paint(head, vertices, to_camera(points, camera).numpy(), screen, colours)
        found = detector.detect(picture)
        sights = {name: see(screen, head.faces, ids) for name, ids in surfaces.items()}
        return View(camera, sights, found[0].points[:, :2].astype(np.float64) if found else None)

    return watch


def between_eyes(head: HeadContainer) -> Float[ndarray, "3"]:
    """Return the place between the eyeballs, to a tenth of a millimetre."""
    eyes = [head.template[head.regions[f"{side}_eyeball"]].mean(0, dtype=np.float64) for side in ("left", "right")]
    return np.mean(eyes, 0).round(4)


def front_camera(turn: Float[ndarray, "3 3"], middle: Float[ndarray, "3"]) -> Camera:
    """Return the camera in front of a head that is turned by a rotation about a place, at the height of that place."""
    facing = np.diag(FLIP) @ turn
    centre = torch.full((2,), SIZE / 2, dtype=torch.float64)
    focal = torch.full((2,), SIZE * DISTANCE / FIELD, dtype=torch.float64)
    translation = torch.as_tensor([0.0, 0.0, DISTANCE] - facing @ middle)
    return Camera(torch.as_tensor(facing), translation, focal, centre, (SIZE, SIZE))


def see(screen: Float[ndarray, "V 3"], faces: Int[ndarray, "F 3"], chosen: Int[ndarray, " n"]) -> Sight:
    """Return what is visible when the mesh has some of its triangles alone."""
    ids, _, _ = rasterize_mesh(screen.astype(np.float32), faces[chosen], SIZE, SIZE, cull=True)
    return Sight(screen[:, :2], screen[:, 2], np.where(ids >= 0, chosen[ids], -1))


def faces_of(head: HeadContainer, regions: Sequence[str]) -> Int[ndarray, " n"]:
    """Return the triangles whose three corners lie in one of the regions."""
    inside = [np.isin(head.faces, head.regions[name]).all(1) for name in regions]
    return np.flatnonzero(np.any([np.zeros(len(head.faces), bool), *inside], 0))


def closing_faces(head: HeadContainer) -> Int[ndarray, " n"]:
    """Return the triangles that close FLAME's mouth between the lips; none where the head has a mouth."""
    return faces_of(head, ("mouth_rim",) if "mouth_rim" in head.regions else ())


def paint(
    head: HeadContainer,
    vertices: Float[ndarray, "V 3"],
    seen: Float[ndarray, "V 3"],
    screen: Float[ndarray, "V 3"],
    colours: Float[ndarray, "V 3"],
) -> UInt8[ndarray, "H W 3"]:
    """Return the picture of a head, with irises.

    Args:
        head: Triangles and regions.
        vertices: In the head's frame.
        seen: In the camera's axes.
        screen: Pixels and depth.
        colours: Of the vertices, 0..255.
    """
    ids, weights, _ = rasterize_mesh(screen.astype(np.float32), head.faces, SIZE, SIZE, cull=True)
    surface = spread(colours, head.faces, ids, weights)
    surface[np.isin(ids, closing_faces(head))] = COLOURS["mouth_cavity"]
    for side in ("left", "right"):
        centre = vertices[head.regions[f"{side}_eyeball"]].mean(0)
        on_ball = (ids >= 0) & np.isin(ids, faces_of(head, (f"{side}_eyeball",)))
        points = np.einsum("nc,ncd->nd", weights[on_ball], vertices[head.faces[ids[on_ball]]])
        radius = np.linalg.norm((points - centre)[:, :2], axis=1)[:, None]
        iris = np.where(radius < PUPIL_RADIUS, PUPIL, IRIS)
        surface[on_ball] = np.where(radius < IRIS_RADIUS, iris, surface[on_ball])
    return shade_pixels(surface, vertex_normals(seen, head.faces), head.faces, ids, weights)
