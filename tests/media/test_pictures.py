"""Folders of pictures, list files and single pictures read like videos: in order, upright, bounded, or refused by name."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from headsmith.contract.errors import UserError
from headsmith.media.pictures import PictureReader
from headsmith.media.pictures_decode import read_header, read_picture
from headsmith.media.pictures_list import natural_key
from headsmith.media.sizes import MOST_PIXELS
from headsmith.media.sources import open_source
from headsmith.media.video_reader import VideoReader

COLOURS = np.array([[200, 40, 40], [40, 160, 60], [50, 60, 190], [240, 240, 240]], np.uint8)


def stripes(value: int = 0, height: int = 24, width: int = 32) -> np.ndarray:
    """Return four stripes of colour, the first row of grey ``value``."""
    image = np.repeat(np.repeat(COLOURS[None], height, 0), width // 4, 1)
    image[0] = value
    return image


def save(path: Path, image: np.ndarray, **options) -> Path:
    Image.fromarray(image).save(path, **options)
    return path


def forged_png(width: int, height: int) -> bytes:
    """Return a PNG whose header claims a size that its few bytes of pixels do not have."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose natural order differs from the order of letters, with things in it that are no pictures."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    for index, name in enumerate(["1.png", "2.png", "10.png", "b1.PNG", "B2.png", "b10.png"]):
        save(folder / name, stripes(40 * index))
    (folder / ".1.png").write_bytes(b"left by a copying program")
    (folder / "notes.md").write_text("no picture")
    (folder / "3.png").mkdir()
    return folder


def test_a_folder_is_read_in_natural_order(folder: Path) -> None:
    reader = open_source(folder)
    frames = list(reader)
    assert isinstance(reader, PictureReader)
    assert [frame.name for frame in frames] == ["1.png", "2.png", "10.png", "b1.PNG", "B2.png", "b10.png"]
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 40, 80, 120, 160, 200]
    assert [frame.source_index for frame in frames] == list(range(6))
    assert [frame.seconds for frame in frames] == pytest.approx(np.arange(6) / 25)
    assert (reader.size, reader.source_size, reader.fps) == ((32, 24), (32, 24), 25.0)
    assert (reader.expected, reader.expected_decoded, reader.decoded, reader.broken) == (6, 6, 6, 0)
    assert reader.remarks == []
    assert [frame.name for frame in reader] == [frame.name for frame in frames]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["f10", "f9", "f010", "f1"], ["f1", "f9", "f010", "f10"]),
        (["10", "9", "a", "A", ""], ["", "9", "10", "A", "a"]),
        (["v1.10", "v1.9", "v10.1", "v2"], ["v1.9", "v1.10", "v2", "v10.1"]),
        (["x²", "x2", "x٣"], ["x2", "x²", "x٣"]),
    ],
)
def test_natural_order(names: list[str], expected: list[str]) -> None:
    assert sorted(names, key=natural_key) == expected


@pytest.mark.parametrize(
    ("fps", "start", "end", "expected"),
    [(10.0, None, None, range(6)), (10.0, 0.2, None, range(2, 6)), (10.0, 0.15, 0.4, range(2, 4)), (0.0, None, 0.08, range(2))],
)
def test_a_part_of_a_folder(folder: Path, fps: float, start: float | None, end: float | None, expected: range) -> None:
    reader = open_source(folder, fps=fps, start=start, end=end)
    assert [frame.source_index for frame in reader] == list(expected)
    assert reader.expected == reader.decoded == len(expected)
    assert reader.fps == (fps or 25)


def test_a_sample_is_every_so_many(folder: Path) -> None:
    reader = open_source(folder, fps=10.0, start=0.1)
    assert [frame.source_index for frame in reader.sample(2)] == [1, 3, 5]
    assert reader.decoded == 0


def test_a_list_names_pictures_relative_to_itself(folder: Path, tmp_path: Path) -> None:
    elsewhere = save(tmp_path / "else where.png", stripes(99))
    path = tmp_path / "list.txt"
    path.write_text(f"\ufeff# a comment\na folder/10.png\n\n  {elsewhere}  \r\na folder/2.png\na folder/10.png\n")
    reader = open_source(path)
    assert [frame.name for frame in reader] == ["10.png", "else where.png", "2.png", "10.png"]
    assert [int(frame.image[0, 0, 0]) for frame in reader] == [80, 99, 40, 80]


def test_a_picture_alone(folder: Path) -> None:
    (frame,) = open_source(folder / "2.png")
    assert np.array_equal(frame.image, stripes(40))


