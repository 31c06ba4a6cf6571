"""Colours and geometry of outside videos: matrices, ranges, depth, transparency, interlacing, mirrors, pixel shapes, sizes."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from synthetic_encoding import encode, numbered, plain_frame
from synthetic_video import number_of

from headsmith.media.sources import open_source
from headsmith.media.video_convert import FrameConverter
from headsmith.media.video_orientation import Orientation

WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Weights of red and blue in luma by matrix number: ITU-T H.273, table 4."""


def coded(colour: np.ndarray, matrix: int, *, full: bool, bits: int = 8) -> tuple[int, ...]:
    """Return Y, Cb, Cr of a colour 0..255: ITU-T H.273, equations 20 to 43."""
    red, blue = WEIGHTS[matrix]
    r, g, b = colour / 255
    luma = red * r + (1 - red - blue) * g + blue * b
    chroma = ((b - luma) / (2 * (1 - blue)), (r - luma) / (2 * (1 - red)))
    if full:
        return round(luma * (2**bits - 1)), *(round(value * (2**bits - 1) + 2 ** (bits - 1)) for value in chroma)
    scale = 2 ** (bits - 8)
    return round((219 * luma + 16) * scale), *(round((224 * value + 128) * scale) for value in chroma)


def converted(frame: av.VideoFrame, size: tuple[int, int] | None = None) -> np.ndarray:
    return FrameConverter(Orientation(), size or (frame.width, frame.height)).convert(frame)


@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(("pixels", "bits"), [("yuv420p", 8), ("yuv444p", 8), ("yuv422p10le", 10), ("yuv420p12le", 12)])
@pytest.mark.parametrize("size", [(64, 48), (24, 18), (100, 80)], ids=["same", "smaller", "larger"])
def test_matrix_and_range_are_obeyed(matrix: int, full: bool, pixels: str, bits: int, size: tuple[int, int]) -> None:
    for colour in np.array([[200, 40, 90], [10, 220, 30], [128, 128, 128], [250, 250, 250], [0, 0, 0]]):
        frame = plain_frame(pixels, coded(colour, matrix, full=full, bits=bits))
        frame.colorspace, frame.color_range = matrix, 2 if full else 1
        assert np.abs(converted(frame, size).astype(int) - colour).max() <= 2


@pytest.mark.parametrize(
    ("width", "height", "matrix"), [(720, 576, 5), (640, 480, 5), (1280, 544, 1), (1280, 720, 1), (720, 1280, 1)]
)
def test_what_no_matrix_is_told_goes_by_size(width: int, height: int, matrix: int) -> None:
    colour = np.array([200, 40, 90])
    frame = plain_frame("yuv420p", coded(colour, matrix, full=False), width, height)
    assert np.abs(converted(frame, (64, 48)).astype(int) - colour).max() <= 2


@pytest.mark.parametrize(
    ("codec", "pixels", "matrix"), [("libx264", "yuv420p", 1), ("libx264", "yuvj420p", 6), ("libx265", "yuv420p10le", 1)]
)
def test_colours_survive_a_whole_file(tmp_path: Path, codec: str, pixels: str, matrix: int) -> None:
    colour = np.array([180, 90, 60])
    values = coded(colour, matrix, full=pixels == "yuvj420p", bits=10 if "10" in pixels else 8)
    frames = [plain_frame(pixels, values) for _ in range(3)]
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = encode(tmp_path / "c.mp4", frames, codec, pixels=pixels, options=options, settings={"colorspace": matrix})
    for frame in open_source(path, max_side=32):
        assert np.abs(frame.image.astype(int) - colour).max() <= 2


PIXELS = [
    "gray",
    "gray10le",
    "ya8",
    "pal8",
    "rgb24",
    "bgra",
    "rgb48le",
    "gbrp",
    "gbrp10le",
    "nv12",
    "p010le",
    "yuyv422",
    "yuv411p",
    "yuv440p",
]


@pytest.mark.parametrize("pixels", [*PIXELS, "monow", "rgb565le", "grayf32le", "yuva444p10le", "yuv410p"])
@pytest.mark.parametrize("size", [(64, 48), (31, 17), (200, 100), (1, 1)])
def test_every_pixel_format_converts(pixels: str, size: tuple[int, int]) -> None:
    grey = np.full((48, 64, 3), 255, np.uint8)
    frame = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="rgb24" if pixels == "pal8" else pixels)
    if pixels == "pal8":
        frame = av.VideoFrame.from_ndarray((np.zeros((48, 64), np.uint8), np.full((256, 4), 255, np.uint8)), format="pal8")
    image = converted(frame, size)
    assert image.shape == (size[1], size[0], 3)
    assert image.min() >= (248 if pixels == "rgb565le" else 252)


