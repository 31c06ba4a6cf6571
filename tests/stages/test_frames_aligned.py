"""Squares that are turned with the face: they are flame-head-tracker's crops, whose pictures may be gone."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from stages.frames_clip import BLANK, Extract, StandIn, laid_over, real_frames, write_video
from synthetic_video import write_numbered_video
from workflow.tracked_crops import LOST, SIDE, real_crops

from headsmith.contract.conventions import IBUG68_FROM_MEDIAPIPE
from headsmith.contract.errors import UserError
from headsmith.contract.settings import LandmarksSettings
from headsmith.media.frames import iterate_frames
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.stages.frames_aligned import interval_of, kept_number
from headsmith.stages.imports_checks import check_crops
from headsmith.stages.landmarks import detect_landmarks
from headsmith.stages.tracking_input import read_landmarks

COUNT = 14
SOURCE = "flame_head_tracker"


@pytest.fixture
def extract(asset, tmp_path) -> Extract:
    return Extract(asset, tmp_path)


def squares(extract):
    return [image for _, image in iterate_frames(extract.folder / "anna/frames.json")]


def detected(asset, folder):
    detect_landmarks(
        clip="anna",
        frames=folder / "frames.json",
        files={"face_landmarker.task": asset("face_landmarker.task")},
        given=None,
        output=folder / "landmarks.npz",
        summary=folder / "landmarks.json",
        settings=LandmarksSettings(),
        threads=1,
    )
    return read_landmarks(folder / "landmarks.npz", "anna")


def write_results(folder, model, crops):
    """What the check reads of a tracker's folder without pictures: the points that MediaPipe sees in the crop at half its size.

    The tracker numbers frames from the video's beginning, and lost one.
    """
    folder.mkdir()
    with FaceLandmarker(model, 1, plain=True) as detector:
        for number, crop in enumerate(crops):
            points = detector.detect(cv2.resize(crop, (SIDE // 2, SIDE // 2)))[0].points[:, :2]
            sixty_eight = np.stack([points[list(group)].mean(0) for group in IBUG68_FROM_MEDIAPIPE])
            if number != LOST:
                np.savez(folder / f"{number}.npz", lmks_68=(4 * sixty_eight[None] / SIDE - 1).astype(np.float32))
    return folder


def test_they_are_the_trackers_own_crops(asset, extract: Extract, tmp_path) -> None:
    """The same pixels to 40 dB and the same points, as the import checks them; other crops are refused, and the way is told."""
    model, video = asset("face_landmarker.task"), asset("franck.mp4")
    crops, _ = real_crops(video, model, COUNT)
    given = write_results(tmp_path / "tracker", model, crops)
    manifest = extract(video, start=2 / 24, end=COUNT / 24, crop="aligned", size=SIDE)
    assert manifest.details["numbers"] == manifest.details["source_index"] == list(range(2, COUNT))
    assert manifest.details["aligned"] is True and "crop" not in manifest.details
    for ours, theirs in zip(squares(extract), crops[2:], strict=True):
        assert ((ours.astype(float) - theirs) ** 2).mean() < 255**2 / 1e4
    check_crops(SOURCE, given, manifest, detected(asset, tmp_path / "anna"))
    with pytest.raises(UserError, match="not the crops that the tracker saw") as caught:
        wrong = Extract(asset, tmp_path / "wrong")
        manifest = wrong(video, end=COUNT / 24)
        check_crops(SOURCE, given, manifest, detected(asset, tmp_path / "wrong/anna"))
    assert "holds no pictures any more" in caught.value.remedy and "aligned" in caught.value.remedy


def test_frames_without_a_face_are_dropped_and_each_square_is_found_again_in_its_frame(
    asset, extract: Extract, tmp_path
) -> None:
    frames = [BLANK if index in (0, 4) else image for index, image in enumerate(real_frames(asset("franck.mp4"), 6))]
    video = write_video(tmp_path / "gaps.mp4", frames)
    manifest = extract(video, crop="aligned", size=400)
    assert manifest.ids == (1, 2, 3, 5) and manifest.details["source_index"] == [1, 2, 3, 5]
    assert [(item.id, item.reason) for item in manifest.dropped] == [(0, "no face"), (4, "no face")]
    assert any("2 of 6 frames show no face" in remark for remark in manifest.details["remarks"])
    own = np.array([(0, 0), (400, 0), (0, 400)], np.float32) - 0.5
    for square, quad, index in zip(squares(extract), manifest.details["quads"], manifest.ids, strict=True):
        corners = np.array([quad[0], quad[1], quad[3]], np.float32) - 0.5
        back = cv2.warpAffine(square, cv2.getAffineTransform(own, corners), (360, 288), flags=cv2.INTER_AREA)
        there = cv2.warpAffine(np.ones_like(square), cv2.getAffineTransform(own, corners), (360, 288)) > 0
        inner = cv2.erode(there.astype(np.uint8), np.ones((9, 9))) > 0
        assert inner.mean() > 0.4
        assert np.abs(back.astype(float) - frames[index])[inner].mean() < 6


def test_the_number_of_threads_changes_nothing(asset, extract: Extract) -> None:
    one, three = (extract(asset("franck.mp4"), end=0.4, threads=threads, crop="aligned", size=64) for threads in (1, 3))
    assert one == three


def test_a_chosen_person_is_followed(asset, extract: Extract, tmp_path) -> None:
    frames = [
        laid_over(laid_over(np.full((288, 720, 3), 90, np.uint8), image, 0, 0), image, 360, 0)
        for image in real_frames(asset("franck.mp4"), 4, fps=24.0)
    ]
    video = write_video(tmp_path / "two.mp4", frames)
    with pytest.raises(UserError, match="two faces or more"):
        extract(video, crop="aligned")
    for person, place in (("180,150", 180), ("540,150", 540)):
        manifest = extract(video, person=person, crop="aligned", size=64)
        assert manifest.count == 4 and manifest.details["person"] == [32, 32]
        assert np.abs(np.mean(manifest.details["quads"], axis=1)[:, 0] - place).max() < 60


def test_pictures_are_cut_as_well_and_a_trackers_crops_stay_as_they_are(asset, extract: Extract, tmp_path) -> None:
    image = real_frames(asset("single_face.mp4"), 1)[0]
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures/shot12.png"), image[..., ::-1])
    manifest = extract(tmp_path / "pictures", crop="aligned", size=64)
    assert manifest.details["names"] == ["shot12.png"] and len(manifest.details["quads"]) == 1
    (tmp_path / "crops").mkdir()
    np.savez(tmp_path / "crops/7.npz", img=image[None, :360, 100:460])
    manifest = extract(tmp_path / "crops", crop="aligned", size=360)
    assert manifest.details["crop"] == [0, 0, 360] and "aligned" not in manifest.details
    assert np.array_equal(squares(extract)[0], image[:360, 100:460])


def test_a_video_without_a_face_and_results_without_pictures_are_refused(extract: Extract, tmp_path) -> None:
    with pytest.raises(UserError, match="no face in"):
        extract(write_numbered_video(tmp_path / "empty.mp4", 16, width=320, height=240), crop="aligned")
    (tmp_path / "bare").mkdir()
    np.savez(tmp_path / "bare/0.npz", cam=np.zeros((1, 6)))
    with pytest.raises(UserError, match="holds no picture") as caught:
        extract(tmp_path / "bare", crop="aligned")
    assert "`aligned` into the column `crop`" in caught.value.remedy


def counted(original, subsample, frames):
    """The places that the tracker keeps: every ``original / subsample``-th of what it read."""
    interval = original / subsample
    return [int(number * interval) for number in range(int(frames / interval))]


@pytest.mark.parametrize(
    ("rate", "fps", "original", "subsample"),
    [(25.0, 20.0, 25, 20), (24.0, 10.0, 24, 10), (60.0, 30.0, 60, 30), (30000 / 1001, 9.99, 30, 10), (25.0, 12.5, 60, 30)],
)
def test_frames_are_counted_as_the_tracker_counts_them(rate: float, fps: float, original: int, subsample: int) -> None:
    interval = interval_of(StandIn(fps=rate), fps)
    kept = [(kept_number(place, interval), place) for place in range(900) if kept_number(place, interval) is not None]
    wanted = counted(original, subsample, 900)
    assert kept[: len(wanted)] == list(enumerate(wanted)) and len(kept) <= len(wanted) + 1


def test_a_rate_that_is_not_below_the_videos_keeps_all() -> None:
    for fps in (0.0, 24.0, 60.0):
        assert interval_of(StandIn(fps=24.0), fps) == Fraction(1)


def test_a_rate_of_its_own_is_told(asset, extract: Extract) -> None:
    manifest = extract(asset("franck.mp4"), start=1.0, end=2.0, fps=6.0, crop="aligned", size=64)
    assert manifest.details["source_index"] == [24, 28, 32, 36, 40, 44]
    assert manifest.details["numbers"] == [6, 7, 8, 9, 10, 11]
    assert manifest.details["fps"] == 6.0 and manifest.ids == tuple(range(6))
