import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter

from headsmith.contract.errors import UserError
from headsmith.nets.stlpips import SMALLEST_SIDE, StLpips, load_stlpips, stlpips_shapes


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    made = {}
    for name, shape in stlpips_shapes().items():
        fan_in = max(1, int(np.prod(shape[1:])))
        made[name] = torch.randn(shape, generator=generator) * fan_in**-0.5
        if name.startswith("lin") or name.endswith(("scale", "filt")):
            made[name] = torch.rand(shape, generator=generator) + 0.1
    return made


def correlate(picture: np.ndarray, kernel: np.ndarray, zeros: int) -> np.ndarray:
    padded = np.pad(picture, ((0, 0), (zeros, zeros), (zeros, zeros)))
    windows = sliding_window_view(padded, kernel.shape[2:], axis=(1, 2))
    return np.einsum("cyxij,ocij->oyx", windows, kernel, optimize=True)


def blur(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    padded = np.pad(picture, ((0, 0), (2, 2), (2, 2)), mode="reflect")
    return np.einsum("cyxij,cij->cyx", sliding_window_view(padded, (3, 3), axis=(1, 2)), kernel[:, 0])[:, ::2, ::2]


def largest(picture: np.ndarray) -> np.ndarray:
    return sliding_window_view(picture, (3, 3), axis=(1, 2)).max((-1, -2))


def layers_in_numpy(picture: np.ndarray, tensors: dict[str, torch.Tensor]) -> list[np.ndarray]:
    w = {name: tensor.double().numpy() for name, tensor in tensors.items()}

    def layer(name: str, values: np.ndarray, zeros: int) -> np.ndarray:
        return correlate(values, w[f"{name}.weight"], zeros) + w[f"{name}.bias"][:, None, None]

    scaled = (picture - w["scaling_layer.shift"][0]) / w["scaling_layer.scale"][0]
    outputs = [np.maximum(blur(layer("net.slice1.0", scaled, 2), w["net.slice1.1.filt"]), 0)]
    outputs.append(np.maximum(layer("net.slice2.5", blur(largest(outputs[0]), w["net.slice2.4.filt"]), 2), 0))
    outputs.append(np.maximum(layer("net.slice3.9", blur(largest(outputs[1]), w["net.slice3.8.filt"]), 1), 0))
    outputs.append(np.maximum(layer("net.slice4.11", outputs[2], 1), 0))
    return [*outputs, np.maximum(layer("net.slice5.13", outputs[3], 1), 0)]


def distance_in_numpy(first: np.ndarray, second: np.ndarray, tensors: dict[str, torch.Tensor]) -> float:
    total = 0.0
    for level, pair in enumerate(zip(layers_in_numpy(first, tensors), layers_in_numpy(second, tensors), strict=True)):
        a, b = (layer / np.sqrt((layer**2).sum(0)) for layer in pair)
        linear = tensors[f"lin{level}.model.1.weight"].double().numpy()[0, :, 0, 0]
        total += np.tensordot(linear, (a - b) ** 2, 1).mean()
    return total


def test_equals_a_computation_in_numpy_layer_by_layer(weights):
    first, second = np.random.default_rng(1).uniform(-1, 1, (2, 3, 37, 40))
    network = StLpips(weights).double()
    got = network(torch.tensor(first)[None], torch.tensor(second)[None]).item()
    assert got == pytest.approx(distance_in_numpy(first, second, weights), rel=1e-6)


def test_each_pair_of_a_batch_has_its_own_distance(weights):
    first, second = torch.rand(2, 3, 3, 40, 36, generator=torch.Generator().manual_seed(0)) * 2 - 1
    network = StLpips(weights)
    alone = torch.cat([network(a[None], b[None]) for a, b in zip(first, second, strict=True)])
    torch.testing.assert_close(network(first, second), alone)
    assert alone.unique().numel() == 3


def test_wrong_weights_are_refused_by_name(weights):
    with pytest.raises(ValueError, match=r"lin2\.model"):
        StLpips({name: tensor for name, tensor in weights.items() if name != "lin2.model.1.weight"})
    with pytest.raises(ValueError, match="extra"):
        StLpips({**weights, "extra": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"slice1\.0\.bias"):
        StLpips({**weights, "net.slice1.0.bias": torch.zeros(63)})


def test_small_pictures_are_refused(weights):
    small = torch.zeros(1, 3, SMALLEST_SIDE - 1, 64)
    with pytest.raises(ValueError, match="smaller"):
        StLpips(weights)(small, small)


def test_a_file_of_something_else_is_refused_with_the_remedy(tmp_path, weights):
    path = tmp_path / "alex.pth"
    with pytest.raises(UserError, match="config/assets"):
        load_stlpips(path)
    for content in (b"", b"not weights", b"\x80\x02cbuiltins\nprint\nX\x02\x00\x00\x00hi\x85R."):
        path.write_bytes(content)
        with pytest.raises(UserError, match="config/assets"):
            load_stlpips(path)
    torch.save([1, 2], path)
    with pytest.raises(UserError, match="config/assets"):
        load_stlpips(path)
    torch.save(weights, path)
    assert isinstance(load_stlpips(path), StLpips)


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    from skimage.data import astronaut

    return astronaut()[20:148, 160:288].astype(np.float64) / 127.5 - 1


@pytest.fixture(scope="module")
def network(asset) -> StLpips:
    return load_stlpips(asset("stlpips_alex.pth"))


def between(network: StLpips, first: np.ndarray, second: np.ndarray) -> float:
    pair = [torch.tensor(picture.transpose(2, 0, 1), dtype=torch.float32)[None] for picture in (first, second)]
    with torch.no_grad():
        return network(*pair).item()


def test_equal_pictures_are_at_zero_and_the_order_does_not_matter(network, portrait):
    blurred = gaussian_filter(portrait, (2, 2, 0))
    assert between(network, portrait, portrait) == 0
    assert between(network, portrait, blurred) == pytest.approx(between(network, blurred, portrait), rel=1e-5)


def test_the_distance_grows_with_blur_and_with_noise(network, portrait):
    noise = np.random.default_rng(0).standard_normal(portrait.shape)
    blurs = [between(network, portrait, gaussian_filter(portrait, (s, s, 0))) for s in (0.5, 1, 2, 4)]
    noises = [between(network, portrait, np.clip(portrait + s * noise, -1, 1)) for s in (0.02, 0.1, 0.3)]
    assert blurs == sorted(blurs) and blurs[0] > 0
    assert noises == sorted(noises) and noises[0] > 0


def test_a_shift_by_a_pixel_weighs_less_than_noise_of_the_same_error(network, portrait):
    shifted = np.roll(portrait, 1, axis=1)
    same_error = np.sqrt(((shifted - portrait) ** 2).mean())
    noisy = portrait + same_error * np.random.default_rng(0).standard_normal(portrait.shape)
    assert between(network, portrait, shifted) < 0.1 * between(network, portrait, noisy)
