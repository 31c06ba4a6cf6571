"""A second detector's opinion: where both disagree the clip is refused, where one sees nothing the other's box is used."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from stages.frames_clip import Extract, StandIn, laid_over, real_frames, write_video

from headsmith.contract.errors import UserError
from headsmith.media.crops import Box
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.stages.frames_checks import compare_opinions
from headsmith.stages.frames_person import Choice, choose_person
from headsmith.stages.frames_search import Look, Lookout, open_second

HERE: Box = (100.0, 100.0, 200.0, 220.0)
THERE: Box = (600.0, 100.0, 700.0, 220.0)
NEAR: Box = (120.0, 90.0, 210.0, 200.0)


@pytest.fixture
def extract(asset: Callable[[str], Path], tmp_path: Path) -> Extract:
    return Extract(asset, tmp_path)


def opinions(*pairs: tuple[tuple[Box, ...], tuple[Box, ...]]) -> tuple[list[Look], Choice]:
    looks = [Look(index / 2, faces, others) for index, (faces, others) in enumerate(pairs)]
    return looks, choose_person(looks, None, StandIn())


def test_agreement_says_nothing() -> None:
    assert compare_opinions(*opinions(*[((HERE,), (NEAR, THERE))] * 10), StandIn()) == []


def test_without_a_second_opinion_nothing_is_compared() -> None:
    looks = [Look(0.0, (HERE,)), Look(1.0, ())]
    assert compare_opinions(looks, choose_person(looks, None, StandIn()), StandIn()) == []


def test_a_disagreement_names_frames_and_places() -> None:
    with pytest.raises(UserError, match=r"in different places in 2 of 10 searched frames: 0\.00 s, 0\.50 s") as caught:
        compare_opinions(*opinions(*[((HERE,), (THERE,))] * 2, *[((HERE,), (NEAR,))] * 8), StandIn())
    for words in ("150,160", "650,160", "second_opinion", "column `person`", "clip:   anna"):
        assert words in caught.value.message


def test_one_frame_in_ten_may_differ_and_is_told() -> None:
    told = compare_opinions(*opinions(((HERE,), (THERE,)), *[((HERE,), (NEAR,))] * 9), StandIn())
    assert told == ["MTCNN sees the face elsewhere than MediaPipe in 1 of 10 searched frames"]


def test_gaps_are_filled_and_told() -> None:
    looks, choice = opinions(*[((HERE,), (NEAR,))] * 4, ((), (NEAR,)), ((HERE,), ()))
    assert choice.boxes == [HERE] * 4 + [NEAR, HERE]
    assert compare_opinions(looks, choice, StandIn()) == [
        "MTCNN alone sees the face, and its box is used in 1 of 6 searched frames",
        "MediaPipe alone sees the face in 1 of 6 searched frames",
    ]


@pytest.mark.parametrize("name", ["franck.mp4", "cap12.mp4", "single_face.mp4"])
def test_boxes_of_both_are_of_one_kind(asset: Callable[[str], Path], extract: Extract, name: str) -> None:
    image = real_frames(asset(name), 3)[-1]
    with FaceLandmarker(asset("face_landmarker.task")) as landmarker:
        (truth,) = landmarker.detect(image)
    (other,) = open_second([asset(f"mtcnn/{net}net.pt") for net in "pro"])(image)
    side = truth.box[2] - truth.box[0]
    assert np.abs(np.subtract(truth.box, other)).max() < 0.12 * side


@pytest.fixture(scope="module")
def tiny(asset: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face of 55 pixels in a wide picture, too small for MediaPipe's detector."""
    faces = [cv2.resize(image, (150, 120), interpolation=cv2.INTER_AREA) for image in real_frames(asset("franck.mp4"), 8)]
    grey = np.full((540, 960, 3), 110, np.uint8)
    path = tmp_path_factory.mktemp("tiny") / "tiny.mp4"
    return write_video(path, (laid_over(grey, image, 700, 300) for image in faces))


def test_what_mediapipe_does_not_see_mtcnn_may(extract: Extract, tiny: Path) -> None:
    with pytest.raises(UserError, match=r"no face in .*") as caught:
        extract(tiny, max_side=960)
    assert "frames.second_opinion to mtcnn" in caught.value.message
    manifest = extract(tiny, max_side=960, second_opinion="mtcnn", min_face=30)
    left, top, side = manifest.details["crop"]
    assert 700 <= left < 760 < left + side < 870
    assert 300 <= top + side / 2 < 400
    assert "MTCNN alone sees the face" in manifest.details["remarks"][0]


def test_a_watch_asks_mtcnn_only_where_mediapipe_sees_nothing(asset: Callable[[str], Path]) -> None:
    image = real_frames(asset("franck.mp4"), 1)[0]
    asked = []
    with Lookout(asset("face_landmarker.task"), []) as lookout:
        lookout._second = lambda picture: asked.append(picture) or []
        lookout.look(image, 0.0, (360, 288), compare=False)
        assert asked == []
        lookout.look(np.zeros_like(image), 0.0, (360, 288), compare=False)
        lookout.look(image, 0.0, (360, 288))
    assert len(asked) == 2
