from dataclasses import replace

import torch
from synthetic_clip import landmark_model, make_problem, true_state

from headsmith.heads.clip_certainty import clip_certainty
from headsmith.heads.clip_fit import fit_clip, start_clip
from headsmith.heads.clip_learning import LIMITS, learn_beliefs
from headsmith.heads.clip_slopes import POSE
from headsmith.heads.clip_step import work
from headsmith.heads.clip_types import project_landmarks

NOISE, DRAWS = 1.0, 24


def fitted(problem):
    return fit_clip(problem, start_clip(problem, 600.0), iterations=30, tolerance=1e-8).state


def ask(problem, state):
    with work(1) as worker:
        return clip_certainty(problem, state, worker)


def test_deviations_are_those_of_many_noisy_clips():
    """Fits of landmarks with fresh noise scatter as told, where priors hold nothing back."""
    landmarks = landmark_model()
    truth = true_state(landmarks)
    problem = replace(make_problem(landmarks, truth, weight=1e-3, expected=NOISE), robust=1e3)
    problem = replace(problem, priors=replace(problem.priors, told=1.0))
    told = ask(problem, truth)
    generator = torch.Generator().manual_seed(3)
    states = []
    for _ in range(DRAWS):
        shaken = NOISE * torch.randn(problem.pixels.shape, generator=generator, dtype=torch.float64)
        noisy = replace(problem, pixels=problem.pixels + shaken)
        states.append(fit_clip(noisy, truth, iterations=10, tolerance=1e-6).state)
    spread = torch.stack([state.codes for state in states]).std(0)
    codes = truth.codes.shape[1]
    inside = (truth.codes > problem.priors.code_low + 0.1) & (truth.codes < problem.priors.code_high - 0.1)
    ratio = (spread / told.own[:, :codes])[inside]
    assert 0.8 < float(ratio.mean()) < 1.2
    places = torch.stack([project_landmarks(problem, state) for state in states]).std(0)
    assert 0.8 < float(places.square().mean().sqrt() / told.pixels.square().mean().sqrt()) < 1.25
    focal = torch.stack([state.log_focal for state in states]).std()
    assert 0.6 < float(focal) / told.log_focal < 1.6
    shift = torch.stack([state.position for state in states]).std(0)
    assert 0.6 < float((shift / told.shift).mean()) < 1.6


def test_a_gap_is_known_worst_in_its_middle():
    landmarks = landmark_model()
    problem = make_problem(landmarks, true_state(landmarks), noise=0.5)
    weights = problem.weights.clone()
    weights[8:17] = 0
    problem = replace(problem, weights=weights)
    pixels = ask(problem, fitted(problem)).pixels
    assert pixels.argmax() in (11, 12, 13) and pixels[12] > 1.2 * pixels[8] > 5 * pixels[2]


def test_what_few_frames_tell_is_known_less():
    landmarks = landmark_model()
    problem = make_problem(landmarks, true_state(landmarks), noise=0.5)
    state = fitted(problem)
    sharp, blurred = (ask(replace(problem, priors=replace(problem.priors, told=share)), state) for share in (1.0, 0.25))
    assert torch.allclose(blurred.identity, 2 * sharp.identity)
    assert (blurred.own >= sharp.own - 1e-12).all() and (blurred.pixels > sharp.pixels).all()


def test_the_last_steps_equations_tell_the_same():
    landmarks = landmark_model()
    problem = make_problem(landmarks, true_state(landmarks), noise=0.5)
    fit = fit_clip(problem, start_clip(problem, 600.0), iterations=30, tolerance=1e-3)
    with work(1) as worker:
        kept, fresh = (clip_certainty(problem, fit.state, worker, reduced) for reduced in (fit.reduced, None))
    assert fit.reduced is not None and torch.allclose(kept.pixels, fresh.pixels, rtol=0.05)


def test_how_far_and_how_fast_expressions_go_is_learned():
    landmarks = landmark_model()
    truth = true_state(landmarks)
    problem = make_problem(landmarks, truth, noise=0.2, expected=0.2, weight=0.1)
    with work(1) as worker:
        learned = learn_beliefs(problem, fitted(problem), worker).priors
    count = landmarks.layout.expression
    deviation, believed = (beliefs.code_precision.diagonal()[:count] ** -0.5 for beliefs in (learned, problem.priors))
    size = truth.codes[:, :count].square().mean(0).sqrt().clamp(believed * LIMITS[0], believed * LIMITS[1])
    assert torch.allclose(deviation, size, rtol=0.15)
    change = (truth.codes[1:] - truth.codes[:-1])[:, :count].square().mean(0).sqrt()
    expected = change.clamp(problem.priors.code_step[:count] * LIMITS[0], problem.priors.code_step[:count] * LIMITS[1])
    assert torch.allclose(learned.code_step[:count], expected, rtol=0.3)
    assert torch.equal(learned.code_step[count:], problem.priors.code_step[count:])
    assert learned.code_precision.shape == (landmarks.layout.count,) * 2 and POSE == 6
