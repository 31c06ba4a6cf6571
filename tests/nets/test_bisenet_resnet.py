"""BiSeNet on a ResNet: names and shapes as published, both projects' files, what is refused, the same in ONNX."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.contract.networks import BROUGHT_PARSERS
from headsmith.nets.bisenet_resnet import BiSeNetResNet
from headsmith.nets.bisenet_resnet_names import load_bisenet_resnet
from headsmith.nets.bisenet_resnet_onnx import FACTS, check_against_torch, convert_bisenet_resnet, export_bisenet_resnet
from headsmith.nets.parsers import Parser, prepare_floats

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}

Shapes = dict[str, tuple[int, ...]]


def norm(name: str, width: int) -> Shapes:
    vectors = {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
    return vectors | {f"{name}.num_batches_tracked": ()}


def resnet(prefix: str, depth: int) -> Shapes:
    """Torchvision's names of a ResNet without its classifier, the same in both projects."""
    shapes = {f"{prefix}conv1.weight": (64, 3, 7, 7)} | norm(f"{prefix}bn1", 64)
    before = 64
    for layer, (width, count) in enumerate(zip((64, 128, 256, 512), BLOCKS[depth], strict=True), start=1):
        for block in range(count):
            name = f"{prefix}layer{layer}.{block}"
            shapes |= {f"{name}.conv1.weight": (width, before, 3, 3), f"{name}.conv2.weight": (width, width, 3, 3)}
            shapes |= norm(f"{name}.bn1", width) | norm(f"{name}.bn2", width)
            if before != width:
                shapes |= {f"{name}.downsample.0.weight": (width, before, 1, 1)} | norm(f"{name}.downsample.1", width)
            before = width
    return shapes


def block(name: str, norm_name: str, before: int, width: int, kernel: int = 3) -> Shapes:
    return {f"{name}.conv.weight": (width, before, kernel, kernel)} | norm(f"{name}.{norm_name}", width)


def zllrunning(depth: int) -> Shapes:
    """The state dict of face-parsing.PyTorch's ``BiSeNet(19)``, read from its model.py and resnet.py."""
    shapes = resnet("cp.resnet.", depth)
    for name, before in (("arm16", 256), ("arm32", 512)):
        shapes |= block(f"cp.{name}.conv", "bn", before, 128)
        shapes |= {f"cp.{name}.conv_atten.weight": (128, 128, 1, 1)} | norm(f"cp.{name}.bn_atten", 128)
    shapes |= block("cp.conv_head32", "bn", 128, 128) | block("cp.conv_head16", "bn", 128, 128)
    shapes |= block("cp.conv_avg", "bn", 512, 128, 1) | block("ffm.convblk", "bn", 256, 256, 1)
    shapes |= {"ffm.conv1.weight": (64, 256, 1, 1), "ffm.conv2.weight": (256, 64, 1, 1)}
    for name, before, width in (("conv_out", 256, 256), ("conv_out16", 128, 64), ("conv_out32", 128, 64)):
        shapes |= block(f"{name}.conv", "bn", before, width) | {f"{name}.conv_out.weight": (19, width, 1, 1)}
    return shapes


def yakhyo(depth: int) -> Shapes:
    """The state dict of yakhyo/face-parsing's ``BiSeNet(19, 'resnet..')``, read from its models/bisenet.py and resnet.py."""
    shapes = resnet("fpn.backbone.", depth) | {"fpn.backbone.fc.weight": (1000, 512), "fpn.backbone.fc.bias": (1000,)}
    for name, before in (("arm16", 256), ("arm32", 512)):
        shapes |= block(f"fpn.{name}.conv_block", "norm", before, 128)
        shapes |= {f"fpn.{name}.attention.0.weight": (128, 128, 1, 1)} | norm(f"fpn.{name}.attention.1", 128)
    shapes |= block("fpn.conv_head32", "norm", 128, 128) | block("fpn.conv_head16", "norm", 128, 128)
    shapes |= block("fpn.conv_avg", "norm", 512, 128, 1) | block("ffm.conv_block", "norm", 256, 256, 1)
    shapes |= {"ffm.conv1.weight": (64, 256, 1, 1), "ffm.conv2.weight": (256, 64, 1, 1)}
    for name, before, width in (("conv_out", 256, 256), ("conv_out16", 128, 64), ("conv_out32", 128, 64)):
        shapes |= block(f"{name}.conv_block", "norm", before, width) | {f"{name}.conv.weight": (19, width, 1, 1)}
    return shapes


