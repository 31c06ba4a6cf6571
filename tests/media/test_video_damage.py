"""Bad videos: cut at any byte, damaged, hostile, oddly named, forbidden. Never a crash, and never silently complete."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from synthetic_encoding import encode, numbered
from synthetic_video import copy_with_index_first, number_of

from headsmith.contract.errors import UserError
from headsmith.media.images import read_image
from headsmith.media.sources import open_source
from headsmith.media.video_reader import VideoReader
from headsmith.media.video_structure import cut_off

COUNT = 60
CUTS = 50


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one video in several containers; noise makes the packets large, as a camera's are."""
    folder = tmp_path_factory.mktemp("damage")
    random = np.random.default_rng(0)
    frames = list(numbered(COUNT, 128, 96))
    for frame in frames:
        for plane in frame.planes:
            pixels = np.frombuffer(plane, np.uint8).astype(int) + random.integers(-6, 7, plane.buffer_size)
            plane.update(np.clip(pixels, 0, 255).astype(np.uint8).tobytes())
    options = {"g": "12", "crf": "24"}
    encode(folder / "index_last.mp4", frames, options=options)
    encode(folder / "index_first.mp4", frames, options=options, container={"movflags": "+faststart"})
    encode(folder / "pieces.mp4", frames, options=options, container={"movflags": "+frag_keyframe+empty_moov"})
    encode(folder / "matroska.mkv", frames, options=options)
    encode(folder / "old.avi", frames, "mpeg4", options={"g": "12"})
    encode(folder / "flash.flv", frames, options=options)
    return folder


NAMES = ["index_last.mp4", "index_first.mp4", "matroska.mkv", "old.avi"]


def lack(path: Path) -> int:
    """Read a video through; return how many frames are missing, or -1 where it is refused with a message for people."""
    try:
        reader = VideoReader(path, clip="anna")
        for frame in reader:
            assert frame.image.shape == (96, 128, 3)
    except UserError as error:
        assert "anna" in error.message and path.name in error.message and error.remedy
        return -1
    return reader.expected_decoded - reader.decoded


@pytest.mark.parametrize("name", [*NAMES, "pieces.mp4", "flash.flv"])
def test_the_whole_file_lacks_nothing(noisy: Path, name: str) -> None:
    reader = VideoReader(noisy / name)
    assert [number_of(frame.image) for frame in reader] == list(range(COUNT))
    assert reader.expected_decoded == reader.decoded == COUNT
    assert not any("cut off" in remark for remark in reader.remarks)


@pytest.mark.parametrize("name", NAMES)
def test_fifty_random_cuts(noisy: Path, tmp_path: Path, name: str) -> None:
    content = (noisy / name).read_bytes()
    places = np.random.default_rng(7).integers(0, len(content), CUTS)
    results = []
    for place in [*places, 1, len(content) - 1]:
        (tmp_path / name).write_bytes(content[:place])
        results.append(lack(tmp_path / name))
    assert 0 not in results
    assert sum(result > 0 for result in results) > 20 or name == "index_last.mp4"


def test_a_cut_inside_a_piece_is_seen(noisy: Path, tmp_path: Path) -> None:
    """A fragmented file that ends between two pieces is a whole, shorter file; FLV and TS are so between any two packets."""
    content = (noisy / "pieces.mp4").read_bytes()
    for share in np.random.default_rng(3).uniform(0.1, 0.99, 20):
        path = tmp_path / "pieces.mp4"
        path.write_bytes(content[: int(len(content) * share)])
        assert lack(path) != 0


def test_a_part_before_the_cut_is_whole(noisy: Path, tmp_path: Path) -> None:
    content = (noisy / "index_first.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 4 // 5])
    reader = VideoReader(tmp_path / "cut.mp4", end=1.0)
    assert len(list(reader)) == 25 == reader.decoded
    late = VideoReader(tmp_path / "cut.mp4", start=1.0)
    assert len(list(late)) == late.decoded < late.expected_decoded == 35
    assert any("cut off" in remark for remark in late.remarks)


def test_reading_that_stops_early_claims_nothing(noisy: Path) -> None:
    reader = VideoReader(noisy / "index_first.mp4")
    next(iter(reader))
    assert (reader.decoded, reader.expected_decoded) == (1, COUNT)


@pytest.mark.parametrize("name", [*NAMES, "pieces.mp4"])
def test_structure_knows_every_cut(noisy: Path, tmp_path: Path, name: str) -> None:
    family = {"mp4": "mov,mp4,m4a", "mkv": "matroska,webm", "avi": "avi"}[name[-3:]]
    content = (noisy / name).read_bytes()
    path = tmp_path / name
    assert not cut_off(noisy / name, family)
    path.write_bytes(content + b"junk at the end, as some programs leave")
    assert not cut_off(path, family)
    for place in range(len(content) - 1, len(content) - 40, -3):
        path.write_bytes(content[:place])
        assert cut_off(path, family)


@pytest.mark.parametrize("name", [*NAMES, "pieces.mp4", "flash.flv"])
def test_flipped_bytes_never_crash(noisy: Path, tmp_path: Path, name: str) -> None:
    content = (noisy / name).read_bytes()
    random = np.random.default_rng(11)
    for _ in range(15):
        hurt = bytearray(content)
        for place in random.integers(0, len(hurt), 30):
            hurt[place] ^= int(random.integers(1, 256))
        (tmp_path / name).write_bytes(hurt)
        try:
            reader = VideoReader(tmp_path / name)
            decoded = sum(frame.image.size > 0 for frame in reader)
            list(reader.sample(5))
        except UserError:
            continue
        assert decoded == reader.decoded <= reader.expected_decoded


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"a text\n" * 500, b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1/a.ts\n", b"ffconcat version 1.0\nfile a.mp4\n"],
)
def test_what_is_no_video(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "talk.mp4").write_bytes(content)
    with pytest.raises(UserError, match=r"not a video|no video") as caught:
        open_source(tmp_path / "talk.mp4", clip="anna")
    assert all(part in caught.value.message for part in ("anna", "talk.mp4", "remedy"))


