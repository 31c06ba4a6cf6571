import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from headsmith.contract import lpips as contract
from headsmith.contract.errors import UserError
from headsmith.contract.lpips import LPIPS_BACKBONES, brought_backbone
from headsmith.nets import lpips
from headsmith.nets.lpips import SMALLEST_SIDE, Lpips, load_lpips

BACKBONES = tuple(LPIPS_BACKBONES)

CONVOLUTIONS = {
    "vgg": {
        **{0: (64, 3, 3), 2: (64, 64, 3), 5: (128, 64, 3), 7: (128, 128, 3), 10: (256, 128, 3), 12: (256, 256, 3)},
        **{14: (256, 256, 3), 17: (512, 256, 3), 19: (512, 512, 3), 21: (512, 512, 3)},
        **{24: (512, 512, 3), 26: (512, 512, 3), 28: (512, 512, 3)},
    },
    "alex": {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)},
}
"""torchvision's number of each convolution: channels out, channels in, side of the kernel."""
HEADS = {"vgg": (64, 128, 256, 512, 512), "alex": (64, 192, 384, 256, 256)}


@pytest.fixture(scope="module")
def networks() -> dict[str, Lpips]:
    """Networks with random weights, scaled so that responses neither vanish nor grow."""
    generator, made = torch.Generator().manual_seed(3), {}
    for name in BACKBONES:
        made[name] = Lpips(name).eval().requires_grad_(False)
        for key, tensor in made[name].state_dict().items():
            fan_in = max(1, int(np.prod(tensor.shape[1:])))
            if key.startswith("lin"):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.05)
            else:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / fan_in) ** 0.5)
    return made


