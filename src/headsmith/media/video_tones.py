"""High dynamic range and wide colours to what an ordinary screen shows: BT.709 primaries, gamma 2.4, 8 bits.

PQ (SMPTE ST 2084) and HLG (ARIB STD-B67) become light in cd/m2, are compressed by the tone curve of Report ITU-R BT.2390
towards HDR's reference white, and are then encoded by the inverse of Recommendation ITU-R BT.1886.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorTrc
from jaxtyping import Float, UInt8, UInt16

WHITE = 203.0
"""cd/m2 of HDR's reference white (Report ITU-R BT.2408, table 1), which becomes the brightest that is shown."""
USUAL_PEAK = 1000.0
"""cd/m2: peak of a display for which HLG's system gamma is 1.2 (BT.2100, table 5), and of PQ where the file tells none."""
PQ_PEAK = 10000.0
"""cd/m2 of PQ's largest value (ST 2084, 5)."""
GAMMA = 2.4
"""BT.1886, annex 1."""
STEPS = 1 << 14
"""Entries of the tables that stand for smooth curves; they are looked up by the square root, which is finer in the dark."""
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073
"""ARIB STD-B67 and BT.2100, table 5."""
D65 = (0.3127, 0.3290)
CHROMATICITIES = {
    ColorPrimaries.BT709: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    ColorPrimaries.BT2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    ColorPrimaries.SMPTE432: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
"""x and y of red, green and blue: BT.709 (1.3), BT.2020 (table 3), Display P3 (SMPTE EG 432-1); white is D65."""
HDR = {ColorTrc.SMPTE2084: "PQ", ColorTrc.ARIB_STD_B67: "HLG"}

Codes = UInt16[np.ndarray, "H W 3"]
Light = Float[np.ndarray, "H W 3"]


@dataclass(frozen=True)
class Tones:
    """How a video's numbers become those of an ordinary screen.

    Attributes:
        transfer: ``"PQ"``, ``"HLG"`` or ``"SDR"``.
        primaries: One of ``CHROMATICITIES``.
        peak: Brightest of the video, in cd/m2; counts for HDR alone.
    """

    transfer: str
    primaries: ColorPrimaries
    peak: float = USUAL_PEAK

    def apply(self, codes: Codes) -> UInt8[np.ndarray, "H W 3"]:
        """Return 8-bit RGB of RGB with 16 bits, full range."""
        light = np.take(self._light, codes)
        if self.transfer == "HLG":
            light *= np.take(self._system_gamma, _index(cv2.transform(light, self._luminance)))[..., None]
        if self.transfer != "SDR":
            light *= np.take(self._compression, _index(light.max(2) / np.float32(PQ_PEAK)))[..., None]
        shown = cv2.transform(light, self._matrix)
        return np.take(_encoded(), _index(np.clip(shown, 0, 1)))

    @cached_property
    def _light(self) -> Float[np.ndarray, "65536"]:
        """Light of each code: PQ in cd/m2, HLG of the scene 0..1, SDR relative to white."""
        signal = np.arange(65536) / 65535
        light = {"PQ": pq_to_light, "HLG": hlg_to_scene}.get(self.transfer, lambda values: values**GAMMA)(signal)
        return light.astype(np.float32)

    @cached_property
    def _system_gamma(self) -> Float[np.ndarray, "steps"]:
        """Factor from a scene's light to the display's, by the scene's luminance: BT.2100, table 5, OOTF, gamma 1.2."""
        return (USUAL_PEAK * _steps() ** 0.2).astype(np.float32)

    @cached_property
    def _compression(self) -> Float[np.ndarray, "steps"]:
        """Factor by the largest channel, in units of ``PQ_PEAK``; it leaves hues as they are."""
        light = np.maximum(_steps() * PQ_PEAK, 1e-6)
        return (compress(light, self.peak) / light).astype(np.float32)

    @cached_property
    def _luminance(self) -> Float[np.ndarray, "1 3"]:
        return rgb_to_xyz(self.primaries)[1:2].astype(np.float32)

    @cached_property
    def _matrix(self) -> Float[np.ndarray, "3 3"]:
        """Light in the video's primaries to BT.709's, 1 at white."""
        matrix = np.linalg.inv(rgb_to_xyz(ColorPrimaries.BT709)) @ rgb_to_xyz(self.primaries)
        return (matrix if self.transfer == "SDR" else matrix / WHITE).astype(np.float32)


def pq_to_light(signal: Float[np.ndarray, "*N"]) -> Float[np.ndarray, "*N"]:
    """Return cd/m2 of PQ values 0..1: SMPTE ST 2084, 5.1 (also BT.2100, table 4)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = np.asarray(signal) ** (1 / m2)
    return PQ_PEAK * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def light_to_pq(light: Float[np.ndarray, "*N"]) -> Float[np.ndarray, "*N"]:
    """Return PQ values 0..1 of cd/m2: SMPTE ST 2084, 5.2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (np.asarray(light) / PQ_PEAK) ** m1
    return ((c1 + c2 * power) / (1 + c3 * power)) ** m2


def hlg_to_scene(signal: Float[np.ndarray, "*N"]) -> Float[np.ndarray, "*N"]:
    """Return a scene's light 0..1 of HLG values 0..1: ARIB STD-B67, inverse of the OETF as in BT.2100, table 5."""
    signal = np.asarray(signal)
    bright = (np.exp((np.maximum(signal, 0.5) - HLG_C) / HLG_A) + HLG_B) / 12
    return np.where(signal <= 0.5, signal**2 / 3, bright)


def compress(light: Float[np.ndarray, "*N"], peak: float) -> Float[np.ndarray, "*N"]:
    """Return cd/m2 compressed so that ``peak`` becomes ``WHITE``: Report ITU-R BT.2390, 5.4.1, without its black lift.

    Below the knee nothing changes; above it a Hermite spline over PQ values bends to the target.
    """
    white, top = light_to_pq(np.array([WHITE, peak]))
    most = white / top
    if most >= 1:
        return np.minimum(light, WHITE)
    knee = 1.5 * most - 0.5
    signal = np.minimum(light_to_pq(light) / top, 1)
    t = np.maximum(signal - knee, 0) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return np.where(signal < knee, light, pq_to_light(spline * top))


def rgb_to_xyz(primaries: ColorPrimaries) -> Float[np.ndarray, "3 3"]:
    """Return the matrix from linear RGB to XYZ, white at Y = 1: SMPTE RP 177, 3.3."""
    corners = np.array([(x / y, 1, (1 - x - y) / y) for x, y in CHROMATICITIES[primaries]]).T
    white = np.array((D65[0] / D65[1], 1, (1 - D65[0] - D65[1]) / D65[1]))
    return corners * np.linalg.solve(corners, white)


def _steps() -> Float[np.ndarray, "steps"]:
    return (np.arange(STEPS) / (STEPS - 1)) ** 2


def _index(values: Float[np.ndarray, "*N"]) -> UInt16[np.ndarray, "*N"]:
    """Return the tables' entries for values 0..1."""
    return (np.sqrt(np.clip(values, 0, 1)) * np.float32(STEPS - 1) + np.float32(0.5)).astype(np.uint16)


@lru_cache(maxsize=1)
def _encoded() -> UInt8[np.ndarray, "steps"]:
    return np.round(255 * _steps() ** (1 / GAMMA)).astype(np.uint8)