def random_weights(shapes: Shapes, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return weights that keep values of moderate size through the network; variances are positive."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator)
        if len(shape) == 4:
            values *= (2 / np.prod(shape[1:])) ** 0.5
        elif name.endswith(("running_var", "weight")) and len(shape) == 1:
            values = values.abs() * 0.2 + 0.9
        elif name.endswith("num_batches_tracked"):
            values = torch.tensor(80000)
        else:
            values *= 0.1
        weights[name] = values
    return weights


@pytest.fixture(scope="module")
def weights18() -> dict[str, torch.Tensor]:
    return random_weights(zllrunning(18))


def saved(weights: object, path: Path) -> Path:
    torch.save(weights, path)
    return path


@pytest.mark.parametrize("depth", [18, 34])
def test_state_dict_has_the_published_names_and_shapes(depth):
    assert {name: tuple(value.shape) for name, value in BiSeNetResNet(depth).state_dict().items()} == zllrunning(depth)


@pytest.mark.parametrize("depth", [18, 34])
def test_random_weights_give_the_right_shapes(depth):
    model = BiSeNetResNet(depth).eval().requires_grad_(False)
    for height, width in ((64, 64), (96, 160)):
        scores = model(torch.randn(2, 3, height, width))
        assert scores.shape == (2, 19, height // 8, width // 8)
        assert scores.isfinite().all()


@pytest.mark.parametrize("depth", [18, 34])
def test_both_projects_files_give_the_same_network(tmp_path, depth):
    ours, theirs = (random_weights(names(depth)) for names in (zllrunning, yakhyo))
    theirs_plain = [name for name in theirs if ".fc." not in name]
    assert len(theirs_plain) == len(ours)
    theirs |= dict(zip(theirs_plain, ours.values(), strict=True))
    network = f"bisenet_resnet{depth}"
    first = load_bisenet_resnet(saved(ours, tmp_path / "79999_iter.pth"), network)
    second = load_bisenet_resnet(saved(theirs, tmp_path / "resnet.pt"), network)
    x = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(first(x), second(x), rtol=0, atol=0)
    assert first(x).abs().max() > 1e-3
    assert not any(value.requires_grad for value in first.parameters())


def test_older_files_and_those_of_several_devices_are_read(tmp_path, weights18):
    plain = {name: value for name, value in weights18.items() if not name.endswith("num_batches_tracked")}
    x = torch.randn(1, 3, 64, 64)
    expected = load_bisenet_resnet(saved(weights18, tmp_path / "a.pth"), "bisenet_resnet18")(x)
    parallel = {f"module.{name}": value for name, value in plain.items()}
    for index, content in enumerate((plain, parallel, {"state_dict": parallel})):
        path = tmp_path / f"{index}.pth"
        torch.save(content, path, _use_new_zipfile_serialization=index != 0)
        torch.testing.assert_close(load_bisenet_resnet(path, "bisenet_resnet18")(x), expected, rtol=0, atol=0)


def test_file_of_another_network_is_told_apart(tmp_path, weights18):
    path = saved(weights18, tmp_path / "79999_iter.pth")
    with pytest.raises(UserError, match="not bisenet_resnet34: it looks like bisenet_resnet18") as caught:
        load_bisenet_resnet(path, "bisenet_resnet34")
    assert caught.value.file == str(path)
    assert "parsing.network" in caught.value.remedy
    classifier = saved(random_weights(resnet("", 18)), tmp_path / "resnet18-5c106cde.pth")
    with pytest.raises(UserError, match=r"not bisenet_resnet18: it holds 120 tensors, the first called conv1\.weight"):
        load_bisenet_resnet(classifier, "bisenet_resnet18")
    with pytest.raises(UserError, match="it holds no tensor"):
        load_bisenet_resnet(saved({}, tmp_path / "empty.pth"), "bisenet_resnet18")


def test_other_classes_missing_and_superfluous_tensors_are_refused(tmp_path, weights18):
    for name in ("conv_out", "conv_out16", "conv_out32"):
        fewer = weights18 | {f"{name}.conv_out.weight": weights18[f"{name}.conv_out.weight"][:11]}
        message = "11 classes apart, not the 19" if name == "conv_out" else f"{name}.conv_out.weight is .*11, 64"
        with pytest.raises(UserError, match=message):
            load_bisenet_resnet(saved(fewer, tmp_path / "a.pth"), "bisenet_resnet18")
    missing = {name: value for name, value in weights18.items() if name != "ffm.conv2.weight"}
    with pytest.raises(UserError, match=r"ffm\.conv2\.weight is missing"):
        load_bisenet_resnet(saved(missing, tmp_path / "b.pth"), "bisenet_resnet18")
    with pytest.raises(UserError, match=r"sp\.conv1\.weight is superfluous"):
        load_bisenet_resnet(saved(weights18 | {"sp.conv1.weight": torch.zeros(3)}, tmp_path / "c.pth"), "bisenet_resnet18")


def test_files_that_are_no_weights_are_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    contents = [
        saved({"cp": Trap()}, tmp_path / "trap.pth"),
        tmp_path / "text.pth",
        tmp_path / "none.pth",
        tmp_path / "zero.pth",
    ]
    contents[1].write_text("not weights")
    contents[3].write_bytes(b"")
    for path in contents:
        with pytest.raises(UserError, match="cannot be read") as caught:
            load_bisenet_resnet(path, "bisenet_resnet18")
        assert caught.value.file == str(path)
    assert not (tmp_path / "sprung").exists()


def test_onnx_is_torch_on_a_face(tmp_path, weights18, portraits):
    network = convert_bisenet_resnet(saved(weights18, tmp_path / "a.pth"), "bisenet_resnet18", {"network": "bisenet_resnet18"})
    (tmp_path / "a.onnx").write_bytes(network.SerializeToString())
    parser = Parser(tmp_path / "a.onnx")
    assert (parser.order, parser.facts) == ("face_parsing", FACTS)
    model = load_bisenet_resnet(tmp_path / "a.pth", "bisenet_resnet18")
    truth = model(torch.from_numpy(prepare_floats(portraits[0], FACTS)))
    np.testing.assert_allclose(parser.logits(portraits[0]), truth[0], atol=1e-4 * float(truth.abs().max()))
    enlarged = nn.functional.interpolate(truth, size=(512, 512), mode="bilinear", align_corners=True)[0]
    near = enlarged[:, ::2, ::2].argmax(0).numpy()  # a frame of 256 pixels has its centres between those of 512
    assert (parser.parse(portraits[0]) == near).mean() > 0.9


def test_conversion_that_differs_is_refused(weights18):
    model = BiSeNetResNet(18)
    model.load_state_dict(weights18)
    model.eval().requires_grad_(False)
    converted = export_bisenet_resnet(model, {})
    check_against_torch(model, converted)
    model.conv_out.conv_out.weight[3] *= 1.5
    with pytest.raises(ValueError, match="differs from torch"):
        check_against_torch(model, converted)


def brought(network: str) -> Path:
    """Return the user's file, from HEADSMITH_<NETWORK> or resources/assets; skip where there is none."""
    variable = f"HEADSMITH_{network.upper()}"
    name = Path(BROUGHT_PARSERS[network].file).name
    path = Path(os.environ.get(variable, ROOT / "resources" / "assets" / network / name))
    if not path.is_file():
        pytest.skip(f"needs the published {name}: name it in {variable}, or put it at resources/assets/{network}/{name}")
    return path


@pytest.mark.parametrize("network", ["bisenet_resnet18", "bisenet_resnet34"])
def test_published_weights_find_the_parts_of_a_face(tmp_path, network, portraits):
    weights = brought(network)
    (tmp_path / "user.onnx").write_bytes(convert_bisenet_resnet(weights, network, {}).SerializeToString())
    labels = Parser(tmp_path / "user.onnx").parse(portraits[0])
    found = {LABELS[label] for label in np.unique(labels)}
    assert found >= {"background", "skin", "nose", "upper_lip", "lower_lip", "hair", "neck"}
    rows = {name: np.nonzero(labels == LABELS.index(name))[0].mean() for name in found}
    assert rows["hair"] < rows["nose"] < rows["upper_lip"] < rows["lower_lip"] < rows["neck"]