def published(backbone: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes in torchvision's file (as far as LPIPS uses it) and in the package's."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (after, before, side) in CONVOLUTIONS[backbone].items():
        shapes |= {f"features.{number}.weight": (after, before, side, side), f"features.{number}.bias": (after,)}
    return shapes | {f"lin{level}.model.1.weight": (1, width, 1, 1) for level, width in enumerate(HEADS[backbone])}


@pytest.mark.parametrize("backbone", BACKBONES)
def test_tensors_have_the_published_names_and_shapes(networks, backbone):
    assert {name: tuple(tensor.shape) for name, tensor in networks[backbone].state_dict().items()} == published(backbone)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_published_heads_fit(asset, backbone):
    found = torch.load(asset(LPIPS_BACKBONES[backbone].heads), map_location="cpu", weights_only=True)
    wanted = {name: shape for name, shape in published(backbone).items() if name.startswith("lin")}
    assert {name: tuple(tensor.shape) for name, tensor in found.items()} == wanted
    assert all((tensor >= 0).all() for tensor in found.values())


def correlate(picture: np.ndarray, kernel: np.ndarray, stride: int, zeros: int) -> np.ndarray:
    padded = np.pad(picture, ((0, 0), (zeros, zeros), (zeros, zeros)))
    windows = sliding_window_view(padded, kernel.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("cyxij,ocij->oyx", windows, kernel, optimize=True)


def largest(picture: np.ndarray, side: int) -> np.ndarray:
    return sliding_window_view(picture, (side, side), axis=(1, 2))[:, ::2, ::2].max((-1, -2))


def responses(picture: np.ndarray, weights: dict[str, np.ndarray], backbone: str) -> list[np.ndarray]:
    """Evaluate in numpy: a pool stands where torchvision's numbers of convolutions leave a gap of three."""
    values = (picture - np.array([-0.030, -0.088, -0.188])[:, None, None]) / np.array([0.458, 0.448, 0.450])[:, None, None]
    numbers, found = list(CONVOLUTIONS[backbone]), []
    for number, following in zip(numbers, [*numbers[1:], numbers[-1] + 3], strict=True):
        stride, zeros = {11: (4, 2), 5: (1, 2), 3: (1, 1)}[weights[f"features.{number}.weight"].shape[-1]]
        values = correlate(values, weights[f"features.{number}.weight"], stride, zeros)
        values = np.maximum(values + weights[f"features.{number}.bias"][:, None, None], 0)
        if backbone == "alex" or following - number == 3:
            found.append(values)
        if following - number == 3 and number != numbers[-1]:
            values = largest(values, 2 if backbone == "vgg" else 3)
    return found


def in_numpy(first: np.ndarray, second: np.ndarray, network: Lpips) -> float:
    weights = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
    total = 0.0
    pairs = zip(*(responses(picture, weights, network.backbone) for picture in (first, second)), strict=True)
    for level, pair in enumerate(pairs):
        a, b = (layer / (np.sqrt((layer**2).sum(0)) + 1e-10) for layer in pair)
        total += np.tensordot(weights[f"lin{level}.model.1.weight"][0, :, 0, 0], (a - b) ** 2, 1).mean()
    return total


@pytest.mark.parametrize("backbone", BACKBONES)
def test_equals_a_computation_in_numpy_layer_by_layer(networks, backbone):
    first, second = np.random.default_rng(1).uniform(-1, 1, (2, 3, 37, 42))
    double = Lpips(backbone).double().eval()
    double.load_state_dict(networks[backbone].state_dict())
    double.shift, double.scale = (torch.tensor(c, dtype=torch.float64)[:, None, None] for c in (lpips.SHIFT, lpips.SCALE))
    with torch.no_grad():
        got = double(torch.tensor(first)[None], torch.tensor(second)[None]).item()
    expected = in_numpy(first, second, double)
    assert got == pytest.approx(expected, rel=1e-9) and expected > 0.01
    with torch.no_grad():
        single = networks[backbone](torch.tensor(first)[None].float(), torch.tensor(second)[None].float()).item()
    assert single == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_batch_is_its_pairs_and_one_picture_goes_with_all(networks, backbone):
    first, second = torch.rand(2, 3, 3, 36, 33, generator=torch.Generator().manual_seed(0)) * 2 - 1
    network = networks[backbone]
    alone = torch.cat([network(a[None], b[None]) for a, b in zip(first, second, strict=True)])
    torch.testing.assert_close(network(first, second), alone, rtol=1e-4, atol=1e-6)
    assert alone.shape == (3,) and alone.unique().numel() == 3
    ones = torch.cat([network(first[:1], b[None]) for b in second])
    torch.testing.assert_close(network(first[:1], second), ones, rtol=1e-4, atol=1e-6)
    assert network(first, first).abs().max() < 1e-9


def test_gradients_reach_the_pictures_and_are_those_of_finite_differences(networks):
    network = Lpips("alex").double().eval().requires_grad_(False)
    network.load_state_dict(networks["alex"].state_dict())
    generator = torch.Generator().manual_seed(4)
    first, second, step = (torch.rand(1, 3, 40, 40, generator=generator).double() * 2 - 1 for _ in range(3))
    second.requires_grad_()
    network(first, second).sum().backward()
    tiny = 1e-6
    with torch.no_grad():
        slope = (network(first, second + tiny * step) - network(first, second - tiny * step)).item() / (2 * tiny)
    assert (second.grad * step).sum().item() == pytest.approx(slope, rel=1e-5)
    assert all(tensor.grad is None for tensor in network.parameters())


def test_where_all_channels_are_silent_the_gradient_is_a_number():
    network = Lpips("alex").eval().requires_grad_(False)
    for tensor in network.state_dict().values():
        tensor.zero_()
    picture = torch.zeros(1, 3, 40, 40, requires_grad=True)
    network(torch.ones(1, 3, 40, 40), picture).sum().backward()
    assert torch.isfinite(picture.grad).all()


def test_small_pictures_are_refused(networks):
    small = torch.zeros(1, 3, SMALLEST_SIDE - 1, 64)
    with pytest.raises(ValueError, match="smaller"):
        networks["vgg"](small, small)


@pytest.fixture
def files(tmp_path, networks, monkeypatch):
    """Heads and backbone of AlexNet as published: with a classifier that nobody uses, and digits that fit."""
    tensors = networks["alex"].state_dict()
    heads, backbone = tmp_path / "alex.pth", tmp_path / "alexnet.pth"
    torch.save({name: tensor for name, tensor in tensors.items() if name.startswith("lin")}, heads)
    features = {name: tensor for name, tensor in tensors.items() if name.startswith("features")}
    torch.save(features | {"classifier.1.weight": torch.zeros(4, 9)}, backbone)
    digits = hashlib.sha256(backbone.read_bytes()).hexdigest()[:8]
    monkeypatch.setitem(contract.LPIPS_BACKBONES, "alex", replace(LPIPS_BACKBONES["alex"], digits=digits))
    return heads, backbone


def test_files_as_published_make_the_network(files, networks):
    network = load_lpips(*files)
    pair = torch.rand(2, 1, 3, 48, 48, generator=torch.Generator().manual_seed(6)) * 2 - 1
    assert network.backbone == "alex"
    torch.testing.assert_close(network(*pair), networks["alex"](*pair), rtol=0, atol=0)


def test_files_of_something_else_are_refused_with_the_remedy(files, tmp_path, networks, monkeypatch):
    heads, backbone = files
    with pytest.raises(UserError, match="not there") as caught:
        load_lpips(heads, tmp_path / "none.pth")
    assert "alexnet-owt-7be5be79.pth" in caught.value.remedy
    with pytest.raises(UserError, match="not the heads"):
        load_lpips(backbone, backbone)
    features = {name: tensor for name, tensor in networks["alex"].state_dict().items() if name.startswith("features")}
    torch.save(features, backbone)
    with pytest.raises(UserError, match="sha256 does not begin"):
        load_lpips(heads, backbone)
    for content in ({name: tensor for name, tensor in features.items() if name != "features.6.bias"}, b"no weights"):
        torch.save(content, backbone) if isinstance(content, dict) else backbone.write_bytes(content)
        digits = hashlib.sha256(backbone.read_bytes()).hexdigest()[:8]
        monkeypatch.setitem(contract.LPIPS_BACKBONES, "alex", replace(LPIPS_BACKBONES["alex"], digits=digits))
        with pytest.raises(UserError, match=r"features\.6\.bias is missing|cannot be read"):
            load_lpips(heads, backbone)


def test_what_is_lacking_is_told_before_anything_runs(tmp_path):
    file = tmp_path / "vgg16.pth"
    assert brought_backbone("none", "") is None
    with pytest.raises(UserError, match=r"needs scores\.lpips_backbone") as caught:
        brought_backbone("vgg", "")
    assert "vgg16-397923af.pth" in caught.value.remedy and "resources/assets/lpips" in caught.value.remedy
    with pytest.raises(UserError, match="not there"):
        brought_backbone("vgg", str(file))
    file.write_bytes(b"")
    assert brought_backbone("vgg", str(file)) == file
    with pytest.raises(UserError, match=r"scores\.lpips is none"):
        brought_backbone("none", str(file))
