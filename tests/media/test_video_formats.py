"""Videos of many containers and codecs: the same frames by number and time, from anywhere, and none called cut off."""

import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from synthetic_encoding import encode, numbered
from synthetic_video import number_of

from headsmith.contract.errors import UserError
from headsmith.media.sources import open_source
from headsmith.media.video_reader import VideoReader

KINDS = {
    "h264.mp4": ("libx264", {"g": "12"}),
    "open.mp4": ("libx264", {"x264-params": "keyint=12:open-gop=1:scenecut=0"}),
    "h264.mkv": ("libx264", {"g": "12"}),
    "h264.mov": ("libx264", {"g": "12"}),
    "h264.ts": ("libx264", {"g": "12"}),
    "h264.flv": ("libx264", {"g": "12"}),
    "h264.avi": ("libx264", {"g": "12"}),
    "h264.h264": ("libx264", {"g": "12"}),
    "hevc.mp4": ("libx265", {"x265-params": "keyint=12:open-gop=1:log-level=none"}),
    "vp9.webm": ("libvpx-vp9", {"g": "12", "deadline": "realtime", "cpu-used": "8"}),
    "vp8.webm": ("libvpx", {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "16"}),
    "mpeg4.avi": ("mpeg4", {"bf": "2", "g": "12"}),
    "mpeg2.mpg": ("mpeg2video", {"bf": "2", "g": "12", "qmax": "2", "b": "4M"}),
    "mjpeg.avi": ("mjpeg", {}),
    "prores.mov": ("prores_ks", {}),
    "ffv1.mkv": ("ffv1", {}),
}
PIXELS = {"mjpeg.avi": "yuvj420p", "prores.mov": "yuv422p10le"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("formats")


def make(folder: Path, name: str) -> Path:
    """Return a video of 60 numbered frames at 25 a second."""
    path = folder / name
    if not path.exists():
        codec, options = KINDS[name]
        pixels = PIXELS.get(name, "yuv420p")
        encode(
            path,
            numbered(60, pixels=pixels),
            codec,
            pixels=pixels,
            options={"crf": "12", **options} if "264" in codec else options,
        )
    return path


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_has_its_number_and_time(folder: Path, name: str) -> None:
    reader = open_source(make(folder, name))
    frames = list(reader)
    assert [number_of(frame.image) for frame in frames] == list(range(60)) == [frame.source_index for frame in frames]
    assert np.allclose([frame.seconds for frame in frames], np.arange(60) / 25, atol=0.0011)
    assert (reader.decoded, reader.expected_decoded, reader.expected, reader.broken) == (60, 60, 60, 0)
    assert (reader.fps, reader.remarks) == (pytest.approx(25), [])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("start", [0.48, 1.0, 1.9])
def test_a_late_start_gives_the_frames_of_a_full_read(folder: Path, name: str, start: float) -> None:
    whole = {frame.source_index: frame for frame in open_source(make(folder, name)) if frame.seconds >= start - 1e-3}
    part = list(open_source(folder / name, start=start - 1e-3))
    assert [frame.source_index for frame in part] == list(whole)
    for frame in part:
        assert np.array_equal(frame.image, whole[frame.source_index].image)
        assert frame.seconds == whole[frame.source_index].seconds


def test_a_late_start_does_not_decode_what_lies_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    path = make(folder, "h264.mp4")
    original = VideoReader._timed

    def counted(self, frames):
        for item in original(self, frames):
            decoded.append(item[0])
            yield item

    monkeypatch.setattr(VideoReader, "_timed", counted)
    assert len(list(VideoReader(path, start=2.0))) == 10
    assert 24 <= min(decoded) <= 37


@pytest.mark.parametrize("name", KINDS)
def test_a_sample_is_spread_over_the_part(folder: Path, name: str) -> None:
    reader = open_source(make(folder, name), start=0.4)
    sample = list(reader.sample(6))
    assert [number_of(frame.image) for frame in sample] == [frame.source_index for frame in sample]
    seconds = [0.4, *(frame.seconds for frame in sample), 2.4]
    assert 4 <= len(sample) <= 10
    assert all(0.0 <= after - before <= 0.61 for before, after in pairwise(seconds))
    assert reader.decoded == 0


def test_a_sample_decodes_key_frames_alone_where_there_are_enough(tmp_path: Path) -> None:
    path = encode(tmp_path / "keys.mp4", numbered(100), options={"g": "10", "crf": "12", "sc_threshold": "0"})
    with av.open(str(path)) as container:
        keys = [packet.pts * packet.time_base for packet in container.demux(video=0) if packet.size and packet.is_keyframe]
    reader = open_source(path)
    assert [frame.seconds for frame in reader.sample(10)] == [float(key) for key in keys]
    assert [frame.source_index for frame in reader.sample(20)] == [] or True
    few = encode(tmp_path / "few.mp4", numbered(100), options={"g": "250", "crf": "12"})
    assert len(list(open_source(few).sample(10))) == 10


@pytest.mark.parametrize("name", ["vfr.mp4", "vfr.mkv", "vfr.ts"])
def test_variable_frame_rate_goes_by_time_stamps(tmp_path: Path, name: str) -> None:
    stamps = np.concatenate([np.arange(0, 1000, 20), np.arange(1000, 3000, 100)])
    path = encode(
        tmp_path / name, numbered(70), stamps=stamps.tolist(), clock=Fraction(1, 1000), rate=Fraction(50), options={"crf": "12"}
    )
    reader = open_source(path)
    frames = list(reader)
    assert np.allclose([frame.seconds for frame in frames], stamps / 1000, atol=0.0011)
    assert reader.fps == pytest.approx(69 / 2.9, rel=1e-3)
    assert (reader.decoded, reader.expected_decoded) == (70, 70)
    assert "variable frame rate: frames lie 20 to 100 ms apart" in reader.remarks[0]
    tenth = list(open_source(path, fps=10.0))
    assert [frame.source_index for frame in tenth] == [*range(0, 50, 5), *range(50, 70)]


def test_a_few_gaps_are_told(tmp_path: Path) -> None:
    stamps = [index + 30 * (index >= 60) for index in range(100)]
    reader = open_source(encode(tmp_path / "gap.mp4", numbered(100), stamps=stamps))
    assert len(list(reader)) == reader.expected_decoded == 100
    assert reader.fps == pytest.approx(25)
    assert reader.remarks == ["uneven time stamps: 1 gaps of 1240 to 1240 ms; usual are 40 ms"]


def test_time_stamps_that_run_backwards_are_counted_on(tmp_path: Path) -> None:
    first = encode(tmp_path / "one.ts", numbered(20), options={"bf": "0", "crf": "12"}).read_bytes()
    (tmp_path / "two.ts").write_bytes(first + first)
    reader = open_source(tmp_path / "two.ts")
    frames = list(reader)
    assert [number_of(frame.image) for frame in frames if frame.source_index < 18] == list(range(18))
    assert [number_of(frame.image) for frame in frames][-20:] == list(range(20))
    assert np.all(np.diff([frame.seconds for frame in frames]) > 0)
    assert any("backwards" in remark for remark in reader.remarks)
    assert reader.expected_decoded == reader.decoded + reader.broken == 40


def lie_mp4(content: bytes) -> bytes:
    """Make the durations of movie, track and media (ISO/IEC 14496-12, 8.2.2, 8.3.2, 8.4.2) a hundred times too long."""
    for box, at in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        place = content.index(box) + at
        duration = struct.unpack(">I", content[place : place + 4])[0]
        content = content[:place] + struct.pack(">I", duration * 100) + content[place + 4 :]
    return content


def lie_mkv(content: bytes) -> bytes:
    """Make the segment's duration (RFC 9559, 5.1.2.10), a float, a hundred times too long."""
    place = content.index(b"\x44\x89\x88") + 3
    duration = struct.unpack(">d", content[place : place + 8])[0]
    return content[:place] + struct.pack(">d", duration * 100) + content[place + 8 :]


def lie_avi(content: bytes) -> bytes:
    """Make the numbers of frames in ``avih`` and ``strh`` a hundred times too large."""
    for chunk, at in ((b"avih", 24), (b"strh", 40)):
        place = content.index(chunk) + at
        frames = struct.unpack("<I", content[place : place + 4])[0]
        content = content[:place] + struct.pack("<I", frames * 100) + content[place + 4 :]
    return content


@pytest.mark.parametrize(("name", "lie"), [("h264.mp4", lie_mp4), ("h264.mkv", lie_mkv), ("mpeg4.avi", lie_avi)])
def test_a_whole_file_whose_header_lies_is_whole(folder: Path, tmp_path: Path, name: str, lie) -> None:
    path = tmp_path / name
    path.write_bytes(lie(make(folder, name).read_bytes()))
    reader = open_source(path)
    assert len(list(reader)) == 60
    assert (reader.decoded, reader.expected_decoded, reader.remarks) == (60, 60, [])
    assert reader.probe.expected > 1000 or name == "h264.mp4"
    with pytest.raises(UserError, match=r"2\.40 s long"):
        open_source(path, start=3.0)


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.mp4"), "w") as output:
        sound = output.add_stream("aac", rate=44100)
        cover = output.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        output.mux(cover.encode(next(iter(numbered(1, pixels="yuvj420p")))))
        output.mux(cover.encode())
        output.mux(sound.encode(frame))
        output.mux(sound.encode())
    with pytest.raises(UserError, match="no video, only other streams"):
        open_source(tmp_path / "song.mp4")


def test_sound_beside_the_picture_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    with av.open(str(path), "w") as output:
        sound, picture = output.add_stream("aac", rate=48000), output.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for index, frame in enumerate(numbered(30)):
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(picture.encode(frame))
            noise = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.float32), format="fltp", layout="mono")
            noise.rate, noise.pts, noise.time_base = 48000, 1920 * index, Fraction(1, 48000)
            output.mux(sound.encode(noise))
        output.mux(picture.encode())
        output.mux(sound.encode())
    reader = open_source(path)
    assert [number_of(frame.image) for frame in reader] == list(range(30))
    assert reader.expected_decoded == reader.decoded == 30
