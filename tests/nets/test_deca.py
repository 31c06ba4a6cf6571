"""DECA's networks against the same mathematics written by the names of their weights, and files that are others."""

import re

import pytest
import torch
from torch.nn import functional

from headsmith.contract.errors import UserError
from headsmith.nets.deca import Deca, Encoder, Generator, ResNet50, load_deca

PARTS = {"E_flame": lambda: Encoder(236), "E_detail": lambda: Encoder(128), "D_detail": Generator}


@pytest.fixture(scope="module")
def content():
    """Random weights and statistics of normalisations under DECA's names."""
    torch.manual_seed(3)
    made = {}
    for name, make in PARTS.items():
        made[name] = make().state_dict()
        for key, tensor in made[name].items():
            if key.endswith("running_mean"):
                tensor.normal_(0, 0.1)
            elif key.endswith("running_var"):
                tensor.uniform_(0.5, 2)
    return made


@pytest.fixture(scope="module")
def file(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("deca") / "deca_model.tar"
    torch.save({**content, "opt": {"lr": 1e-4}, "global_step": 7}, path)
    return path


def norm(weights, name, x, eps=1e-5):
    parts = [weights[f"{name}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")]
    return (x - parts[0]) / (parts[1] + eps).sqrt() * parts[2] + parts[3]


def resnet(weights, x):
    """ResNet-50 by the names of its weights: the blocks are those that are there."""
    x = functional.conv2d(x, weights["conv1.weight"], stride=2, padding=3)
    x = functional.max_pool2d(norm(weights, "bn1", x).clamp(min=0), 3, 2, 1)
    blocks = sorted({re.match(r"layer(\d)\.(\d)", key).groups() for key in weights if key.startswith("layer")})
    for layer, block in blocks:
        at, step = f"layer{layer}.{block}", 2 if block == "0" and layer != "1" else 1
        inner = norm(weights, f"{at}.bn1", functional.conv2d(x, weights[f"{at}.conv1.weight"])).clamp(min=0)
        inner = functional.conv2d(inner, weights[f"{at}.conv2.weight"], stride=step, padding=1)
        inner = functional.conv2d(norm(weights, f"{at}.bn2", inner).clamp(min=0), weights[f"{at}.conv3.weight"])
        if block == "0":
            x = norm(weights, f"{at}.downsample.1", functional.conv2d(x, weights[f"{at}.downsample.0.weight"], stride=step))
        x = (x + norm(weights, f"{at}.bn3", inner)).clamp(min=0)
    return functional.avg_pool2d(x, 7)[:, :, 0, 0], len(blocks)


def encoder(weights, x):
    inner = {key.removeprefix("encoder."): value for key, value in weights.items() if key.startswith("encoder.")}
    features, count = resnet(inner, x)
    assert count == 16
    hidden = (features @ weights["layers.0.weight"].T + weights["layers.0.bias"]).clamp(min=0)
    return hidden @ weights["layers.2.weight"].T + weights["layers.2.bias"]


def generator(weights, x):
    x = (x @ weights["l1.0.weight"].T + weights["l1.0.bias"]).reshape(-1, 128, 8, 8)
    x = norm(weights, "conv_blocks.0", x)
    for place in (2, 6, 10, 14, 18):
        x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = functional.conv2d(x, weights[f"conv_blocks.{place}.weight"], weights[f"conv_blocks.{place}.bias"], padding=1)
        x = norm(weights, f"conv_blocks.{place + 1}", x, eps=0.8)
        x = torch.where(x > 0, x, 0.2 * x)
    return 0.01 * torch.tanh(functional.conv2d(x, weights["conv_blocks.21.weight"], weights["conv_blocks.21.bias"], padding=1))


def test_the_resnet_has_as_many_weights_as_published():
    """He et al.'s ResNet-50 has 25,557,032, of which the classifier that DECA leaves out has 2,049,000."""
    assert sum(part.numel() for part in ResNet50().parameters()) == 25_557_032 - 2_049_000


def test_the_networks_are_what_their_weights_say(content, file):
    deca = load_deca(file)
    assert isinstance(deca, Deca)
    picture = torch.rand(1, 3, 224, 224)
    codes = deca.encode(picture)
    shapes = {"shape": (1, 100), "tex": (1, 50), "exp": (1, 50), "pose": (1, 6), "cam": (1, 3), "light": (1, 9, 3)}
    assert {name: tuple(part.shape) for name, part in codes.items()} == {**shapes, "detail": (1, 128)}
    flat = torch.cat([codes[name].flatten(1) for name in shapes], 1)
    torch.testing.assert_close(flat, encoder(content["E_flame"], picture), rtol=1e-4, atol=1e-5)
    codes = {name: torch.randn_like(part) for name, part in codes.items()}
    numbers = torch.cat([codes["pose"][:, 3:], codes["exp"], codes["detail"]], 1)
    found = deca.displacement(codes)
    assert found.shape == (1, 256, 256)
    torch.testing.assert_close(found, generator(content["D_detail"], numbers)[:, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda parts: parts.pop("E_detail"), "'E_detail' is missing, it holds E_flame, D_detail"),
        (
            lambda parts: parts["E_flame"].pop("encoder.layer3.5.conv2.weight"),
            "E_flame: encoder.layer3.5.conv2.weight is missing",
        ),
        (
            lambda parts: parts["D_detail"].update({"l1.0.weight": torch.zeros(8192, 178)}),
            r"D_detail: l1.0.weight is \(8192, 178\), not \(8192, 181\)",
        ),
    ],
)
def test_another_file_is_told_by_what_it_lacks(content, tmp_path, change, told):
    parts = {name: dict(part) for name, part in content.items()}
    change(parts)
    torch.save(parts, tmp_path / "other.tar")
    with pytest.raises(UserError, match=told):
        load_deca(tmp_path / "other.tar")


@pytest.mark.parametrize("saved", [b"no file of torch", None])
def test_what_cannot_be_read_is_told_and_not_run(tmp_path, saved):
    path = tmp_path / "deca_model.tar"
    if saved is None:
        torch.save({"E_flame": print}, path)
    else:
        path.write_bytes(saved)
    with pytest.raises(UserError, match="DECA's network cannot be read"):
        load_deca(path)
