"""A head that leaves the crop is noticed, told with its seconds, and kept in the manifest."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stages.frames_clip import BLANK, Extract, laid_over, real_frames, write_video

from headsmith.media.crops import Crop
from headsmith.stages.frames_watch import INSIDE, NEARLY, OUTSIDE, UNSEEN, Watched, state_of, told_spans

CROP = Crop(100, 100, 400)


@pytest.fixture
def extract(asset: Callable[[str], Path], tmp_path: Path) -> Extract:
    return Extract(asset, tmp_path)


def watched(states: list[int]) -> Watched:
    return Watched([6 * place for place in range(len(states))], [place / 4 for place in range(len(states))], states)


@pytest.mark.parametrize(
    ("box", "state"),
    [
        ((250.0, 250.0, 350.0, 370.0), INSIDE),
        ((105.0, 250.0, 205.0, 370.0), NEARLY),
        ((99.0, 250.0, 199.0, 370.0), NEARLY),
        ((97.0, 250.0, 197.0, 370.0), OUTSIDE),
        ((250.0, 400.0, 350.0, 505.0), OUTSIDE),
        ((250.0, 140.0, 350.0, 260.0), OUTSIDE),
        ((250.0, 160.0, 350.0, 280.0), INSIDE),
    ],
)
def test_edges_count_with_hair_and_some_jitter(box: tuple[float, float, float, float], state: int) -> None:
    assert state_of(box, CROP) == state


def test_a_head_that_is_gone_after_it_left_is_outside_and_one_that_turned_away_is_unseen() -> None:
    found = watched([INSIDE, OUTSIDE, UNSEEN, UNSEEN, INSIDE, UNSEEN, INSIDE, UNSEEN, UNSEEN, NEARLY, UNSEEN])
    assert found.outside == [1, 2, 3, 7, 8, 10]
    assert found.unseen == [5]
    assert told_spans(found, found.outside) == "0.25-0.75 s, 1.75-2.00 s, 2.50 s"


def test_many_spans_are_cut_short() -> None:
    found = watched([OUTSIDE, INSIDE] * 20)
    assert told_spans(found, found.outside).endswith("5.50 s and 8 more times")


@pytest.fixture(scope="module")
def leaving(asset: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that stands still for two seconds, leaves the picture to the right within one, stays away, and comes back."""
    faces = real_frames(asset("franck.mp4"), 40, fps=12.0)
    wide = np.concatenate([BLANK, BLANK], axis=1)
    steps = [40] * 24 + list(range(40, 640, 50)) + [720] * 12 + list(range(640, 40, -50)) + [40] * 24
    shown = (laid_over(wide, faces[index % 40], left, 0) if left < 720 else wide for index, left in enumerate(steps))
    return write_video(tmp_path_factory.mktemp("leaving") / "leaving.mp4", shown, fps=12.0)


def test_a_head_that_leaves_and_returns_is_told(extract: Extract, leaving: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = extract(leaving)
    outside = manifest.details["outside"]
    assert outside == sorted(outside)
    assert all(frame_id % 3 == 0 for frame_id in outside)
    assert {36, 39, 42, 45, 48, 51, 54} <= set(outside)
    assert not {0, 3, 12, 21, 63, 72, 81} & set(outside)
    said = capsys.readouterr().err
    assert f"anna: the head leaves the crop in {len(outside)} of 28 watched frames" in said
    assert "frames.margin" in said


def test_a_head_that_stays_is_not_told(asset: Callable[[str], Path], extract: Extract, capsys) -> None:
    manifest = extract(asset("cap12.mp4"), start=5.0, end=11.0)
    assert manifest.details["outside"] == []
    assert "leaves" not in capsys.readouterr().err


def test_in_a_crop_that_is_too_small_the_moving_head_of_cap12_leaves_and_returns(asset, extract: Extract) -> None:
    outside = extract(asset("cap12.mp4"), start=26.0, end=36.0, crop="120,60,190").details["outside"]
    assert {150, 156, 162, 168, 174, 180, 186, 192, 198, 204, 210, 216} <= set(outside)
    assert not {0, 6, 12, 18} & set(outside)


def test_the_number_of_threads_changes_nothing(extract: Extract, leaving: Path, tmp_path: Path) -> None:
    def content(threads: int) -> dict[str, bytes]:
        extract(leaving, threads=threads)
        return {path.name: path.read_bytes() for path in (tmp_path / "anna").rglob("*.*")}

    assert content(1) == content(3)
