"""Each fault is caused on a synthetic clip, and told apart from the others."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from stages import test_tracking
from stages.test_tracking import FOCAL, FRAMES, SETTINGS, SIZE, clip, true_motion, true_points, write_landmarks  # noqa: F401

from headsmith.contract.errors import UserError
from headsmith.heads.container import load_head
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages.tracking import track_head
from headsmith.stages.tracking_advice import tell_runs
from headsmith.stages.tracking_causes import tell_pixels

SCALE = 0.5


@pytest.fixture
def case(clip):  # noqa: F811 (the fixture)
    """The clip, cut from a video of pixels half as large, and its points."""
    with FrameFolderWriter(clip["frames"]) as writer:
        writer.details |= {"scale": SCALE, "fps": 12.0}
        for frame_id in range(FRAMES):
            writer.add(frame_id, np.zeros((SIZE, SIZE, 3), np.uint8))
    return clip, true_points(load_head(clip["head"]))


def remarks(clip):  # noqa: F811
    track_head(**clip)
    return json.loads(clip["summary"].read_text())["remarks"]


def refusal(clip):  # noqa: F811
    with pytest.raises(UserError) as caught:
        track_head(**clip)
    assert caught.value.clip == "someone" and caught.value.file == str(clip["landmarks"])
    assert not clip["output"].exists()
    return caught.value


def test_a_right_clip_has_no_remarks(case, capsys):
    clip, _ = case  # noqa: F811
    assert remarks(clip) == [] and remarks({**clip, "focal": FOCAL / SCALE}) == []


def test_a_wrong_focal_length_is_told_with_the_one_that_fits(case, capsys):
    clip, _ = case  # noqa: F811
    (told,) = remarks({**clip, "focal": 0.4 * FOCAL / SCALE, "settings": replace(SETTINGS, max_residual=50.0)})
    assert "the focal length given, 304 px, does not fit" in told and "column `focal`" in told
    asked = float(told.split("about ")[1].split(" px")[0].replace(",", ""))
    assert asked == pytest.approx(FOCAL / SCALE, rel=0.25)
    assert told in capsys.readouterr().err


def test_a_wrong_focal_length_is_the_cause_of_bad_frames(case):
    clip, _ = case  # noqa: F811
    error = refusal({**clip, "focal": 0.2 * FOCAL / SCALE, "settings": replace(SETTINGS, max_residual=1.0)})
    assert "cannot be tracked" in error.what and "the focal length given, 152 px, does not fit" in error.what


@pytest.mark.parametrize("strict", [1.0, 50.0])
@pytest.mark.parametrize(("axis", "words"), [(0, "left and right of the landmarks are swapped"), (1, "upside down")])
def test_swapped_sides_are_told_from_bad_faces(case, axis, words, strict):
    clip, points = case  # noqa: F811
    points[..., axis] = SIZE - points[..., axis]
    write_landmarks(clip["landmarks"], points)
    error = refusal({**clip, "settings": replace(SETTINGS, max_residual=strict)})
    assert words in error.what and "column `landmarks`" in error.remedy


def test_bad_faces_are_named(case):
    clip, points = case  # noqa: F811
    for bad in (3, *range(10, 16)):
        points[bad] += 8 * np.random.default_rng(bad).normal(size=points[bad].shape)
    write_landmarks(clip["landmarks"], points, bad=(20,))
    error = refusal(clip)
    assert error.what.startswith(f"8 of {FRAMES} frames cannot be tracked (1 missing: 20; 7 outlier: 3, 10-15; 0.2 s to 1.7 s)")
    assert "quality pictures" in error.remedy and "does not fit" not in error.what


def test_another_persons_codes_are_told(case, tmp_path):
    clip, _ = case  # noqa: F811
    np.save(tmp_path / "codes.npy", [-3.0, 3.0, -2.0, 3.0])
    loose = replace(SETTINGS, max_residual=50.0)
    told = "".join(remarks({**clip, "identity": tmp_path / "codes.npy", "settings": loose}))
    assert "the identity given does not fit" in told and "column `identity`" in told


def test_a_focal_length_that_no_camera_has_is_told(case, monkeypatch):
    """Seen from a hand's breadth, through a lens that hardly any camera has."""
    clip, _ = case  # noqa: F811
    (turn, shift, codes), near = true_motion(), 0.7 * SIZE
    monkeypatch.setattr(test_tracking, "FOCAL", near)
    monkeypatch.setattr(test_tracking, "true_motion", lambda: (turn, shift * torch.tensor([1, 1, near / FOCAL]), codes))
    write_landmarks(clip["landmarks"], true_points(load_head(clip["head"])))
    (told,) = remarks({**clip, "settings": replace(SETTINGS, max_residual=50.0, iterations=40)})
    assert re.search(r"ended at [0-9]+ px of the video, 0\.[0-9] sides of the frames", told) and "column `focal`" in told


def test_runs_and_lengths_are_told_shortly():
    assert tell_runs([3, 9, 10, 11]) == "3, 9-11" and tell_runs(list(range(0, 20, 2))) == "0, 2, 4, 6, 8, 10 and 4 runs more"
    assert tell_pixels(1934.2, 2) == "1,900 px" and tell_pixels(800.0) == "800 px" and tell_pixels(1.5) == "1.5 px"
