"""Videos are read as streams: the right frames, upright, capped, in flat memory; and written whole or not at all."""

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from synthetic_video import copy_with_index_first, number_of, numbered_frame, write_numbered_video

from headsmith.contract.errors import UserError
from headsmith.media.video import VideoReader, VideoWriter


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numbered_video(tmp_path_factory.mktemp("video") / "flat.mp4", 96)


def test_all_frames_in_order(video: Path) -> None:
    reader = VideoReader(video)
    frames = list(reader)
    assert [frame.source_index for frame in frames] == list(range(96))
    assert [number_of(frame.image) for frame in frames] == list(range(96))
    assert frames[24].seconds == pytest.approx(1.0)
    assert (reader.probe.size, reader.probe.fps, reader.expected, reader.decoded) == ((64, 48), 24.0, 96, 96)


@pytest.mark.parametrize(
    ("fps", "start", "end", "expected"),
    [
        (12.0, None, None, list(range(0, 96, 2))),
        (10.0, None, 1.0, [0, 3, 5, 8, 10, 12, 15, 17, 20, 22]),
        (10.0, 1.0, 2.0, [24, 27, 29, 32, 34, 36, 39, 41, 44, 46]),
        (1.0, None, None, [0, 24, 48, 72]),
        (24.0, None, 0.5, list(range(12))),
        (60.0, None, 0.5, list(range(12))),
        (0.0, 0.5, 1.0, list(range(12, 24))),
        (0.0, 3.5, None, list(range(84, 96))),
    ],
)
def test_subsampling_keeps_exactly_these_frames(
    video: Path, fps: float, start: float | None, end: float | None, expected: list[int]
) -> None:
    reader = VideoReader(video, fps=fps, start=start, end=end)
    frames = list(reader)
    assert [frame.source_index for frame in frames] == expected
    assert [number_of(frame.image) for frame in frames] == expected
    assert reader.expected == len(expected)
    assert reader.fps == min(fps or 24.0, 24.0)
    assert [frame.source_index for frame in reader] == expected


def test_the_longer_side_is_capped_by_area_averaging(tmp_path: Path) -> None:
    fine = np.indices((96, 160)).sum(0)[..., None] % 2 * np.full(3, 255)
    with VideoWriter(tmp_path / "fine.mp4", 24.0, crf=0) as writer:
        writer.add(fine.astype(np.uint8))
    reader = VideoReader(tmp_path / "fine.mp4", max_side=80)
    (frame,) = reader
    assert reader.size == (80, 48)
    assert np.abs(frame.image.astype(int) - 127.5).max() < 6
    assert next(iter(VideoReader(tmp_path / "fine.mp4", max_side=500))).image.shape == (96, 160, 3)


@pytest.mark.parametrize(("width", "height"), [(63, 47), (64, 47), (63, 48), (2, 2), (1, 1)])
def test_odd_sizes_are_padded_by_a_repeated_edge(tmp_path: Path, width: int, height: int) -> None:
    path = write_numbered_video(tmp_path / "odd.mp4", 3, width=width, height=height)
    frames = list(VideoReader(path))
    assert len(frames) == 3
    assert frames[0].image.shape == (height + height % 2, width + width % 2, 3)
    padded = np.pad(numbered_frame(2, width, height), ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    assert np.abs(frames[2].image.astype(int) - padded).max() <= 3


def test_colours_survive(tmp_path: Path) -> None:
    colours = np.array([[200, 40, 40], [40, 160, 60], [50, 60, 190], [240, 240, 240]], np.uint8)
    picture = np.repeat(np.repeat(colours[None], 16, 0), 16, 1)
    with VideoWriter(tmp_path / "colours.mp4", 25.0) as writer:
        writer.add(picture)
    (frame,) = VideoReader(tmp_path / "colours.mp4")
    assert np.abs(frame.image[4:12, 4::16].astype(int) - colours).max() <= 5


def matrix_bytes(a: int, b: int, c: int, d: int) -> bytes:
    """Return the matrix of a QuickTime track header (ISO/IEC 14496-12, 8.3.2): x' = a x + c y, y' = b x + d y, y down."""
    return struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(
    ("matrix", "corner_at", "size"),
    [
        ((1, 0, 0, 1), (0, 0), (64, 48)),
        ((0, 1, -1, 0), (0, -1), (48, 64)),
        ((-1, 0, 0, -1), (-1, -1), (64, 48)),
        ((0, -1, 1, 0), (-1, 0), (48, 64)),
    ],
    ids=["upright", "clockwise", "upside-down", "counterclockwise"],
)
def test_turned_videos_stand_upright(
    tmp_path: Path, matrix: tuple[int, ...], corner_at: tuple[int, int], size: tuple[int, int]
) -> None:
    corner = np.full((48, 64, 3), 30, np.uint8)
    corner[:16, :16] = 220
    path = tmp_path / "turned.mp4"
    with VideoWriter(path, 25.0, crf=0) as writer:
        writer.add(corner)
    content = path.read_bytes()
    assert content.count(matrix_bytes(1, 0, 0, 1)) == 2
    at = content.rindex(matrix_bytes(1, 0, 0, 1))
    path.write_bytes(content[:at] + matrix_bytes(*matrix) + content[at + 36 :])
    reader = VideoReader(path)
    (frame,) = reader
    assert reader.probe.size == size == (frame.image.shape[1], frame.image.shape[0])
    bright = frame.image[..., 1] > 120
    assert bright[corner_at]
    assert bright.sum() == 256


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such video"),
        (b"", "not a video"),
        (b"a text that calls itself a video\n" * 99, "not a video"),
        (b"\x00\x00\x00\x20ftypisom" + bytes(999), "not a video"),
    ],
)
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        VideoReader(path, clip="anna")
    for part in ("anna", "clip.mp4", "remedy"):
        assert part in caught.value.message


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(UserError, match="no video, only other streams"):
        VideoReader(tmp_path / "sound.mp4")


