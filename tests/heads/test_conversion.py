"""A clip carried over to another head: exact where the other head can be the same, and told where it cannot."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_head import synthetic_head

from headsmith.contract.errors import UserError
from headsmith.heads.anny import make_head
from headsmith.heads.conversion import Conversion
from headsmith.heads.conversion_camera import carry_cameras
from headsmith.heads.conversion_equations import HeadState, normal_equations
from headsmith.heads.conversion_fit import ANGLE_DEVIATION, LID_DEVIATION
from headsmith.heads.conversion_places import LANDMARKS, VERTICES, same_triangles, shared_places
from headsmith.heads.conversion_residual import Residuals
from headsmith.heads.conversion_skull import skull_directions, skull_places
from headsmith.heads.conversion_sums import PersonSums
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera, project

MILLI = 1000
FRAMES = 5


def parameters_of(model, seed=1, frames=FRAMES, neck=0.0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return HeadParameters(
        identity=normal(1, len(model.identity)),
        expression=0.5 * normal(frames, len(model.expression)),
        jaw=0.1 * normal(frames, 3),
        eyes=0.2 * normal(frames, 2, 3),
        eyelids=torch.rand(frames, 2, generator=generator, dtype=torch.float64),
        neck=neck * normal(frames, 3),
    )


def model_of(**changes):
    return HeadModel.from_container(synthetic_head(**changes), torch.float64)


def converted(source, target, given, ridge=0.0):
    conversion = Conversion.between(source, target, given.identity[0], ridge)
    frames = list(conversion.frames(given))
    parts = {name: torch.cat([getattr(part.state, name) for part in frames]) for name in vars(frames[0].state)}
    parts["distances"] = torch.cat([part.distances for part in frames])
    lids = parts["linear"].shape[1] - 2
    own = HeadParameters(
        conversion.identity[None],
        parts["linear"][:, :lids],
        parts["angles"][:, 0],
        parts["angles"][:, 1:],
        parts["linear"][:, lids:],
        given.neck,
    )
    return conversion, own, parts


def mapped(vertices, parts):
    """The second head's vertices in the first head's frame."""
    return vertices @ parts["turn"].mT + parts["shift"][:, None]


def moved_head(head, shift):
    return replace(head, template=(head.template + shift).astype(np.float32))


def rotated(basis, seed):
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(basis), len(basis))))[0]
    return np.einsum("jk,kvi->jvi", turn, basis.astype(np.float64)).astype(np.float32), turn


@pytest.mark.parametrize("correctives", [False, True])
def test_the_same_head_gives_back_its_own_codes(correctives):
    model = model_of(correctives=correctives)
    given = parameters_of(model)
    conversion, own, parts = converted(model, model, given)
    assert conversion.places.kind == VERTICES
    assert parts["distances"].max() * MILLI < 1e-6 and conversion.distances.max() * MILLI < 1e-6
    for name in vars(given):
        torch.testing.assert_close(getattr(own, name), getattr(given, name), atol=1e-7, rtol=0)


def test_a_head_whose_codes_are_mixed_is_recovered():
    head = synthetic_head(correctives=True)
    identity, turn = rotated(head.identity, 0)
    expression, _ = rotated(head.expression, 1)
    mixed = replace(head, identity=identity, expression=expression)
    models = [HeadModel.from_container(one, torch.float64) for one in (head, mixed)]
    given = parameters_of(models[0])
    _, own, parts = converted(*models, given)
    apart = (mapped(models[1](own), parts) - models[0](given)).norm(dim=-1)
    assert apart.max() * MILLI < 2e-5, "the rounding of a mixed basis to 32 bits"
    torch.testing.assert_close(own.identity[0], torch.from_numpy(turn) @ given.identity[0], atol=1e-4, rtol=0)


def test_mixed_codes_in_full_precision_are_recovered_to_a_nanometre():
    model = model_of(correctives=True)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64))[0]
    basis = model.basis.clone()
    basis[4:10] = torch.tensordot(turn, model.expression, 1)
    other = replace(model, basis=basis, joints_expression=torch.tensordot(turn, model.joints_expression, 1))
    given = parameters_of(model)
    _, own, parts = converted(model, other, given)
    assert (mapped(other(own), parts) - model(given)).norm(dim=-1).max() * MILLI < 1e-6
    torch.testing.assert_close(own.expression, given.expression @ turn.mT, atol=1e-7, rtol=0)


@pytest.mark.parametrize("neck", [0.0, 0.2])
def test_an_offset_between_templates_goes_into_the_camera(neck):
    head = synthetic_head()
    source, target = (HeadModel.from_container(one, torch.float64) for one in (head, moved_head(head, [0.25, -0.5, 0.125])))
    given = parameters_of(source, neck=neck)
    _, own, parts = converted(source, target, given)
    cameras = random_cameras()
    rotation, translation = carry_cameras(
        (cameras.rotation, cameras.translation), (parts["turn"], parts["shift"]), (source, given), (target, own)
    )
    seen = project(source(given), cameras)[0]
    again = project(target(own), replace(cameras, rotation=rotation, translation=translation))[0]
    head_only = source.weights[:, 1:].sum(1) > 1 - 1e-9
    assert head_only.sum() > 50
    assert (seen - again)[:, head_only].abs().max() < 1e-3, "float32 templates round their offset"


def test_a_frame_ends_where_no_number_of_it_can_be_changed_for_the_better():
    """Lids at an end of their range, of a head that would have them beyond, hold the other numbers at their best place, too."""
    source, ridge, nudge = model_of(correctives=True), 0.5, 1e-3
    head = synthetic_head(correctives=True)
    target = HeadModel.from_container(replace(head, eyelids=head.eyelids / 3, expression=1.5 * head.expression), torch.float64)
    given = parameters_of(source)
    conversion, _, parts = converted(source, target, given, ridge)
    home = torch.cat([given.eyelids, given.jaw, given.eyes.flatten(1)], 1)
    points = conversion.source.points(given.identity[0], torch.cat([given.expression, home], 1))

    def cost(state):
        found = conversion.target.points(conversion.identity, torch.cat([state.linear, state.angles.flatten(1)], 1))
        miss = ((found @ state.turn.mT + state.shift[:, None] - points).norm(dim=-1) * MILLI) ** 2 @ conversion.places.weights
        away = torch.cat([state.linear[:, -2:], state.angles.flatten(1)], 1) - home
        deviation = torch.tensor([LID_DEVIATION] * 2 + [ANGLE_DEVIATION] * 9)
        return miss + ridge * (state.linear[:, :-2].square().sum(1) + (away / deviation).square().sum(1))

    parts.pop("distances")
    state = HeadState(**parts)
    lids, first = state.linear[:, -2:], state.linear.shape[1] - 2
    assert (lids == 1).any() and ((lids > 0) & (lids < 1)).any() and (lids >= 0).all() and (lids <= 1).all()
    for place, step in enumerate(nudge * torch.eye(first + 17, dtype=torch.float64)):
        for way in (step, -step):
            better = cost(state.moved(way.expand(FRAMES, -1))) < cost(state)
            moved = lids[:, place - first] + way[place] if first <= place < first + 2 else torch.full((FRAMES,), 0.5)
            assert not (better & (moved >= 0) & (moved <= 1)).any(), (place, way[place])


def random_cameras():
    generator = torch.Generator().manual_seed(5)
    turn = torch.linalg.qr(torch.randn(FRAMES, 3, 3, generator=generator, dtype=torch.float64))[0]
    turn = turn * turn.det()[:, None, None].sign()
    translation = torch.randn(FRAMES, 3, generator=generator, dtype=torch.float64) * 0.05 + torch.tensor([0, 0, 2.0])
    return Camera(
        turn, translation, torch.full((FRAMES, 2), 900.0).double(), torch.full((FRAMES, 2), 256.0).double(), (512, 512)
    )


def test_matrix_and_gradient_are_those_of_the_distances():
    model = model_of(correctives=True)
    generator = torch.Generator().manual_seed(2)
    count = len(model.template)
    weights = torch.rand(count, generator=generator, dtype=torch.float64)
    weights /= weights.sum()
    faces, corners = shared_places(model.container, model.container).target
    places = LandmarkModel.from_head(model, faces, corners)
    weights = weights[: len(faces)] / weights[: len(faces)].sum()
    person = torch.randn(4, generator=generator, dtype=torch.float64)
    sums = PersonSums.of_person(places, person, weights)
    given = places.points(person, torch.zeros(1, places.layout.count).double()) + 0.01 * torch.randn(2, len(faces), 3).double()
    state = HeadState(*_random_state(places, generator))

    def residuals(step):
        moved = state.moved(step)
        points = places.points(person, torch.cat([moved.linear, moved.angles.flatten(1)], 1))
        apart = points @ moved.turn.mT + moved.shift[:, None] - given
        return (apart * weights.sqrt()[:, None] * MILLI).flatten(1)

    zero = torch.zeros(2, places.layout.count + 6, dtype=torch.float64)
    slopes = torch.func.jacfwd(residuals)(zero)
    mean = torch.einsum("n,bna->ba", weights, given)
    matrix, slope = normal_equations(sums, state, sums.moments(given), mean)
    for frame in range(2):
        own = slopes[frame, :, frame]
        torch.testing.assert_close(matrix[frame], own.mT @ own, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(slope[frame], own.mT @ residuals(zero)[frame], rtol=1e-8, atol=1e-8)


def _random_state(places, generator):
    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    turn = torch.linalg.qr(normal(2, 3, 3))[0]
    return (
        0.5 * normal(2, places.layout.linear),
        0.3 * normal(2, 3, 3),
        turn * turn.det()[:, None, None].sign(),
        0.1 * normal(2, 3),
    )


def test_lids_stay_in_their_range_and_the_rest_makes_up_for_it():
    model = model_of()
    given = parameters_of(model)
    beyond = replace(given, eyelids=given.eyelids + torch.tensor([0.9, -0.9]))
    _, own, _ = converted(model, model, beyond)
    assert own.eyelids.min() >= 0 and own.eyelids.max() <= 1
    assert ((own.eyelids == 0) | (own.eyelids == 1)).any()


@pytest.fixture(scope="module")
def other_anny(anny_source):
    """Anny's head of other people and fewer components."""
    return make_head(anny_source, samples=90, components=8)[0]


