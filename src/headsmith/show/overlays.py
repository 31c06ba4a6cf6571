"""What the stages found, drawn on the frames: landmarks, edges of masks, label colours, mattes, the tracked head."""

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from headsmith.contract.conventions import Convention
from headsmith.show.colours import colour_labels
from headsmith.show.text import Colour

Picture = UInt8[ndarray, "H W 3"]

MESH_COLOUR: Colour = (175, 215, 255)
TRACKED_COLOUR: Colour = (60, 255, 90)
"""Of the tracked head's own landmarks, beside those that were detected."""

FRACTION_BITS = 4
"""OpenCV takes fixed-point coordinates: sixteenths of a pixel."""

CONTOUR_COLOURS: dict[str, Colour] = {
    "oval": (255, 214, 0),
    "right_brow": (255, 145, 0),
    "left_brow": (0, 200, 255),
    "right_eye": (255, 145, 0),
    "left_eye": (0, 200, 255),
    "right_iris": (255, 60, 60),
    "left_iris": (60, 120, 255),
    "outer_lips": (255, 64, 129),
    "inner_lips": (190, 255, 120),
    "nose": (150, 60, 255),
    "nose_base": (150, 60, 255),
}
"""Right (the subject's own) in warm colours, left in cool ones: a swap is seen at a glance."""


def draw_landmarks(
    picture: Picture, points: Float[ndarray, "L _xy"], convention: Convention | None = None, *, dots: bool = True
) -> Picture:
    """Return a picture with the contours that a convention knows, and dots where it knows none.

    Args:
        picture: What to draw on.
        points: x right, y down, in pixels of ``picture`` from its upper left corner; a third column is ignored.
        convention: What the points are; None: all are dots.
        dots: Whether there are dots beside the contours.
    """
    drawn = picture.copy()
    fixed = _fixed(points[:, :2])
    rings, lines = ({}, {}) if convention is None else (convention.rings, convention.lines)
    in_contours = {index for contour in (*rings.values(), *lines.values()) for index in contour}
    for index, point in enumerate(fixed if dots else ()):
        if index not in in_contours:
            cv2.circle(drawn, tuple(map(int, point)), 12, (255, 255, 255), -1, cv2.LINE_AA, FRACTION_BITS)
    for contours, closed in ((rings, True), (lines, False)):
        for name, contour in contours.items():
            cv2.polylines(drawn, [fixed[list(contour)]], closed, CONTOUR_COLOURS[name], 1, cv2.LINE_AA, FRACTION_BITS)
    return drawn


def draw_points(picture: Picture, points: Float[ndarray, "n 2"], colour: Colour, radius: float = 1.5) -> Picture:
    """Return a picture with a dot at each point that has a place; ``radius`` in pixels."""
    drawn = picture.copy()
    for x, y in _fixed(points[np.isfinite(points).all(1)]).tolist():
        cv2.circle(drawn, (x, y), round(radius * 2**FRACTION_BITS), colour, -1, cv2.LINE_AA, FRACTION_BITS)
    return drawn


def draw_edges(picture: Picture, mask: UInt8[ndarray, "h w"], colour: Colour, thickness: int = 2) -> Picture:
    """Return a picture with a mask's outlines, the half-way level of masks with soft borders; nothing inside is covered.

    Args:
        picture: What to draw on; the mask is enlarged to its size.
        mask: 0..255.
        colour: Of the line.
        thickness: Of the line, pixels.
    """
    drawn = picture.copy()
    same_size = cv2.resize(mask, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR)
    outlines, _ = cv2.findContours((same_size > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(drawn, outlines, -1, colour, thickness, cv2.LINE_AA)
    return drawn


def blend_labels(picture: Picture, labels: UInt8[ndarray, "H W"], share: float = 0.65) -> Picture:
    """Return a picture tinted with the colours of its labels; ``share`` of colour, the rest picture."""
    return np.round(picture * (1 - share) + colour_labels(labels) * share).astype(np.uint8)


def over_checkerboard(picture: Picture, alpha: UInt8[ndarray, "H W"], square: int = 16) -> Picture:
    """Return what a matte (0..255) lets through of a picture, over grey squares of ``square`` pixels."""
    rows, columns = np.indices(alpha.shape) // square
    board = np.where((rows + columns) % 2, 235, 170)[..., None]
    share = alpha[..., None] / 255
    return np.round(picture * share + board * (1 - share)).astype(np.uint8)


def draw_mesh(
    picture: Picture,
    face_ids: Int[ndarray, "H W"],
    barycentrics: Float[ndarray, "H W 3"],
    light: Float[ndarray, "F 3"],
    share: float = 0.6,
) -> Picture:
    """Return a picture with a translucent, smoothly shaded mesh over it.

    Args:
        picture: What to draw on.
        face_ids: Triangle seen at each pixel, -1 where there is none.
        barycentrics: Weights of its corners, perspective-correct; 0 where there is none.
        light: On the corners of each triangle, 0..1.
        share: Of mesh in the mixture, 0..1.
    """
    drawn, seen = picture.copy(), face_ids >= 0
    if not seen.any():
        return drawn
    left, top, width, height = cv2.boundingRect(seen.astype(np.uint8))
    box = np.s_[top : top + height, left : left + width]
    shade = np.einsum("hwc,hwc->hw", barycentrics[box], light[face_ids[box]]).astype(np.float32)
    surface = cv2.merge([shade * (share * channel) for channel in MESH_COLOUR])
    keep = 1 - np.float32(share) * seen[box][..., None]
    drawn[box] = cv2.convertScaleAbs(picture[box] * keep + surface)
    return drawn


def cross_out(picture: Picture, colour: Colour = (230, 40, 50)) -> Picture:
    """Return a picture with a diagonal cross: a frame that is not used."""
    drawn = picture.copy()
    height, width = picture.shape[:2]
    for ends in (((0, 0), (width - 1, height - 1)), ((0, height - 1), (width - 1, 0))):
        cv2.line(drawn, *ends, colour, max(2, width // 100), cv2.LINE_AA)
    return drawn


def _fixed(points: Float[ndarray, "L 2"]) -> Int[ndarray, "L 2"]:
    return np.round((points - 0.5) * 2**FRACTION_BITS).astype(np.int32)
