import pytest
import torch

from headsmith.maths.cameras import Camera
from headsmith.splat.avatar import AvatarShape, Silhouette, Target, View, make_condition
from headsmith.splat.avatars import make_avatar
from headsmith.splat.basis import LAST_RATE, SILHOUETTE_WEIGHT

SIDE = 24


def camera():
    turn = torch.diag(torch.tensor([1.0, -1, -1]))
    return Camera(turn, torch.tensor([0.0, 0, 1]), torch.tensor([100.0, 100]), torch.tensor([12.0, 12]), (SIDE, SIDE))


def avatar(kind="basis", seed=0):
    generator = torch.Generator().manual_seed(7)
    points = torch.rand(60, 3, generator=generator) * 0.16 - 0.08
    return points, make_avatar(points, AvatarShape(kind, 4, 3, 8, 0.02), seed)


def test_the_loss_is_hubers_weighted_by_pixel_plus_the_prior_of_offsets():
    points, model = avatar()
    torch.nn.init.constant_(model.gaussians["offset"], 0.01)
    view, weight, truth = View(points, torch.zeros(4), camera()), torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE, 3)
    with torch.no_grad():
        size = (model(view, torch.zeros(3))[0] - truth).abs().double()
        loss = model.loss(view, Target(truth, weight, weight, weight), torch.zeros(3), 0.5).item()
    expected = sum(
        float(weight[y, x]) * (d * d / 2 if d < 0.1 else 0.1 * (d - 0.05))
        for y in range(SIDE)
        for x in range(SIDE)
        for d in size[y, x].tolist()
    )
    assert loss == pytest.approx(expected / (SIDE * SIDE * 3) + 1e-3 * 1e-4, rel=1e-5)


def test_a_silhouette_asks_for_alpha_inside_for_none_outside_and_for_nothing_between():
    points, model = avatar()
    view, rows = View(points, torch.zeros(4), camera()), torch.arange(SIDE)[:, None].expand(SIDE, SIDE)
    silhouette = Silhouette(view, rows < 9, rows > 15)
    with torch.no_grad():
        alpha = model(view, torch.zeros(3))[1].double()
        loss = model.silhouette_loss(silhouette).item()
    expected = ((1 - alpha[:9]) ** 2).sum() + (alpha[16:] ** 2).sum()
    assert expected > 1 and loss == pytest.approx(SILHOUETTE_WEIGHT * float(expected) / SIDE**2, rel=1e-5)


def test_a_silhouette_closes_holes_and_clears_what_sticks_out():
    points, model = avatar()
    view, columns = View(points, torch.zeros(4), camera()), torch.arange(SIDE).expand(SIDE, SIDE)
    silhouette = Silhouette(view, (columns > 8) & (columns < 12), columns > 16)
    optimiser = model.optimiser()
    before = model.silhouette_loss(silhouette).item()
    for _ in range(60):
        optimiser.zero_grad()
        model.silhouette_loss(silhouette).backward()
        optimiser.step()
    assert model.silhouette_loss(silhouette).item() < 0.4 * before


def test_rates_fall_along_half_a_cosine():
    model = avatar()[1]
    optimiser = model.optimiser()
    first = [group["lr"] for group in optimiser.param_groups]
    for progress, share in ((0.0, 1.0), (0.5, (1 + LAST_RATE) / 2), (1.0, LAST_RATE)):
        model.set_rates(optimiser, progress)
        assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([rate * share for rate in first])


def test_every_parameter_is_in_the_optimiser_once():
    model = avatar()[1]
    listed = [id(parameter) for group in model.optimiser().param_groups for parameter in group["params"]]
    assert sorted(listed) == sorted(id(parameter) for parameter in model.parameters())


def test_pixels_without_weight_count_nothing():
    points, model = avatar()
    view, weight = View(points, torch.zeros(4), camera()), torch.ones(SIDE, SIDE)
    weight[:, 12:] = 0
    image = torch.rand(SIDE, SIDE, 3)
    changed = image.clone()
    changed[:, 12:] = 0
    losses = [model.loss(view, Target(picture, weight, weight, weight), torch.zeros(3), 0.5) for picture in (image, changed)]
    assert losses[0] == losses[1] > 0


@pytest.mark.parametrize("kind", ["basis", "mlp"])
def test_an_avatar_learns_two_frames_that_differ_by_their_condition(kind):
    points, model = avatar(kind)
    _, teacher = avatar("basis", seed=1)
    torch.manual_seed(3)
    with torch.no_grad():
        teacher.gaussians["colour"].normal_()
        teacher.deformation.bases.normal_(std=0.5)
        conditions = torch.eye(4)[:2] * 3
        views = [View(points, condition, camera()) for condition in conditions]
        targets = [Target(teacher(view, torch.zeros(3))[0], *[torch.ones(SIDE, SIDE)] * 3) for view in views]
    optimiser = model.optimiser()
    losses = []
    for step in range(120):
        model.set_rates(optimiser, step / 120)
        optimiser.zero_grad()
        loss = sum(model.loss(view, target, torch.zeros(3), step / 120) for view, target in zip(views, targets, strict=True))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]


