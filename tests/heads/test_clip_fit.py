from dataclasses import replace

import pytest
import torch
from synthetic_clip import EYE_CORNERS, FOCAL, FRAMES, LANDMARKS, landmark_model, make_problem, true_state

from headsmith.heads.clip_equations import project_jacobian
from headsmith.heads.clip_fit import fit_clip, move, start_clip
from headsmith.heads.clip_identity import narrow_identity, size_slope
from headsmith.heads.clip_priors import calibrate_blink
from headsmith.heads.clip_priors_terms import prior_cost, prior_terms
from headsmith.heads.clip_sample import sample_frames, start_from_sample, take_problem
from headsmith.heads.clip_slopes import POSE, PixelSlopes
from headsmith.heads.clip_step import reduce_clip, solve_clip, total_cost, work
from headsmith.heads.clip_types import ClipState, project_landmarks
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from headsmith.maths.smoothness import second_differences, turn_accelerations


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
    slopes, even = PixelSlopes.of(landmarks, torch.float64), torch.ones(FRAMES, LANDMARKS, dtype=torch.float64)
    jacobian, _ = project_jacobian(problem, slopes, truth, even)
    for index, (own, shared) in flat_steps(landmarks):
        sides = [project_landmarks(problem, move(truth, sign * own, sign * shared))[1] for sign in (1, -1)]
        slope = (sides[0] - sides[1]).mT / 2e-6
        assert torch.allclose(jacobian[1, :, :, index], slope, rtol=1e-5, atol=1e-5 * float(slope.abs().max())), index


def step_of(problem, state, damping=0.0, chunk=32, precision=torch.float32):
    with work(1, chunk) as worker:
        worker = replace(worker, precision=precision)
        return solve_clip(reduce_clip(problem, state, damping, worker), worker)


def cost(problem, state):
    with work(1) as worker:
        return total_cost(problem, state, worker)


def test_the_step_is_that_of_the_costs_slope_and_no_unknown_is_idle(landmarks, truth):
    """Gauss-Newton's matrix, built from finite differences of residuals, times the step is minus the slope of the cost."""
    own = POSE + landmarks.layout.count
    start = move(truth, 0.03 * torch.ones(FRAMES, own).double(), 0.1 * torch.ones(4).double())
    problem = make_problem(landmarks, truth, noise=0.3)
    frames, shared = step_of(problem, start, precision=torch.float64)
    step = torch.cat([frames.flatten(), shared])
    for index, (one, common) in flat_steps(landmarks):
        costs = [cost(problem, move(start, sign * one, sign * common)) for sign in (1, -1)]
        assert abs(costs[0] - costs[1]) / 2e-6 > 1e-3, index
    ahead = [cost(problem, move(start, size * frames, size * shared)) for size in (1e-4, -1e-4)]
    downhill = (ahead[0] - ahead[1]) / 2e-4
    along = dense_curvature(problem, start, landmarks, frames, shared)
    assert downhill == pytest.approx(-2 * along, rel=2e-3)
    assert float(step.abs().max()) > 0


def dense_curvature(problem, state, landmarks, own, shared):
    """Gauss-Newton's curvature along a step, from the change of all weighted residuals along it."""

    def residuals(size):
        moved = move(state, size * own, size * shared)
        return (project_landmarks(problem, moved) - problem.pixels) / problem.noise

    slope = (residuals(1e-5) - residuals(-1e-5)) / 2e-5
    robust = 1 / (1 + residuals(0.0).square().sum(-1) / problem.robust**2).sqrt()
    landmark = (robust * slope.square().sum(-1)).sum()
    return float(landmark) + prior_curvature(problem.priors, state, own, shared)


def prior_curvature(priors, state, own, shared):
    """The same of the priors: straight but for turns, whose second differences are taken numerically."""
    codes, turn, shift = own.split([own.shape[1] - POSE, 3, 3], -1)
    stiff = (state.codes < priors.code_low) | (state.codes > priors.code_high)

    def accelerations(size):
        return turn_accelerations(axis_angle_to_matrix(size * turn) @ state.rotation)

    turning = (accelerations(1e-5) - accelerations(-1e-5)) / 2e-5
    parts = [
        ((codes @ priors.code_precision) * codes).sum(),
        (codes[stiff] / priors.code_slack).square().sum(),
        ((codes[1:] - codes[:-1]) / priors.code_step).square().sum(),
        (second_differences(shift) / priors.spot_step).square().sum(),
        (turning / priors.turn_step).square().sum(),
        (shared[:-1] / priors.identity).square().sum(),
        (shared[-1] / priors.log_focal[1]).square(),
    ]
    return float(sum(parts))


@pytest.mark.parametrize("chunk", [3, 7, 24])
def test_a_clip_cut_in_chunks_gives_the_same_step_and_fit(landmarks, truth, chunk):
    problem = make_problem(landmarks, truth, noise=0.5)
    start = start_clip(problem, 600.0)
    whole, cut = (step_of(problem, start, damping=1e-6, chunk=size, precision=torch.float64) for size in (64, chunk))
    for one, other in zip(whole, cut, strict=True):
        assert (one - other).abs().max() < 1e-6 * one.abs().max()
    fits = [fit_clip(problem, start, iterations=30, tolerance=1e-12, chunk=size).state for size in (64, chunk)]
    for name in vars(fits[0]):
        assert torch.allclose(getattr(fits[0], name), getattr(fits[1], name), rtol=1e-6, atol=1e-6), name


