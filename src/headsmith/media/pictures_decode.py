"""Outside pictures through Pillow: any mode and depth becomes RGB of 8 bits, upright, over white, in sRGB.

The header is judged before a pixel is decoded, and only the listed formats are tried: no format that runs a program.
"""

import io
import os
import struct
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8
from PIL import AvifImagePlugin as Avif
from PIL import BmpImagePlugin as Bmp
from PIL import GifImagePlugin as Gif
from PIL import Image, ImageCms
from PIL import JpegImagePlugin as Jpeg
from PIL import PngImagePlugin as Png
from PIL import PpmImagePlugin as Ppm
from PIL import TiffImagePlugin as Tiff
from PIL import WebPImagePlugin as WebP

from headsmith.contract.errors import UserError
from headsmith.media.images import PNG_SIGNATURE
from headsmith.media.sizes import check_pixels
from headsmith.media.video_orientation import Orientation

READERS = (
    Png.PngImageFile,
    Jpeg.JpegImageFile,
    WebP.WebPImageFile,
    Tiff.TiffImageFile,
    Bmp.BmpImageFile,
    Ppm.PpmImageFile,
    Gif.GifImageFile,
    Avif.AvifImageFile,
)
"""What is opened; the content decides, not the file's ending. Named by class, so that Pillow loads no other format."""
FORMATS = tuple(reader.format for reader in READERS)
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""Pillow's modes of grey with 16 bits; its 32-bit mode is also what some 16-bit files open as."""
BROKEN = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, struct.error, OverflowError, MemoryError)
"""What Pillow raises over damaged or hostile files."""
ORIENTATION = 0x0112
"""The EXIF tag (EXIF 3.0, 4.6.5.1.6): 1 upright, 2 to 4 mirrored or upside down, 5 to 8 on their side."""
MOST_EXIF = 1 << 16
"""Bytes of EXIF that are looked at; JPEG has room for no more."""
ORIENTATIONS = {
    2: Orientation(flipped_x=True),
    3: Orientation(flipped_x=True, flipped_y=True),
    4: Orientation(flipped_y=True),
    5: Orientation(transposed=True),
    6: Orientation(transposed=True, flipped_x=True),
    7: Orientation(transposed=True, flipped_x=True, flipped_y=True),
    8: Orientation(transposed=True, flipped_y=True),
}
"""What each value of the tag asks for; others ask for nothing. Pillow turns TIFFs by itself and tells their upright size."""
STRIP = 256
"""Rows that are converted at once."""
REMEDY = "replace the picture or take it out; converting it to PNG with another program may also help"


@dataclass(frozen=True)
class PictureHeader:
    """What a picture's header tells.

    Attributes:
        size: Width and height in pixels, upright.
        remarks: What will be done to it beyond decoding, a sentence each.
    """

    size: tuple[int, int]
    remarks: tuple[str, ...]


def read_header(path: str | os.PathLike[str], *, clip: str | None = None) -> PictureHeader:
    """Return what a picture's header tells; no pixel is decoded.

    Raises:
        UserError: The file cannot be read, is not a picture of a known format, or claims too many pixels.
    """
    with _opened(path, clip) as image:
        try:
            turned = _orientation(image)
            orientation = ORIENTATIONS.get(1 if image.format == "TIFF" else turned, Orientation())
            return PictureHeader(orientation.size(image.size), tuple(_remarks(image, turned)))
        except BROKEN as error:
            raise UserError(f"the picture's header is broken: {error}", clip=clip, file=path, remedy=REMEDY) from error


def read_picture(path: str | os.PathLike[str], clip: str | None = None) -> UInt8[np.ndarray, "H W 3"]:
    """Return a picture as RGB, 0..255: turned upright by EXIF, transparent parts over white, colours in sRGB.

    Raises:
        UserError: As ``read_header``, or the pixels are damaged or cut off, or of a kind without a known range.
    """
    with _opened(path, clip) as image:
        try:
            turned = 1 if image.format == "TIFF" else _orientation(image)
            image.load()
            return ORIENTATIONS.get(turned, Orientation()).apply(_in_strips(image))
        except BROKEN as error:
            what = f"the picture is broken or cut off: {error}"
            raise UserError(what, clip=clip, file=path, remedy=REMEDY) from error


