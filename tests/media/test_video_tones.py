"""High dynamic range and wide colours: known values of the standards, and whole files against slow formulas."""

from pathlib import Path

import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries
from synthetic_encoding import encode, plain_frame

from headsmith.media import video_tones
from headsmith.media.sources import open_source
from headsmith.media.video_tones import WHITE, Tones, compress, hlg_to_scene, light_to_pq, pq_to_light, rgb_to_xyz

TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
"""BT.2020 to BT.709: Report ITU-R BT.2407, 2.2, equation 4."""
LUMA_2020 = np.array([0.2627, 0.6780, 0.0593])


def test_known_values_of_the_standards() -> None:
    """Report ITU-R BT.2408, table 1 and annex: signals of white at 203 cd/m2; ends of the curves."""
    assert pq_to_light(np.array([0.0, 0.58, 1.0])) == pytest.approx([0, 203, 10000], rel=0.01)
    assert light_to_pq(np.array([100.0, 1000.0])) == pytest.approx([0.508, 0.752], abs=5e-4)
    assert hlg_to_scene(np.array([0.0, 0.5, 1.0])) == pytest.approx([0, 1 / 12, 1], abs=1e-6)
    assert 1000 * hlg_to_scene(np.array([0.75])) ** 1.2 == pytest.approx([203], rel=0.005)


def test_the_curves_invert() -> None:
    signal = np.linspace(0, 1, 1001)
    assert light_to_pq(pq_to_light(signal)) == pytest.approx(signal, abs=1e-6)


def test_the_matrix_is_the_reports() -> None:
    matrix = np.linalg.inv(rgb_to_xyz(ColorPrimaries.BT709)) @ rgb_to_xyz(ColorPrimaries.BT2020)
    assert np.abs(matrix - TO_709).max() < 2e-4
    assert rgb_to_xyz(ColorPrimaries.BT709)[1] == pytest.approx([0.2126, 0.7152, 0.0722], abs=1e-4)
    assert rgb_to_xyz(ColorPrimaries.BT2020)[1] == pytest.approx(LUMA_2020, abs=1e-4)


@pytest.mark.parametrize("peak", [300.0, 1000.0, 4000.0, 10000.0])
def test_compression_is_smooth_and_ends_at_white(peak: float) -> None:
    light = np.linspace(0, peak, 20001)
    out = compress(light, peak)
    white, top = light_to_pq(np.array([WHITE, peak]))
    knee = pq_to_light(np.array([1.5 * white - 0.5 * top]))
    assert np.array_equal(out[light < knee], light[light < knee])
    assert out[-1] == pytest.approx(WHITE, rel=1e-6)
    assert np.diff(out).min() >= -1e-9
    slopes = np.diff(light_to_pq(out[1:])) / np.diff(light_to_pq(light[1:]))
    assert np.abs(np.diff(slopes)).max() < 0.02
    assert compress(np.array([peak, 2 * peak]), peak) == pytest.approx([WHITE, WHITE])


def shown(signal: np.ndarray, transfer: str, peak: float) -> np.ndarray:
    """Return the screen's value 0..255 of one RGB signal 0..1 in BT.2020, by the formulas, one after the other."""
    if transfer == "PQ":
        light = pq_to_light(signal)
    else:
        scene = hlg_to_scene(signal)
        light = 1000 * float(LUMA_2020 @ scene) ** 0.2 * scene
    most = max(float(light.max()), 1e-9)
    light = light * float(compress(np.array([most]), peak)[0]) / most
    return 255 * np.clip(TO_709 @ light / WHITE, 0, 1) ** (1 / 2.4)


@pytest.mark.parametrize(("transfer", "peak"), [("PQ", 1000.0), ("PQ", 4000.0), ("PQ", 203.0), ("HLG", 1000.0)])
def test_tables_agree_with_the_formulas(transfer: str, peak: float) -> None:
    codes = np.random.default_rng(0).integers(0, 65536, (20, 20, 3), dtype=np.uint16)
    codes[:4] //= 3
    image = Tones(transfer, ColorPrimaries.BT2020, peak).apply(codes)
    expected = np.array([[shown(code / 65535, transfer, peak) for code in row] for row in codes])
    assert np.abs(image - expected).max() <= 1.0


def test_wide_colours_without_high_range() -> None:
    """A colour of BT.709 written in BT.2020 comes back as it was."""
    colours = np.random.default_rng(1).uniform(0.1, 0.9, (50, 3))
    wide = (np.linalg.inv(TO_709) @ (colours**2.4).T).T ** (1 / 2.4)
    codes = np.round(65535 * wide).astype(np.uint16)[None]
    image = Tones("SDR", ColorPrimaries.BT2020).apply(codes)[0]
    assert np.abs(image - 255 * colours).max() <= 1.5


HDR10 = "colorprim=bt2020:colormatrix=bt2020nc:hdr10=1:max-cll=400,100"
MASTERED = "colorprim=bt2020:colormatrix=bt2020nc:hdr10=1:master-display="
MASTERED += "G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(6000000,50)"


@pytest.mark.parametrize(
    ("params", "transfer", "remark", "peak"),
    [
        ("colorprim=bt2020:colormatrix=bt2020nc:transfer=smpte2084", "PQ", "HDR (PQ, up to 1000 cd/m2)", 1000.0),
        (HDR10 + ":transfer=smpte2084", "PQ", "HDR (PQ, up to 400 cd/m2)", 400.0),
        (MASTERED + ":transfer=smpte2084", "PQ", "HDR (PQ, up to 600 cd/m2)", 600.0),
        ("colorprim=bt2020:colormatrix=bt2020nc:transfer=arib-std-b67", "HLG", "HDR (HLG, up to 1000 cd/m2)", 1000.0),
    ],
    ids=["pq", "pq-brightest", "pq-mastered", "hlg"],
)
def test_a_whole_file(tmp_path: Path, params: str, transfer: str, remark: str, peak: float) -> None:
    for index, signal in enumerate(np.array([[0.45, 0.45, 0.45], [0.5, 0.4, 0.35], [0.7, 0.6, 0.2]])):
        luma = float(LUMA_2020 @ signal)
        chroma = (signal[2] - luma) / 1.8814, (signal[0] - luma) / 1.4746
        values = (round(876 * luma + 64), *(round(896 * value + 512) for value in chroma))
        frames = [plain_frame("yuv420p10le", values) for _ in range(3)]
        settings = {"color_trc": 16 if transfer == "PQ" else 18, "color_primaries": 9, "colorspace": 9}
        path = tmp_path / f"{index}.mp4"
        options = {"x265-params": f"{params}:log-level=none", "crf": "4"}
        encode(path, frames, "libx265", pixels="yuv420p10le", options=options, settings=settings)
        reader = open_source(path, max_side=32)
        assert reader.remarks[0].startswith(remark)
        for frame in reader:
            assert np.abs(frame.image - shown(signal, transfer, peak)).max() <= 3


def test_the_table_is_shared() -> None:
    assert video_tones._encoded() is video_tones._encoded()
