"""A head's texture space: a mean and principal components over its unwrapping, in the form of ``FLAME_texture.npz``.

FLAME's own (BFM-free texture model on flame.is.tue.mpg.de, CC BY-NC-SA 4.0), and those that ``snakemake texture_space`` learns
of any head, have ``mean (H, W, 3)`` and ``tex_dir (H, W, 3, N)``, values 0..255 in the order blue, green, red, and the
unwrapping as ``vt (U, 2)`` and ``ft (F, 3)``. A texture is the mean plus the components by their codes, in standard deviations.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile
from zlib import error as DeflateError

import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray

from headsmith.contract.archives import check_arrays
from headsmith.contract.errors import UserError
from headsmith.heads.container import HeadContainer

REMEDY: Final = (
    "name FLAME_texture.npz as it comes from flame.is.tue.mpg.de, or what `snakemake texture_space` has made, in "
    "heads.texture; or use exports.texture: clip"
)
UNWRAPPING: Final = (
    "FLAME_texture.npz needs FLAME's own unwrapping: name head_template_mesh.obj in heads.template; a texture space of another "
    "head is learned by `snakemake texture_space`; or use exports.texture: clip"
)
TOLERANCE: Final = 1e-3
"""Largest distance of texture coordinates that are the same, in shares of the picture: half a texel of 512."""


@dataclass(frozen=True)
class TextureModel:
    """A mean picture and what each code changes in it.

    Attributes:
        mean: RGB, 0..255.
        directions: Change of one standard deviation of each code, RGB, 0..255.
    """

    mean: Float32[ndarray, "H W 3"]
    directions: Float32[ndarray, "H W 3 N"]

    def texture(self, codes: Float[ndarray, " n"]) -> UInt8[ndarray, "H W 3"]:
        """Return the picture of some codes, RGB; codes that are left out are 0.

        Raises:
            UserError: There are more codes than components were read.
        """
        if len(codes) > self.directions.shape[-1]:
            raise UserError(f"{len(codes)} texture codes for {self.directions.shape[-1]} components", remedy=REMEDY)
        picture = self.mean + self.directions[..., : len(codes)] @ codes.astype(np.float32)
        return picture.clip(0, 255).round().astype(np.uint8)


def read_texture(path: Path, head: HeadContainer, components: int = 0) -> TextureModel:
    """Return a texture space, checked against a head's unwrapping.

    Args:
        path: ``FLAME_texture.npz``, or a file of its form.
        head: The head that will wear it.
        components: How many of the components are read at most; FLAME's file has 200, of 3 MB each.

    Raises:
        UserError: The file is missing, broken or of another form, or belongs to another unwrapping.
    """
    try:
        check_arrays(path, ("mean", "vt", "ft", *(("tex_dir",) if components else ())))
        with np.load(path, allow_pickle=False) as content:
            mean, vt, ft = (content[key] for key in ("mean", "vt", "ft"))
            directions = content["tex_dir"][..., :components] if components else np.zeros((*mean.shape, 0))
    except FileNotFoundError as error:
        raise UserError("the texture is not there", file=path, remedy=REMEDY) from error
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, DeflateError) as error:
        raise UserError(f"the texture cannot be read: {error}", file=path, remedy=REMEDY) from error
    if fault := _fault(mean, directions):
        raise UserError(f"the texture is not sound: {fault}", file=path, remedy=REMEDY)
    _check_unwrapping(path, vt, ft, head)
    return TextureModel(*(np.ascontiguousarray(part[:, :, ::-1], np.float32) for part in (mean, directions)))


def _fault(mean: ndarray, directions: ndarray) -> str | None:
    if mean.ndim != 3 or mean.shape[0] != mean.shape[1] or mean.shape[2] != 3:
        return f"its mean is {mean.shape}, not a square picture of three colours"
    if directions.ndim != 4 or directions.shape[:3] != mean.shape:
        return f"its components are {directions.shape}, not {(*mean.shape, 'N')}"
    if not np.issubdtype(mean.dtype, np.number) or not np.isfinite(mean).all() or not np.isfinite(directions).all():
        return "it holds something that is not a number"
    if mean.min() < -1 or mean.max() > 256 or mean.max() <= 1:
        return f"its mean runs from {mean.min():.3g} to {mean.max():.3g}, not within 0..255"
    return None


def _check_unwrapping(path: Path, vt: ndarray, ft: ndarray, head: HeadContainer) -> None:
    """Accept texture coordinates that are the head's at every corner; triangles beyond FLAME's own close the mouth.

    Raises:
        UserError: They are others.
    """
    if vt.ndim != 2 or vt.shape[1:] < (2,) or ft.ndim != 2 or ft.shape[1] != 3 or not np.issubdtype(ft.dtype, np.integer):
        raise UserError("the texture is not sound: it has no unwrapping", file=path, remedy=REMEDY)
    if len(ft) > len(head.uv_faces) or ft.min(initial=0) < 0 or ft.max(initial=-1) >= len(vt):
        what = f"the texture has {len(ft)} triangles, {head.name} {len(head.uv_faces)}"
        raise UserError(what, file=path, remedy=UNWRAPPING)
    apart = np.abs(vt[ft][..., :2] - head.uv[head.uv_faces[: len(ft)]]).max(initial=0)
    if not apart <= TOLERANCE:
        what = f"the texture belongs to another unwrapping than that of {head.name}: coordinates are up to {apart:.3g} apart"
        raise UserError(what, file=path, remedy=UNWRAPPING)
