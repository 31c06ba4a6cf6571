"""Whose face is cut out where several are seen, and how it is followed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stages.frames_clip import Extract, StandIn, real_frames, write_video

from headsmith.contract.errors import UserError
from headsmith.stages.frames_person import choose_person, face_at, nearest_face
from headsmith.stages.frames_search import Look

SIDE = 100.0


def face(x: float, y: float = 200.0, side: float = SIDE) -> tuple[float, float, float, float]:
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def looks(*frames: list[tuple[float, float, float, float]]) -> list[Look]:
    return [Look(float(index), tuple(boxes)) for index, boxes in enumerate(frames)]


@pytest.fixture
def extract(asset: Callable[[str], Path], tmp_path: Path) -> Extract:
    return Extract(asset, tmp_path)


@pytest.fixture(scope="module")
def twins(asset: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of franck beside himself, the left one a second earlier."""
    frames = real_frames(asset("franck.mp4"), 10)
    pairs = (np.concatenate([one[:, 40:320], other[:, 40:320]], axis=1) for one, other in zip(frames, frames[2:], strict=False))
    return write_video(tmp_path_factory.mktemp("twins") / "twins.mp4", pairs)


def test_several_faces_are_refused_with_their_places(extract: Extract, twins: Path) -> None:
    with pytest.raises(UserError, match="two faces or more in") as caught:
        extract(twins)
    assert "column `person`" in caught.value.message
    places = caught.value.message.split("faces at ")[1].split("\n")[0].split(" and ")
    xs = [int(place.split(",")[0]) for place in places]
    assert len(places) == 2 and xs[0] < 280 < xs[1]
    for place, x in zip(places, xs, strict=True):
        manifest = extract(twins, person=place)
        left, _, side = manifest.details["crop"]
        assert left < x < left + side
        assert manifest.details["person"] == pytest.approx([128, 140], abs=30)


def test_a_point_without_a_face_is_refused_with_the_places(extract: Extract, twins: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"shows a face at 280,10: at .* there are faces at") as caught:
        extract(twins, person="280,10")
    assert "anna" in caught.value.message
    assert not (tmp_path / "anna").exists() or not list((tmp_path / "anna").iterdir())


def test_the_chosen_face_is_followed_past_the_other() -> None:
    xs = np.linspace(100, 700, 13).tolist()
    frames = looks(*([face(x), face(500, 380)] for x in xs))
    choice = choose_person(frames, (100.0, 200.0), StandIn())
    assert choice.boxes == [face(x) for x in xs]
    assert choose_person(frames, (500.0, 380.0), StandIn()).seen == [face(500, 380)] * 13


def test_a_face_that_is_not_seen_is_not_taken_for_the_other() -> None:
    frames = looks([face(100), face(500)], [face(500)], [face(500)], [face(150), face(500)])
    choice = choose_person(frames, (100.0, 200.0), StandIn())
    assert choice.boxes == [face(100), None, None, face(150)]
    assert choice.centre == (125.0, 200.0)


def test_a_face_that_is_seen_late_is_followed_both_ways() -> None:
    frames = looks([face(500), face(60)], [face(500)], [face(500), face(140)], [face(180)])
    choice = choose_person(frames, (170.0, 230.0), StandIn())
    assert choice.boxes == [face(60), None, face(140), face(180)]


def test_without_a_choice_the_usual_place_decides_in_crowded_frames() -> None:
    frames = looks([face(100)], [face(500, side=120), face(110)], [face(105)], [], [face(90)])
    assert choose_person(frames, None, StandIn()).boxes == [face(100), face(110), face(105), None, face(90)]


def test_far_smaller_faces_crowd_nothing() -> None:
    frames = looks(*[[face(100), face(500, side=45)]] * 4)
    assert choose_person(frames, None, StandIn()).crowded == 0
    with pytest.raises(UserError, match="two faces or more in 4 of 4"):
        choose_person(looks(*[[face(100), face(500, side=55)]] * 4), None, StandIn())


def test_points_beside_a_face_mean_it_and_points_far_from_it_do_not() -> None:
    look = Look(0.0, (face(100), face(250)))
    assert face_at(look, (100.0, 130.0)) == face(100)
    assert face_at(look, (180.0, 200.0)) == face(250)
    assert face_at(look, (100.0, 120.0)) is None


def test_a_face_moves_so_far_and_no_farther() -> None:
    assert nearest_face((face(199),), face(100), 1.0) == face(199)
    assert nearest_face((face(201),), face(100), 1.0) is None
    assert nearest_face((face(201),), face(100), 2.0) == face(201)
    assert nearest_face((), face(100), 9.0) is None
