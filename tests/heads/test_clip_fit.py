from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_head import synthetic_head

from headsmith.contract.landmark_groups import CONVENTION
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.clip_equations import landmark_cost, linearise, prior_cost, project_jacobian, total_cost
from headsmith.heads.clip_fit import fit_clip, move, start_clip
from headsmith.heads.clip_priors import Hints, build_priors, calibrate_blink
from headsmith.heads.clip_thin import spread_state, thin_problem, thin_state
from headsmith.heads.clip_types import POSE, ClipProblem, ClipState, project_landmarks
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel
from headsmith.maths.arrow import solve_arrow
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_axis_angle

SIZE, FOCAL, FRAMES, LANDMARKS = 256, 700.0, 24, 478
NO_HINTS = Hints((), np.zeros((FRAMES, 0)))
FACING = torch.diag(torch.tensor([1.0, -1, -1], dtype=torch.float64))


def landmark_model():
    head = HeadModel.from_container(synthetic_head(identity=3, expression=4), torch.float64)
    embedding = head.container.embeddings[CONVENTION]
    return LandmarkModel.from_head(
        head, torch.from_numpy(embedding.faces).long(), torch.from_numpy(embedding.barycentrics).double()
    )


def waves(count, size, seed):
    """Smooth random curves over the frames."""
    generator = torch.Generator().manual_seed(seed)
    phase, speed = 6 * torch.rand(count, generator=generator), 0.05 + 0.15 * torch.rand(count, generator=generator)
    return (size * torch.sin(torch.arange(FRAMES)[:, None] * speed + phase)).double()


def true_state(landmarks):
    layout = landmarks.layout
    angles = torch.zeros(FRAMES, 9, dtype=torch.float64)
    angles[:, 0] = 0.1 + waves(1, 0.1, 1)[:, 0]
    angles[:, 3:5], angles[:, 6:8] = waves(2, 0.15, 2), waves(2, 0.15, 2)
    codes = torch.cat([waves(layout.linear, 0.2, 3) + 0.4, angles], -1)
    rotation = axis_angle_to_matrix(waves(3, 0.2, 4)) @ FACING
    position = waves(3, 0.02, 5) + torch.tensor([0.0, 0, 0.7], dtype=torch.float64)
    identity = torch.tensor([0.8, -0.5, 0.3], dtype=torch.float64)
    return ClipState(identity, torch.tensor(FOCAL, dtype=torch.float64).log(), rotation, position, codes)


def make_problem(landmarks, state, *, noise=0.0, weight=1.0, expected=0.5):
    """The landmarks of a state with noise in pixels; ``weight`` scales all priors."""
    settings = TrackingSettings(identity_weight=weight, expression_weight=max(weight, 1e-9), smoothness=max(weight, 1e-9))
    seen = torch.ones(FRAMES, dtype=torch.bool)
    priors = build_priors(landmarks.layout, ("unit",) * 4, NO_HINTS, seen, SIZE, settings)
    blank = torch.zeros(FRAMES, LANDMARKS, 2, dtype=torch.float64)
    centre = torch.full((2,), SIZE / 2, dtype=torch.float64)
    weights = torch.ones(FRAMES, LANDMARKS, dtype=torch.float64)
    problem = ClipProblem(landmarks, blank, weights, expected, 1.0, centre, landmarks.base.mean(0), priors)
    generator = torch.Generator().manual_seed(9)
    shaken = noise * torch.randn(blank.shape, generator=generator, dtype=torch.float64)
    return replace(problem, pixels=project_landmarks(problem, state) + shaken)


@pytest.fixture(scope="module")
def landmarks():
    return landmark_model()


@pytest.fixture(scope="module")
def truth(landmarks):
    return true_state(landmarks)


def flat_steps(landmarks):
    """One small step along each unknown of the second frame, and along each shared one."""
    own, shared = POSE + landmarks.layout.count, len(landmarks.identity) + 1
    for index in range(own + shared):
        step = torch.zeros(FRAMES, own, dtype=torch.float64), torch.zeros(shared, dtype=torch.float64)
        (step[0][1] if index < own else step[1])[index if index < own else index - own] = 1e-6
        yield index, step


def test_pixel_jacobian_agrees_with_finite_differences(landmarks, truth):
    problem = make_problem(landmarks, truth)
    jacobian = project_jacobian(problem, landmarks, truth)
    for index, (own, shared) in flat_steps(landmarks):
        sides = [project_landmarks(problem, move(truth, sign * own, sign * shared))[1] for sign in (1, -1)]
        slope = (sides[0] - sides[1]).mT / 2e-6
        assert torch.allclose(jacobian[1, :, :, index], slope, rtol=1e-5, atol=1e-5 * float(slope.abs().max())), index


def test_the_gradient_is_that_of_the_cost_and_no_unknown_is_idle(landmarks, truth):
    start = move(truth, 0.03 * torch.ones(FRAMES, POSE + landmarks.layout.count).double(), 0.1 * torch.ones(4).double())
    problem = make_problem(landmarks, truth, noise=0.3)
    system = linearise(problem, start)
    gradient = torch.cat([system.frame_side[1], system.shared_side])
    for index, (own, shared) in flat_steps(landmarks):
        costs = [total_cost(problem, move(start, sign * own, sign * shared)) for sign in (1, -1)]
        slope = -(costs[0] - costs[1]) / 4e-6
        assert abs(slope) > 1e-3, index
        assert float(gradient[index]) == pytest.approx(slope, rel=2e-3, abs=0.05), index


