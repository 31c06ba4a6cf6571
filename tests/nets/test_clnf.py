"""The constrained local model with experts that see dots: where it must end is known."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pytest
import torch
from maths.test_point_distribution import make_model

from headsmith.contract.errors import UserError
from headsmith.maths.point_distribution import Placed, PointDistribution, jacobian, landmarks_of
from headsmith.maths.point_distribution_fit import fit_shapes, move
from headsmith.nets.clnf import FIVE, LARGEST_SHAPE, Clnf, Effort, five_points_of
from headsmith.nets.clnf_landmarker import LOST, ClnfLandmarker, ClnfTracker, open_clnf
from headsmith.nets.clnf_reference import Similarity, lay_shape, sample_areas, shrink
from headsmith.nets.clnf_shape import FaceShape, euler_angles, euler_matrix, moved_by
from headsmith.nets.faces import FaceBox
from headsmith.nets.mtcnn_boxes import OPENFACE
from headsmith.nets.patch_experts import Expertise, Layer, NetworkExperts, nearest_view
from headsmith.nets.patch_experts_file import read_experts, write_experts
from headsmith.nets.point_distribution_file import write_point_distribution

POINTS = 68
SHAPE = make_model(POINTS, 6, seed=3)


@dataclass(frozen=True)
class DotExperts:
    """Respond where it is bright."""

    scale: float
    hidden: tuple[int, ...] = ()
    support: int = 1
    views: np.ndarray = field(default_factory=lambda: np.zeros((1, 3)))
    trust: np.ndarray = field(default_factory=lambda: np.ones((1, POINTS)))

    @property
    def visible(self):
        return np.tile(~np.isin(np.arange(POINTS), self.hidden), (len(self.views), 1))

    def respond(self, areas, view):
        return areas / np.float32(255) * self.visible[view, :, None, None]


def draw(points, size=420, radius=2.5):
    """A picture with a soft dot at each point."""
    rows, columns = np.mgrid[:size, :size] + 0.5
    squared = (columns[None] - points[:, 0, None, None]) ** 2 + (rows[None] - points[:, 1, None, None]) ** 2
    return (255 * np.exp(-squared / (2 * radius**2)).max(0)).round().astype(np.uint8)


def face(turn=(0.1, -0.2, 0.15), spread=1.0, at=(210.0, 205.0)):
    local = spread * np.sin(np.arange(6.0)) * SHAPE.deviations.numpy()
    return np.concatenate([[1.1], turn, at, local])


def points_of(parameters):
    return landmarks_of(SHAPE, torch.from_numpy(parameters)[None])[0].numpy()


def trying(pull, steps=8):
    return Effort(windows=(15, 11, 9, 7), steps=steps, pull=pull, pull_growth=0.0)


def clnf(effort=None, **of_experts):
    scales = tuple(DotExperts(scale, **of_experts) for scale in (0.35, 0.6, 1.0))
    return Clnf(SHAPE, Expertise(scales, (-4.0, 12.0), "dots"), effort or trying(2.0))


def test_landmarks_end_where_experts_respond():
    truth = face()
    start = truth.copy()
    start[4:6] += (6, -5)
    start[1:4] += (0.06, -0.05, 0.08)
    start[0] *= 1.05
    start[6:] = 0
    found = clnf().fit(draw(points_of(truth)), start)
    before, after = (np.linalg.norm(points - points_of(truth), axis=1).mean() for points in (points_of(start), found.landmarks))
    assert before > 8
    assert after < 1.0
    assert found.confidence > 0.9


def test_offsets_move_the_shape_to_what_experts_look_for():
    offsets = 4 * np.sin(np.arange(3.0 * POINTS)).reshape(POINTS, 3)
    true = face()
    moved = PointDistribution(SHAPE.mean + torch.from_numpy(offsets), SHAPE.modes, SHAPE.variances)
    wanted = landmarks_of(moved, torch.from_numpy(true)[None])[0].numpy()
    image, start = draw(wanted), face(turn=(0.0, 0.0, 0.0), spread=0.0)
    told = clnf().expertise
    with_them = Clnf(SHAPE, replace(told, offsets=offsets), trying(2.0)).fit(image, start)
    without = Clnf(SHAPE, told, trying(2.0)).fit(image, start)
    away = [np.linalg.norm(fit.landmarks - wanted, axis=1).mean() for fit in (with_them, without)]
    assert away[0] < 0.5
    assert away[1] > 2 * away[0]


def test_the_fit_chooses_the_view():
    """Experts look straight ahead or to a side; the face is turned, and the fit, which begins straight, finds out."""
    asked = []

    class Views(DotExperts):
        def respond(self, areas, view):
            asked.append((self.scale, view))
            return areas / np.float32(255)

    sides = np.array([[0, 0, 0], [0, 0.9, 0], [0, -0.9, 0]])
    kinds = {"views": sides, "trust": np.ones((3, POINTS))}
    scales = tuple(Views(scale, **kinds) for scale in (0.35, 0.6, 1.0))
    for turn, view in ((0.6, 1), (-0.6, 2), (0.1, 0)):
        asked.clear()
        true = face(turn=(0.0, turn, 0.0))
        fitter = Clnf(SHAPE, Expertise(scales, (-4.0, 12.0), "dots"), trying(2.0))
        found = fitter.fit(draw(points_of(true)), face(turn=(0.0, 0.7 * turn - 0.05, 0.0), spread=0.0))
        assert abs(found.parameters[2] - turn) < 0.15
        assert [told for scale, told in asked if scale == 1.0] == [view] * 2


def test_a_face_that_is_not_there_has_no_confidence():
    found = clnf().fit(np.zeros((420, 420), np.uint8), face())
    assert found.confidence < 0.1
    assert np.isfinite(found.parameters).all()


def test_what_is_not_seen_is_left_to_the_shape():
    truth = face()
    hidden = tuple(range(0, POINTS, 7))
    picture = draw(np.delete(points_of(truth), hidden, 0))
    start = truth.copy()
    start[4:6] += (4, 3)
    found = clnf(hidden=hidden).fit(picture, start)
    assert np.linalg.norm(found.landmarks - points_of(truth), axis=1).mean() < 1.5
    assert (found.responses[list(hidden)] == 0).all()


def test_shapes_stay_within_three_deviations():
    truth = face(spread=6.0)
    found = clnf(trying(1e-3, steps=20)).fit(draw(points_of(truth)), face())
    limit = LARGEST_SHAPE * SHAPE.deviations.numpy()
    assert (np.abs(found.parameters[6:]) <= limit * (1 + 1e-9)).all()
    assert (np.abs(found.parameters[6:]) > 0.99 * limit).any()


def test_the_stronger_the_pull_the_nearer_to_the_mean():
    picture = draw(points_of(face(spread=2.0)))
    start = face(spread=0.0)
    sizes = []
    for pull in (0.5, 20.0, 2000.0):
        found = clnf(trying(pull)).fit(picture, start)
        sizes.append(np.linalg.norm(found.parameters[6:] / SHAPE.deviations.numpy()))
    assert sizes[0] > sizes[1] > sizes[2]


def test_what_is_covered_counts_for_less():
    truth = face()
    picture, points = draw(points_of(truth)), points_of(truth)
    covered = np.flatnonzero(np.hypot(*(points - points.mean(0) - (25, 25)).T) < 50)
    for x, y in points[covered]:
        cv2.circle(picture, (round(float(x)), round(float(y))), 8, 0, -1)
        cv2.circle(picture, (round(float(x)) + 5, round(float(y)) + 5), 2, 40, -1)
    start = truth.copy()
    start[4:6] += (2, -2)
    misses = []
    for peak in (0.0, 1.0):
        found = clnf(replace(trying(2.0), peak=peak)).fit(picture, start)
        misses.append(np.linalg.norm(found.landmarks - points, axis=1).mean())
    assert len(covered) >= 5
    assert misses[1] < misses[0]


def test_the_best_of_several_starts_counts():
    truth = face()
    picture = draw(points_of(truth))
    far = truth.copy()
    far[4:6] += (120, 90)
    near = truth.copy()
    near[4:6] += (3, 3)
    fitter = clnf()
    assert np.linalg.norm(fitter.fit(picture, far).landmarks - points_of(truth), axis=1).mean() > 20
    found = fitter.fit_best(picture, [far, near])
    assert np.linalg.norm(found.landmarks - points_of(truth), axis=1).mean() < 1


def test_one_face_in_numpy_is_what_many_are_in_torch():
    parameters, shape = face(turn=(0.4, -0.9, 0.3)), FaceShape(SHAPE)
    placed = Placed.of(torch.from_numpy(parameters)[None])
    np.testing.assert_allclose(shape.landmarks(parameters), points_of(parameters))
    np.testing.assert_allclose(shape.slopes(parameters), jacobian(SHAPE, placed)[0].flatten(0, 1).numpy(), atol=1e-9)
    np.testing.assert_allclose(euler_angles(euler_matrix(parameters[1:4])), parameters[1:4])
    straight = np.concatenate([[0.5, 0, 0, 0, 0, 0], parameters[6:]])
    np.testing.assert_allclose(shape.straight(parameters, 0.5), points_of(straight))
    step = np.random.default_rng(0).normal(size=12) / 20
    expected = move(placed, torch.from_numpy(step)[None]).parameters()[0].numpy()
    np.testing.assert_allclose(moved_by(parameters, step), expected)


def test_a_similarity_is_found_and_inverted():
    points = np.random.default_rng(0).normal(size=(20, 2)) * 30
    turn = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    found = lay_shape(points, points @ turn.T + (5, -9))
    np.testing.assert_allclose(found.matrix, turn)
    np.testing.assert_allclose(found.scale, 1.7)
    np.testing.assert_allclose(found.inverse().apply(found.apply(points)), points)


def test_areas_are_sampled_at_pixel_centres():
    image = np.random.default_rng(1).integers(0, 256, (40, 50)).astype(np.uint8)
    centres = np.array([[10.5, 20.5], [30.5, 8.5]])
    areas = sample_areas(shrink(image, 1.0), centres, np.eye(2), 5)
    np.testing.assert_allclose(areas[0], image[18:23, 8:13])
    np.testing.assert_allclose(areas[1], image[6:11, 28:33])
    turned = sample_areas(shrink(image, 1.0), centres, np.array([[0.0, -1.0], [1.0, 0.0]]), 5)
    np.testing.assert_allclose(turned[0][0, 0], image[20 - 2, 10 + 2])


def test_a_shrunk_picture_has_its_points_at_the_same_places():
    ramp = np.tile(np.arange(200, dtype=np.uint8), (160, 1))
    places = np.array([[60.0, 80.0], [120.0, 40.0]])
    areas = sample_areas(shrink(ramp, 0.31), places, np.eye(2) / 0.31, 3)
    np.testing.assert_allclose(areas[:, 1, 1], places[:, 0] - 0.5, atol=0.6)


def test_many_areas_are_sampled_in_parts():
    image = np.random.default_rng(1).integers(0, 256, (64, 64)).astype(np.uint8)
    centres = np.random.default_rng(2).uniform(20, 44, (4000, 2))
    areas = sample_areas(shrink(image, 1.0), centres, np.eye(2), 11)
    for row in (0, 2909, 3999):
        np.testing.assert_array_equal(areas[row], sample_areas(shrink(image, 1.0), centres[row : row + 1], np.eye(2), 11)[0])


def test_the_five_points_are_means_of_the_sixty_eight():
    parameters = face()
    five = landmarks_of(five_points_of(SHAPE), torch.from_numpy(parameters)[None])[0].numpy()
    expected = np.stack([points_of(parameters)[list(points)].mean(0) for points in FIVE])
    np.testing.assert_allclose(five, expected)


def test_the_nearest_view_is_that_of_the_least_angle():
    views = np.deg2rad([[0, 0, 0], [0, 40, 0], [0, -40, 0]])
    assert [nearest_view(views, np.deg2rad([5, turn, 3])) for turn in (0, 15, 25, -30, 80)] == [0, 0, 1, 2, 1]


class DotFinder:
    """Shows the face where it is told to; counts how often it is asked."""

    def __init__(self):
        self.where, self.asked = None, 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        pass

    def detect(self, image):
        self.asked += 1
        if self.where is None:
            return []
        points = points_of(self.where)
        low, high = points.min(0), points.max(0)
        five = landmarks_of(five_points_of(SHAPE), torch.from_numpy(self.where)[None])[0].numpy().astype(np.float32)
        return [FaceBox((*low.tolist(), *high.tolist()), 0.95, five)]


def picture_of(parameters):
    return cv2.cvtColor(draw(points_of(parameters)), cv2.COLOR_GRAY2RGB)


@pytest.fixture
def finder():
    return DotFinder()


@pytest.fixture
def landmarker(finder):
    fitter = clnf()
    return ClnfLandmarker(SHAPE, fitter.expertise, finder, fitter.effort)


def test_a_finder_shows_where_to_begin(landmarker, finder):
    truth = face(spread=0.5)
    assert landmarker.detect(picture_of(truth)) == []
    finder.where = truth
    (found,) = landmarker.detect(picture_of(truth))
    assert np.linalg.norm(found.points[:, :2] - points_of(truth), axis=1).mean() < 1.5
    assert np.isnan(found.points[:, 2]).all()
    assert found.confidence <= 0.95
    assert (found.point_confidence <= 1).all()


def test_a_face_is_followed_lost_and_found_again(landmarker, finder):
    tracker = ClnfTracker(landmarker)
    clip = [face(spread=0.5, at=(205.0 + 2 * step, 205.0)) for step in range(4)]
    finder.where = clip[0]
    assert tracker.lost
    for truth in clip:
        found = tracker.track(picture_of(truth))
        assert np.linalg.norm(found.points[:, :2] - points_of(truth), axis=1).mean() < 1.5
    assert finder.asked == 1
    finder.where = None
    blank = np.zeros((420, 420, 3), np.uint8)
    assert tracker.track(blank) is None
    assert tracker.lost
    assert tracker.track(blank) is None
    finder.where = face(spread=0.5, at=(180.0, 230.0))
    found = tracker.track(picture_of(finder.where))
    assert np.linalg.norm(found.points[:, :2] - points_of(finder.where), axis=1).mean() < 1.5


def test_a_fit_that_has_wandered_off_is_given_up(landmarker, finder):
    tracker = ClnfTracker(landmarker)
    here, there = face(spread=0.5, at=(150.0, 205.0)), face(spread=0.5, at=(300.0, 215.0))
    finder.where = here
    for _ in range(2):
        tracker.track(picture_of(here))
    finder.where = there
    both = np.maximum(picture_of(here), picture_of(there))
    seen = [tracker.track(both) for _ in range(8)]
    assert np.linalg.norm(seen[-1].points[:, :2] - points_of(there), axis=1).mean() < 3


def network_experts(random, scale=0.5, views=2):
    def layers():
        sizes = ((9, 4, True), (4, 1, False))
        return tuple(
            Layer(
                random.normal(size=(POINTS, a, b)).astype(np.float32), random.normal(size=(POINTS, b)).astype(np.float32), last
            )
            for a, b, last in sizes
        )

    visible = random.random((views, POINTS)) > 0.1
    turns = np.stack([np.zeros(views), np.linspace(-0.5, 0.5, views), np.zeros(views)], 1)
    return NetworkExperts(scale, 3, turns, visible, 1 + random.random((views, POINTS)), tuple(layers() for _ in range(views)))


def test_network_experts_respond_as_a_loop_does():
    random = np.random.default_rng(0)
    experts = network_experts(random)
    areas = random.integers(0, 256, (POINTS, 6, 6)).astype(np.float32)
    maps = experts.respond(areas, 1)
    assert maps.shape == (POINTS, 4, 4)
    first, second = experts.layers[1]
    for point in (0, 33):
        for row in range(4):
            for column in range(4):
                patch = areas[point, row : row + 3, column : column + 3].ravel().astype(float)
                patch = (patch - patch.mean()) / np.linalg.norm(patch - patch.mean())
                hidden = np.maximum(patch @ first.weights[point] + first.biases[point], 0)
                expected = 1 / (1 + np.exp(-(hidden @ second.weights[point] + second.biases[point])[0]))
                np.testing.assert_allclose(maps[point, row, column], expected * experts.visible[1, point], atol=1e-5)
    even = experts.respond(np.full((POINTS, 6, 6), 7, np.float32), 0)
    assert np.isfinite(even).all()


@pytest.fixture
def expertise():
    random = np.random.default_rng(5)
    first = network_experts(random, 0.25)
    scales = (first, NetworkExperts(**{**vars(network_experts(random)), "views": first.views}))
    return Expertise(scales, (-1.0, 3.0), "trained", random.normal(size=(POINTS, 3)))


def test_experts_come_back_from_their_file(tmp_path, expertise):
    path = tmp_path / "experts.npz"
    write_experts(path, expertise)
    found = read_experts(path)
    areas = np.random.default_rng(0).integers(0, 256, (POINTS, 6, 6)).astype(np.float32)
    assert (found.certainty, found.about) == (expertise.certainty, "trained")
    np.testing.assert_array_equal(found.offsets, expertise.offsets)
    for ours, theirs in zip(found.scales, expertise.scales, strict=True):
        assert ours.scale == theirs.scale
        np.testing.assert_array_equal(ours.respond(areas, 1), theirs.respond(areas, 1))
        np.testing.assert_array_equal(ours.trust, theirs.trust)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scales", np.array([0.5, 0.25])),
        ("views", np.zeros((3, 3))),
        ("support", np.array(4)),
        ("trust", None),
        ("certainty", np.array([np.nan, 1.0])),
        ("weights_0_0_0", np.zeros((POINTS, 9, 5), np.float32)),
        ("biases_1_1_1", None),
        ("about", np.array({"a": 1}, dtype=object)),
        ("offsets", np.zeros((POINTS, 2))),
        ("offsets", np.full((POINTS, 3), np.inf)),
    ],
)
def test_a_file_that_is_not_sound_is_refused(tmp_path, expertise, name, value):
    path = tmp_path / "experts.npz"
    write_experts(path, expertise)
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files}
    arrays.pop(name)
    if value is not None:
        arrays[name] = value
    np.savez(path, **arrays)
    with pytest.raises(UserError, match="cannot be read"):
        read_experts(path)


@pytest.mark.parametrize("version", [None, np.array(1), np.array(3)])
def test_a_file_of_another_version_is_refused_with_a_remedy(tmp_path, expertise, version):
    path = tmp_path / "experts.npz"
    write_experts(path, expertise)
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files if key != "version"}
    np.savez(path, **arrays, **({} if version is None else {"version": version}))
    with pytest.raises(UserError, match="version") as caught:
        read_experts(path)
    assert "train_patch_experts" in caught.value.remedy


def test_files_that_do_not_belong_together_are_refused(tmp_path, expertise, finder):
    write_experts(tmp_path / "experts.npz", expertise)
    write_point_distribution(tmp_path / "fine.txt", SHAPE)
    write_point_distribution(tmp_path / "other.txt", make_model(20, 4))
    assert open_clnf(tmp_path / "fine.txt", tmp_path / "experts.npz", finder).convention == "ibug68"
    with pytest.raises(UserError, match="20 points"):
        open_clnf(tmp_path / "other.txt", tmp_path / "experts.npz", finder)
    with pytest.raises(UserError, match="cannot be read"):
        open_clnf(tmp_path / "fine.txt", tmp_path / "absent.npz", finder)


def test_five_points_alone_place_the_shape_roughly(landmarker, finder):
    truth = face(spread=0.0)
    finder.where = truth
    (found,) = finder.detect(None)
    first, *others = landmarker.starts(found)
    assert len(others) == 2
    assert np.linalg.norm(points_of(first) - points_of(truth), axis=1).mean() < 10
    five = torch.from_numpy(found.points.astype(np.float64))[None]
    assert fit_shapes(five_points_of(SHAPE), five, noise=0.1).error.max() < 0.5


def boxed(parameters, astray=0.0):
    """A face as MTCNN shows it, whose box OpenFace's correction makes that of the points; nose and mouth are astray."""
    points = points_of(parameters)
    beside, below, wider, higher = OPENFACE
    size = np.ptp(points, axis=0) / (wider, higher)
    corner = points.min(0) - size * (beside, below)
    five = landmarks_of(five_points_of(SHAPE), torch.from_numpy(parameters)[None])[0].numpy().astype(np.float32)
    five[2:] += (astray, astray)
    return FaceBox((*corner.tolist(), *(corner + size).tolist()), 1.0, five)


def test_a_face_at_rest_fills_the_box(landmarker):
    rest = face(turn=(0.0, 0.0, 0.3), spread=0.0)
    np.testing.assert_allclose(points_of(landmarker.start_in_box(boxed(rest))), points_of(rest), atol=0.5)


def test_the_box_helps_where_points_lead_astray(landmarker):
    true = face(turn=(0.0, 0.1, 0.1), spread=0.3)
    grey, found = draw(points_of(true)), boxed(true, astray=60.0)
    alone = landmarker.clnf.fit_best(grey, landmarker.starts(found))
    assert alone.confidence < LOST
    best = landmarker.fit(grey, found)
    away = [np.linalg.norm(fit.landmarks - points_of(true), axis=1).mean() for fit in (alone, best)]
    assert away[0] > 10
    assert away[1] < 2


def test_similarities_scale_as_they_say():
    assert Similarity(np.diag([2.0, 2.0]), np.zeros(2)).scale == 2
