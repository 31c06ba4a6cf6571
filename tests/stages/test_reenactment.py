from dataclasses import replace

import av
import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.reenactment import check_drivers, drivers_of
from headsmith.contract.settings import AvatarSettings, ReenactmentSettings, Settings
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.images import read_image
from headsmith.splat.avatar import make_condition
from headsmith.stages.avatar_views import ClipViews
from headsmith.stages.reenactment import beside, reenact_avatar
from headsmith.stages.reenactment_motion import Driver, neutral_of, transferred
from tests.stages.avatar_clip import SIDE, train_clip, write_clip
from tests.synthetic_head import synthetic_head

FRAMES = 20
RELATIVE, ABSOLUTE = ReenactmentSettings(), ReenactmentSettings(expression="absolute")


def views_of(expression, turns, place, identity=0.0):
    """A clip of a person."""
    head = HeadModel.from_container(synthetic_head())
    count = len(expression)
    still = head.neutral(count)
    rotation = torch.diag(torch.tensor([1.0, -1, -1])) @ axis_angle_to_matrix(turns)
    shared = (torch.full((count, 2), 300.0), torch.full((count, 2), 48.0))
    cameras = Camera(rotation, place, *shared, (96, 96))
    parameters = HeadParameters(torch.full((4,), identity), expression, still.jaw, still.eyes, still.eyelids, still.neck)
    conditions = make_condition(expression, still.jaw, still.eyes, still.eyelids)
    return ClipViews(head, {row: row for row in range(count)}, parameters, cameras, conditions)


def person(habit, said, *, turn=0.0, distance=1.0):
    """A clip in which a face that always has a habit says something from its fourth frame on."""
    expression = torch.tensor(habit).repeat(FRAMES, 1)
    expression[4:] += torch.tensor(said)
    turns = torch.zeros(FRAMES, 3)
    turns[:, 1] = turn
    place = torch.tensor([0.0, 0, distance]).repeat(FRAMES, 1)
    return views_of(expression, turns, place)


OWN = [0.0, 0.3, 0, 0, 0, 0]
HABIT = [0.4, 0.0, 0, 0, 0, 0]
SAID = [0.0, 0.0, 0.8, 0, 0.5, 0]


def moved(settings, driver=None, own=None):
    driver = driver or person(HABIT, SAID)
    ids = list(range(FRAMES))
    return transferred(Driver("b", driver, ids), own or person(OWN, SAID), ids, settings)


def test_the_neutral_face_is_the_calm_one_though_most_frames_speak():
    neutral, _ = neutral_of(person(HABIT, SAID), list(range(FRAMES)))
    assert neutral.expression.tolist() == pytest.approx(HABIT)


def test_what_is_said_is_taken_over_and_the_habit_is_not():
    expression = moved(RELATIVE).parameters.expression
    assert expression[0].tolist() == pytest.approx(OWN, abs=1e-6)
    assert expression[9].tolist() == pytest.approx((np.array(OWN) + SAID).tolist(), abs=1e-6)


def test_absolute_codes_are_taken_as_they_are():
    assert moved(ABSOLUTE).parameters.expression[9].tolist() == pytest.approx((np.array(HABIT) + SAID).tolist())


def test_conditions_follow_and_the_identity_stays():
    views = moved(RELATIVE, own=person(OWN, SAID))
    assert torch.equal(views.conditions[:, :6], views.parameters.expression)
    assert not views.parameters.identity.any()


def test_face_units_and_lids_stay_in_their_range():
    driver = person(OWN, SAID)
    driver.parameters.expression[5, 1] = 0.0
    driver.parameters.eyelids[5] = torch.tensor([1.3, -0.2])
    parameters = moved(RELATIVE, driver=driver, own=person([0.0] * 6, SAID)).parameters
    assert parameters.expression.min() == 0 and parameters.eyelids[5].tolist() == [1, 0]


