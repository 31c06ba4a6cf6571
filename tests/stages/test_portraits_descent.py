"""One graph from everything that is sought to the loss: gradients against finite differences, and that each one matters."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from stages import known_portraits as known

from headsmith.contract.conventions import convention_of
from headsmith.contract.portraits_fit import STAGES
from headsmith.mesh.own_renderer import OwnRenderer
from headsmith.stages.photometric_texture import TextureSpace
from headsmith.stages.portraits_descent import Scene, landmarks_of, losses_of, sought_in
from headsmith.stages.portraits_losses import Priors, believe, smooth_loss
from headsmith.stages.portraits_start import start_portraits
from headsmith.stages.portraits_surface import cut_frame, face_region, open_surface
from headsmith.stages.portraits_synthesis import chosen_places, pose, see_landmarks
from headsmith.stages.portraits_unknowns import Unknowns, begin

STEP = 1e-7


def scene_of(camera="perspective", light="shared", space=True):
    """Two pictures of one person in float64, with unknowns a little off, so that every loss has a slope."""
    model = known.known_model(torch.float64)
    settings = replace(known.SETTINGS, camera=camera, light=light, neck=True, identity_weight=dict.fromkeys(STAGES, 0.01))
    truths = [known.known_portrait(model, f"{row}", seed=row, camera=camera, turn=(0.1, 0.3 * row - 0.1, 0)) for row in (0, 1)]
    parts = [known.prepared(truth, model, albedo=known.spotted, noise=0.4) for truth in truths]
    surface = open_surface(model, convention_of(parts[0].convention), 4, 6, settings.offset_size)
    rng = np.random.default_rng(3)
    sides = (3, surface.frame.height, surface.frame.width)
    texels = TextureSpace(*(torch.from_numpy(rng.normal(size=size)) for size in (sides, (5, *sides)))) if space else None
    start = [replace(part, neck=rng.normal(size=3) / 30) for part in start_portraits(parts, model, settings)]
    unknowns, frozen = begin(start, surface, 5 if space else 0, True, light == "shared")
    moved = {name: value + torch.from_numpy(rng.normal(size=value.shape)) / 50 for name, value in unknowns.named().items()}
    beliefs = believe(surface.model, Priors(), frozen.size)
    marks = landmarks_of(parts, surface, settings)
    scene = Scene(parts, surface, OwnRenderer(), frozen, beliefs, texels, settings, *marks)
    return scene, Unknowns(**moved), unknowns


def total(scene, unknowns, start, pictures):
    return sum(losses_of(scene, unknowns, start, "fine", pictures, 0.5).values())


@pytest.mark.parametrize(
    ("camera", "light", "space"), [("perspective", "shared", True), ("weak", "per_channel", False), ("weak", "shared", True)]
)
def test_every_unknown_has_a_gradient_that_finite_differences_confirm(camera, light, space):
    scene, unknowns, start = scene_of(camera, light, space)
    pictures, sought = scene.pictures("fine"), sought_in(scene, unknowns, "fine")
    everything = set(unknowns.named())
    assert everything - sought == ({"focal"} if camera == "weak" else set()) | (
        {"colour"} if space else {"texture"} if light == "shared" else {"texture", "colour"}
    )
    leaves = {name: value.clone().requires_grad_(name in sought) for name, value in unknowns.named().items()}
    total(scene, Unknowns(**leaves), start, pictures).backward()
    generator = torch.Generator().manual_seed(1)
    for name in sorted(sought):
        gradient = leaves[name].grad
        assert gradient is not None and bool(gradient.isfinite().all()), name
        rows = gradient.reshape(1 if name in ("identity", "texture", "offset") else 2, -1)
        assert bool((rows.abs().amax(1) > 0).all()), f"{name} of a picture changes nothing"
        way = torch.randn(gradient.shape, generator=generator, dtype=torch.float64)
        ends = []
        for sign in (1, -1):
            moved = {key: value.detach() for key, value in leaves.items()}
            moved[name] = moved[name] + sign * STEP * way
            ends.append(float(total(scene, Unknowns(**moved), start, pictures)))
        assert ends[0] != ends[1], f"{name} does not move the loss"
        assert (ends[0] - ends[1]) / (2 * STEP) == pytest.approx(float((gradient * way).sum()), rel=2e-4, abs=1e-6), name


def test_every_identity_and_expression_code_moves_the_loss():
    scene, unknowns, start = scene_of()
    leaves = {name: value.clone().requires_grad_() for name, value in unknowns.named().items()}
    total(scene, Unknowns(**leaves), start, scene.pictures("fine")).backward()
    for name in ("identity", "expression", "texture", "eyelids", "jaw", "neck", "turn", "spot", "light"):
        assert bool((leaves[name].grad != 0).all()), name
    assert float((leaves["offset"].grad != 0).double().mean()) == 1, "the offset's regularisers reach every texel"


def test_the_first_stage_seeks_pose_camera_and_light_alone():
    scene, unknowns, _ = scene_of(space=False)
    assert sought_in(scene, unknowns, "camera") == {"turn", "spot", "focal", "colour", "light"}
    assert "identity" in sought_in(scene, unknowns, "coarse") and "offset" not in sought_in(scene, unknowns, "coarse")
    assert "neck" not in sought_in(replace(scene, settings=replace(scene.settings, neck=False)), unknowns, "fine")


@pytest.mark.parametrize("camera", ["perspective", "weak"])
def test_landmarks_are_seen_where_the_portraits_own_camera_sees_them(camera):
    model = known.known_model(torch.float64)
    truth = known.known_portrait(model, camera=camera)
    surface = open_surface(model, convention_of(truth.convention), 4, 6, 64)
    unknowns, frozen = begin([truth], surface, 0, False, True)
    seen = see_landmarks(pose(unknowns, frozen, surface), surface)[0]
    np.testing.assert_allclose(seen, known.landmarks(truth, model)[surface.points], atol=1e-9)
    assert bool(chosen_places(frozen, unknowns, surface).all())


def test_the_texels_over_the_face_are_those_of_the_whole_unwrapping():
    uv = np.array([[0.26, 0.4], [0.7, 0.905]])
    frame, (top, bottom, left, right) = cut_frame(uv, 100)
    assert (left, right, top, bottom) == (25, 72, 8, 62)
    assert (frame.width, frame.height) == (right - left, bottom - top)
    picture = torch.arange(100 * 100, dtype=torch.float64).reshape(1, 100, 100)[:, top:bottom, left:right]
    centre = torch.tensor([[(30 + 0.5) / 100, 1 - (40 + 0.5) / 100]], dtype=torch.float64)
    assert float(frame.look_up(picture, centre)) == pytest.approx(40 * 100 + 30)


def test_a_head_without_a_face_region_is_compared_around_its_landmarks():
    model = known.known_model(torch.float64)
    places = model.container.embeddings["ibug68"].faces
    named, bare = face_region(model.container, places), face_region(replace(model.container, regions={}), places)
    assert bare[model.container.faces[places]].mean() > 0.85, "landmarks lie on it"
    assert (named & bare).sum() > 0.5 * named.sum()
    skin = np.flatnonzero(named).astype(np.int32)
    without_eyes = face_region(replace(model.container, regions={"skin": skin}), places)
    assert not (without_eyes & ~named).any()


def test_a_smooth_offset_costs_less_than_a_rough_one():
    rough = torch.randn(3, 20, 20, generator=torch.Generator().manual_seed(0))
    assert smooth_loss(torch.ones(3, 20, 20)) == 0
    smooth = torch.nn.functional.avg_pool2d(rough, 5, 1, 2)
    assert smooth_loss(smooth / smooth.std()) < smooth_loss(rough / rough.std()) / 3
