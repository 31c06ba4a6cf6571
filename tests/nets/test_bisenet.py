"""The parser on real frames: the same as its graph in torch, and right about where the face's parts are."""

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS, label_ids
from headsmith.contract.landmark_groups import LEFT_PUPIL, LIPS, NOSE_TIP, RIGHT_PUPIL
from headsmith.nets import bisenet
from headsmith.nets.bisenet import BiSeNet, convert_bisenet, own_to_contract, prepare, strongest
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.nets.onnx_session import open_session
from headsmith.nets.parallel import map_in_order
from headsmith.nets.tfjs import Ref
from headsmith.nets.tfjs_torch import run_graph


@pytest.fixture(scope="module")
def network(bisenet_graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "bisenetv2.onnx"
    path.write_bytes(convert_bisenet(bisenet_graph, {}).SerializeToString())
    return path


def test_label_map_is_that_of_the_whole_graph_in_torch(network, bisenet_graph, portraits):
    x = torch.from_numpy(prepare(portraits[0]).transpose(0, 2, 3, 1).copy())
    (truth,) = run_graph(bisenet_graph, {"input_tensor": x}, [Ref("BiseNetV2/prob")])
    blocks = truth[0].numpy().reshape(256, 2, 256, 2, 19)
    parsed = BiSeNet(network).parse(portraits[0])
    assert (parsed == blocks.mean((1, 3)).argmax(-1)).mean() > 0.9995
    inner = blocks.argmax(-1).transpose(0, 2, 1, 3).reshape(256, 256, 4)
    clear = (inner == inner[..., :1]).all(-1)
    assert clear.mean() > 0.9
    assert (parsed == inner[..., 0])[clear].mean() > 0.9999


def test_logits_are_those_of_torch(network, bisenet_graph, portraits):
    frame = portraits[1]
    x = torch.from_numpy(prepare(frame).transpose(0, 2, 3, 1).copy())
    (truth,) = run_graph(bisenet_graph, {"input_tensor": x}, [bisenet.LOGITS])
    assert np.abs(BiSeNet(network).logits(frame) - truth[0].numpy().transpose(2, 0, 1)).max() < 1e-3


@pytest.mark.parametrize("size", [128, 256, 300, 700])
def test_scores_are_read_where_the_frames_pixels_are(size):
    scores = np.random.default_rng(1).normal(size=(5, 64, 64)).astype(np.float32)
    place = (((np.arange(size) + 0.5) * 512 / size - 0.5) / 8).clip(0, 63)
    before = np.floor(place).astype(int).clip(0, 62)
    weights = np.zeros((size, 64))
    weights[np.arange(size), before] = 1 - (place - before)
    weights[np.arange(size), before + 1] += place - before
    expected = weights @ scores @ weights.T
    leads = np.sort(expected, axis=0)
    clear = leads[-1] - leads[-2] > 0.05
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(strongest(scores, size)[clear], expected.argmax(0)[clear])


def test_parts_of_the_face_are_where_the_landmarks_are(network, portraits, asset):
    parser = BiSeNet(network)
    lips_inside = []
    with FaceLandmarker(asset("face_landmarker.task")) as landmarker:
        for frame in portraits:
            (face,) = landmarker.detect(frame)
            columns, rows = np.floor(face.points[:, :2]).astype(int).T
            labels = parser.parse(frame)
            assert LABELS[labels[rows[NOSE_TIP], columns[NOSE_TIP]]] == "nose"
            if frame is not portraits[-1]:  # laughing, the eyes all but shut
                eyes = {LABELS[labels[rows[point], columns[point]]] for point in (LEFT_PUPIL, RIGHT_PUPIL)}
                assert eyes <= {"left_eye", "right_eye"}
            mouth = np.isin(labels, label_ids(("mouth", "upper_lip", "lower_lip")))
            lips_inside.append(mouth[rows[list(LIPS)], columns[list(LIPS)]].mean())
            assert mouth[: rows[NOSE_TIP]].sum() == 0
            assert LABELS[labels[4, 4]] == "background"
            for name in ("hair", "neck", "cloth", "skin"):
                assert (labels == LABELS.index(name)).mean() > 0.01, name
    assert np.mean(lips_inside) > 0.55


def test_frames_side_by_side_give_the_same_maps(network, portraits):
    parser = BiSeNet(network)
    alone = [parser.parse(frame) for frame in portraits[:4]]
    together = [labels for _, labels in map_in_order(parser.parse, portraits[:4], 2)]
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)


def test_orders_are_joined_by_name():
    assert own_to_contract(("hair", "nose", "mouth")).tolist() == [LABELS.index(name) for name in ("hair", "nose", "mouth")]
    assert own_to_contract(bisenet.OWN_ORDER).tolist() == list(range(19))
    with pytest.raises(ValueError, match="not in tuple"):
        own_to_contract(("hair", "nostril"))


def test_what_is_no_network_is_refused(tmp_path):
    file = tmp_path / "broken.onnx"
    for content in (None, b"", b"no network at all"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(UserError, match="cannot be opened") as caught:
            open_session(file, 1)
        assert caught.value.file == str(file)
