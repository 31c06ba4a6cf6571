"""A portrait's head drawn over its crop or over the whole picture, as DECA shows it (``renderer.py``, ``deca.py``)."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from numpy import ndarray

from headsmith.contract.conventions import IBUG68
from headsmith.exports.surface import Surface
from headsmith.maths.cameras import FLIP
from headsmith.maths.irradiance import irradiance
from headsmith.mesh.renderers import Renderer
from headsmith.stages.portraits_codes import DecodedPortrait
from headsmith.stages.portraits_crop import Similarity, moved, scale_of
from headsmith.stages.portraits_file import FittedPortrait

GREY: Final = 180 / 255
LAMPS: Final = np.array([[-1, 1, 1], [1, 1, 1], [-1, -1, 1], [1, -1, 1], [0, 0, 1.0]])
BRIGHTNESS: Final = 1.7
"""DECA's five lamps, in its world, and how bright each is; the light is their mean."""
BACK: Final = -0.15
"""Skin whose normal points farther away from the camera than this is not drawn as shape."""
SHOWN, HIDDEN, LINE = (0, 255, 0), (255, 0, 0), (255, 255, 255)

Picture = UInt8[ndarray, "_ _ 3"]


@dataclass(frozen=True)
class Canvas:
    """Where a head is drawn.

    Attributes:
        picture: What is behind it; RGB.
        place: From the crop's pixels to the picture's.
        over: Whether the picture stays around the head; else black.
    """

    picture: Picture
    place: Similarity
    over: bool

    def scaled(self, scale: float) -> "Canvas":
        """Return the canvas with pixels of another size."""
        height, width = (max(1, round(side * scale)) for side in self.picture.shape[:2])
        picture = cv2.resize(self.picture, (width, height), interpolation=cv2.INTER_AREA)
        return Canvas(picture, np.diag([scale, scale, 1.0]) @ self.place, self.over)


@dataclass(frozen=True)
class Maps:
    """What each pixel of a window of the canvas shows.

    Attributes:
        window: First and last row, first and last column; the last are not included.
        mask: Pixels with a face.
        normals: In DECA's world.
        uv: Texture coordinates, v up.
        nearness: 1 at the nearest vertex, 0 at the farthest, and where there is no face.
    """

    window: tuple[slice, slice]
    mask: Bool[ndarray, "h w"]
    normals: Float32[ndarray, "h w 3"]
    uv: Float32[ndarray, "h w 2"]
    nearness: Float32[ndarray, "h w"]


def map_head(renderer: Renderer, surface: Surface, decoded: DecodedPortrait, canvas: Canvas) -> Maps:
    """Return what the pixels of the canvas show, within the rectangle around the head.

    Args:
        renderer: Draws.
        surface: Of the head.
        decoded: The head.
        canvas: Where to.
    """
    pixels, (height, width) = moved(decoded.seen[:, :2], canvas.place), canvas.picture.shape[:2]
    low = np.clip(np.floor(pixels.min(0)).astype(int), 0, (width - 1, height - 1))
    high = np.clip(np.ceil(pixels.max(0)).astype(int), low + 1, (width, height))
    seams, depth = surface.split(), decoded.seen[:, 2:]
    near = -decoded.vertices[:, 2:]
    nearness = 1 - (near - near.min()) / max(float(np.ptp(near)), 1e-12)
    corners = np.concatenate([pixels - low, depth], 1)[seams.vertices]
    values = np.concatenate([decoded.normals[seams.vertices], seams.uv, nearness[seams.vertices]], 1)
    parts = (torch.from_numpy(np.ascontiguousarray(part, np.float32))[None] for part in (corners, values))
    screen, attributes = parts
    faces = torch.from_numpy(seams.faces.astype(np.int64))
    drawn = renderer.interpolate(screen, faces, attributes, (int(high[0] - low[0]), int(high[1] - low[1])))
    image = drawn.image[0].cpu().numpy()
    window = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
    return Maps(window, drawn.mask[0].cpu().numpy(), image[..., :3], image[..., 3:5], image[..., 5])