def test_condition_holds_the_joints_as_rows_of_matrices():
    condition = make_condition(torch.rand(2, 5), torch.zeros(2, 3), torch.zeros(2, 2, 3), torch.rand(2, 2))
    assert condition.shape == (2, 5 + 6 + 12 + 2)
    assert condition[0, 5:11].tolist() == [1, 0, 0, 0, 1, 0]


def test_alpha_and_background_make_up_the_picture():
    points, model = avatar()
    view = View(points, torch.zeros(4), camera())
    black, alpha = model(view, torch.zeros(3))
    plate = torch.rand(SIDE, SIDE, 3)
    over, _ = model(view, plate)
    assert torch.allclose(over, black + (1 - alpha)[..., None] * plate, atol=1e-6)


def familiar():
    """A basis avatar that has seen conditions of 0 to 1, and reacts to them."""
    points, model = avatar()
    torch.manual_seed(5)
    with torch.no_grad():
        model.deformation.bases.normal_(std=0.3)
    model.familiarise(torch.rand(50, 4), camera().rotation.expand(50, 3, 3), torch.tensor([0.9, 0.5, 0.2]))
    return points, model


def test_conditions_beyond_the_clip_are_those_at_its_end():
    points, model = familiar()
    far = View(points, torch.tensor([9.0, -9, 0.5, 0.5]), camera())
    edge = View(points, torch.tensor([model.highest[0], model.lowest[1], 0.5, 0.5]), camera())
    inside = View(points, torch.full((4,), 0.5), camera())
    assert all(map(torch.equal, model.splats(far), model.splats(edge)))
    assert not torch.equal(model.splats(far).means, model.splats(inside).means)


def test_drivers_of_the_clip_are_counted_in_deviations_where_they_move():
    _, model = avatar()
    conditions = torch.randn(300, 4) * torch.tensor([3.0, 0.05, 1.0, 0.0]) + 2
    model.familiarise(conditions, camera().rotation.expand(300, 3, 3), torch.ones(3))
    drivers = torch.stack([model.drivers(View(torch.zeros(60, 3), condition, camera())) for condition in conditions])
    assert torch.allclose(drivers.mean(0), torch.zeros(13), atol=1e-4)
    assert torch.allclose(drivers.std(0, correction=0)[[0, 2]], torch.ones(2), atol=1e-4)
    assert float(drivers[:, 1].std()) == pytest.approx(0.5, abs=0.05)
    assert torch.allclose(model.shake[:3], 0.5 * drivers.std(0, correction=0)[:3], atol=1e-4)
    assert not drivers[:, 3:].any()


def test_noise_goes_by_the_image_and_the_seed_alone():
    points, model = familiar()
    target = Target(torch.rand(SIDE, SIDE, 3), *[torch.ones(SIDE, SIDE)] * 3)
    view = View(points, torch.full((4,), 0.5), camera())
    first, again, other = (model.loss(view, target, torch.zeros(3), 0.5, image).item() for image in (7, 7, 8))
    assert first == again != other
    model.seed = 1
    assert model.loss(view, target, torch.zeros(3), 0.5, 7).item() != first


def test_one_image_in_four_stands_over_a_colour_that_only_the_unfilled_part_shows():
    points, model = familiar()
    view, plate = View(points, torch.full((4,), 0.5), camera()), torch.rand(SIDE, SIDE, 3)
    truth, ones, nothing = torch.rand(SIDE, SIDE, 3), torch.ones(SIDE, SIDE), torch.zeros(SIDE, SIDE)
    with torch.no_grad():
        filled = [model.loss(view, Target(truth, ones, ones, ones), plate, 0.5, image).item() for image in range(4)]
        model.shake.zero_()
        model.gaussians["opacity"].fill_(-30)
        model.deformation.bases.zero_()
        empty = [model.loss(view, Target(plate, ones, ones, nothing), plate, 0.5, image).item() for image in range(8)]
    assert len(set(filled)) == 4
    assert empty == pytest.approx([empty[0]] * 8, abs=1e-7)


def test_no_gaussian_goes_farther_than_three_centimetres_or_grows_beyond_nine_millimetres():
    points, model = familiar()
    torch.nn.init.normal_(model.gaussians["offset"], std=0.1)
    torch.nn.init.constant_(model.gaussians["log_scale"], 0.0)
    splats = model.splats(View(points, torch.full((4,), 0.5), camera()))
    assert float((splats.means - points).norm(dim=1).max()) < 0.03
    assert float(splats.scales.max()) <= 0.009 + 1e-9