def test_the_head_turns_and_shifts_from_its_own_place_as_the_drivers_does():
    driver = person(HABIT, SAID, turn=0.4, distance=3.0)
    driver.cameras.translation[7] += torch.tensor([0.02, 0, -0.1])
    extra = axis_angle_to_matrix(torch.tensor([0.0, 0, 0.2]))
    driver.cameras.rotation[7] = extra @ driver.cameras.rotation[7]
    own = person(OWN, SAID, turn=-0.1, distance=1.5)
    cameras = moved(RELATIVE, driver=driver, own=own).cameras
    assert torch.allclose(cameras.rotation[3], own.cameras.rotation[3], atol=2e-2)
    assert cameras.translation[3].tolist() == pytest.approx([0, 0, 1.5], abs=1e-6)
    assert cameras.translation[7].tolist() == pytest.approx([0.02, 0, 1.4], abs=1e-6)
    turned = cameras.rotation[7] @ cameras.rotation[3].T
    assert torch.allclose(turned, extra, atol=1e-5)
    still = moved(replace(RELATIVE, pose="own"), driver=driver, own=own).cameras
    assert (still.rotation == still.rotation[0]).all() and (still.translation == still.translation[0]).all()
    assert torch.equal(still.focal, own.cameras.focal) and still.size == own.cameras.size


def test_a_drivers_frame_is_brought_to_the_renders_height():
    frame, render = np.full((40, 20, 3), 9, np.uint8), np.full((20, 30, 3), 200, np.uint8)
    both = beside(frame, render)
    assert both.shape == (20, 40, 3) and (both[:, :10] == 9).all() and (both[:, 10:] == 200).all()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    clip = write_clip(folder)
    settings = AvatarSettings(gaussians=500, iterations=20, bases=2, hidden=8)
    train_clip(clip, folder, settings)
    return {name: clip[name] for name in ("clip", "head", "tracking", "dataset")} | {"avatar": folder / "avatar.pt"}


def drive(clip, folder, threads=2):
    outputs = {"video": folder / "other.mp4", "sheet": folder / "other.png"}
    driver = {"driver": "other", "driver_tracking": folder / "tracking.npz", "driver_frames": folder / "frames.json"}
    reenact_avatar(**clip, **driver, **outputs, settings=RELATIVE, threads=threads)
    return outputs


@pytest.fixture
def other(clip, tmp_path):
    """A driver with frames of another size, of which one is not tracked."""
    with np.load(clip["tracking"]) as content:
        arrays = dict(content)
    arrays["status"][2] = "missing"
    np.savez(tmp_path / "tracking.npz", **arrays)
    with FrameFolderWriter(tmp_path / "frames.json", "other", details={"fps": 12.5}) as writer:
        for frame in arrays["ids"].tolist():
            writer.add(frame, np.full((48, 48, 3), 20 * frame, np.uint8))
    return tmp_path, arrays


def test_the_stage_shows_driver_and_avatar_in_each_usable_frame(clip, other):
    outputs = drive(clip, other[0])
    with av.open(str(outputs["video"])) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert float(video.streams.video[0].average_rate) == 12.5
    assert len(frames) == len(other[1]["ids"]) - 1 and frames[0].shape == (SIDE, 2 * SIDE, 3)
    assert [frame[:, : SIDE - 2].mean() for frame in frames[:3]] == pytest.approx([0, 20, 60], abs=4)
    assert read_image(outputs["sheet"]).shape[1] > 900
    before = outputs["video"].read_bytes()
    assert drive(clip, other[0], threads=1)["video"].read_bytes() == before


def test_a_driver_of_another_head_is_refused_with_the_way_out(clip, other):
    folder, arrays = other
    np.savez(folder / "tracking.npz", **(arrays | {"head_sha256": "f" * 64}))
    with pytest.raises(UserError, match=r"other is tracked with another head \(ffffffffffff\)[\s\S]*convert_head"):
        drive(clip, folder)


def test_a_driver_without_a_tracked_frame_is_refused(clip, other):
    folder, arrays = other
    np.savez(folder / "tracking.npz", **(arrays | {"status": np.full(len(arrays["ids"]), "missing")}))
    with pytest.raises(UserError, match="no frame of the driver is tracked"):
        drive(clip, folder)


def test_drivers_are_clips_of_the_table():
    settings = replace(Settings(), reenactment=ReenactmentSettings(drivers=["anna", "bob", "anna"]))
    check_drivers(settings, ["bob", "anna"])
    assert drivers_of(settings) == ["anna", "bob"]
    with pytest.raises(UserError, match=r"'anna'[\s\S]*known: bob"):
        check_drivers(settings, ["bob"])
    with pytest.raises(UserError, match=r"reenactment\.drivers is empty"):
        drivers_of(Settings())
