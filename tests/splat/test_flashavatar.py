"""FlashAvatar's model against slow loops over its formulas, written out number by number."""

import math

import pytest
import torch

from headsmith.maths.cameras import Camera
from headsmith.maths.rotations import axis_angle_to_matrix, quaternion_to_matrix
from headsmith.splat.avatar import AvatarShape, Target, View
from headsmith.splat.flashavatar import FlashAvatar, neighbour_scale, published_iteration
from headsmith.splat.flashavatar_network import DeformationNetwork, positional_encoding

SIDE, COUNT, CONDITION = 24, 30, 5


def camera(dtype=torch.float32):
    turn = torch.diag(torch.tensor([1.0, -1, -1])) @ axis_angle_to_matrix(torch.tensor([0.1, 0.4, -0.2]))
    place = torch.tensor([0.01, 0.02, 1]), torch.tensor([100.0, 90]), torch.tensor([12.0, 11])
    return Camera(turn.to(dtype), *(part.to(dtype) for part in place), (SIDE, SIDE))


def points(count=COUNT):
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(7)) * 0.16 - 0.08


def avatar(condition=CONDITION, seed=0):
    return FlashAvatar(points(), AvatarShape("mlp", condition, 3, 8, 0.02), seed)


def shaken(seed=3):
    """An avatar whose numbers are all of some size."""
    model = avatar()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.gaussians.items():
            value += torch.randn(value.shape, generator=generator) * (0.05 if name == "scaling" else 0.3)
        for parameter in model.deformation.parameters():
            parameter.mul_(1.7)
        last = model.deformation.last
        last.weight.mul_(40)
        last.weight[:3] /= 20
        last.bias[:3] = 0.01
    return model


def view(model=None, dtype=torch.float32):
    condition = torch.rand(CONDITION, generator=torch.Generator().manual_seed(1)).to(dtype)
    return View((points() + 0.01).to(dtype), condition, camera(dtype))


def target(weight=None):
    generator = torch.Generator().manual_seed(2)
    head = (torch.rand(SIDE, SIDE, generator=generator) > 0.4).float()
    return Target(
        torch.rand(SIDE, SIDE, 3, generator=generator), torch.ones(SIDE, SIDE) if weight is None else weight, head, head
    )


def test_encoding_has_51_numbers_the_input_first_then_sines_and_cosines_by_frequency():
    encoding = positional_encoding(points(4))
    assert encoding.shape == (4, 51)
    for row, point in enumerate(points(4).tolist()):
        slow = list(point)
        for power in range(8):
            slow += [math.sin(x * 2**power) for x in point] + [math.cos(x * 2**power) for x in point]
        assert encoding[row].tolist() == pytest.approx(slow, abs=1e-5)


def test_the_network_is_a_slow_loop_over_its_layers():
    model, condition = shaken().deformation.double(), torch.rand(CONDITION, dtype=torch.float64)
    sizes = [tuple(layer.weight.shape) for layer in [*model.hidden, model.last]]
    assert sizes == [(256, 51 + CONDITION), *[(256, 256)] * 5, (10, 256)]
    change = model(condition)
    for row in range(0, COUNT, 7):
        state = [*model.encoding[row].tolist(), *condition.tolist()]
        for layer in model.hidden:
            state = [max(0.0, sum(w * s for w, s in zip(ws, state, strict=True)) + b) for ws, b in rows_of(layer)]
        out = [math.tanh(sum(w * s for w, s in zip(ws, state, strict=True)) + b) for ws, b in rows_of(model.last)]
        assert max(map(abs, out)) > 0.1
        assert change.offset[row].tolist() == pytest.approx(out[:3])
        assert change.turn[row].tolist() == pytest.approx([math.exp(out[3]), *out[4:7]])
        assert change.factor[row].tolist() == pytest.approx([math.exp(x) for x in out[7:]])


def rows_of(layer):
    return zip(layer.weight.tolist(), layer.bias.tolist(), strict=True)


def test_on_flame_the_first_layer_sees_171_numbers():
    assert DeformationNetwork(points(), 120).hidden[0].weight.shape == (256, 171)


