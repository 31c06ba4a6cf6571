"""The frames stage on real faces, and on every kind of bad video."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from synthetic_video import copy_with_index_first, write_numbered_video

from headsmith.contract.detectors import MTCNN_WEIGHTS
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import Manifest, read_manifest
from headsmith.contract.settings import FramesSettings
from headsmith.media import frames as media_frames
from headsmith.media.frames import iterate_frames
from headsmith.media.video import VideoReader, VideoWriter
from headsmith.stages.frames import extract_frames

Extract = Callable[..., Manifest]


@pytest.fixture
def extract(asset: Callable[[str], Path], tmp_path: Path) -> Extract:
    """Return a function that runs the stage into ``tmp_path/anna`` and returns the manifest."""

    def run(
        video: Path, start: float | None = None, end: float | None = None, person: str | None = None, **settings: object
    ) -> Manifest:
        manifest = tmp_path / "anna" / "frames.json"
        extract_frames(
            clip="anna",
            video=video,
            start=start,
            end=end,
            person=person,
            detector=asset("face_landmarker.task"),
            mtcnn=[asset(name) for name in MTCNN_WEIGHTS] if settings.get("second_opinion") == "mtcnn" else [],
            manifest=manifest,
            settings=replace(FramesSettings(), **settings),
            threads=2,
        )
        return read_manifest(manifest, clip="anna")

    return run


def refused(extract: Extract, tmp_path: Path, says: str, video: Path, **settings: object) -> str:
    """Run the stage on a bad video; check that it names clip, file and remedy and leaves nothing; return the message."""
    with pytest.raises(UserError, match=says) as caught:
        extract(video, **settings)
    message = caught.value.message
    assert "anna" in message
    assert str(video) in message or "frames" in message
    assert "remedy" in message
    assert not (tmp_path / "anna").exists() or list((tmp_path / "anna").iterdir()) == []
    return message


def franck_frames(asset: Callable[[str], Path], count: int) -> Iterator[np.ndarray]:
    for frame, _ in zip(VideoReader(asset("franck.mp4"), fps=2.0), range(count), strict=False):
        yield frame.image


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


def write_video(path: Path, images: Iterator[np.ndarray]) -> Path:
    with VideoWriter(path, 24.0) as writer:
        for image in images:
            writer.add(image)
    return path


def test_franck_gets_nearly_the_whole_height(asset, extract: Extract, tmp_path: Path) -> None:
    manifest = extract(asset("franck.mp4"), end=4.0)
    x, y, side = manifest.details["crop"]
    assert manifest.size == (256, 256)
    assert manifest.ids == tuple(range(96))
    assert manifest.details["source_index"] == list(range(96))
    assert manifest.details["source_size"] == [360, 288]
    assert manifest.details["fps"] == 24.0
    assert 0 <= y <= 288 - side <= 8
    assert 20 <= x <= 360 - side
    assert manifest.details["scale"] == pytest.approx(256 / side)
    first = next(iter(VideoReader(asset("franck.mp4")))).image
    expected = cv2.resize(first[y : y + side, x : x + side], (256, 256), interpolation=cv2.INTER_AREA)
    assert psnr(next(iterate_frames(tmp_path / "anna" / "frames.json"))[1], expected) > 45


def test_rate_and_part_choose_the_frames(asset, extract: Extract) -> None:
    manifest = extract(asset("franck.mp4"), start=1.0, end=2.0, fps=10.0, size=64)
    assert manifest.details["source_index"] == [24, 27, 29, 32, 34, 36, 39, 41, 44, 46]
    assert manifest.details["fps"] == 10.0
    assert manifest.count == 10


def test_a_redo_changes_no_byte(asset, extract: Extract, tmp_path: Path) -> None:
    def content() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / "anna").rglob("*.*")}

    extract(asset("franck.mp4"), end=0.5)
    once = content()
    extract(asset("franck.mp4"), end=0.5)
    assert len(once) == 13
    assert content() == once


def test_a_large_video_is_capped_and_odd_sizes_work(asset, extract: Extract, tmp_path: Path) -> None:
    large = (cv2.resize(image, (725, 579)) for image in franck_frames(asset, 4))
    manifest = extract(write_video(tmp_path / "large.mp4", large), max_side=333, size=101)
    assert manifest.details["source_size"] == [726, 580]
    assert manifest.details["capped_size"] == [333, 266]
    assert manifest.size == (101, 101)
    x, y, side = manifest.details["crop"]
    assert 500 < side <= 580 and 0 <= x <= 726 - side and 0 <= y <= 580 - side
    assert manifest.details["scale"] == pytest.approx(101 / side)


def test_without_a_search_the_central_square_is_cut(extract: Extract, tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "flat.mp4", 5, width=96, height=80)
    manifest = extract(video, crop="none", size=80)
    assert manifest.details["crop"] == [8, 0, 80]


def test_a_missing_video(extract: Extract, tmp_path: Path) -> None:
    refused(extract, tmp_path, "no such video", tmp_path / "missing.mp4")


def test_a_text_that_calls_itself_a_video(extract: Extract, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video\n" * 500)
    refused(extract, tmp_path, "not a video", tmp_path / "text.mp4")


def test_a_file_cut_off_before_its_index(asset, extract: Extract, tmp_path: Path) -> None:
    (tmp_path / "cut.mp4").write_bytes(asset("franck.mp4").read_bytes()[:100_000])
    refused(extract, tmp_path, "cut off before its index", tmp_path / "cut.mp4")


def test_a_part_without_frames(asset, extract: Extract, tmp_path: Path) -> None:
    refused(extract, tmp_path, "no frame of the clip", asset("franck.mp4"), start=1.001, end=1.002)
    refused(extract, tmp_path, "after the end of the video", asset("franck.mp4"), start=500.0)


@pytest.fixture
def cut_video(asset, tmp_path: Path) -> Path:
    """Franck with its index in front, cut at 60 % of its bytes."""
    whole = copy_with_index_first(asset("franck.mp4"), tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    return tmp_path / "cut.mp4"


def test_a_truncated_video_is_refused_under_the_share(extract: Extract, tmp_path: Path, cut_video: Path) -> None:
    message = refused(extract, tmp_path, "truncated or damaged", cut_video, fps=0.5, detect_every=1000)
    assert "of 4800 frames decode" in message


def test_a_truncated_video_is_used_and_told_above_the_share(
    extract: Extract, cut_video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = extract(cut_video, fps=0.5, min_decoded=0.5)
    decoded = manifest.details["decoded"]
    assert manifest.details["expected"] == 4800
    assert 2400 < decoded < 3400
    assert manifest.count == -(-decoded // 48)
    assert f"{decoded} of 4800 frames" in capsys.readouterr().err


def test_damage_after_the_clip_does_not_matter(extract: Extract, cut_video: Path) -> None:
    manifest = extract(cut_video, end=0.5)
    assert manifest.details["decoded"] == manifest.details["expected"] == 12


def test_no_face(extract: Extract, tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "empty.mp4", 16, width=320, height=240)
    message = refused(extract, tmp_path, "no face in 16 of 16 searched frames", video)
    assert str(video) in message


def test_a_face_in_too_few_frames(asset, extract: Extract, tmp_path: Path) -> None:
    frames = [image if index < 3 else np.full_like(image, 90) for index, image in enumerate(franck_frames(asset, 8))]
    refused(extract, tmp_path, r"no face in \d+ of \d+ searched frames", write_video(tmp_path / "rare.mp4", iter(frames)))


def test_a_few_frames_without_a_face_pass(asset, extract: Extract, tmp_path: Path) -> None:
    frames = [image if index > 1 else np.full_like(image, 90) for index, image in enumerate(franck_frames(asset, 8))]
    assert extract(write_video(tmp_path / "most.mp4", iter(frames))).count == 8


def test_two_faces(asset, extract: Extract, tmp_path: Path) -> None:
    twice = (np.concatenate([image[:, 40:320], image[:, 40:320]], axis=1) for image in franck_frames(asset, 8))
    refused(extract, tmp_path, "two faces or more in", write_video(tmp_path / "twins.mp4", twice))


def test_a_face_that_is_too_small(asset, extract: Extract, tmp_path: Path) -> None:
    small = (cv2.resize(image, (90, 72), interpolation=cv2.INTER_AREA) for image in franck_frames(asset, 8))
    message = refused(extract, tmp_path, "the face is too small", write_video(tmp_path / "small.mp4", small))
    assert "at least 48" in message


def test_a_full_disk(asset, extract: Extract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fills_up(path: Path, *_: object) -> bytes:
        if path.name == "00003.png":
            raise OSError(errno.ENOSPC, "No space left on device")
        path.write_bytes(b"image")
        return b"image"

    monkeypatch.setattr(media_frames, "_save", fills_up)
    refused(extract, tmp_path, "the disk is full", asset("franck.mp4"), end=0.5)


def test_a_broken_detector_is_told(extract: Extract, asset, tmp_path: Path) -> None:
    (tmp_path / "broken.task").write_bytes(b"no model")
    with pytest.raises(UserError, match="face landmarker cannot be read"):
        extract_frames(
            clip="anna",
            video=asset("franck.mp4"),
            start=None,
            end=1.0,
            person=None,
            detector=tmp_path / "broken.task",
            mtcnn=[],
            manifest=tmp_path / "anna" / "frames.json",
            settings=FramesSettings(),
            threads=1,
        )
    assert not (tmp_path / "anna").exists()