def test_unbound_codes_do_not_run_past_their_bounds(landmarks, truth):
    problem = make_problem(landmarks, truth, noise=3.0, weight=1e-3)
    codes = fit_clip(problem, start_clip(problem, 600.0), iterations=3).state.codes
    give = 2 * problem.priors.code_slack
    assert (codes >= problem.priors.code_low - give).all() and (codes <= problem.priors.code_high + give).all()


def test_leaving_out_what_landmarks_do_not_show_changes_nothing(landmarks, truth):
    problem = make_problem(landmarks, truth, noise=0.5)
    blind = torch.cat([landmarks.identity, torch.zeros_like(landmarks.identity[:1])])
    parts = tuple(
        replace(
            part,
            identity=torch.cat([part.identity, torch.zeros_like(part.identity[:1])]),
            place=(part.place[0], torch.cat([part.place[1], torch.zeros(1, 3).double()]), part.place[2]),
        )
        for part in landmarks.parts
    )
    wider = replace(problem, landmarks=replace(landmarks, identity=blind, parts=parts))
    narrow, person = narrow_identity(wider, EYE_CORNERS, fixed=False)
    seen, known = narrow_identity(problem, EYE_CORNERS, fixed=False)
    assert person.directions.shape == (2, 4)
    one, other = (fit_clip(p, start_clip(p, 600.0), iterations=30, tolerance=1e-12).state for p in (seen, narrow))
    expected = torch.cat([known.codes(one.identity), torch.zeros(1).double()])
    assert torch.allclose(expected, person.codes(other.identity), atol=1e-5)


def test_the_distance_of_the_eyes_is_not_sought(landmarks):
    problem = make_problem(landmarks, true_state(landmarks))
    _, person = narrow_identity(problem, EYE_CORNERS, fixed=False)
    assert person.directions.shape == (2, 3)
    assert torch.allclose(person.directions @ size_slope(problem, EYE_CORNERS), torch.zeros(2).double(), atol=1e-12)
    bigger = size_slope(problem, EYE_CORNERS)
    rest = torch.zeros(1, landmarks.layout.count).double()

    def apart(codes):
        ends = landmarks.points(codes, rest)[0, list(EYE_CORNERS)]
        return float((ends[0] - ends[1]).norm())

    change = (apart(1e-4 * bigger) - apart(-1e-4 * bigger)) / 2e-4
    assert change == pytest.approx(float(bigger @ bigger), rel=1e-4)


def test_a_fixed_person_is_not_sought(landmarks, truth):
    problem = make_problem(landmarks, truth)
    given = replace(problem, priors=replace(problem.priors, identity_mean=truth.identity))
    narrow, person = narrow_identity(given, EYE_CORNERS, fixed=True)
    state = fit_clip(narrow, start_clip(narrow, 600.0), iterations=30).state
    assert len(state.identity) == 0 and torch.equal(person.codes(state.identity), truth.identity)
    assert torch.allclose(state.codes, truth.codes, atol=0.1)


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
    tied = torch.arange(frames) + 1 < frames
    priors = replace(problem.priors, code_mean=problem.priors.code_mean[:frames], tied=tied)
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


def test_a_sample_is_windows_that_begin_at_a_face():
    seen = torch.ones(2000, dtype=torch.bool)
    seen[:100] = False
    frames = sample_frames(seen)
    assert len(frames) == len(frames.unique()) == 256 and frames[0] == 100 and frames[-1] == 1999
    assert ((frames[1:] - frames[:-1]) == 1).sum() == 240


def test_frames_that_do_not_follow_each_other_are_not_tied(landmarks, truth):
    problem = take_problem(make_problem(landmarks, truth), torch.tensor([3, 4, 5, 9, 10]))
    assert problem.priors.tied.tolist() == [True, True, False, True, False]
    jump = torch.tensor([3, 4, 5, 15, 16])
    state = ClipState(truth.identity, truth.log_focal, truth.rotation[jump], truth.spot[jump], truth.codes[jump])
    ties = prior_terms(problem.priors, state).ties
    assert (ties.single[2] == 0).all() and (ties.single[0] != 0).all()
    near = torch.tensor([3, 4, 5, 6, 7])
    close = ClipState(truth.identity, truth.log_focal, truth.rotation[near], truth.spot[near], truth.codes[near])
    tied = replace(problem.priors, tied=torch.tensor([True, True, True, True, False]))
    assert prior_cost(tied, state) > prior_cost(problem.priors, state)
    assert prior_cost(tied, close) >= prior_cost(problem.priors, close)


def test_all_frames_start_from_a_sample_of_them(landmarks, truth):
    problem, frames = make_problem(landmarks, truth), torch.tensor([2, 3, 4, 12, 13, 14])
    part = ClipState(truth.identity, truth.log_focal, truth.rotation[frames], truth.spot[frames], truth.codes[frames])
    start = start_from_sample(problem, part, frames)
    assert torch.equal(start.codes[frames], truth.codes[frames]) and torch.equal(start.identity, truth.identity)
    assert (project_landmarks(problem, start) - problem.pixels).norm(dim=-1).mean() < 5