def test_gaussians_are_moved_turned_from_the_right_and_scaled_in_their_logarithm():
    model, seen = shaken(), view()
    splats, change = model.splats(seen), model.deformation(seen.condition)
    raw = model.gaussians
    assert torch.allclose(splats.means, seen.points + change.offset)
    assert torch.allclose(splats.opacities, 1 / (1 + torch.exp(-raw["opacity"][:, 0])))
    assert torch.allclose(splats.scales.log(), raw["scaling"] * change.factor, atol=1e-5)
    base, turn = quaternion_to_matrix(raw["rotation"]), quaternion_to_matrix(change.turn)
    assert torch.allclose(quaternion_to_matrix(splats.quats), base @ turn, atol=1e-5)
    assert not torch.allclose(base @ turn, turn @ base, atol=1e-2)


def test_it_starts_grey_faint_round_and_as_large_as_its_spacing():
    model, seen = avatar(), view()
    splats = model.splats(seen)
    assert torch.allclose(splats.opacities, torch.full((COUNT,), 0.1))
    assert torch.equal(model.gaussians["rotation"], torch.tensor([1.0, 0, 0, 0]).repeat(COUNT, 1))
    for row, point in enumerate(points()):
        squares = sorted(float((point - other).square().sum()) for place, other in enumerate(points()) if place != row)[:3]
        assert model.gaussians["scaling"][row].exp().tolist() == pytest.approx([math.sqrt(sum(squares) / 3)] * 3, rel=1e-4)
    lone = model.deformation(seen.condition)
    offset = lone.offset.detach()
    assert float(offset.std(0).max()) < 0.01 < float(offset.abs().max())


def test_neighbours_are_found_in_parts_and_coincident_points_are_not_of_no_size():
    assert torch.equal(neighbour_scale(points(), rows=7), neighbour_scale(points(), rows=1000))
    assert neighbour_scale(torch.zeros(5, 3)).tolist() == pytest.approx([math.sqrt(1e-7)] * 5)


@pytest.mark.parametrize(("image", "degree"), [(1, 0), (499, 0), (500, 1), (999, 1), (1000, 2), (1500, 3), (150_000, 3)])
def test_one_more_band_is_used_every_500_images_of_150000(image, degree):
    model = avatar()
    model.set_rates(model.optimiser(), (image - 1) / 150_000)
    assert model.degree == degree


def test_a_shorter_schedule_has_its_bands_at_the_same_share():
    model, seen = avatar(), []
    for image in range(3000):
        model.set_rates(model.optimiser(), image / 3000)
        seen.append(model.degree)
    assert [seen.index(degree) for degree in range(4)] == [0, 10, 20, 30]


def test_the_degree_goes_with_the_state_and_never_falls():
    model, other = avatar(), avatar()
    model.set_rates(model.optimiser(), 0.008)
    other.load_state_dict(model.state_dict())
    assert other.degree == model.degree == 2
    other.set_rates(other.optimiser(), 0.0)
    assert other.degree == 2


@pytest.mark.parametrize("degree", range(4))
def test_the_bands_in_use_alone_colour_and_the_others_have_gradients_of_zero(degree):
    model = shaken()
    model.degree = degree
    model.loss(view(), target(), torch.zeros(3), 0.0).backward()
    gradient, used = model.gaussians["f_rest"].grad, (degree + 1) ** 2 - 1
    assert gradient.shape == (COUNT, 15, 3)
    assert bool((gradient[:, used:] == 0).all())
    assert bool((gradient[:, :used].abs().sum((0, 2)) > 0).all())


def test_the_loss_is_hubers_and_forty_times_that_of_the_mouth():
    model, seen = shaken(), view()
    mouth = torch.zeros(SIDE, SIDE)
    mouth[10:16, 5:20] = 1
    goal = target(1 + 40 * mouth)
    image, alpha = (part.detach() for part in model(seen, torch.tensor([0.0, 1, 0])))
    assert float(alpha.mean()) > 0.03
    slow = 0.0
    for factor, mask in ((1, torch.ones(SIDE, SIDE)), (40, mouth)):
        differences = (image * mask[..., None] - goal.image * mask[..., None]).abs().double().flatten().tolist()
        slow += factor * sum(d * d / 2 if d < 0.1 else 0.1 * (d - 0.05) for d in differences) / len(differences)
    assert model.loss(seen, goal, torch.tensor([0.0, 1, 0]), 0.5).item() == pytest.approx(slow, rel=1e-5)