def test_the_prior_part_of_the_equations_is_exact_for_straight_priors(landmarks, truth):
    """With no landmark in sight, one full step from nearby ends at the priors' own optimum, up to the curvature of turns."""
    problem = make_problem(landmarks, truth)
    problem = replace(problem, weights=torch.zeros_like(problem.weights))
    still = replace(truth, rotation=FACING.expand(FRAMES, 3, 3))
    system = linearise(problem, still)
    system.diagonal[:, :POSE, :POSE] += 1e-3 * torch.eye(POSE, dtype=torch.float64)
    after = move(still, *solve_arrow(system))
    assert prior_cost(problem, after) < 1e-3 * prior_cost(problem, still)


def test_noise_free_landmarks_give_the_truth_back(landmarks, truth):
    problem = make_problem(landmarks, truth, weight=1e-6)
    fit = fit_clip(problem, start_clip(problem, 600.0), iterations=60, tolerance=1e-10)
    state = fit.state
    assert (project_landmarks(problem, state) - problem.pixels).norm(dim=-1).max() < 1e-2
    assert torch.allclose(state.identity, truth.identity, atol=1e-2)
    assert torch.allclose(state.codes, truth.codes, atol=2e-2)
    assert float(state.log_focal.exp()) == pytest.approx(FOCAL, rel=5e-3)
    assert matrix_to_axis_angle(state.rotation @ truth.rotation.mT).norm(dim=-1).max() < 2e-3
    assert (state.position - truth.position).norm(dim=-1).max() < 5e-3


def test_noise_is_averaged_away(landmarks, truth):
    noise = 1.0
    problem = make_problem(landmarks, truth, noise=noise, expected=noise)
    state = fit_clip(problem, start_clip(problem, 600.0), iterations=40).state
    clean = make_problem(landmarks, truth).pixels
    error = (project_landmarks(problem, state) - clean).square().mean().sqrt()
    assert error < 0.3 * noise


def test_unseen_frames_are_bridged(landmarks, truth):
    problem = make_problem(landmarks, truth, noise=0.2)
    gap = slice(10, 14)
    weights = problem.weights.clone()
    weights[gap] = 0
    clean = problem.pixels.clone()
    pixels = problem.pixels.clone()
    pixels[gap] = 0
    problem = replace(problem, weights=weights, pixels=pixels)
    state = fit_clip(problem, start_clip(problem, 600.0), iterations=30).state
    assert (project_landmarks(problem, state) - clean)[gap].norm(dim=-1).mean() < 3


def test_start_needs_no_landmark_in_some_frames_but_one_in_all(landmarks, truth):
    problem = make_problem(landmarks, truth)
    with pytest.raises(ValueError, match="no frame"):
        start_clip(replace(problem, weights=torch.zeros_like(problem.weights)), FOCAL)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_clips(landmarks, truth, frames):
    problem = make_problem(landmarks, truth)
    priors = replace(problem.priors, code_mean=problem.priors.code_mean[:frames])
    problem = replace(problem, pixels=problem.pixels[:frames], weights=problem.weights[:frames], priors=priors)
    state = fit_clip(problem, start_clip(problem, 600.0), iterations=40).state
    assert (project_landmarks(problem, state) - problem.pixels).norm(dim=-1).mean() < 0.5


def test_threads_change_no_bit(landmarks, truth):
    problem = make_problem(landmarks, truth, noise=0.5)
    fits = [fit_clip(problem, start_clip(problem, 600.0), iterations=4, threads=threads).state for threads in (1, 2)]
    assert all(torch.equal(getattr(fits[0], name), getattr(fits[1], name)) for name in vars(fits[0]))


def test_blinks_are_calibrated_to_the_clip():
    scores = torch.full((200,), 0.1, dtype=torch.float64)
    scores[50:55], scores[0] = 0.7, 0.9
    seen = torch.ones(200, dtype=torch.bool)
    seen[0] = False
    lids = calibrate_blink(scores, seen)
    assert lids[0] == 0 and lids[100] == 0
    assert torch.allclose(lids[50:55], torch.ones(5, dtype=torch.float64))


def test_thinned_frames_are_those_of_the_clip(landmarks, truth):
    problem = thin_problem(make_problem(landmarks, truth), 5)
    assert len(problem.pixels) == len(range(0, FRAMES, 5)) and len(problem.priors.code_mean) == len(problem.pixels)
    assert landmark_cost(problem, thin_state(truth, 5)) < 1e-12


def test_a_spread_state_keeps_its_frames_and_nears_those_between(truth):
    spread = spread_state(thin_state(truth, 3), FRAMES, 3)
    assert torch.allclose(spread.rotation[::3], truth.rotation[::3])
    assert torch.allclose(spread.codes[::3], truth.codes[::3])
    assert (spread.rotation - truth.rotation)[:-2].abs().max() < 0.05
    assert (spread.codes - truth.codes)[:-2].abs().max() < 0.05


def test_steps_of_a_random_walk_keep_their_size(landmarks, truth):
    """Deviations of thinned differences match those of a long random walk in position and in speed."""
    problem = make_problem(landmarks, truth)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(200_000, generator=generator, dtype=torch.float64)
    walk, ramble = noise.cumsum(0)[::4], noise.cumsum(0).cumsum(0)[::4]
    first = float((walk[1:] - walk[:-1]).std())
    second = float((ramble[2:] - 2 * ramble[1:-1] + ramble[:-2]).std())
    thinned = thin_problem(problem, 4).priors
    assert abs(first / float((thinned.code_step / problem.priors.code_step)[0]) - 1) < 0.05
    assert 0.7 < second / (thinned.turn_step / problem.priors.turn_step) < 1.05