def test_another_anny_is_met_within_its_components(anny_container, other_anny):
    source, target = (HeadModel.from_container(one, torch.float64) for one in (anny_container, other_anny))
    given = replace(parameters_of(source, frames=2), expression=torch.zeros(2, len(source.expression)).double())
    conversion, own, parts = converted(source, target, given, ridge=1e-4)
    apart = (mapped(target(own), parts) - source(given)).norm(dim=-1) * MILLI
    assert same_triangles(source.container, target.container)
    assert apart.mean() < 3 and apart[:, source.container.regions["face"]].mean() < 2.5
    torch.testing.assert_close(parts["distances"] * MILLI, apart[:, conversion_ids(source, conversion)], atol=1e-6, rtol=0)
    plain = target(target.neutral(1)) - source(given)
    assert apart.mean() < 0.6 * (plain - plain.mean(1, keepdim=True)).norm(dim=-1).mean() * MILLI


def conversion_ids(model, conversion):
    faces, corners = conversion.places.source
    return model.faces[faces][torch.arange(len(faces)), corners.argmax(1)]


def test_a_head_of_another_mesh_is_met_by_landmarks():
    head = synthetic_head()
    other = replace(head, faces=np.ascontiguousarray(head.faces[:, [1, 2, 0]]), name="turned")
    points = head.embeddings["mediapipe478"]
    other = other.with_embedding("mediapipe478", replace(points, barycentrics=points.barycentrics[:, [1, 2, 0]].copy()))
    source, target = (HeadModel.from_container(one, torch.float64) for one in (head, other))
    assert not same_triangles(head, other)
    given = parameters_of(source)
    conversion, own, parts = converted(source, target, given)
    assert conversion.places.kind == LANDMARKS and set(conversion.places.regions) >= {"lips", "irises", "skin"}
    assert parts["distances"].max() * MILLI < 1e-6
    torch.testing.assert_close(own.expression, given.expression, atol=1e-6, rtol=0)


