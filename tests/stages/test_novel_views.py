import json
import math
from dataclasses import replace

import av
import numpy as np
import pytest
import torch

from headsmith.contract.settings import AvatarSettings, NovelViewsSettings
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera, project
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_axis_angle, mean_rotation
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.images import read_image
from headsmith.splat.avatar import Avatar, AvatarShape, Splats, make_condition
from headsmith.splat.avatars import make_avatar
from headsmith.splat.binding import Binding
from headsmith.splat.soundness import Soundness
from headsmith.stages.avatar_file import TrainedAvatar
from headsmith.stages.avatar_views import ClipViews
from headsmith.stages.novel_views import show_novel_views
from headsmith.stages.novel_views_outline import ReachMeter, outline_of
from headsmith.stages.novel_views_poses import (
    ORBIT_FRAMES,
    SWEEP_FRAMES,
    Pose,
    Sweep,
    frames_again,
    heads_of,
    orbit,
    sweep,
    sweeps_of,
)
from headsmith.stages.novel_views_soundness import GROUPS, Tally, draw_shots, soundness_of
from tests.stages.avatar_clip import COUNT, pictures, train_clip, write_clip
from tests.synthetic_head import synthetic_head

SIZE, FRAMES = 192, 5


class Painted(Avatar):
    """Gaussians that lie on the head, but where a fault moves them."""

    def __init__(self, fault):
        super().__init__()
        self.fault = fault

    def splats(self, view):
        count = len(view.points)
        scales = torch.full((count, 3), 0.0015)
        quats = torch.tensor([1.0, 0, 0, 0]).repeat(count, 1)
        drawn = Splats(view.points.clone(), scales, quats, torch.full((count,), 0.99), torch.full((count, 3), 0.5))
        self.fault(drawn)
        return drawn

    def loss(self, *_):
        raise NotImplementedError

    def optimiser(self):
        raise NotImplementedError

    def set_rates(self, *_):
        raise NotImplementedError


def clip_views():
    """A head that turns a little and says nothing."""
    head = HeadModel.from_container(synthetic_head())
    turns = torch.tensor([[0.0, yaw, 0] for yaw in np.linspace(-0.1, 0.1, FRAMES)], dtype=torch.float32)
    rotation = torch.diag(torch.tensor([1.0, -1, -1])) @ axis_angle_to_matrix(turns)
    shared = (torch.full((FRAMES, 2), 3.0 * SIZE), torch.full((FRAMES, 2), SIZE / 2))
    cameras = Camera(rotation, torch.tensor([[0.0, 0, 1]]).repeat(FRAMES, 1), *shared, (SIZE, SIZE))
    generator = torch.Generator().manual_seed(3)
    still = head.neutral(FRAMES)
    expression = torch.rand(still.expression.shape, generator=generator)
    parameters = HeadParameters(torch.zeros(4), expression, still.jaw, still.eyes, still.eyelids, still.neck)
    conditions = make_condition(expression, still.jaw, still.eyes, still.eyelids)
    return ClipViews(head, {10 + row: row for row in range(FRAMES)}, parameters, cameras, conditions)


def painted(views, fault=lambda _: None, count=20000):
    generator = np.random.default_rng(1)
    area = np.linalg.norm(
        np.cross(*np.moveaxis(np.diff(views.rest().numpy()[views.head.container.faces], axis=1), 1, 0)), axis=1
    )
    faces = torch.from_numpy(generator.choice(len(area), count, p=area / area.sum()))
    barycentrics = torch.from_numpy(generator.dirichlet((1, 1, 1), count)).float()
    return TrainedAvatar(Painted(fault), Binding(faces, barycentrics), torch.zeros(SIZE, SIZE, 3))


def reach_on_the_mesh(views, trained):
    """How far a person reaches whose head masks are the mesh."""
    meter = ReachMeter(views.rest().numpy())
    for view, head in heads_of(views, trained.binding):
        outline = outline_of(head, views.head.container, view.camera)
        meter.add(outline, (outline.out == 0).astype(np.uint8) * 255, np.zeros((SIZE, SIZE), np.uint8))
    return meter.reach()


def faults_of(fault):
    views = clip_views()
    trained = painted(views, fault)
    (shot,) = draw_shots(frames_again(views, [12]), [Pose("frame", "12", True)], trained, reach_on_the_mesh(views, trained), 1)
    return shot.faults


def test_a_sound_avatar_has_no_faults():
    assert faults_of(lambda _: None) == Soundness(0, 0, 0, 0)


def test_gaussians_off_the_surface_float_and_are_seen_beside_the_head():
    def lift(drawn):
        drawn.means[:40] += torch.tensor([0.11, 0.08, 0.0])

    faults = faults_of(lift)
    assert 0 < faults.floaters <= 40 and faults.spikes > 0 and faults.holes == 0


def test_long_thin_gaussians_are_needles_and_reach_out_as_spikes():
    def stretch(drawn):
        drawn.scales[:25] = torch.tensor([0.06, 0.002, 0.001])

    faults = faults_of(stretch)
    assert (faults.floaters, faults.needles, faults.holes) == (0, 25, 0) and faults.spikes > 0