def test_the_longer_side_is_capped_by_area_averaging(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    reader = open_source(save(tmp_path / "noise.png", image), max_side=40)
    (frame,) = reader
    assert (reader.source_size, reader.size) == ((120, 90), (40, 30))
    assert np.abs(frame.image - image.reshape(30, 3, 40, 3, 3).mean((1, 3))).max() <= 0.51


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_exif_turns_pictures_upright(tmp_path: Path, turned: int, ending: str) -> None:
    """The stored picture is made from the upright one by the inverse of what EXIF 3.0, 4.6.5.1.6 says of each value."""
    upright = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[turned]
    exif = Image.Exif()
    exif[0x0112] = turned
    reader = open_source(save(tmp_path / f"turned.{ending}", stored, exif=exif, lossless=True))
    assert reader.source_size == (6, 4)
    assert np.array_equal(next(iter(reader)).image, upright)
    assert any("EXIF" in remark for remark in reader.remarks) == (turned > 1)


def test_exif_behind_the_pixels_counts(tmp_path: Path) -> None:
    upright = stripes()
    exif = Image.Exif()
    exif[0x0112] = 6
    content = save(tmp_path / "turned.png", np.rot90(upright, 1), exif=exif).read_bytes()
    start = content.index(b"eXIf") - 4
    length = 12 + struct.unpack(">I", content[start : start + 4])[0]
    chunk, rest = content[start : start + length], content[:start] + content[start + length :]
    (tmp_path / "turned.png").write_bytes(rest[:-12] + chunk + rest[-12:])
    reader = open_source(tmp_path / "turned.png")
    assert reader.source_size == (32, 24)
    assert np.array_equal(next(iter(reader)).image, upright)


def test_a_header_is_read_without_the_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_):
        raise AssertionError("pixels were decoded")

    paths = [save(tmp_path / f"one.{ending}", stripes()) for ending in ("png", "jpg", "tif", "bmp", "webp", "avif")]
    for plugin in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        TiffImagePlugin.TiffImageFile,
        ImageFile.ImageFile,
    ):
        monkeypatch.setattr(plugin, "load", refuse)
    assert [read_header(path).size for path in paths] == [(32, 24)] * 6


def as_palette(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image).quantize(16)


@pytest.mark.parametrize(
    ("make", "ending", "expected", "remark"),
    [
        (lambda: Image.fromarray(stripes()[..., 0]), "png", np.repeat(stripes()[..., :1], 3, 2), None),
        (lambda: as_palette(stripes()), "png", stripes(), None),
        (lambda: as_palette(stripes()), "gif", stripes(), None),
        (lambda: Image.fromarray(stripes()[..., 0] > 100), "png", np.repeat(255 * (stripes()[..., :1] > 100), 3, 2), None),
        (lambda: Image.fromarray(stripes()[..., 0].astype(np.uint16) * 257), "png", np.repeat(stripes()[..., :1], 3, 2), "16"),
        (lambda: Image.fromarray(stripes()[..., 0].astype(np.uint16) * 257), "tiff", np.repeat(stripes()[..., :1], 3, 2), "16"),
        (lambda: Image.fromarray(stripes()[..., 0].astype(np.uint16) * 257), "pgm", np.repeat(stripes()[..., :1], 3, 2), "16"),
        (
            lambda: Image.fromarray(255 - np.dstack([stripes(), np.full((24, 32), 255, np.uint8)]), "CMYK"),
            "tiff",
            stripes(),
            "CMYK",
        ),
        (lambda: Image.fromarray(stripes()), "bmp", stripes(), None),
        (lambda: Image.fromarray(stripes()), "ppm", stripes(), None),
        (lambda: Image.fromarray(stripes()), "tif", stripes(), None),
    ],
    ids=["grey", "palette", "gif", "bits", "grey16", "tiff16", "pgm16", "cmyk", "bmp", "ppm", "tif"],
)
def test_any_mode_becomes_rgb(tmp_path: Path, make, ending: str, expected: np.ndarray, remark: str | None) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    make().save(folder / f"one.{ending}")
    reader = open_source(folder)
    (frame,) = reader
    assert np.abs(frame.image.astype(int) - expected).max() <= 1
    assert [word in reader.remarks[0] for word in [remark] if word] == [True] * len(reader.remarks)


