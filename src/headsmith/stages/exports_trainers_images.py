"""The pictures of trainers' datasets: what each format shows of a frame, and writing them."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Integer, UInt8, UInt16
from numpy import ndarray

from headsmith.bridges import gaussian_avatars, imavatar, insta
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.labels import LABELS
from headsmith.contract.manifest import Manifest, folder_of, read_manifest
from headsmith.media.atomic import writing_explained
from headsmith.media.images import FLAT_PNG, PNG, read_image
from headsmith.mesh.rasterize import rasterize_mesh

CLOTH = LABELS.index("cloth")
MEDIAN, DILATIONS, SOLID = 5, 3, 127
"""INSTA's ``postprocess.py``: side of the median filters of cloth and alpha, pixels that cloth is grown by, alpha above which
it is made opaque."""
MILLIMETRES = 1000

Picture = UInt8[ndarray, "H W *C"] | UInt16[ndarray, "H W"]


@dataclass(frozen=True)
class Sources:
    """Manifests of what a dataset is made of."""

    frames: Path
    matte: Path
    parsing: Path
    head_masks: Path

    def read(self, clip: str) -> dict[str, Manifest]:
        """Return the manifests, each checked against its folder."""
        words = ("frames", "matte", "parsing", "head_masks")
        return {word: read_manifest(getattr(self, word), clip=clip) for word in words}

    def load(self, frame_id: int, clip: str) -> "Pictures":
        """Return the pictures of a frame."""
        name = frame_name(frame_id)
        image = read_image(folder_of(self.frames) / name, clip=clip)
        grey = (
            read_image(folder_of(path) / name, grey=True, clip=clip) for path in (self.matte, self.parsing, self.head_masks)
        )
        return Pictures(image, *grey)


@dataclass(frozen=True)
class Pictures:
    """What is known of one frame.

    Attributes:
        image: RGB, 0..255.
        alpha: The person's share of each pixel, 0..255.
        labels: Label ids in the order of ``LABELS``.
        head: 255 where the head or the neck is.
    """

    image: UInt8[ndarray, "H W 3"]
    alpha: UInt8[ndarray, "H W"]
    labels: UInt8[ndarray, "H W"]
    head: UInt8[ndarray, "H W"]

    @property
    def head_alpha(self) -> UInt8[ndarray, "H W"]:
        """The matte where the head or the neck is, 0 elsewhere: a head model has no shoulders."""
        return np.where(self.head > 0, self.alpha, 0).astype(np.uint8)


def draw_gaussian_avatars(index: int, seen: Pictures) -> dict[str, Picture]:
    """Return the head on white, and its alpha."""
    name, alpha = gaussian_avatars.image_name(index), seen.head_alpha
    return {f"images/{name}": lay_on_white(seen.image, alpha), f"fg_masks/{name}": alpha}


def draw_imavatar(index: int, seen: Pictures) -> dict[str, Picture]:
    """Return image, matte and labels for IMavatar; and the head with its alpha for SplattingAvatar, which looks there first."""
    name = imavatar.image_name(index)
    own = {f"image/{name}": seen.image, f"mask/{name}": seen.alpha, f"semantic/{name}": seen.labels}
    return own | {f"images/{name}": np.dstack([seen.image, seen.head_alpha])}


def draw_insta(index: int, seen: Pictures) -> dict[str, Picture]:
    """Return the person with its alpha, the same without clothes, and the coded labels."""
    name = insta.image_name(index)
    whole = np.dstack([np.where(seen.alpha[..., None] > 0, seen.image, 0), seen.alpha])
    pictures = {f"matted/{name}": whole, f"images/{name}": undress(whole, seen.labels)}
    return pictures | {f"seg_mask/{name}": insta.code_labels(seen.labels)}


def lay_on_white(image: UInt8[ndarray, "H W 3"], alpha: UInt8[ndarray, "H W"]) -> UInt8[ndarray, "H W 3"]:
    """Return ``image * a + white * (1 - a)``, rounded."""
    share = alpha[..., None].astype(np.uint32)
    return ((image * share + 255 * (255 - share) + 127) // 255).astype(np.uint8)


def undress(image: UInt8[ndarray, "H W 4"], labels: UInt8[ndarray, "H W"]) -> UInt8[ndarray, "H W 4"]:
    """Return an RGBA image without clothes, as INSTA has them: cloth and some pixels around it are empty, the rest is solid."""
    cloth = cv2.medianBlur((labels == CLOTH).astype(np.uint8), MEDIAN)
    cloth = cv2.dilate(cloth, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)), iterations=DILATIONS) > 0
    alpha = np.where(cloth, 0, cv2.medianBlur(np.ascontiguousarray(image[..., 3]), MEDIAN))
    kept = np.where(cloth[..., None], 0, image[..., :3])
    return np.dstack([kept, np.where(alpha > SOLID, 255, alpha)]).astype(np.uint8)


def draw_depth(
    seen: Float[ndarray, "V 3"], pixels: Float[ndarray, "V 2"], faces: Integer[ndarray, "F 3"], size: tuple[int, int]
) -> UInt16[ndarray, "H W"]:
    """Return the depth of the mesh along the viewing direction, millimetres; 0 where it is not.

    Args:
        seen: Vertices in the camera's axes, metres.
        pixels: Where they are seen.
        faces: Triangles.
        size: Width and height.
    """
    corners = np.concatenate([pixels, seen[:, 2:]], 1).astype(np.float32)
    depth = rasterize_mesh(corners, faces, *size, cull=False)[2]
    return np.where(np.isfinite(depth), np.rint(MILLIMETRES * depth), 0).astype(np.uint16)


def write_picture(path: Path, picture: Picture) -> None:
    """Write a grey, RGB or RGBA picture of 8 bits, or a grey one of 16, as PNG; the folder is made.

    Raises:
        UserError: The disk is full.
    """
    codes = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    pixels = picture if picture.ndim == 2 else cv2.cvtColor(picture, codes[picture.shape[2]])
    _, content = cv2.imencode(".png", pixels, FLAT_PNG if picture.ndim == 2 else PNG)
    with writing_explained(path):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.tobytes())
