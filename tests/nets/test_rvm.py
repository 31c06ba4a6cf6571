"""The matting network: the same as its graph in torch over several frames, its memory, what it makes of a person."""

import numpy as np
import onnx
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.networks import matting_network, matting_shape, matting_view
from headsmith.nets import rvm
from headsmith.nets.matting import open_rvm, picture_of
from headsmith.nets.rvm import Rvm
from headsmith.nets.rvm_fast import shrink_rvm
from headsmith.nets.rvm_parts import cut_recurrent
from headsmith.nets.tfjs_torch import run_graph


@pytest.mark.parametrize(("size", "scale"), [(192, 1.0), (128, 0.5), (100, 1.0)])
def test_is_its_graph_in_torch_over_several_frames(rvm_file, rvm_graph, portraits, size, scale):
    network = Rvm(rvm_file(size, scale), 2)
    assert (network.side, network.scale) == (size, scale)
    states = [torch.zeros(1, 1, 1, 1)] * 4
    shift = (256 - size) // 2
    frames = [portrait[shift : shift + size, shift : shift + size] for portrait in portraits[:4]]
    for frame, got in zip(frames, network.run(picture_of(frame, None) for frame in frames), strict=True):
        feeds = {"src": torch.from_numpy(frame[None] / np.float32(255)), "downsample_ratio": torch.tensor(scale)}
        feeds.update(zip(rvm.STATES_IN, states, strict=True))
        alpha, *states = run_graph(rvm_graph, feeds, list(rvm.OUTPUTS.values()))
        assert np.abs(got - alpha[0, ..., 0].numpy()).max() < 1e-3


def test_remembers_and_begins_anew(rvm_file, portraits):
    network = Rvm(rvm_file(128))
    pictures = [picture_of(portraits[0], 128)] * 2
    first, second = network.run(pictures)
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(next(iter(network.run(pictures))), first)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_threads_change_no_bit(rvm_file, portraits, count):
    pictures = [picture_of(portraits[index % 6], 128) for index in range(count)]
    alone = list(Rvm(rvm_file(128), 1).run(pictures))
    assert len(alone) == count
    for threads in (2, 5):
        np.testing.assert_array_equal(list(Rvm(rvm_file(128), threads).run(iter(pictures))), alone)


def test_holds_few_pictures_of_a_long_stream(rvm_file, portraits):
    given = 0

    def pictures():
        nonlocal given
        for _ in range(30):
            given += 1
            yield picture_of(portraits[0], 100)

    for index, _ in enumerate(Rvm(rvm_file(100), 2).run(pictures())):
        assert given <= index + 1 + 2 * 3
    assert given == 30


def test_only_the_memory_depends_on_the_states(rvm_file):
    parts = cut_recurrent(onnx.load_model(rvm_file(128)), rvm.STATES_IN, rvm.STATES_OUT)
    inputs, outputs = (
        {name: {entry.name for entry in getattr(getattr(parts, name).graph, side)} for name in ("before", "memory", "after")}
        for side in ("input", "output")
    )
    assert inputs["before"] == {"src"}
    assert inputs["memory"] == outputs["before"] - inputs["after"] | set(rvm.STATES_IN) | (inputs["memory"] & inputs["after"])
    assert not inputs["after"] & set(rvm.STATES_IN)
    assert set(rvm.STATES_OUT) <= outputs["memory"]
    assert outputs["after"] == {"alpha"}
    nodes = sum(len(part.graph.node) for part in (parts.before, parts.memory, parts.after))
    assert nodes == len(onnx.load_model(rvm_file(128)).graph.node)


def test_separates_the_person_from_the_wall(rvm_file, portraits):
    matting = open_rvm(rvm_file(192), 192, 1.0)
    for frame, matte in zip(portraits, matting.mattes(portraits), strict=True):
        blue = (frame[..., 2] > 180) & (frame[..., 0] < 110)
        assert matte[blue].mean() < 0.06 * 255
        assert matte[100:180, 100:160].mean() > 0.99 * 255
        assert ((matte > 13) & (matte < 242)).mean() < 0.08


def test_a_smaller_view_gives_almost_the_same_matte(rvm_file, portraits):
    whole = list(open_rvm(rvm_file(256), 256, 1.0).mattes(portraits))
    small = list(open_rvm(rvm_file(192), 192, 1.0).mattes(portraits))
    masks = np.array(whole) > 127, np.array(small) > 127
    assert (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum() > 0.98
    assert np.abs(np.array(whole, int) - np.array(small, int)).mean() < 2.5


def test_eight_bits_give_almost_the_same_matte(rvm_file, portraits, tmp_path):
    model = shrink_rvm(onnx.load_model(rvm_file(128)))
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("QuantizeLinear") >= 8
    (tmp_path / "fast.onnx").write_bytes(model.SerializeToString())
    whole, fast = (
        np.array(list(open_rvm(file, 128, 1.0).mattes(portraits))) for file in (rvm_file(128), tmp_path / "fast.onnx")
    )
    masks = whole > 127, fast > 127
    assert (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum() > 0.99
    assert 0 < np.abs(whole.astype(int) - fast).mean() < 1
    np.testing.assert_array_equal(list(open_rvm(tmp_path / "fast.onnx", 128, 1.0, 3).mattes(portraits)), fast)


def test_weights_in_eight_bits_stay_with_what_uses_them(rvm_file):
    model = shrink_rvm(onnx.load_model(rvm_file(128)))
    parts = cut_recurrent(model, rvm.STATES_IN, rvm.STATES_OUT)
    constants = {entry.name for entry in model.graph.initializer}
    widened = {node.output[0] for node in model.graph.node if set(node.input) <= constants}
    assert widened
    for part in (parts.before, parts.memory, parts.after):
        assert not widened & {entry.name for entry in (*part.graph.input, *part.graph.output)}


def test_network_for_other_frames_is_refused(rvm_file):
    with pytest.raises(UserError, match=r"made for 128 pixels at scale 1.0, not 256 at scale 1.0") as caught:
        open_rvm(rvm_file(128), 256, 1.0)
    assert "run again" in caught.value.remedy
    with pytest.raises(UserError, match=r"at scale 0.5, not 128 at scale 1.0"):
        open_rvm(rvm_file(128, 0.5), 128, 1.0)


def test_another_network_is_refused(rvm_file, tmp_path):
    model = onnx.load_model(rvm_file(128))
    del model.metadata_props[:]
    (tmp_path / "other.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match="not a matting network that headsmith converted") as caught:
        Rvm(tmp_path / "other.onnx")
    assert "matte.weights" in caught.value.remedy


def test_names_say_size_and_scale():
    assert matting_network(256) == "rvm-256"
    assert matting_network(512, 0.25) == "rvm-512-at-25"
    assert matting_network(192, 1.0, "fast") == "rvm-192-fast"
    for size, scale in ((256, 1.0), (512, 0.5), (1024, 0.29)):
        for precision in ("fast", "full"):
            assert matting_shape(matting_network(size, scale, precision)) == (size, scale)
    for name in ("rvm", "rvm-", "rvm-0", "rvm-256-at-0", "rvm-256-at-100", "rvm-256x", "rvm-fast", "modnet-256"):
        with pytest.raises(UserError, match="unknown network"):
            matting_shape(name)


def test_view_of_the_frames():
    assert matting_view(256, 0.75, "bicubic") == (192, 1.0)
    assert matting_view(512, 0.5, "guided") == (512, 0.5)
