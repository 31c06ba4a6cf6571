"""Label maps of a clip, by whichever parser: one order on the way in, what the manifest says, what is refused."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS, order_of
from headsmith.contract.manifest import read_manifest
from headsmith.contract.networks import brought_weights, parsing_network
from headsmith.contract.settings import ParsingSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.nets.bisenet_resnet import BiSeNetResNet
from headsmith.nets.parsers import ParserFacts
from headsmith.stages.networks import convert_network
from headsmith.stages.parsing import parse_faces

SIDE = 48


@pytest.fixture
def clip(tmp_path) -> Path:
    """A folder with frames of bands, the class that a toy parser finds in each: its red value in tens."""
    with FrameFolderWriter(tmp_path / "frames.json") as writer:
        for frame_id in range(7):
            bands = (np.arange(SIDE)[:, None] // 3 + frame_id) % 19 * np.ones(SIDE, int)
            writer.add(frame_id, np.stack([10 * bands, 0 * bands, 0 * bands], -1).astype(np.uint8))
    return tmp_path


def toy_parser(path: Path, order: str) -> Path:
    weights = np.zeros((19, 3, 1, 1), np.float32)
    centres = 10.0 * np.arange(19, dtype=np.float32)
    weights[:, 0, 0, 0] = 2 * centres
    constants = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(-(centres**2), "bias")]
    given = helper.make_tensor_value_info("picture", TensorProto.FLOAT, (1, 3, SIDE, SIDE))
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, 19, SIDE, SIDE))
    body = helper.make_graph(
        [helper.make_node("Conv", ["picture", "weights", "bias"], ["logits"])], "toy", [given], [result], constants
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, ParserFacts(order, SIDE, (0.0,) * 3, (1.0,) * 3, 1.0, 0.0).metadata())
    onnx.save(model, path)
    return path


def parse(clip: Path, network: Path, threads: int = 2, **settings) -> dict[int, np.ndarray]:
    manifest = clip / "parsing.json"
    options = {"settings": ParsingSettings(**settings), "threads": threads}
    parse_faces(clip="toy", frames=clip / "frames.json", network=network, manifest=manifest, **options)
    return dict(iterate_frames(manifest, grey=True))


@pytest.mark.parametrize("order", ["face_parsing", "celebamask_hq"])
def test_label_maps_are_in_one_order(clip, order):
    maps = parse(clip, toy_parser(clip / "toy.onnx", order))
    for frame_id, labels in maps.items():
        own = [order_of(order)[(row // 3 + frame_id) % 19] for row in range(SIDE)]
        assert [LABELS[label] for label in labels[:, 5]] == own
    assert read_manifest(clip / "parsing.json").details == {"network": "toy", "label_order": order}


def test_the_user_may_know_the_order_better(clip):
    network = toy_parser(clip / "toy.onnx", "celebamask_hq")
    maps = parse(clip, network, label_order="face_parsing")
    assert [int(label) for label in maps[0][::3, 0]] == list(range(16))
    assert read_manifest(clip / "parsing.json").details["label_order"] == "face_parsing"


def test_parser_of_unknown_order_makes_no_maps(clip):
    with pytest.raises(UserError, match="in which order"):
        parse(clip, toy_parser(clip / "toy.onnx", ""))
    assert not (clip / "parsing.json").exists()
    assert not (clip / "parsing").exists()


def test_threads_change_nothing(clip):
    network = toy_parser(clip / "toy.onnx", "celebamask_hq")
    contents = []
    for threads in (1, 2, 5):
        parse(clip, network, threads)
        contents.append((clip / "parsing.json").read_bytes())
    assert len(set(contents)) == 1


def test_weights_of_the_user_become_a_network(tmp_path, capsys):
    torch.manual_seed(0)
    weights = tmp_path / "79999_iter.pth"
    torch.save(BiSeNetResNet(18).state_dict(), weights)
    convert_network(network="bisenet_resnet18", weights=weights, output=tmp_path / "a.onnx")
    kept = {entry.key: entry.value for entry in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert kept["source_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (kept["network"], kept["order"]) == ("bisenet_resnet18", "face_parsing")
    assert "79999_iter.pth as published (its sha256 differs)" in capsys.readouterr().err
    convert_network(network="bisenet_resnet18", weights=weights, output=tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_weights_of_another_network_make_none(tmp_path):
    torch.save(BiSeNetResNet(18).state_dict(), tmp_path / "mine.pth")
    with pytest.raises(UserError, match="looks like bisenet_resnet18"):
        convert_network(network="bisenet_resnet34", weights=tmp_path / "mine.pth", output=tmp_path / "a.onnx")
    with pytest.raises(UserError, match="cannot be read"):
        convert_network(network="segformer", weights=tmp_path / "none.onnx", output=tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_names_of_networks_say_their_precision():
    assert parsing_network("bisenetv2", "fast") == "bisenetv2-fast"
    assert parsing_network("bisenetv2", "full") == "bisenetv2"
    assert parsing_network("segformer", "fast") == parsing_network("segformer", "full") == "segformer"


def test_missing_weights_are_told_with_the_place_to_get_them(tmp_path):
    (tmp_path / "mine.pth").write_bytes(b"0")
    assert brought_weights("bisenetv2", "") is None
    assert brought_weights("bisenet_resnet18", str(tmp_path / "mine.pth")) == tmp_path / "mine.pth"
    with pytest.raises(UserError, match=r"bisenet_resnet18 needs parsing\.weights") as caught:
        brought_weights("bisenet_resnet18", "")
    for word in ("79999_iter.pth", "zllrunning/face-parsing.PyTorch", "resources/assets/bisenet_resnet18/79999_iter.pth"):
        assert word in caught.value.remedy
    with pytest.raises(UserError, match="are not there") as caught:
        brought_weights("segformer", "elsewhere/model.onnx")
    assert caught.value.file == "elsewhere/model.onnx"
    assert "put it at elsewhere/model.onnx" in caught.value.remedy
    with pytest.raises(UserError, match="bisenetv2 is fetched"):
        brought_weights("bisenetv2", "mine.pth")