@pytest.mark.parametrize(("image", "counts"), [(1, False), (15_000, False), (15_001, True), (150_000, True)])
def test_the_perceptual_distance_counts_after_the_first_tenth_on_pictures_of_the_head_alone(image, counts):
    model, seen, goal = shaken(), view(), target()
    plain = model.loss(seen, goal, torch.zeros(3), 0.0)
    shown = []

    def perceptual(first, second):
        shown.append((first, second))
        return (first - second).abs().sum()

    model.perceptual = perceptual
    loss = model.loss(seen, goal, torch.zeros(3), (image - 1) / 150_000)
    picture = model(seen, torch.zeros(3))[0] * goal.head[..., None]
    share = 0.05 * (picture - goal.image * goal.head[..., None]).abs().sum() if counts else 0.0
    assert len(shown) == counts
    assert torch.allclose(loss, plain + share)


def test_the_published_schedule_is_met_to_the_image():
    assert [published_iteration(step / 150_000) for step in range(0, 150_000, 37)] == [*range(1, 150_001, 37)]


def test_optimiser_has_flashavatars_groups_rates_and_epsilons():
    model = avatar()
    groups = model.optimiser().param_groups
    found = [(group["name"], group["lr"], group["eps"]) for group in groups]
    assert found[:3] == [("f_dc", 0.0025, 1e-15), ("f_rest", 0.000125, 1e-15), ("opacity", 0.05, 1e-15)]
    assert found[3:] == [("scaling", 0.005, 1e-15), ("rotation", 0.001, 1e-15), ("network", 1e-4, 1e-8)]
    assert all(group["betas"] == (0.9, 0.999) and not group["weight_decay"] and not group["amsgrad"] for group in groups)
    listed = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(listed) == sorted(id(parameter) for parameter in model.parameters())


def test_three_steps_are_those_of_adam_written_out():
    model = shaken()
    optimiser, seen, goal = model.optimiser(), view(), target()
    parameters = dict(model.named_parameters())
    rates = {id(p): (group["lr"], group["eps"]) for group in optimiser.param_groups for p in group["params"]}
    mean, square = ({name: torch.zeros_like(p).double() for name, p in parameters.items()} for _ in range(2))
    wanted = {name: p.detach().double() for name, p in parameters.items()}
    for step in range(1, 4):
        model.set_rates(optimiser, step / 100)
        optimiser.zero_grad()
        model.loss(seen, goal, torch.zeros(3), 0.0).backward()
        for name, p in parameters.items():
            rate, epsilon = rates[id(p)]
            mean[name] = 0.9 * mean[name] + 0.1 * p.grad.double()
            square[name] = 0.999 * square[name] + 0.001 * p.grad.double() ** 2
            size = (square[name] / (1 - 0.999**step)).sqrt() + epsilon
            wanted[name] = wanted[name] - rate * mean[name] / (1 - 0.9**step) / size
        optimiser.step()
    for name, p in parameters.items():
        assert torch.allclose(p.detach().double(), wanted[name], atol=2e-6), name


def test_gradients_are_those_of_finite_differences():
    model = shaken().double()
    model.degree = 3
    seen = view(dtype=torch.float64)
    weights = [torch.randn(part.shape, dtype=torch.float64) for part in model.splats(seen)]

    def total():
        return sum((part * weight).sum() for part, weight in zip(model.splats(seen), weights, strict=True))

    total().backward()
    generator = torch.Generator().manual_seed(5)
    for name, parameter in model.named_parameters():
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for place in torch.randint(len(flat), (3,), generator=generator).tolist():
            kept, values = flat[place].item(), []
            for side in (1e-6, -1e-6):
                flat[place] = kept + side
                values.append(total().item())
            flat[place] = kept
            slope = (values[0] - values[1]) / 2e-6
            assert gradient[place].item() == pytest.approx(slope, rel=1e-4, abs=1e-6), name


def test_the_same_seed_starts_the_same_network():
    first, same, other = avatar().state_dict(), avatar().state_dict(), avatar(seed=1).state_dict()
    assert all(torch.equal(value, same[name]) for name, value in first.items())
    assert not torch.equal(first["deformation.last.weight"], other["deformation.last.weight"])