@pytest.mark.parametrize(
    "name",
    [
        "with space.mp4",
        'it\'s "quoted".mp4',
        "two\nlines.mp4",
        "ünïcödé 面 🙂.mp4",
        "a:b.mp4",
        "%d.mp4",
        "-i.mp4",
        "concat:x|y.mp4",
    ],
)
def test_odd_paths(noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = tmp_path / name.removesuffix(".mp4")
    folder.mkdir()
    (folder / name).write_bytes((noisy / "index_first.mp4").read_bytes())
    monkeypatch.chdir(folder)
    for path in (folder / name, Path(name)):
        assert sum(1 for _ in open_source(path, end=0.4)) == 10


def test_names_that_are_no_text(noisy: Path, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4"))
    path.write_bytes((noisy / "index_first.mp4").read_bytes())
    assert sum(1 for _ in open_source(path, end=0.4)) == 10


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(noisy: Path, tmp_path: Path) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes((noisy / "index_first.mp4").read_bytes())
    path.chmod(0)
    with pytest.raises(UserError, match="Permission denied"):
        open_source(path)


def test_a_failing_disk_is_told(noisy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        open_source(noisy / "index_first.mp4")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UserError, match="no such video"):
        open_source(tmp_path / "pipe.mp4")


def hostile_y4m() -> bytes:
    return b"YUV4MPEG2 W100000 H100000 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + bytes(5000)


def hostile_gif() -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0)
        + bytes(6)
        + b","
        + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
        + b"\x02\x02\x4c\x01\x00;"
    )


def hostile_png() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 100_000, 100_000, 8, 2, 0, 0, 0, 0) + bytes(100)


def hostile_jpeg() -> bytes:
    return b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0" + struct.pack(">HBHHB", 17, 8, 65535, 65535, 3) + bytes(100)


READS = """
import re, sys
from pathlib import Path
from headsmith.contract.errors import UserError
from headsmith.media.images import read_image
from headsmith.media.sources import open_source

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = peak()
for path in sys.argv[1:]:
    for read in (lambda: [frame.image for frame in open_source(path)], lambda: read_image(path)):
        try:
            read()
        except UserError as error:
            print(path, error.what)
        else:
            print(path, "ACCEPTED")
print(peak() - before)
"""


def test_hostile_sizes_are_refused_in_little_memory(noisy: Path, tmp_path: Path) -> None:
    """A square of 100,000 pixels would take 30 GB; the kernel is not asked for it."""
    matroska = bytearray((noisy / "matroska.mkv").read_bytes())
    place = matroska.index(b"\xb0\x81\x80\xba\x81\x60")
    matroska[place : place + 6] = b"\xb0\x83\x01\x86\xa0\xec" + b""
    files = {
        "a.y4m": hostile_y4m(),
        "a.gif": hostile_gif(),
        "a.png": hostile_png(),
        "a.jpg": hostile_jpeg(),
        "png.mp4": hostile_png(),
    }
    files |= {"jpeg.mp4": hostile_jpeg(), "a.mkv": bytes(matroska)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-c", READS, *(str(tmp_path / name) for name in files)]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    lines = subprocess.run(command, capture_output=True, text=True, check=True, env=path).stdout.splitlines()
    assert not [line for line in lines if "ACCEPTED" in line]
    assert any("100000 x 100000 pixels" in line for line in lines)
    assert int(lines[-1]) < 150_000


def test_an_image_of_the_house_is_bounded(tmp_path: Path) -> None:
    for name, content in (("a.png", hostile_png()), ("a.jpg", hostile_jpeg())):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=re.escape("pixels")):
            read_image(tmp_path / name)


def test_a_real_video_cut_at_its_middle_is_told(asset, tmp_path: Path) -> None:
    content = copy_with_index_first(asset("cap12.mp4"), tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    reader = open_source(tmp_path / "cut.mp4", fps=1.0)
    assert not reader.survey.whole
    assert reader.expected_decoded == 1337
    list(reader)
    assert 0 < reader.decoded < 1337 == reader.expected_decoded