def test_a_patch_that_is_missing_is_a_hole():
    def tear(drawn):
        drawn.opacities[drawn.means[:, :2].norm(dim=-1) < 0.02] = 0

    faults = faults_of(tear)
    assert (faults.floaters, faults.needles, faults.spikes) == (0, 0, 0)
    assert faults.holes == pytest.approx(math.pi * (0.02 * 3 * SIZE / 0.93) ** 2, rel=0.4)


def test_hair_off_the_mesh_is_no_spike_where_masks_have_shown_it():
    views = clip_views()
    trained = painted(views)
    outlines = [outline_of(head, views.head.container, view.camera) for view, head in heads_of(views, trained.binding)]
    rows = np.arange(SIZE)[:, None]
    meters = [ReachMeter(views.rest().numpy()) for _ in range(2)]
    for outline in outlines:
        meters[0].add(outline, (outline.out == 0).astype(np.uint8), np.zeros((SIZE, SIZE), np.uint8))
        hair = (outline.out * outline.pixel < 0.03) & (rows < SIZE / 2)
        meters[1].add(outline, (hair | (outline.out == 0)).astype(np.uint8), np.zeros((SIZE, SIZE), np.uint8))
    (bare, hairy), outline = (meter.reach() for meter in meters), outlines[2]
    free, freer = (outline.masks(reach)[1].numpy() for reach in (hairy, bare))
    above, below = rows < SIZE / 4, rows > 3 * SIZE / 4
    near = (outline.out * outline.pixel > 0.012) & (outline.out * outline.pixel < 0.03)
    assert freer[near].all() and not free[near & above].any() and free[near & below].all()
    assert bare.beyond.max() == 0 and hairy.beyond.max() == pytest.approx(0.03, abs=0.005)


def test_hair_over_the_face_is_as_thick_as_at_the_outline():
    views = clip_views()
    trained = painted(views)
    meter = ReachMeter(views.rest().numpy())
    for view, head in heads_of(views, trained.binding):
        outline = outline_of(head, views.head.container, view.camera)
        labels = np.where(np.arange(SIZE)[:, None] < 0.45 * SIZE, 17, 1).repeat(SIZE, 1).astype(np.uint8)
        hair = (outline.out * outline.pixel < 0.02) & (labels == 17)
        meter.add(outline, (hair | (outline.out == 0)).astype(np.uint8), labels)
    reach, rest = meter.reach(), views.rest()
    middle = rest[:, 0].abs() < 0.02
    assert (reach.beyond[middle & (rest[:, 1] > 0.045)] > 0.015).all()
    assert (reach.beyond[middle & (rest[:, 1] < -0.045)] < 0.005).all()