def test_rays_leave_the_skull_where_its_surface_is(anny_container):
    head, directions = anny_container, skull_directions()
    assert 40 < len(directions) < 120 and np.allclose(np.linalg.norm(directions, axis=1), 1)
    faces, weights = (part.numpy() for part in skull_places(head, directions))
    assert (faces >= 0).all() and weights.min() >= 0 and np.allclose(weights.sum(1), 1)
    places = (head.template[head.faces[faces]] * weights[..., None]).sum(1)
    assert places[:, 2].max() < 0 < places[:, 1].max() and np.ptp(places[:, 0]) > 0.1
    eyes = head.joint_regressor[3:] @ head.template
    start = eyes.mean(0) - [0, 0, 1.15 * np.linalg.norm(eyes[0] - eyes[1])]
    along = (places - start) / np.linalg.norm(places - start, axis=1, keepdims=True)
    np.testing.assert_allclose(along, directions, atol=1e-5)
    further = head.template - start
    for ray, place in zip(directions[::9], places[::9], strict=True):
        near = np.linalg.norm(further - np.outer(further @ ray, ray), axis=1) < 2e-3
        assert (further[near] @ ray).max(initial=0) < np.linalg.norm(place - start) + 3e-3, "nothing lies beyond"


def test_meshes_of_other_triangles_share_landmarks_and_skull(anny_container):
    head = anny_container
    points = np.arange(478, dtype=np.int32)
    rows = head.regions["face"]
    faces = np.flatnonzero(np.isin(head.faces, rows).all(1))[np.arange(478) * 7 % 900]
    weights = np.random.default_rng(0).dirichlet((2, 2, 2), 478).astype(np.float32)
    head = head.with_embedding("mediapipe478", Embedding(points, faces.astype(np.int32), weights))
    other = replace(head, faces=np.roll(head.faces, 1, 1), name="rolled")
    other = other.with_embedding("mediapipe478", Embedding(points, faces.astype(np.int32), np.roll(weights, 1, 1)))
    places = shared_places(head, other)
    skull = places.regions["skull"]
    assert places.kind == LANDMARKS and skull.sum() > 40 and len(skull) == 478 + skull.sum()
    assert places.weights[torch.from_numpy(skull)].sum() == pytest.approx(0.1 / 1.1)


