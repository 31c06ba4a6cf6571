"""What a fitted portrait is, in memory and as ``fits/{picture}.npz``.

World to camera, OpenCV's axes, metres, radians; pixels are those of the prepared crop, centres at +0.5. A point p of the head
lies at ``q = rotation p + translation`` before the camera. A ``perspective`` camera sees it at ``focal q_xy / q_z + principal``
(focal in pixels); a ``weak`` one at ``focal q_xy + principal`` (focal in pixels a metre): its ``q_z`` tells only what is nearer
than what, and is large, so that what draws in perspective draws the same. The light of a point with unit normal n, in the
camera's axes, is ``maths.irradiance.irradiance(n) @ light``; its colour, RGB of 0..1, is albedo times light; and its albedo is
``colour`` times the texture space's picture of the codes ``texture`` (times 1 where there is none), plus ``offset``,
at its place in the head's unwrapping.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Float32
from numpy import ndarray

from headsmith.contract.conventions import CONVENTIONS
from headsmith.contract.errors import UserError
from headsmith.contract.portraits_fit import CAMERAS, WEAK
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadParameters
from headsmith.media.arrays import read_arrays
from headsmith.media.atomic import atomic_path

REMAKE: Final = "the portrait is fitted anew"
SHAPES: Final[dict[str, tuple[int | None, ...]]] = {
    **{"identity": (None,), "expression": (None,), "eyelids": (2,), "jaw": (3,), "eyes": (2, 3), "neck": (3,)},
    **{"rotation": (3, 3), "translation": (3,), "principal": (2,), "texture": (None,), "offset": (None, None, 3)},
    **{"colour": (3,), "light": (9, 3), "focal": (), "size": (), "landmark_error": (), "psnr": ()},
}
TEXTS: Final = ("name", "head_sha256", "texture_sha256", "camera", "convention")


@dataclass(frozen=True)
class FittedPortrait:
    """The parameters of one picture; see the module for what they mean.

    Attributes:
        name: The picture's name within its portrait.
        head_sha256: The head that the codes are of.
        texture_sha256: The texture space that ``texture`` is of; blank: none.
        camera: ``weak`` or ``perspective``.
        convention: The landmarks it was fitted to.
        identity: All of the head's codes; those beyond the sought ones are 0.
        expression: All of the head's codes; those beyond the sought ones are 0.
        eyelids: Left, right; 0 open, 1 closed.
        jaw: Axis-angle; opening is positive about +x.
        eyes: Axis-angle of the left and the right eye.
        neck: Axis-angle of the head against the root; zero where it was not sought.
        rotation: Head to camera.
        translation: Head to camera, metres.
        focal: Pixels, or pixels a metre of a weak camera.
        principal: Principal point, pixels of the crop.
        size: Side of the crop, pixels.
        texture: Codes of the texture space, in standard deviations; none where there is none.
        offset: What the skin's albedo differs by, RGB of 0..1, over the unwrapping, the first row at v = 1; (0, 0, 3): none.
        colour: RGB: the albedo where there is no texture space, 0..1; else what the space's colours are multiplied by.
        light: Spherical harmonics by colour, of normals in the camera's axes; equal columns where the light is shared.
        landmark_error: Mean distance of the landmarks that are not on the face's outline, percent of the eye distance.
        psnr: dB over the pixels of skin that were compared; NaN where the picture's colours were not fitted.
    """

    name: str
    head_sha256: str
    texture_sha256: str
    camera: str
    convention: str
    identity: Float[ndarray, " K"]
    expression: Float[ndarray, " E"]
    eyelids: Float[ndarray, "2"]
    jaw: Float[ndarray, "3"]
    eyes: Float[ndarray, "2 3"]
    neck: Float[ndarray, "3"]
    rotation: Float[ndarray, "3 3"]
    translation: Float[ndarray, "3"]
    focal: float
    principal: Float[ndarray, "2"]
    size: int
    texture: Float[ndarray, " C"]
    offset: Float32[ndarray, "U U 3"]
    colour: Float[ndarray, "3"]
    light: Float[ndarray, "9 3"]
    landmark_error: float
    psnr: float

    def parameters(self) -> HeadParameters:
        """Return what drives the head, float64, without a leading shape."""
        parts = (self.identity, self.expression, self.jaw, self.eyes, self.eyelids, self.neck)
        return HeadParameters(*(torch.from_numpy(np.ascontiguousarray(part)) for part in parts))

    def in_camera(self, points: Float[ndarray, "n 3"]) -> Float[ndarray, "n 3"]:
        """Return points of the head's frame in the camera's axes, metres."""
        return points @ self.rotation.T + self.translation

    def seen_at(self, points: Float[ndarray, "n 3"]) -> Float[ndarray, "n 3"]:
        """Return where points in the camera's axes are seen: x and y in pixels of the crop, and their depth."""
        plane = points[:, :2] if self.camera == WEAK else points[:, :2] / points[:, 2:]
        return np.concatenate([self.focal * plane + self.principal, points[:, 2:]], 1)


def write_portrait(path: Path, portrait: FittedPortrait) -> None:
    """Write a fitted portrait, as it is: numbers in float64, the offset in float32."""
    arrays = {item.name: np.asarray(getattr(portrait, item.name)) for item in fields(portrait)}
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def read_portrait(path: Path, head: HeadContainer) -> FittedPortrait:
    """Return a portrait that ``write_portrait`` wrote, bit for bit.

    Raises:
        UserError: It cannot be read, does not hold together, or was fitted with another head.
    """
    names = [item.name for item in fields(FittedPortrait)]
    arrays = read_arrays(path, names, path.stem, what="fitted portrait", remake=REMAKE)
    if fault := _fault(arrays, head):
        remedy = f"delete {path} and run snakemake again: {REMAKE}"
        raise UserError(f"the fitted portrait {fault}", clip=path.stem, file=path, remedy=remedy)
    own: dict = {name: str(arrays.pop(name)) for name in TEXTS}
    own |= {name: arrays.pop(name).item() for name in ("focal", "size", "landmark_error", "psnr")}
    return FittedPortrait(**own, **arrays)


def _fault(arrays: dict[str, ndarray], head: HeadContainer) -> str | None:
    """Return what is wrong with the arrays of a file, or nothing."""
    for name, shape in SHAPES.items():
        found = arrays[name].shape
        if len(found) != len(shape) or any(want not in (None, have) for want, have in zip(shape, found, strict=True)):
            return f"does not hold together: `{name}` is {found}"
        if not np.issubdtype(arrays[name].dtype, np.number) or not (name == "psnr" or np.isfinite(arrays[name]).all()):
            return f"does not hold together: `{name}` is no finite number"
    if str(arrays["camera"]) not in CAMERAS or str(arrays["convention"]) not in CONVENTIONS:
        return f"has a camera {arrays['camera']} or landmarks {arrays['convention']} that nobody knows"
    if str(arrays["head_sha256"]) != head.sha256:
        made_with = str(arrays["head_sha256"])[:12]
        return f"was made with another head ({made_with}) than {head.name} ({head.sha256[:12]})"
    if (len(arrays["identity"]), len(arrays["expression"])) != (len(head.identity), len(head.expression)):
        return f"has {len(arrays['identity'])} and {len(arrays['expression'])} codes, which are not the head's"
    return None