@pytest.mark.parametrize("stored", [(1, 1), (2, 2), (3, 5), (5000, 3), (3, 5000), (127, 33)])
@pytest.mark.parametrize("size", [(1, 1), (64, 48), (720, 1)])
def test_odd_sizes_convert(stored: tuple[int, int], size: tuple[int, int]) -> None:
    frame = av.VideoFrame.from_ndarray(np.full((stored[1], stored[0], 3), 200, np.uint8), format="rgb24")
    frames = [frame, frame.reformat(format="yuv444p")] + ([frame.reformat(format="yuv420p")] if min(stored) > 1 else [])
    for each in frames:
        assert np.abs(converted(each, size).astype(int) - 200).max() <= 3


def test_shrinking_is_as_good_as_a_float_area_average() -> None:
    """Compared with planes averaged in floats and converted by the formula; OpenCV's way round was 1.3 grey levels off."""
    random = np.random.default_rng(0)
    picture = cv2.resize(random.integers(0, 256, (90, 160, 3), dtype=np.uint8), (640, 360), interpolation=cv2.INTER_CUBIC)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv444p", dst_colorspace=5)
    planes = frame.to_ndarray().astype(np.float32)
    y, u, v = (cv2.resize(plane, (240, 135), interpolation=cv2.INTER_AREA) for plane in planes)
    y, u, v = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    red, blue = y + 2 * (1 - 0.299) * v, y + 2 * (1 - 0.114) * u
    truth = 255 * np.dstack([red, (y - 0.299 * red - 0.114 * blue) / 0.587, blue])
    error = converted(frame, (240, 135)) - np.clip(truth, 0, 255)
    assert abs(error.mean()) < 0.1
    assert np.sqrt((error**2).mean()) < 1.0


@pytest.mark.parametrize("stored", [False, True], ids=["untold", "H.264"])
def test_a_conversion_without_scaling_is_exact(tmp_path: Path, stored: bool) -> None:
    """Chroma is interpolated linearly from where it lies: between columns, in H.264 on every other one (H.273, type 0)."""
    random = np.random.default_rng(0)
    picture = cv2.resize(random.integers(60, 200, (6, 8, 3), dtype=np.uint8), (64, 48), interpolation=cv2.INTER_CUBIC)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p", dst_colorspace=5)
    planes = frame.to_ndarray().astype(np.float32)
    y, u, v = planes[:48], planes[48:60].reshape(24, 32), planes[60:].reshape(24, 32)
    columns, rows = np.meshgrid(np.arange(64, dtype=np.float32) / 2, np.arange(48, dtype=np.float32) / 2 - 0.25)
    columns = columns if stored else columns - 0.25
    u, v = (cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in (u, v))
    y, u, v = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    red, blue = y + 2 * (1 - 0.299) * v, y + 2 * (1 - 0.114) * u
    truth = 255 * np.dstack([red, (y - 0.299 * red - 0.114 * blue) / 0.587, blue])
    image = converted(frame)
    if stored:
        (shown,) = open_source(encode(tmp_path / "exact.mp4", [frame], options={"qp": "0"}))
        image = shown.image
    assert np.abs(image - np.clip(truth, 0, 255)).max() <= 0.6


@pytest.mark.parametrize(
    ("codec", "ending", "pixels"),
    [("qtrle", "mov", "argb"), ("png", "mov", "rgba"), ("ffv1", "mkv", "bgra"), ("libvpx-vp9", "webm", "yuva420p")],
)
def test_transparent_pixels_lie_over_white(tmp_path: Path, codec: str, ending: str, pixels: str) -> None:
    """Hidden black must not bleed into the edge of a grey square by scaling."""
    image = np.zeros((48, 64, 4), np.uint8)
    image[8:40, 16:48] = (100, 100, 100, 255)
    image[8:40, 32:48, 3] = 128
    frames = [av.VideoFrame.from_ndarray(image, format="rgba").reformat(format=pixels) for _ in range(3)]
    path = encode(
        tmp_path / f"clear.{ending}", frames, codec, pixels=pixels, options={"lossless": "1"} if "vp9" in codec else {}
    )
    reader = open_source(path)
    assert reader.remarks == ["transparent pixels, where there are any, laid over white"]
    seen = next(iter(reader)).image.astype(int)
    assert np.abs(seen[2:6] - 255).max() <= 2
    assert np.abs(seen[12:36, 18:30] - 100).max() <= 2
    assert np.abs(seen[12:36, 34:46] - (100 * 128 + 255 * 127) / 255).max() <= 2
    small = next(iter(open_source(path, max_side=21))).image
    assert small.min() >= 97


def interlaced(count: int) -> Iterator[av.VideoFrame]:
    """Yield frames of a bar that moves 4 pixels a field, top field first."""
    for index in range(count):
        image = np.full((96, 128, 3), 40, np.uint8)
        image[0::2, 8 * index : 8 * index + 12] = 220
        image[1::2, 8 * index + 4 : 8 * index + 16] = 220
        yield av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")


def combing(image: np.ndarray) -> float:
    """Return how far rows differ from their neighbours, beyond how far those differ from each other."""
    grey = image[..., 1].astype(float)
    return float(np.abs(2 * grey[1:-1] - grey[:-2] - grey[2:]).mean())


