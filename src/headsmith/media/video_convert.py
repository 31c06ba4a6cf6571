"""A decoded frame becomes RGB of 8 bits, upright, of a size: colours, alpha, dynamic range and scale in few passes."""

import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, Interpolation, VideoReformatter
from jaxtyping import UInt8

from headsmith.media.sizes import resize_image
from headsmith.media.video_orientation import Orientation
from headsmith.media.video_tones import CHROMATICITIES, HDR, PQ_PEAK, USUAL_PEAK, WHITE, Tones

PRECISE = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
"""Rounding and chroma at full accuracy: without them swscale is 1.3 grey levels too dark on average."""
UNTOLD = 2
"""``AVCOL_SPC_UNSPECIFIED``."""
HD_WIDTH, HD_HEIGHT = 1280, 577
"""From here on a video that does not tell its colour matrix is taken for BT.709, below for BT.601, as players do."""


@dataclass(frozen=True)
class FrameConverter:
    """Converts decoded frames; may be used from several threads at once.

    Attributes:
        orientation: How frames are turned.
        size: Width and height of the images, upright.
        tones: What is done to high dynamic range and wide colours; None: nothing.
    """

    orientation: Orientation
    size: tuple[int, int]
    tones: Tones | None = None
    _local: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def convert(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "H W 3"]:
        """Return a frame as RGB, 0..255."""
        if has_alpha(frame):
            image = resize_image(self._over_white(frame), self.orientation.size(self.size))
        elif self.tones:
            image = self.tones.apply(self._scaled(frame, "rgb48le"))
        else:
            image = self._scaled(frame, "rgb24")
        return self.orientation.apply(image)

    def _scaled(self, frame: av.VideoFrame, kind: str) -> np.ndarray:
        """Return the frame as RGB of the converter's size in one pass of swscale: area averaging when it shrinks.

        Where the size stays, the kernel only widens chroma, and the bilinear one is nearest to the truth and cheapest.
        """
        width, height = self.orientation.size(self.size)
        kernel = Interpolation.BILINEAR
        if (width, height) != (frame.width, frame.height):
            shrinks = frame.width * frame.height > width * height
            kernel = Interpolation.AREA if shrinks else Interpolation.BICUBIC
        return self._reformat(frame, width, height, kind, kernel)

    def _over_white(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "H W 3"]:
        """Return the frame in its own size, its transparent parts over white; hidden colours must not bleed in by scaling."""
        image = self._reformat(frame, frame.width, frame.height, "rgba", Interpolation.BILINEAR).astype(np.uint16)
        colours, alpha = image[..., :3], image[..., 3:]
        return ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)

    def _reformat(self, frame: av.VideoFrame, width: int, height: int, kind: str, kernel: Interpolation) -> np.ndarray:
        if not hasattr(self._local, "reformatter"):
            self._local.reformatter = VideoReformatter()
        converted = self._local.reformatter.reformat(
            frame,
            width,
            height,
            kind,
            src_colorspace=colour_matrix(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=kernel | PRECISE,
            threads=1,
        )
        return converted.to_ndarray()


def colour_matrix(frame: av.VideoFrame) -> int:
    """Return the matrix of a frame, or what players assume where it tells none (ITU-R BT.601 and BT.709, by size)."""
    if frame.colorspace != UNTOLD:
        return frame.colorspace
    return Colorspace.ITU709 if frame.width >= HD_WIDTH or frame.height >= HD_HEIGHT else Colorspace.ITU601


def has_alpha(frame: av.VideoFrame) -> bool:
    """Tell whether a frame has transparency; palettes may."""
    return any(part.is_alpha for part in frame.format.components) or frame.format.name == "pal8"


def tones_of(frame: av.VideoFrame) -> Tones | None:
    """Return what a frame's colours need to be shown on an ordinary screen; None where they are made for one."""
    transfer = HDR.get(frame.color_trc, "SDR")
    untold = ColorPrimaries.BT2020 if transfer != "SDR" else ColorPrimaries.BT709
    primaries = frame.color_primaries if frame.color_primaries in CHROMATICITIES else untold
    if transfer == "SDR" and primaries == ColorPrimaries.BT709:
        return None
    return Tones(transfer, ColorPrimaries(primaries), _peak(frame) if transfer == "PQ" else USUAL_PEAK)


def _peak(frame: av.VideoFrame) -> float:
    """Return the brightest of a PQ video in cd/m2: its brightest pixel (CTA-861.3), else its mastering display's (ST 2086)."""
    sides: dict[str, Callable[[bytes], float]] = {"CONTENT_LIGHT_LEVEL": _brightest, "MASTERING_DISPLAY_METADATA": _mastering}
    told = [sides[item.type.name](bytes(item)) for item in frame.side_data if item.type.name in sides]
    peak = next((value for value in told if value > 0), USUAL_PEAK)
    return min(max(peak, WHITE), PQ_PEAK)


def _brightest(data: bytes) -> float:
    return float(struct.unpack("=I", data[:4])[0]) if len(data) >= 4 else 0.0


def _mastering(data: bytes) -> float:
    """Read FFmpeg's record: eight fractions for chromaticities, the darkest, the brightest, and whether each is told."""
    if len(data) < 88:
        return 0.0
    numerator, denominator, _, told = struct.unpack("=4i", data[72:88])
    return numerator / denominator if told and denominator else 0.0