@pytest.mark.parametrize("ending", ["jpg", "webp", "avif"])
def test_lossy_formats(tmp_path: Path, ending: str) -> None:
    path = save(tmp_path / f"one.{ending}", stripes(200, 32, 64), quality=95)
    (frame,) = open_source(path)
    assert np.abs(frame.image[4:, 4::16].astype(int) - COLOURS).max() <= 8


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_pixels_lie_over_white(tmp_path: Path, mode: str) -> None:
    grey = np.full((8, 16, 4), 100, np.uint8)
    grey[..., 3] = np.repeat([0, 128, 255, 64], 4)
    picture = Image.fromarray(grey)
    picture = picture.quantize(8) if mode == "PA" else picture.convert(mode)
    picture.save(tmp_path / "clear.png")
    reader = open_source(tmp_path / "clear.png")
    (frame,) = reader
    alpha = np.array([0, 128, 255, 64]) / 255
    assert np.abs(frame.image[0, ::4, 0] - (100 * alpha + 255 * (1 - alpha))).max() <= 1
    assert reader.remarks == ["transparent pixels laid over white (1 of 1 pictures)"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_embedded_profile_is_obeyed(tmp_path: Path, mode: str) -> None:
    """A profile whose tag table swaps the columns of red and green: what it calls red is sRGB's green."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert b"sRGB" not in profile[:128]
    profile = profile.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    profile = profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    Image.fromarray(stripes()).convert(mode).save(tmp_path / "swapped.png", icc_profile=profile)
    reader = open_source(tmp_path / "swapped.png")
    (frame,) = reader
    assert np.abs(frame.image - stripes()[..., [1, 0, 2]].astype(int)).max() <= 2
    assert any("embedded profile" in remark for remark in reader.remarks)


def test_a_broken_profile_is_told(tmp_path: Path) -> None:
    reader = open_source(save(tmp_path / "one.png", stripes(), icc_profile=b"not a profile"))
    assert np.array_equal(next(iter(reader)).image, stripes())
    assert "ignored" in reader.remarks[0]


def test_two_sizes_are_named(folder: Path) -> None:
    save(folder / "4.png", stripes(0, 20, 16))
    with pytest.raises(UserError, match=r"1\.png is 32 x 24, 4\.png is 16 x 20") as caught:
        open_source(folder, clip="anna")
    assert "anna" in caught.value.message


@pytest.mark.parametrize(
    "content", [b"", b"no picture at all", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_an_unreadable_picture_is_named(folder: Path, content: bytes) -> None:
    (folder / "4.png").write_bytes(content)
    with pytest.raises(UserError, match="picture") as caught:
        open_source(folder, clip="anna")
    assert all(part in caught.value.message for part in ("4.png", "anna", "remedy"))


@pytest.mark.parametrize("name", ["4.heic", "4.CR2", "4.eps"])
def test_a_picture_of_a_kind_that_is_not_read_is_not_left_out(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"anything")
    for path in (folder, folder / name):
        with pytest.raises(UserError, match="are not read") as caught:
            open_source(path, clip="anna")
        assert name in caught.value.message


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif", "bmp", "avif"])
def test_a_picture_that_is_cut_off_is_named(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / f"4.{ending}", noise)
    content = path.read_bytes()
    for share in np.random.default_rng(1).uniform(0, 0.95, 12):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(UserError) as caught:
            [frame.image for frame in open_source(path, clip="anna")]
        assert all(part in caught.value.message for part in (f"4.{ending}", "anna", "remedy"))


@pytest.mark.parametrize("side", [100_000, 2**31 - 1, 12_000])
def test_a_hostile_size_is_refused_by_the_header(folder: Path, side: int) -> None:
    assert side * side > MOST_PIXELS
    (folder / "4.png").write_bytes(forged_png(side, side))
    for read in (read_header, read_picture):
        with pytest.raises(UserError, match="pixels"):
            read(folder / "4.png")
    with pytest.raises(UserError, match="pixels") as caught:
        open_source(folder)
    assert "4.png" in caught.value.message


def test_an_empty_folder_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / ".hidden.png").write_bytes(b"")
    with pytest.raises(UserError, match="holds no pictures"):
        open_source(tmp_path)
    for name in ("none.png", "none.txt"):
        with pytest.raises(UserError, match="no such picture"):
            open_source(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"# only this\n", "empty"),
        (b"1.png\n", "line 1 names no file: '1.png'"),
        (b"\n\0\n", "line 2 names no file"),
        (b"\xff\xfe\0\x80", "not text"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UserError, match=says):
        open_source(tmp_path / "list.txt")


def test_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / "a 'quoted' \"folder\"\nwith ünïcödé 面"
    folder.mkdir()
    save(folder / "1 'é'\n.png", stripes())
    assert [frame.name for frame in open_source(folder)] == ["1 'é'\n.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(folder: Path) -> None:
    (folder / "1.png").chmod(0)
    with pytest.raises(UserError, match="Permission denied"):
        open_source(folder)
    folder.chmod(0)
    with pytest.raises(UserError, match="Permission denied"):
        open_source(folder)
    folder.chmod(0o700)


def test_other_files_are_videos(tmp_path: Path) -> None:
    from synthetic_video import write_numbered_video

    assert isinstance(open_source(write_numbered_video(tmp_path / "v.mp4", 3)), VideoReader)
