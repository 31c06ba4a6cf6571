"""The matting network: the same as its graph in torch over several frames, its memory, what it makes of a person."""

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.networks import matting_network, matting_shape
from headsmith.nets import rvm
from headsmith.nets.rvm import Matting, convert_rvm
from headsmith.nets.tfjs_torch import run_graph


@pytest.fixture(scope="module")
def convert(rvm_graph, tmp_path_factory):
    """Return a function that converts for a size and a scale, once each."""
    folder = tmp_path_factory.mktemp("networks")

    def converted(size: int, scale: float = 1.0):
        path = folder / f"{matting_network(size, scale)}.onnx"
        if not path.exists():
            path.write_bytes(convert_rvm(rvm_graph, size, scale, {}).SerializeToString())
        return path

    return converted


@pytest.mark.parametrize(("size", "scale"), [(256, 1.0), (128, 0.5), (100, 1.0)])
def test_is_its_graph_in_torch_over_several_frames(convert, rvm_graph, portraits, size, scale):
    matting = Matting(convert(size, scale))
    assert (matting.size, matting.scale) == (size, scale)
    states = [torch.zeros(1, 1, 1, 1)] * 4
    shift = (256 - size) // 2
    for portrait in portraits[:4]:
        frame = portrait[shift : shift + size, shift : shift + size]
        feeds = {"src": torch.from_numpy(frame[None] / np.float32(255)), "downsample_ratio": torch.tensor(scale)}
        feeds.update(zip(rvm.STATES_IN, states, strict=True))
        alpha, foreground, *states = run_graph(rvm_graph, feeds, list(rvm.OUTPUTS.values()))
        got_alpha, got_foreground = matting.estimate(frame)
        assert np.abs(got_alpha - alpha[0, ..., 0].numpy()).max() < 1e-3
        assert np.abs(got_foreground - foreground[0].numpy()).max() < 1e-3


def test_remembers_and_forgets(convert, portraits):
    matting = Matting(convert(256))
    first, _ = matting.estimate(portraits[0])
    again, _ = matting.estimate(portraits[0])
    assert np.abs(first - again).max() > 1e-3
    matting.forget()
    np.testing.assert_array_equal(matting.estimate(portraits[0])[0], first)


def test_separates_the_person_from_the_wall(convert, portraits):
    matting = Matting(convert(256))
    for frame in portraits:
        alpha, foreground = matting.estimate(frame)
        assert alpha.min() >= 0
        assert alpha.max() <= 1
        blue = (frame[..., 2] > 180) & (frame[..., 0] < 110)
        assert alpha[blue].mean() < 0.05
        assert alpha[100:180, 100:160].mean() > 0.99
        assert ((alpha > 0.05) & (alpha < 0.95)).mean() < 0.08
        assert np.abs(foreground[100:180, 100:160] * 255 - frame[100:180, 100:160]).mean() < 12


def test_frame_of_another_size_is_refused(convert):
    with pytest.raises(UserError, match="made for frames of 256 pixels, not 128x128") as caught:
        Matting(convert(256)).estimate(np.zeros((128, 128, 3), np.uint8))
    assert "rvm-<size>" in caught.value.remedy


def test_names_say_size_and_scale():
    assert matting_network(256) == "rvm-256"
    assert matting_network(512, 0.25) == "rvm-512-at-25"
    for size, scale in ((256, 1.0), (512, 0.5), (1024, 0.29)):
        assert matting_shape(matting_network(size, scale)) == (size, scale)
    for name in ("rvm", "rvm-", "rvm-0", "rvm-256-at-0", "rvm-256-at-100", "rvm-256x", "modnet-256"):
        with pytest.raises(UserError, match="unknown network"):
            matting_shape(name)
