"""MediaPipe's selfie segmentation: the same as its graph in torch, each frame by itself, right about the person."""

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.nets import selfie
from headsmith.nets.matting import open_selfie, picture_of
from headsmith.nets.selfie import Selfie, convert_selfie
from headsmith.nets.tfjs import read_graph
from headsmith.nets.tfjs_torch import run_graph


@pytest.fixture(scope="module")
def graph(asset):
    return read_graph(asset("selfie/selfie.json"), [asset("selfie/selfie.bin")])


@pytest.fixture(scope="module")
def network(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("networks") / "selfie.onnx"
    path.write_bytes(convert_selfie(graph, {}).SerializeToString())
    return path


def test_is_its_graph_in_torch(network, graph, portraits):
    for portrait, alpha in zip(portraits, Selfie(network, 2).run(picture_of(frame, None) for frame in portraits), strict=True):
        feeds = {selfie.INPUT: torch.from_numpy(portrait[None] / np.float32(255))}
        (truth,) = run_graph(graph, feeds, list(selfie.OUTPUTS.values()))
        assert np.abs(alpha - truth[0, ..., 0].numpy()).max() < 1e-3


def test_separates_the_person_from_the_wall(network, portraits):
    for frame, matte in zip(portraits, open_selfie(network).mattes(portraits), strict=True):
        blue = (frame[..., 2] > 180) & (frame[..., 0] < 110)
        assert matte[blue].mean() < 0.06 * 255
        assert matte[100:180, 100:160].mean() > 0.99 * 255


def test_remembers_nothing_and_takes_any_size(network, portraits):
    matting = open_selfie(network, 2)
    forwards = list(matting.mattes(portraits))
    np.testing.assert_array_equal(forwards[::-1], list(matting.mattes(portraits[::-1])))
    (small,) = matting.mattes([portraits[0][::2, ::2].copy()])
    assert small.shape == (128, 128)
    assert np.abs(small.astype(int) - forwards[0][::2, ::2]).mean() < 6


def test_another_network_is_refused(rvm_file):
    with pytest.raises(UserError, match="not the selfie segmentation"):
        Selfie(rvm_file(100))
