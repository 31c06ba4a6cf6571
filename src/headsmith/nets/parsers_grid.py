"""The class with the highest score at every pixel of a frame, the scores given on a coarse grid."""

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from numpy import ndarray


def strongest(scores: Float32[ndarray, "C h w"], size: int, step: float, start: float) -> UInt8[ndarray, "S S"]:
    """Return the class with the highest score at each pixel, the scores interpolated bilinearly and level beyond the grid.

    Within a cell a bilinear function lies between its values at the cell's four corners. So a class whose highest corner is
    below another's lowest wins nowhere in that cell; each class is interpolated only over the rectangle of the cells that are
    left to it.

    Args:
        scores: For each class, on a grid.
        size: Side of the frame, in pixels.
        step: Distance of two neighbouring pixels of the frame, in cells of the grid.
        start: Where on the grid the centre of the first pixel lies, in both directions.
    """
    best = np.full((size, size), -np.inf, np.float32)
    winner = np.zeros((size, size), np.uint8)
    for index, cells in enumerate(possible_cells(scores)):
        rows, columns = (pixels_over(cells.any(axis), size, step, start) for axis in (1, 0))
        if rows.stop > rows.start and columns.stop > columns.start:
            place = np.array([[step, 0, start + step * columns.start], [0, step, start + step * rows.start]], np.float64)
            there = read_grid(scores[index], place, (columns.stop - columns.start, rows.stop - rows.start))
            before = best[rows, columns]
            winner[rows, columns][there > before] = index
            np.maximum(before, there, out=before)
    return winner


def read_grid(grid: Float32[ndarray, "h w"], place: ndarray, size: tuple[int, int]) -> Float32[ndarray, "rows columns"]:
    """Return a grid interpolated at the pixels of a rectangle ``size`` = (columns, rows); ``place`` maps pixels to cells."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(grid, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def possible_cells(scores: Float32[ndarray, "C h w"]) -> Bool[ndarray, "C h-1 w-1"]:
    """Return in which cells (between four neighbouring scores) each class may win."""
    rows = np.maximum(scores[:, 1:], scores[:, :-1]), np.minimum(scores[:, 1:], scores[:, :-1])
    highest = np.maximum(rows[0][:, :, 1:], rows[0][:, :, :-1])
    lowest = np.minimum(rows[1][:, :, 1:], rows[1][:, :, :-1])
    return highest >= lowest.max(0)


def pixels_over(cells: Bool[ndarray, "n"], size: int, step: float, start: float) -> slice:
    """Return the pixels from before the first to beyond the last of the marked cells, along one side of the frame.

    A pixel more is taken on both sides, and at the grid's edge all pixels that lie beyond it. No marked cell gives an empty
    slice.
    """
    marked = np.flatnonzero(cells)
    if len(marked) == 0:
        return slice(0, 0)
    first, last = int(marked[0]), int(marked[-1]) + 1
    low = 0 if first == 0 else max(0, int((first - start) / step) - 1)
    high = size if last == len(cells) else min(size, int((last - start) / step) + 2)
    return slice(low, high)
