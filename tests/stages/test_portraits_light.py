"""Light told from shades of the skin: on a ball with a face's size, whose shades and light are known."""

import numpy as np
import pytest
import torch
from stages import known_portraits as known

from headsmith.maths.irradiance import irradiance
from headsmith.stages.portraits_fitting import fit_portrait
from headsmith.stages.portraits_light import gains, solve_light
from headsmith.stages.portraits_shades import DEVIATION, PLACES, WIDTH, covariance, open_shades

RADIUS = 0.08
"""Metres."""
ODD = [1, 4, 5]
"""Coefficients of x, xy and xz."""


def ball(count=1500, seed=0):
    """Places on the front of a ball, and their normals in the axes of a camera before it."""
    normals = torch.randn(3 * count, 3, dtype=torch.float64, generator=torch.manual_seed(seed))
    normals = torch.nn.functional.normalize(normals, dim=1)
    normals = normals[normals[:, 2] > 0.35][:count]
    both = torch.cat([normals, normals * torch.tensor([-1.0, 1, 1], dtype=torch.float64)])
    return RADIUS * both, both * torch.tensor([1.0, -1, -1], dtype=torch.float64)


def lamp(normals, across, room=0.35):
    """Light of a room and of a lamp so far to the right, in degrees, as pictures show it."""
    angle = np.radians(across)
    direction = torch.tensor([np.sin(angle), -0.2, -np.cos(angle)], dtype=torch.float64)
    return (room + (normals @ direction).clamp(min=0)) ** (1 / 2.2)


def dark_forehead(places):
    """A skin that is alike on both sides: a dark forehead, pale cheeks."""
    return 1 - 3 * places[:, 1] + 0.15 * torch.cos(60 * places[:, 0])


def apart(found, truth):
    """Relative difference of two lights after the best gain."""
    gain = (found * truth).sum() / found.square().sum()
    return float(((gain * found - truth).square().mean() / truth.square().mean()).sqrt())


@pytest.mark.parametrize("across", [-60, 20, 70])
def test_a_lamp_at_one_side_is_found_on_a_skin_with_shades(across):
    places, normals = ball()
    shades, base, truth = open_shades(places), irradiance(normals), lamp(normals, across)
    light = solve_light(base, shades.at(places), 0.7 * truth * dark_forehead(places))
    free = torch.linalg.lstsq(base, truth * dark_forehead(places)).solution
    even = truth.mean().expand_as(truth)
    found = apart(base @ light, truth)
    assert found < 0.35 * apart(even, truth), "far better than no light"
    assert found < 0.7 * apart(base @ free, truth), "and than least squares alone"


def test_a_skin_alike_on_both_sides_in_even_light_has_no_light_from_a_side():
    places, normals = ball()
    shades, base = open_shades(places), irradiance(normals)
    light = solve_light(base, shades.at(places), dark_forehead(places))
    aside = base[:, ODD] @ (light[ODD] / light[0])
    assert float(aside.abs().max()) < 0.003, "what is alike on both sides says nothing of the sides"


def test_the_level_of_a_light_and_single_wrong_pixels_matter_not():
    places, normals = ball()
    shades, base, truth = open_shades(places).at(places), irradiance(normals), lamp(normals, 45)
    light = solve_light(base, shades, truth)
    np.testing.assert_allclose(solve_light(base, shades, 0.2 * truth), 0.2 * light, rtol=1e-9)
    spoilt = truth.clone()
    spoilt[::40] *= 2.5
    assert apart(base @ solve_light(base, shades, spoilt), base @ light) < 0.015


def test_gains_are_the_least_squares_over_colours():
    rng = np.random.default_rng(0)
    albedo, seen = (torch.from_numpy(rng.uniform(0.2, 1, (5, 3))) for _ in range(2))
    expected = [np.linalg.lstsq(one[:, None], other, rcond=None)[0][0] for one, other in zip(albedo, seen, strict=True)]
    np.testing.assert_allclose(gains(albedo, seen), expected)


def test_shades_have_the_covariance_that_is_believed_and_are_alike_on_both_sides():
    places, _ = ball()
    shades = open_shades(places)
    own = shades.at(shades.places)
    assert len(shades.places) == PLACES and bool((shades.places[:, 0] >= 0).all())
    np.testing.assert_allclose(own @ own.mT, covariance(shades.places, shades.places), atol=1e-6)
    np.testing.assert_array_equal(shades.at(places), shades.at(places * torch.tensor([-1.0, 1, 1])))
    assert float(shades.at(places).square().sum(1).max()) <= DEVIATION**2 * (1 + 1e-9)
    assert float(shades.at(places).square().sum(1).mean()) > 0.7 * DEVIATION**2, "places are near enough to each other"
    near, far = torch.tensor([[0.0, 0, 0]]), torch.tensor([[WIDTH, 0, 0], [5 * WIDTH, 0, 0]])
    np.testing.assert_allclose(covariance(near, far)[0] / DEVIATION**2, np.exp([-0.5, -12.5]), rtol=1e-5)


def test_a_fit_finds_a_lamp_at_one_side_and_leaves_the_shades_to_the_albedo():
    model = known.known_model()
    truth = known.known_portrait(model, light=known.known_light((-0.9, -0.3, -0.3), 0.9))

    def paler_below(uv):
        return known.COLOUR * (1 + 0.35 * (0.5 - uv[..., 1:]))

    part = known.prepared(truth, model, albedo=paler_below)
    (fitted,) = fit_portrait([part], model, known.SETTINGS)
    _, normals = ball()
    lights = [irradiance(normals) @ torch.from_numpy(one.light.mean(1)) for one in (fitted, truth)]
    even = lights[1].mean().expand_as(lights[1])
    assert apart(lights[0], lights[1]) < 0.4 * apart(even, lights[1])
    rows = np.argwhere(np.abs(fitted.offset).sum(-1) > 1e-4)
    middle = np.median(rows[:, 0])
    upper, lower = (fitted.offset[rows[side, 0], rows[side, 1]].mean() for side in (rows[:, 0] < middle, rows[:, 0] > middle))
    assert lower > upper, "v is up"
