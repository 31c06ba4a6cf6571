"""MTCNN: its networks against plain loops, real faces, and pictures of all kinds that once crashed it."""

import cv2
import numpy as np
import pytest
import torch
from nets.genuine_facenet import open_genuine
from skimage import data

from headsmith.contract.errors import UserError
from headsmith.nets.mtcnn import Mtcnn, pyramid
from headsmith.nets.mtcnn_networks import OutputNetwork, ProposalNetwork, RefinementNetwork

NAMES = ("mtcnn/pnet.pt", "mtcnn/rnet.pt", "mtcnn/onet.pt")


@pytest.fixture(scope="module")
def weights(asset):
    return [asset(name) for name in NAMES]


@pytest.fixture(scope="module")
def mtcnn(weights):
    return Mtcnn(weights)


def convolve(x, weight, bias):
    """Convolve a picture (C, H, W), one output pixel at a time."""
    side = weight.shape[2]
    height, width = x.shape[1] - side + 1, x.shape[2] - side + 1
    out = np.empty((len(weight), height, width))
    for row in range(height):
        for column in range(width):
            out[:, row, column] = (weight * x[None, :, row : row + side, column : column + side]).sum((1, 2, 3)) + bias
    return out


def pool(x, side):
    """Take the maxima of windows two pixels apart; those that begin inside count, even where they end outside."""
    steps = [range(0, max(1, -(-(size - side) // 2) * 2 + 1), 2) for size in x.shape[1:]]
    return np.array(
        [[x[:, row : row + side, column : column + side].max((1, 2)) for column in steps[1]] for row in steps[0]]
    ).transpose(2, 0, 1)


def rectify(x, slope):
    return np.where(x > 0, x, x * slope.reshape(-1, *[1] * (x.ndim - 1)))


def layers(state, x, plan):
    """Run convolutions and pools in order; ``plan`` has the side of the pool behind each convolution, or 0."""
    for index, side in enumerate(plan, start=1):
        x = rectify(convolve(x, state[f"conv{index}.weight"], state[f"conv{index}.bias"]), state[f"prelu{index}.weight"])
        x = pool(x, side) if side else x
    return x


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def doubles(path):
    return {name: tensor.double().numpy() for name, tensor in torch.load(path, weights_only=True).items()}


@pytest.fixture
def patch():
    return (data.astronaut()[100:148, 200:248].astype(float) - 127.5) / 128


def test_the_proposal_network_is_that_of_loops(weights, mtcnn, patch):
    x = patch[:19, :16].transpose(2, 0, 1)
    state = doubles(weights[0])
    probability, offsets = mtcnn._proposal(torch.from_numpy(x).float()[None])
    features = layers(state, x, (2, 0, 0))
    assert probability.shape[1:] == features.shape[1:] == (5, 3)
    for row in range(5):
        for column in range(3):
            told = softmax(state["conv4_1.weight"][..., 0, 0] @ features[:, row, column] + state["conv4_1.bias"])
            assert probability[0, row, column].item() == pytest.approx(told[1], abs=1e-5)
            moved = state["conv4_2.weight"][..., 0, 0] @ features[:, row, column] + state["conv4_2.bias"]
            assert np.allclose(offsets[0, :, row, column], moved, atol=1e-5)


def test_the_output_network_is_that_of_loops(weights, mtcnn, patch):
    x = patch.transpose(2, 0, 1)
    state = doubles(weights[2])
    probability, offsets, points = mtcnn._output(torch.from_numpy(x).float()[None])
    features = layers(state, x, (3, 3, 2, 0)).transpose(2, 1, 0).ravel()
    dense = rectify(state["dense5.weight"] @ features + state["dense5.bias"], state["prelu5.weight"])
    heads = [state[f"dense6_{head}.weight"] @ dense + state[f"dense6_{head}.bias"] for head in (1, 2, 3)]
    assert probability.item() == pytest.approx(softmax(heads[0])[1], abs=1e-5)
    assert np.allclose(offsets[0], heads[1], atol=1e-4)
    assert np.allclose(points[0].T.ravel(), heads[2], atol=1e-4)


def test_the_refinement_network_is_that_of_loops(weights, mtcnn, patch):
    x = patch[::2, ::2].transpose(2, 0, 1)
    state = doubles(weights[1])
    probability, offsets = mtcnn._refinement(torch.from_numpy(x).float()[None])
    features = layers(state, x, (3, 3, 0)).transpose(2, 1, 0).ravel()
    dense = rectify(state["dense4.weight"] @ features + state["dense4.bias"], state["prelu4.weight"])
    assert probability.item() == pytest.approx(softmax(state["dense5_1.weight"] @ dense + state["dense5_1.bias"])[1], abs=1e-5)
    assert np.allclose(offsets[0], state["dense5_2.weight"] @ dense + state["dense5_2.bias"], atol=1e-4)


@pytest.mark.parametrize(("kind", "index"), [(ProposalNetwork, 0), (RefinementNetwork, 1), (OutputNetwork, 2)])
def test_names_and_shapes_are_those_of_the_published_files(weights, kind, index):
    published = torch.load(weights[index], weights_only=True)
    assert {name: tensor.shape for name, tensor in kind().state_dict().items()} == {n: t.shape for n, t in published.items()}


def test_the_astronaut_is_found_where_the_genuine_package_finds_her(weights):
    (face,) = Mtcnn(weights, smallest_face=20).detect(data.astronaut())
    assert np.allclose(face.box, (179.7, 60.9, 268.1, 171.7), atol=0.5)
    assert face.confidence > 0.999


def test_real_faces_and_their_five_points(mtcnn, portraits):
    for image in portraits:
        (face,) = mtcnn.detect(image)
        left, top, right, bottom = face.box
        right_eye, left_eye, nose, right_mouth, left_mouth = face.points
        assert face.confidence > 0.99
        assert ((face.points > (left, top)) & (face.points < (right, bottom))).all()
        assert right_eye[0] < nose[0] < left_eye[0]
        assert right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def test_a_larger_picture_gives_the_same_face(mtcnn, portraits):
    (small,) = mtcnn.detect(cv2.resize(portraits[0], (720, 720), interpolation=cv2.INTER_CUBIC))
    (large,) = mtcnn.detect(cv2.resize(portraits[0], (3600, 3600), interpolation=cv2.INTER_CUBIC))
    width = small.box[2] - small.box[0]
    assert np.abs(np.array(large.box) / 5 - small.box).max() < 0.02 * width
    assert np.abs(large.points / 5 - small.points).max() < 0.02 * width


def test_of_several_faces_the_largest_come_first(weights, mtcnn, portraits):
    beside = np.concatenate((cv2.resize(portraits[0], (128, 128)), np.zeros((128, 128, 3), np.uint8)))
    picture = np.concatenate((beside, portraits[1]), 1)
    faces = mtcnn.detect(picture)
    widths = [face.box[2] - face.box[0] for face in faces]
    assert len(faces) == 2
    assert widths == sorted(widths, reverse=True)
    assert [face.box for face in Mtcnn(weights, max_faces=1).detect(picture)] == [faces[0].box]


@pytest.mark.parametrize(
    "shape", [(1, 1), (2, 3), (11, 11), (12, 12), (13, 40), (39, 41), (40, 40), (5, 2000), (2000, 41), (333, 47), (721, 719)]
)
@pytest.mark.parametrize("kind", ["grey", "white", "noise"])
def test_pictures_of_any_size_do_not_crash_it(mtcnn, shape, kind):
    noise = np.random.default_rng(5).integers(0, 256, (*shape, 3)).astype(np.uint8)
    image = {"grey": np.full_like(noise, 128), "white": np.full_like(noise, 255), "noise": noise}[kind]
    assert mtcnn.detect(image) == []


def test_candidates_outside_the_picture_do_not_crash_it(mtcnn, portraits):
    for left in (100, 150, 200):
        for face in mtcnn.detect(np.ascontiguousarray(portraits[0][40:, left:])):
            assert np.isfinite(face.box).all()


def test_the_pyramid_ends_where_the_window_does_not_fit():
    assert pyramid(0.3, 39) == []
    scales = pyramid(0.3, 400)
    assert scales[0] == 0.3
    assert 400 * scales[-1] >= 12 > 400 * scales[-1] * 0.709
    assert np.allclose(np.diff(np.log(scales)), np.log(0.709))


def test_the_networks_are_not_mixed_up(weights):
    with pytest.raises(UserError, match=r"this is not P-Net of MTCNN: [\s\S]*fetch it again"):
        Mtcnn(weights[::-1])


def test_a_batch_finds_what_pictures_find_one_by_one(mtcnn, portraits):
    blank = np.full_like(portraits[0], 90)
    batch = [portraits[0], blank, *portraits[1:4], cv2.flip(portraits[4], 1)]
    together = mtcnn.detect_batch(batch)
    assert [len(faces) for faces in together] == [1, 0, 1, 1, 1, 1]
    for image, faces in zip(batch, together, strict=True):
        for found, alone in zip(faces, mtcnn.detect(image), strict=True):
            assert np.allclose(found.box, alone.box, atol=0.01)
            assert np.allclose(found.points, alone.points, atol=0.01)
    assert mtcnn.detect_batch([]) == []
    with pytest.raises(ValueError, match="several sizes"):
        mtcnn.detect_batch([portraits[0], portraits[1][:128]])


def test_boxes_are_corrected_as_openface_has_them(weights, mtcnn, portraits):
    (plain,), (corrected,) = mtcnn.detect(portraits[0]), Mtcnn(weights, openface=True).detect(portraits[0])
    left, top, right, bottom = plain.box
    width, height = right - left, bottom - top
    first = (left - 0.0075 * width, top + 0.2459 * height)
    assert np.allclose(corrected.box, (*first, first[0] + 1.0323 * width, first[1] + 0.7751 * height), atol=1e-3)
    assert (corrected.points == plain.points).all()


def test_the_genuine_package_finds_the_same(weights, portraits):
    genuine = open_genuine(smallest_face=20)
    ours = Mtcnn(weights, smallest_face=20)
    for image in (*portraits, data.astronaut()):
        boxes, scores, points = genuine.detect(np.ascontiguousarray(image), landmarks=True)
        found = ours.detect(image)
        assert len(found) == len(boxes)
        for face, box, score, five in zip(found, boxes, scores, points, strict=True):
            counted_from_one = np.add(face.box, (1, 1, 0, 0))
            assert np.allclose(counted_from_one, box.astype(float), atol=0.5)
            assert np.allclose(face.points, five.astype(float), atol=0.5)
            assert face.confidence == pytest.approx(score, abs=1e-3)