def _opened(path: str | os.PathLike[str], clip: str | None) -> Image.Image:
    try:
        if not Path(path).is_file():
            raise FileNotFoundError(2, "no such file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise UserError(f"the picture claims too many pixels: {error}", clip=clip, file=path, remedy=REMEDY) from error
    except Image.UnidentifiedImageError as error:
        raise UserError("the file is not a picture", clip=clip, file=path, remedy=REMEDY) from error
    except BROKEN as error:
        what = f"the picture cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UserError(what, clip=clip, file=path, remedy=REMEDY) from error
    try:
        check_pixels(*image.size, clip=clip, file=path, remedy=REMEDY)
    except UserError:
        image.close()
        raise
    return image


def _remarks(image: Image.Image, turned: int) -> list[str]:
    remarks = ["turned upright as its EXIF orientation says"] if turned in ORIENTATIONS else []
    if image.has_transparency_data:
        remarks.append("transparent pixels laid over white")
    if image.mode in DEEP:
        remarks.append("16 bits reduced to 8")
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        remarks.append("only the first of several pictures in the file used")
    profile = image.info.get("icc_profile")
    if profile and _to_srgb(profile, _colour_mode(image)):
        remarks.append("colours converted to sRGB by the embedded profile")
    elif profile and not _is_srgb(profile):
        remarks.append("the embedded colour profile is broken or of another kind, and was ignored")
    elif image.mode == "CMYK":
        remarks.append("CMYK without a colour profile converted by the plain formula")
    return remarks


def _colour_mode(image: Image.Image) -> str:
    if image.mode == "CMYK":
        return "CMYK"
    return "L" if image.mode in ("1", "L", "LA", "La", *DEEP) else "RGB"


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; Pillow would decode a PNG to look for it behind the pixels."""
    if image.format != "PNG":
        return image.getexif().get(ORIENTATION, 1)
    exif = Image.Exif()
    exif.load(_png_exif(image.fp))
    return exif.get(ORIENTATION, 1)


def _png_exif(file: BinaryIO) -> bytes:
    """Return the content of a PNG's ``eXIf`` chunk, empty where there is none, and leave the file where it was."""
    at, place, found = file.tell(), len(PNG_SIGNATURE), b""
    while not found:
        file.seek(place)
        header = file.read(8)
        if len(header) < 8 or header[4:] == b"IEND":
            break
        length = int.from_bytes(header[:4], "big")
        if header[4:] == b"eXIf":
            found = file.read(min(length, MOST_EXIF))
        place += length + 12
    file.seek(at)
    return found


def _in_strips(image: Image.Image) -> UInt8[np.ndarray, "H W 3"]:
    """Return the picture as RGB, some rows at a time: Pillow's copies of a large one would take gigabytes."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        pixels[top:bottom] = np.asarray(_rgb(image.crop((0, top, image.width, bottom))))
    return pixels


def _rgb(image: Image.Image) -> Image.Image:
    """Return the picture in mode RGB: in sRGB, over white."""
    profile, mode = image.info.get("icc_profile"), _colour_mode(image)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    colours = _eight_bits(image) if image.mode in DEEP else image.convert("RGBA" if alpha else mode).convert(mode)
    transform = _to_srgb(profile, mode) if profile else None
    colours = ImageCms.applyTransform(colours, transform) if transform else colours.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", colours.size, "white")
        white.paste(colours, mask=alpha)
        colours = white
    return colours


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8-bit grey, rounded: 65535 = 255 x 257.

    Raises:
        ValueError: Values lie outside of 16 bits.
    """
    values = np.asarray(image).astype(np.uint32)
    if values.max(initial=0) > 65535:
        raise ValueError("grey of 32 bits has no known range")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


@lru_cache(maxsize=32)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from an embedded ICC profile to sRGB; None where none is needed or the profile does not serve."""
    if _is_srgb(profile):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, *BROKEN):
        return None


@lru_cache(maxsize=32)
def _is_srgb(profile: bytes) -> bool:
    try:
        return ImageCms.getProfileDescription(io.BytesIO(profile)).strip().startswith("sRGB")
    except (ImageCms.PyCMSError, *BROKEN):
        return False