def shape_image(canvas: Canvas, maps: Maps, normals: Float32[ndarray, "h w 3"] | None = None) -> Picture:
    """Return the grey head under DECA's lamps; other normals than the head's own where they are given."""
    lamps = LAMPS / np.linalg.norm(LAMPS, axis=1, keepdims=True)
    toward = maps.normals if normals is None else normals
    light = np.clip(toward @ lamps.T.astype(np.float32), 0, 1).mean(-1) * BRIGHTNESS
    own = maps.mask & (maps.normals[..., 2] > BACK)
    return laid(canvas, maps, np.repeat(GREY * light[..., None], 3, -1), own)


def albedo_image(canvas: Canvas, maps: Maps, albedo: Float[ndarray, "U U 3"]) -> Picture:
    """Return the skin's own colours."""
    return laid(canvas, maps, look_up(albedo, maps.uv), maps.mask)


def rendered_image(canvas: Canvas, maps: Maps, albedo: Float[ndarray, "U U 3"], fitted: FittedPortrait) -> Picture:
    """Return the skin's colours in the fitted light."""
    towards = maps.normals * FLIP.astype(np.float32)
    length = np.linalg.norm(towards, axis=-1, keepdims=True)
    light = irradiance(torch.from_numpy(towards / np.maximum(length, 1e-6))).numpy() @ fitted.light.astype(np.float32)
    return laid(canvas, maps, look_up(albedo, maps.uv) * light, maps.mask)


def depth_image(canvas: Canvas, maps: Maps) -> Picture:
    """Return DECA's depth: white at the nearest vertex, black at the farthest, and where there is no head."""
    plain = Canvas(canvas.picture, canvas.place, over=False)
    return laid(plain, maps, np.repeat(maps.nearness[..., None], 3, -1), maps.mask)


def points_image(canvas: Canvas, points: Float[ndarray, "68 C"], size: int) -> Picture:
    """Return the picture with the 68 points, joined as the convention says; red where one is hidden, if that is told.

    Args:
        canvas: Where to.
        points: x, y in -1..1 over the crop, y down; with four columns the last is 1 where a point is visible.
        size: Side of the crop, pixels.
    """
    image = np.ascontiguousarray(canvas.picture.copy())
    places = moved((points[:, :2] + 1) * size / 2, canvas.place) - 0.5
    thick = max(1, round(min(image.shape[:2]) / 300 * min(1.0, max(0.3, scale_of(canvas.place)))))
    whole = np.round(places).astype(np.int32)
    for rows, closed in ((IBUG68.lines, False), (IBUG68.rings, True)):
        for row in rows.values():
            cv2.polylines(image, [whole[list(row)]], closed, LINE, thick, cv2.LINE_AA)
    for place, point in zip(whole, points, strict=True):
        colour = HIDDEN if len(point) > 3 and point[3] < 0.5 else SHOWN
        cv2.circle(image, tuple(int(part) for part in place), thick + 1, colour, -1, cv2.LINE_AA)
    return image


def look_up(texture: Float[ndarray, "U U C"], uv: Float32[ndarray, "h w 2"]) -> Float32[ndarray, "h w C"]:
    """Return a texture, whose first row is at v = 1, at texture coordinates, linear between texels."""
    side = texture.shape[0]
    x, y = (uv[..., 0] * side - 0.5).astype(np.float32), ((1 - uv[..., 1]) * side - 0.5).astype(np.float32)
    return cv2.remap(texture.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def laid(canvas: Canvas, maps: Maps, colours: Float[ndarray, "h w 3"], mask: Bool[ndarray, "h w"]) -> Picture:
    """Return colours of 0..1 in the window, where the mask has them, over what is behind."""
    image = canvas.picture.copy() if canvas.over else np.zeros_like(canvas.picture)
    image[maps.window][mask] = (colours[mask] * 255).clip(0, 255).round().astype(np.uint8)
    return image


def beside(images: list[Picture], height: int) -> Picture:
    """Return pictures in a row, each of this height."""
    sized = []
    for image in images:
        width = max(1, round(image.shape[1] * height / image.shape[0]))
        way = cv2.INTER_AREA if image.shape[0] > height else cv2.INTER_LINEAR
        sized.append(image if image.shape[0] == height else cv2.resize(image, (width, height), interpolation=way))
    return np.concatenate(sized, 1)