def test_an_orbit_turns_the_head_about_its_own_middle_as_far_as_asked():
    views = clip_views()
    turned, poses = orbit(views, [11, 12, 13], 30.0, 15.0)
    centre = views.rest().mean(0)
    pixels, depth = project(centre.expand(ORBIT_FRAMES, 1, 3), turned.cameras)
    assert pixels.std(0).max() < 1e-3 and depth.std() < 1e-5
    assert len(poses) == ORBIT_FRAMES and poses[ORBIT_FRAMES // 4].words == "yaw +30°, pitch +0°"
    for row, yaw in ((ORBIT_FRAMES // 4, 30), (3 * ORBIT_FRAMES // 4, -30)):
        turn = turned.cameras.rotation[0].T @ turned.cameras.rotation[row]
        assert matrix_to_axis_angle(turn).rad2deg().tolist() == pytest.approx([0, yaw, 0], abs=1e-2)
    highest = matrix_to_axis_angle(turned.cameras.rotation[0].T @ turned.cameras.rotation).norm(dim=-1)
    assert highest.max().rad2deg() < 34


def test_a_sweep_moves_one_thing_over_what_the_clip_showed_and_the_fixed_range():
    views = clip_views()
    views.parameters.expression[:, 2] = torch.tensor([0.1, 0.2, 1.4, 0.3, 9.0])
    swept, poses = sweep(views, [10, 11, 12, 13], Sweep("unit2", "expression", (2,), (0.0, 1.0)))
    values = swept.parameters.expression
    assert values[:, 2].max() == pytest.approx(1.4) and values[:, 2].min() == pytest.approx(0.0, abs=1e-6)
    others = torch.arange(6) != 2
    assert (values[:, others] == values[0, others]).all()
    assert [pose.seen for pose in poses] == [bool(value > 0.095) for value in values[:, 2]]
    assert (swept.conditions[:, 2] == values[:, 2]).all()


def test_every_code_joint_and_lid_has_a_sweep():
    views = clip_views()
    names = [moved.name for moved in sweeps_of(views)]
    assert names == ["jaw open", "gaze down", "gaze side", "eyelids", *views.head.container.expression_names]
    gaze = next(moved for moved in sweeps_of(views) if moved.name == "gaze side")
    swept, _ = sweep(views, [10, 11], gaze)
    eyes = swept.parameters.eyes
    assert (eyes[:, 0] == eyes[:, 1]).all() and eyes[..., 1].max() == pytest.approx(0.4) and not eyes[..., 0].any()


def test_the_mean_of_rotations_is_between_them():
    turns = torch.tensor([[0.0, 0.3, 0], [0, -0.1, 0], [0, 0.1, 0]], dtype=torch.float64)
    mean = mean_rotation(axis_angle_to_matrix(turns))
    assert matrix_to_axis_angle(mean).tolist() == pytest.approx([0, 0.1, 0], abs=2e-3)
    assert torch.det(mean) == pytest.approx(1) and torch.allclose(mean @ mean.T, torch.eye(3, dtype=mean.dtype))


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    clip = write_clip(folder)
    with FrameFolderWriter(folder / "parsing.json", "toy") as writer:
        for frame in range(COUNT):
            writer.add(frame, (pictures(frame)[3] > 0).astype(np.uint8))
    settings = AvatarSettings(gaussians=500, iterations=20, bases=2, hidden=8)
    train_clip(clip, folder, settings)
    inputs = {name: clip[name] for name in ("clip", "head", "tracking", "dataset", "head_masks")}
    outputs = {f"{name}_{kind}": folder / f"{name}.{kind}" for name in ("orbit", "expressions") for kind in ("video", "sheet")}
    outputs = {name: path.with_suffix(".mp4" if "video" in name else ".png") for name, path in outputs.items()}
    outputs["summary"] = folder / "basis.json"
    show_novel_views(
        **inputs,
        **outputs,
        parsing=folder / "parsing.json",
        avatar=folder / "avatar.pt",
        settings=NovelViewsSettings(yaw=20.0),
        threads=2,
    )
    return outputs


def test_the_stage_writes_videos_sheets_and_counts(shown):
    content = json.loads(shown["summary"].read_text())
    assert tuple(content) == ("counts_as", *GROUPS)
    assert content["orbit"]["views"] == ORBIT_FRAMES
    assert content["sweeps"]["views"] + content["sweeps_beyond"]["views"] == 10 * SWEEP_FRAMES
    for group in GROUPS:
        for name in Soundness._fields:
            assert set(content[group][name]) == {"mean", "most", "worst"}
    for name, frames in (("orbit", ORBIT_FRAMES), ("expressions", 10 * SWEEP_FRAMES)):
        with av.open(str(shown[f"{name}_video"])) as video:
            assert sum(1 for _ in video.decode(video=0)) == frames
        assert read_image(shown[f"{name}_sheet"]).shape[1] > 900


def test_counts_name_the_worst_view():
    views = clip_views()
    tally = Tally()
    (shot,) = draw_shots(
        frames_again(views, [12]),
        [Pose("jaw open", "0.30", False)],
        painted(views),
        reach_on_the_mesh(views, painted(views)),
        1,
    )
    tally.add("sweeps", replace(shot, pose=Pose("jaw open", "0.10", True)))
    tally.add("sweeps", replace(shot, faults=Soundness(0, 3, 0, 9)))
    content = tally.summary()
    assert set(content) == {"sweeps", "sweeps_beyond"} and content["sweeps"]["faulty"] == 0
    assert content["sweeps_beyond"]["spikes"] == {"mean": 9.0, "most": 9, "worst": "jaw open: 0.30"}


def test_experiments_count_some_views_the_same_for_any_threads(tmp_path):
    views = clip_views()
    trained = painted(views)
    with FrameFolderWriter(tmp_path / "head.json", "toy") as writer:
        for row, (view, head) in enumerate(heads_of(frames_again(views, list(views.rows)), trained.binding)):
            inside = outline_of(head, views.head.container, view.camera).out == 0
            writer.add(10 + row, inside.astype(np.uint8) * 255)
    counted = [
        soundness_of(trained, views, list(views.rows), clip="toy", head_masks=tmp_path / "head.json", parsing=None, threads=n)
        for n in (1, 2)
    ]
    assert counted[0] == counted[1]
    assert counted[0]["orbit"]["views"] == ORBIT_FRAMES // 6 and counted[0]["training"]["faulty"] <= 1
    assert {name: counted[0]["orbit"][name]["most"] for name in ("floaters", "needles")} == {"floaters": 0, "needles": 0}


@pytest.mark.parametrize("deformation", ["basis", "mlp"])
def test_either_kind_of_avatar_is_shown_and_counted(deformation):
    views = clip_views()
    binding = painted(views, count=300).binding
    shape = AvatarShape(deformation, views.conditions.shape[1], 2, 8, 0.01)
    avatar = make_avatar(binding.points(views.rest(), views.head.faces), shape, 0).eval()
    trained = TrainedAvatar(avatar, binding, torch.zeros(SIZE, SIZE, 3))
    (shot,) = draw_shots(frames_again(views, [12]), [Pose("frame", "12", True)], trained, reach_on_the_mesh(views, trained), 1)
    assert shot.picture.shape == (SIZE, SIZE, 3) and shot.picture.any()