@pytest.mark.parametrize("start", [None, 0.2])
def test_interlaced_frames_become_whole(tmp_path: Path, start: float | None) -> None:
    flags = {"flags": "+ildct+ilme", "alternate_scan": "1", "qmax": "3", "b": "8M", "g": "6"}
    path = encode(tmp_path / "fields.mpg", interlaced(12), "mpeg2video", options=flags)
    with av.open(str(path)) as container:
        raw = list(container.decode(video=0))
    assert all(frame.interlaced_frame for frame in raw)
    reader = open_source(path, start=start)
    frames = list(reader)
    assert len(frames) == reader.decoded == reader.expected_decoded == (12 if start is None else 7)
    assert "deinterlaced (bwdif)" in reader.remarks
    before, after = combing(raw[8].to_ndarray(format="rgb24")), combing(frames[8 if start is None else 3].image)
    assert after < 0.25 * before


def test_a_whole_picture_is_not_deinterlaced(tmp_path: Path) -> None:
    path = encode(tmp_path / "whole.mpg", interlaced(6), "mpeg2video", options={"qmax": "3", "b": "8M"})
    reader = open_source(path)
    assert combing(next(iter(reader)).image) > 10
    assert reader.remarks == []


def with_matrix(content: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """Return the file with another display matrix in its track header, in 16.16 fixed point."""
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    at = content.rindex(plain)
    return content[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + content[at + 36 :]


@pytest.mark.parametrize(
    "matrix",
    [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1), (0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0), (0, -1, -1, 0)],
)
def test_all_eight_orientations(tmp_path: Path, matrix: tuple[int, ...]) -> None:
    """Each stored block is looked for where the matrix sends its middle, counted from the middle of the picture."""
    stored = np.zeros((48, 64, 3), np.uint8)
    for index in range(12):
        row, column = divmod(index, 4)
        stored[16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 20 + 20 * index
    path = encode(
        tmp_path / "turned.mp4",
        [av.VideoFrame.from_ndarray(stored, format="rgb24").reformat(format="yuv444p")],
        pixels="yuv444p",
        options={"crf": "1"},
    )
    path.write_bytes(with_matrix(path.read_bytes(), *(value << 16 for value in matrix)))
    reader = open_source(path)
    (frame,) = reader
    a, b, c, d = matrix
    height, width = frame.image.shape[:2]
    assert reader.source_size == (width, height) == ((48, 64) if b else (64, 48))
    for index in range(12):
        x, y = 16 * (index % 4) + 8 - 32, 16 * (index // 4) + 8 - 24
        shown = frame.image[b * x + d * y + height // 2, a * x + c * y + width // 2]
        assert np.abs(shown.astype(int) - (20 + 20 * index)).max() <= 2
    assert any("mirrored" in remark for remark in reader.remarks) == (a * d - b * c < 0)


def test_a_tilted_video_is_turned_to_the_nearest_quarter_and_told(tmp_path: Path) -> None:
    path = encode(tmp_path / "tilted.mp4", numbered(1))
    angle = np.radians(80)
    matrix = [round(65536 * value) for value in (np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle))]
    path.write_bytes(with_matrix(path.read_bytes(), *matrix))
    reader = open_source(path)
    assert reader.source_size == (48, 64)
    assert "nearest quarter turn" in reader.remarks[0]


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(16, 11), (93, 48)), (Fraction(1, 2), (32, 48))])
def test_pixels_become_square(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    path = encode(tmp_path / "wide.mp4", numbered(3), settings={"sample_aspect_ratio": aspect}, options={"crf": "8"})
    reader = open_source(path)
    frames = list(reader)
    assert reader.source_size == size == (frames[0].image.shape[1], frames[0].image.shape[0])
    assert [number_of(frame.image) for frame in frames] == [0, 1, 2]
    assert "made square" in reader.remarks[0]


def test_nonsense_of_pixels_is_not_believed(tmp_path: Path) -> None:
    path = encode(tmp_path / "wide.mp4", numbered(3), settings={"sample_aspect_ratio": Fraction(200, 1)})
    reader = open_source(path)
    assert (reader.source_size, reader.remarks) == ((64, 48), [])


@pytest.mark.parametrize("size", [(63, 47), (1, 48), (64, 1)])
def test_odd_videos(tmp_path: Path, size: tuple[int, int]) -> None:
    path = encode(tmp_path / "odd.mov", numbered(3, *size, pixels="rgb24"), "png", pixels="rgb24")
    reader = open_source(path)
    assert [frame.image.shape for frame in reader] == [(size[1], size[0], 3)] * 3
    assert reader.source_size == size


def test_a_size_that_changes_midway_is_brought_to_the_first(tmp_path: Path) -> None:
    small, large = (encode(tmp_path / f"{width}.ts", numbered(5, width, 48)) for width in (64, 128))
    (tmp_path / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    reader = open_source(tmp_path / "both.ts")
    assert {frame.image.shape for frame in reader} == {(48, 64, 3)}
    assert any("size changes" in remark for remark in reader.remarks)