def test_a_video_whose_frames_are_gone_is_refused(tmp_path: Path, video: Path) -> None:
    content = video.read_bytes()
    start = content.index(b"mdat") + 4
    (tmp_path / "empty.mp4").write_bytes(content[:start])
    with pytest.raises(UserError, match=r"no frame that decodes|not a video"):
        VideoReader(tmp_path / "empty.mp4")


def test_a_truncated_video_gives_what_decodes_and_tells(asset, tmp_path: Path) -> None:
    content = copy_with_index_first(asset("franck.mp4"), tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 3])
    reader = VideoReader(tmp_path / "cut.mp4", fps=2.0)
    count = sum(1 for _ in reader)
    assert reader.expected_decoded == 4800
    assert 1000 < reader.decoded < 2400
    assert count == -(-reader.decoded // 12)


def test_damage_in_the_middle_is_counted_and_the_rest_is_read(asset, tmp_path: Path) -> None:
    content = bytearray(asset("franck.mp4").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20000] = os.urandom(20000)
    (tmp_path / "hurt.mp4").write_bytes(content)
    reader = VideoReader(tmp_path / "hurt.mp4", fps=1.0)
    last = max(frame.seconds for frame in reader)
    assert reader.broken > 0
    assert reader.decoded < 4800
    assert last > 198


@pytest.mark.parametrize(("start", "end"), [(5.0, None), (None, 6.0), (4.0, 4.5)])
def test_a_part_outside_of_the_video_is_refused(video: Path, start: float | None, end: float | None) -> None:
    with pytest.raises(UserError, match=r"after the end of the video, which is 4\.00 s long"):
        VideoReader(video, start=start, end=end)


def test_the_same_frames_give_the_same_bytes(tmp_path: Path, video: Path) -> None:
    assert write_numbered_video(tmp_path / "again.mp4", 96).read_bytes() == video.read_bytes()


def test_the_index_comes_first(video: Path) -> None:
    content = video.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "half.mp4", 24.0) as writer:
        writer.add(numbered_frame(0))
        raise RuntimeError
    with pytest.raises(ValueError, match="needs a frame"), VideoWriter(tmp_path / "none.mp4", 24.0):
        pass
    with pytest.raises(ValueError, match="the ones before"), VideoWriter(tmp_path / "mixed.mp4", 24.0) as writer:
        writer.add(numbered_frame(0))
        writer.add(numbered_frame(0, 32, 32))
    with pytest.raises(UserError, match="disk is full"), VideoWriter(tmp_path / "full.mp4", 24.0) as writer:
        writer.add(numbered_frame(0))
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


FULL_DISK = """
import resource, sys
import numpy as np
from headsmith.contract.errors import UserError
from headsmith.media.video import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
random = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], 25.0, crf=1) as writer:
        for _ in range(30):
            writer.add(random.integers(0, 255, (128, 128, 3), dtype=np.uint8))
except UserError as error:
    print(error.message)
"""


def test_a_disk_that_fills_up_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "big.mp4")]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=path)
    assert "disk is full" in done.stdout
    assert list(tmp_path.iterdir()) == []


READS_TWO_VIDEOS = """
import re, sys
from pathlib import Path
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.video import VideoReader

def peak(video, kept):
    with FrameFolderWriter(video + ".frames.json") as writer:
        for index, frame in enumerate(VideoReader(video)):
            writer.add(index, frame.image)
            kept = kept and [*kept, frame.image]
    for _, image in iterate_frames(video + ".frames.json"):
        pass
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

short, long, keep = sys.argv[1:]
kept = [None] if keep == "keep" else []
print(-peak(short, kept) + peak(long, kept))
"""


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """900 frames of 160x120 take 52 MB when they are kept, which shows that the measure works; a stream takes none.

    The peak is read from ``/proc``: ``ru_maxrss`` of a new process starts at the size of the one that started it.
    """
    videos = [write_numbered_video(tmp_path / f"{count}.mp4", count, width=160, height=120) for count in (100, 900)]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    growth = {}
    for keep in ("keep", "stream"):
        command = [sys.executable, "-c", READS_TWO_VIDEOS, *map(str, videos), keep]
        growth[keep] = int(subprocess.run(command, capture_output=True, text=True, check=True, env=path).stdout)
    assert growth["keep"] > 35_000
    assert growth["stream"] < 15_000
