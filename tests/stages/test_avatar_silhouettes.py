import pytest
import torch

from headsmith.maths.cameras import to_camera
from headsmith.stages.avatar import bind_gaussians
from headsmith.stages.avatar_silhouettes import COUNT, YAW, silhouette_after, turn_heads
from headsmith.stages.avatar_views import load_views
from headsmith.stages.novel_views_poses import turned
from tests.stages.avatar_clip import write_clip


@pytest.fixture
def toy(tmp_path):
    clip = write_clip(tmp_path)
    views = load_views(clip="toy", tracking=clip["tracking"], head=clip["head"])
    return "toy", views, bind_gaussians(views, 300), list(range(7)), clip["head_masks"], None


def test_turned_heads_turn_about_a_point_that_stays(toy):
    camera = toy[1].cameras[:3]
    yaw, pitch, centre = torch.tensor([0.0, 90, 0]), torch.tensor([0.0, 0, 90]), torch.tensor([0.01, 0.02, 0.03])
    seen = turned(camera, yaw, pitch, centre)
    places = [to_camera(centre[None], cameras)[:, 0] for cameras in (camera, seen)]
    assert torch.allclose(*places, atol=1e-6)
    axes = camera.rotation.transpose(-1, -2) @ seen.rotation
    nose, crown = torch.tensor([0.0, 0, 1]), torch.tensor([0.0, 1, 0])
    assert torch.allclose(axes @ nose, torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]), atol=1e-6)
    assert torch.allclose(axes @ crown, torch.tensor([[0.0, 1, 0], [0, 1, 0], [0, 0, 1]]), atol=1e-6)


def test_training_turns_heads_further_than_the_orbit_and_the_same_ones_again(toy):
    made = [turn_heads(*toy, seed=3, device=torch.device("cpu")) for _ in range(2)]
    for one, other in zip(*made, strict=True):
        assert torch.equal(one.view.camera.rotation, other.view.camera.rotation) and torch.equal(one.inside, other.inside)
        assert not (one.inside & one.outside).any()
    turns = torch.stack([silhouette.view.camera.rotation[0, 2] for silhouette in made[0]]).asin().rad2deg()
    assert len(turns) == COUNT and 30 < turns.abs().max() < YAW and turns.min() < -25 and turns.max() > 25
    due = [image for image in range(1000) if silhouette_after(made[0], image) is not None]
    assert len(due) == 125 and silhouette_after(made[0], due[0]) is made[0][0] and silhouette_after([], due[0]) is None
