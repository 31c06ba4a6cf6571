"""What the fit of portraits seeks, as tensors that are changed step by step."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from headsmith.contract.portraits_fit import WEAK
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_start import WEAK_DEPTH, filled
from headsmith.stages.portraits_surface import Surface

RATES: Final = {
    **{"identity": "identity", "expression": "expression", "eyelids": "expression", "jaw": "jaw", "eyes": "jaw", "neck": "jaw"},
    **{"turn": "turn", "spot": "spot", "focal": "focal", "texture": "texture", "colour": "colour", "light": "light"},
    **{"offset": "offset"},
}
"""Which of the settings' rates each unknown goes by."""


@dataclass(frozen=True)
class Unknowns:
    """What is sought: the first three are of the person, the others of each picture.

    Attributes:
        identity: Codes.
        texture: Codes of the texture space; none where there is none.
        offset: What the albedo differs by, RGB of 0..1, over the surface's texels; none where it is not sought.
        expression: Codes.
        eyelids: Left, right.
        jaw: Axis-angle.
        eyes: Axis-angle of the left and the right eye.
        neck: Axis-angle.
        turn: Axis-angle by which the head is turned, in the camera's axes, beyond where it began.
        spot: Where the pivot is seen: from the principal point, in sides of the crop, and the logarithm of the pixels of the
            crop that a metre measures there.
        focal: Logarithm of the focal length in pixels of the crop; of no effect for a weak camera.
        colour: Albedo, RGB of 0..1, where there is no texture space; else 1, and not sought.
        light: Of ``irradiance`` of normals in the camera's axes: one column, or one for each colour.
    """

    identity: Float[Tensor, "1 K"]
    texture: Float[Tensor, "1 C"]
    offset: Float[Tensor, "3 h w"]
    expression: Float[Tensor, "B E"]
    eyelids: Float[Tensor, "B 2"]
    jaw: Float[Tensor, "B 3"]
    eyes: Float[Tensor, "B 2 3"]
    neck: Float[Tensor, "B 3"]
    turn: Float[Tensor, "B 3"]
    spot: Float[Tensor, "B 3"]
    focal: Float[Tensor, " B"]
    colour: Float[Tensor, "B 3"]
    light: Float[Tensor, "B 9 _"]

    def named(self) -> dict[str, Tensor]:
        """Return all of them by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def parameters(self) -> HeadParameters:
        """Return what drives the head."""
        return HeadParameters(self.identity, self.expression, self.jaw, self.eyes, self.eyelids, self.neck)

    def codes(self) -> Float[Tensor, "B C"]:
        """Return expression, eyelids, jaw and eyes in one row, as a clip's fit has them."""
        return torch.cat([self.expression, self.eyelids, self.jaw, self.eyes.flatten(1)], 1)


@dataclass(frozen=True)
class Frozen:
    """What is not sought.

    Attributes:
        rotation: Head to camera, where it began.
        weak: Whether the camera is weak.
        size: Side of the crop, pixels.
    """

    rotation: Float[Tensor, "B 3 3"]
    weak: bool
    size: int

    def turned(self, unknowns: Unknowns) -> Float[Tensor, "B 3 3"]:
        """Return the rotations, head to camera."""
        return axis_angle_to_matrix(unknowns.turn) @ self.rotation

    def nearness(self, unknowns: Unknowns) -> Float[Tensor, " B"]:
        """Return one over the distance of the pivot along the optical axis, 1 / metres; 0 for a weak camera."""
        nearness = (unknowns.spot[:, 2] - unknowns.focal).exp()
        return torch.zeros_like(nearness) if self.weak else nearness


def begin(
    start: Sequence[FittedPortrait], surface: Surface, texture: int, offset: bool, shared: bool
) -> tuple[Unknowns, Frozen]:
    """Return the unknowns of portraits that were fitted before.

    Args:
        start: As they were fitted.
        surface: The head's.
        texture: How many texture codes are sought.
        offset: Whether the offset is sought.
        shared: Whether the three colours have one light.
    """
    kind, pivot = surface.model.template.dtype, surface.pivot.double().numpy()

    def rows(values: Sequence) -> Tensor:
        return torch.from_numpy(np.stack(values)).to(kind)

    first, weak = start[0], start[0].camera == WEAK
    spots, focals = [], []
    for part in start:
        place = part.rotation @ pivot + part.translation
        scale = part.focal if weak else part.focal / place[2]
        spots.append(np.array([*(scale * place[:2] / part.size), math.log(scale)]))
        focals.append(math.log(1000 * part.size if weak else part.focal))
    model, frame = surface.model, surface.frame
    light = rows([part.light for part in start])
    unknowns = Unknowns(
        identity=rows([first.identity[: len(model.identity)]]),
        texture=light.new_zeros(1, texture),
        offset=light.new_zeros(3, *((frame.height, frame.width) if offset else (0, 0))),
        expression=rows([part.expression[: len(model.expression)] for part in start]),
        **{name: rows([getattr(part, name) for part in start]) for name in ("eyelids", "jaw", "eyes", "neck")},
        turn=light.new_zeros(len(start), 3),
        spot=rows(spots),
        focal=light.new_tensor(focals),
        colour=rows([np.ones(3) if texture else part.colour for part in start]),
        light=light.mean(2, keepdim=True) if shared else light,
    )
    return unknowns, Frozen(rows([part.rotation for part in start]), weak, first.size)


def finished(
    start: FittedPortrait, row: int, unknowns: Unknowns, frozen: Frozen, surface: Surface, model: HeadModel, texels: int
) -> FittedPortrait:
    """Return one portrait with what was found, in the head's own codes and the whole unwrapping; errors are as they were.

    Args:
        start: The portrait as it was.
        row: Which of the pictures.
        unknowns: What was found.
        frozen: What was not sought.
        surface: The head's.
        model: The whole head.
        texels: Along a side of the whole unwrapping.
    """
    found = {name: value.detach().double() for name, value in unknowns.named().items()}
    rotation = frozen.turned(unknowns)[row].detach().double().numpy()
    x, y, scale = found["spot"][row].tolist()
    scale, focal = math.exp(scale), math.exp(float(found["focal"][row]))
    depth = WEAK_DEPTH if frozen.weak else focal / scale
    place = np.array([x * frozen.size / scale, y * frozen.size / scale, depth])
    head, own = model.container, ("eyelids", "jaw", "eyes", "neck", "colour")
    return replace(
        start,
        identity=filled(found["identity"][0], len(head.identity)),
        expression=filled(found["expression"][row], len(head.expression)),
        **{name: found[name][row].numpy() for name in own},
        rotation=rotation,
        translation=place - rotation @ surface.pivot.double().numpy(),
        focal=scale if frozen.weak else focal,
        texture=found["texture"][0].numpy(),
        offset=spread_out(found["offset"], surface, texels),
        light=found["light"][row].expand(9, 3).contiguous().numpy(),
    )


def spread_out(offset: Float[Tensor, "3 h w"], surface: Surface, texels: int) -> np.ndarray:
    """Return the offset over the whole unwrapping, float32 ``(U, U, 3)``, zero beyond the face; none where there is none."""
    if not offset.numel():
        return np.zeros((0, 0, 3), np.float32)
    whole = np.zeros((texels, texels, 3), np.float32)
    top, bottom, left, right = surface.box
    whole[top:bottom, left:right] = offset.permute(1, 2, 0).float().numpy()
    return whole