def test_heads_that_share_nothing_are_refused():
    head = synthetic_head()
    other = replace(head, faces=head.faces[:, ::-1].copy(), embeddings={}, name="bare")
    with pytest.raises(UserError, match="share no triangles and 0 landmarks"):
        shared_places(head, other)


def test_the_neck_s_lower_end_does_not_count():
    head = synthetic_head()
    weights = head.weights.copy()
    low = head.template[:, 1] < -0.09
    weights[low] = [1, 0, 0, 0, 0]
    cut = replace(head, weights=weights)
    assert len(shared_places(cut, cut).weights) == len(head.template) - low.sum()
    assert len(shared_places(head, cut).weights) == len(head.template) - low.sum()


def test_residuals_are_those_of_all_distances_at_once():
    distances = np.random.default_rng(0).gamma(2, 1e-3, (40, 30))
    rows = np.arange(30) < 10
    residuals = Residuals({"few": rows})
    for start in range(0, 40, 7):
        residuals.add(distances[start : start + 7])
    found, millimetres = residuals.summary(), MILLI * distances
    assert found["mean_mm"] == pytest.approx(millimetres.mean()) and found["max_mm"] == pytest.approx(millimetres.max())
    assert found["p95_mm"] == pytest.approx(np.quantile(millimetres, 0.95), rel=0.01)
    assert found["regions_mm"]["few"] == pytest.approx(millimetres[:, rows].mean())
