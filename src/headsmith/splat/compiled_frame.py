"""One frame through the compiled kernels, forward and backward."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int32
from torch import Tensor

from headsmith.maths.cameras import Camera
from headsmith.splat.compiled_threads import share
from headsmith.splat.kernels_blend import RECORD, blend
from headsmith.splat.kernels_blend_backward import PULL, blend_backward, collect
from headsmith.splat.kernels_order import deal_to_tiles, sort_by_depth
from headsmith.splat.kernels_project import project
from headsmith.splat.kernels_project_backward import project_backward
from headsmith.splat.reference import MARGIN

LANES = 8
"""The projection works on so many Gaussians at a time, so there must be as many."""

NEXT, AFTER = [1, 2, 0], [2, 0, 1]
"""Of three axes, for cross products."""

STILL = ([0.0, 0, 0], [1.0, 1, 1], [1.0, 0, 0, 0], [0.0])
"""Mean, scales, quaternion and opacity of a Gaussian that draws nothing."""


class Drawn(NamedTuple):
    """What the backward pass of one frame needs of its forward pass.

    Attributes:
        inputs: Means, scales, quats and colours, flat.
        bands: Harmonics of the colours, 0 for plain ones.
        view: See `kernels_project.VIEW`.
        depths: See `project`.
        records: See `blend`.
        boxes: See `blend`.
        starts: See `blend`.
        members: See `blend`.
        image: Background included.
        leftover: Transmittance behind the last Gaussian.
        ends: See `blend`.
        background: One colour, or one a pixel.
        step: 0 for one colour, 3 for one a pixel.
        size: Width and height.
    """

    inputs: list[Float[np.ndarray, " _"]]
    bands: int
    view: Float[np.ndarray, " 32"]
    depths: Float[np.ndarray, " N"]
    records: Float[np.ndarray, " R"]
    boxes: Int32[np.ndarray, " B"]
    starts: Int32[np.ndarray, " S"]
    members: Int32[np.ndarray, " M"]
    image: Float[np.ndarray, " I"]
    leftover: Float[np.ndarray, " L"]
    ends: Float[np.ndarray, " L"]
    background: Float[np.ndarray, " G"]
    step: int
    size: tuple[int, int]


def flat(tensor: Tensor) -> Float[np.ndarray, " n"]:
    """The tensor's numbers in one row."""
    return tensor.detach().contiguous().numpy().reshape(-1)


def view_of(camera: Camera, dtype: np.dtype) -> Float[np.ndarray, " 32"]:
    """The camera as the kernels read it (`kernels_project.VIEW`)."""
    parts = (camera.rotation, camera.translation, camera.focal, camera.principal)
    rotation, translation, focal, principal = (part.detach().numpy() for part in parts)
    size = np.array(camera.size)
    margin = MARGIN * 0.5 * size / focal
    least, most = -principal / focal - margin, (size - principal) / focal + margin
    limits = [least[0], most[0], least[1], most[1]]
    centre = -rotation.T @ translation
    second, third = rotation[NEXT], rotation[AFTER]
    turned = second[:, NEXT] * third[:, AFTER] - second[:, AFTER] * third[:, NEXT]
    return np.concatenate([rotation.reshape(-1), translation, focal, principal, limits, centre, turned.reshape(-1)]).astype(
        dtype
    )


def fill_up(inputs: list[Float[np.ndarray, " _"]], bands: int) -> list[Float[np.ndarray, " _"]]:
    """Adds Gaussians that draw nothing where there are too few."""
    count = inputs[3].size
    if count >= LANES:
        return inputs
    rows = [*STILL, [0.0] * 3 * max(bands, 1)]
    return [
        np.concatenate([part, np.tile(np.array(row, part.dtype), LANES - count)])
        for part, row in zip(inputs, rows, strict=True)
    ]


def draw(inputs: list[Float[np.ndarray, " _"]], bands: int, camera: Camera, background: Tensor, threads: int) -> Drawn:
    """Draws one frame; `inputs` are the five kinds of numbers, flat."""
    inputs = fill_up(inputs, bands)
    count, dtype, (width, height) = inputs[3].size, inputs[0].dtype, camera.size
    records, boxes, depths = np.empty(RECORD * count, dtype), np.empty(4 * count, np.int32), np.empty(count, dtype)
    view, behind = view_of(camera, dtype), flat(background)

    def project_some(first: int, last: int) -> bool:
        return project(*inputs, bands, view, width, height, first, last, records, boxes, depths)

    if not all(share(project_some, count, threads, LANES)):
        raise ValueError("Gaussians to draw hold numbers that are not finite, or a quaternion of length 0")
    order = sort_by_depth(depths.view(np.int32 if dtype == np.float32 else np.int64))
    starts, members = deal_to_tiles(order, boxes, width, height)
    image, leftover, ends = (np.empty(channels * width * height, dtype) for channels in (3, 1, 1))
    step, lists = 3 * (background.ndim == 3), (records, boxes, starts, members)

    def blend_some(first: int, last: int) -> None:
        blend(*lists, width, height, first, last, behind, step, image, leftover, ends)

    share(blend_some, len(starts) - 1, threads, parts=4)
    kept = [*inputs[:3], inputs[4]]
    return Drawn(kept, bands, view, depths, *lists, image, leftover, ends, behind, step, camera.size)


def draw_backward(drawn: Drawn, image_gradient: Tensor, alpha_gradient: Tensor, threads: int) -> list[Float[np.ndarray, " _"]]:
    """Gradients of the five kinds of numbers, flat."""
    count, dtype, members = drawn.depths.size, drawn.depths.dtype, drawn.members
    of_image, of_alpha = flat(image_gradient), flat(alpha_gradient)
    alone = threads == 1
    slots = members if alone else np.arange(members.size, dtype=np.int32)
    parts = np.zeros(PULL * (count if alone else members.size), dtype)
    lists = (drawn.records, drawn.boxes, drawn.starts, members, drawn.size[0])
    ground = (drawn.background, drawn.step, drawn.leftover, drawn.ends)

    def blend_some(first: int, last: int) -> None:
        blend_backward(*lists, first, last, *ground, of_image, of_alpha, slots, parts)

    share(blend_some, len(drawn.starts) - 1, threads, parts=4)
    pulls = parts
    if not alone:
        pulls = np.zeros(PULL * count, dtype)
        collect(members, parts, pulls)
    means, scales, quats, colours = drawn.inputs
    gradients = [np.empty(size, dtype) for size in (means.size, scales.size, quats.size, count, colours.size)]
    given = (*drawn.inputs, drawn.bands, drawn.view, drawn.depths, drawn.records, pulls)
    share(lambda first, last: project_backward(*given, first, last, *gradients), count, threads, LANES)
    return gradients
