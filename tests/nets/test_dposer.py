import math
import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.nets.dposer import DPoser
from headsmith.nets.dposer_files import NORMALISERS, open_dposer, read_network

WIDTH, TIMES = 64, 16


def made(codes, *, fourier=False, seed=0):
    torch.manual_seed(seed)
    network = DPoser(codes, WIDTH, TIMES, fourier=fourier)
    if fourier:
        network.gauss_proj.W.data = torch.randn(TIMES // 2)
    return network


def shadow(network):
    return {
        "decay": 0.9999,
        "num_updates": 7,
        "shadow_params": [p.detach() + 0.01 for p in network.parameters() if p.requires_grad],
    }


def write(path, network, *, averages=True, **more):
    content = {
        "state_dict": {f"model.{name}": tensor for name, tensor in network.state_dict().items()},
        "global_step": 9,
        **more,
    }
    torch.save(content | ({"model_ema": shadow(network)} if averages else {}), path)
    return path


def normalisers(folder, **counts):
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        parts = {"mean_poses": torch.full((count,), 0.5), "std_poses": torch.full((count,), 2.0)}
        torch.save(parts, folder / name / "axis_normalize2.pt")
    return folder


def test_tensors_have_the_published_names_and_shapes():
    """Names and sizes as ``TimeFC`` of the publication gives them for 1024 wide, 512 times, 2 blocks, 103 codes."""
    found = {name: tuple(tensor.shape) for name, tensor in DPoser(103).state_dict().items()}
    wanted = {"sigmas": (1000,), "pre_dense.weight": (1024, 103), "post_dense.weight": (103, 1024), "post_dense.bias": (103,)}
    wanted |= {"shared_time_embed.0.weight": (512, 512), "shared_time_embed.0.bias": (512,)}
    for name, before in (
        ("pre_dense_t", 512),
        *((f"b{b}_dense{n}{t}", s) for b in (1, 2) for n in (1, 2) for t, s in (("", 1024), ("_t", 512))),
    ):
        wanted |= {f"{name}.weight": (1024, before), f"{name}.bias": (1024,)}
    for name in ("pre_gnorm", *(f"b{b}_gnorm{n}" for b in (1, 2) for n in (1, 2))):
        wanted |= {f"{name}.weight": (1024,), f"{name}.bias": (1024,)}
    wanted["pre_dense.bias"] = (1024,)
    assert found == wanted


def by_hand(network, x, step):
    """The network in NumPy, from its tensors."""
    t = {name: tensor.detach().double().numpy() for name, tensor in network.state_dict().items()}
    dense = lambda name, value: value @ t[f"{name}.weight"].T + t[f"{name}.bias"]  # noqa: E731
    swish = lambda value: value / (1 + np.exp(-value))  # noqa: E731

    def norm(name, value):
        groups = value.reshape(len(value), 32, -1)
        groups = (groups - groups.mean(-1, keepdims=True)) / np.sqrt(groups.var(-1, keepdims=True) + 1e-5)
        return groups.reshape(value.shape) * t[f"{name}.weight"] + t[f"{name}.bias"]

    half = TIMES // 2
    rates = np.array([10000 ** (-k / (half - 1)) for k in range(half)])
    angles = step[:, None] * rates if "gauss_proj.W" not in t else 2 * np.pi * np.log(step)[:, None] * t["gauss_proj.W"]
    turns = swish(dense("shared_time_embed.0", np.concatenate([np.sin(angles), np.cos(angles)], 1)))
    h = swish(norm("pre_gnorm", dense("pre_dense", x) + dense("pre_dense_t", turns)))
    for block in ("b1", "b2"):
        inner = h
        for layer in "12":
            inner = dense(f"{block}_dense{layer}", inner) + dense(f"{block}_dense{layer}_t", turns)
            inner = swish(norm(f"{block}_gnorm{layer}", inner))
        h = h + inner
    levels = np.exp(np.linspace(math.log(50), math.log(0.01), 1000))
    level = step if "gauss_proj.W" in t else levels[step.astype(int)]
    return dense("post_dense", h) / level[:, None]


@pytest.mark.parametrize("fourier", [False, True])
def test_the_network_is_the_published_one(fourier):
    network = made(7, fourier=fourier).eval().double()
    x, step = torch.randn(3, 7, dtype=torch.float64), torch.tensor([1.0, 99.9, 999.0], dtype=torch.float64)
    with torch.no_grad():
        found = network(x, step)
    np.testing.assert_allclose(found, by_hand(network, x.numpy(), step.numpy()), rtol=1e-5)


def test_averaged_weights_are_used(tmp_path):
    network = made(5)
    averaged = read_network(write(tmp_path / "a.ckpt", network))
    plain = read_network(write(tmp_path / "b.ckpt", network, averages=False))
    torch.testing.assert_close(plain.pre_dense.weight, network.pre_dense.weight.detach())
    torch.testing.assert_close(averaged.post_dense.bias, network.post_dense.bias.detach() + 0.01)
    torch.save({"model_state_dict": network.state_dict(), "ema": shadow(network), "step": 3}, tmp_path / "c.pth")
    torch.testing.assert_close(read_network(tmp_path / "c.pth").pre_dense.weight, averaged.pre_dense.weight)


def test_settings_that_are_objects_are_passed_over(tmp_path, monkeypatch):
    """Lightning keeps the run's settings as an object of ml_collections, which is not installed here and never made."""
    place = "ml_collections.config_dict.config_dict"
    kind = type("ConfigDict", (), {"__module__": place, "__qualname__": "ConfigDict"})
    for name in ("ml_collections", "ml_collections.config_dict", place):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[place].ConfigDict = kind
    config = kind()
    config.__dict__.update(_fields={"model": 1})
    path = write(tmp_path / "last.ckpt", made(5), hyper_parameters={"config": config})
    for name in ("ml_collections", "ml_collections.config_dict", place):
        monkeypatch.delitem(sys.modules, name)
    assert read_network(path).post_dense.out_features == 5


class Trap:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the file ran')",))


def test_nothing_in_a_file_is_run(tmp_path):
    torch.save({"state_dict": {}, "more": Trap()}, tmp_path / "trap.ckpt")
    (tmp_path / "plain.ckpt").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.ckpt", "plain.ckpt"):
        with pytest.raises(UserError, match="cannot be read"):
            read_network(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["state_dict"].pop("model.b2_gnorm1.bias"), "b2_gnorm1.bias is missing"),
        (lambda c: c["state_dict"].update({"model.masked_vector": torch.zeros(10)}), "masked_vector is superfluous"),
        (lambda c: c["state_dict"].update({"model.post_dense.bias": torch.zeros(9)}), r"post_dense.bias is \(9,\), not \(5,\)"),
        (lambda c: c["model_ema"]["shadow_params"].pop(), "averaged weights"),
        (lambda c: c["state_dict"].pop("model.pre_dense.weight"), "TimeFC"),
        (lambda c: c.pop("state_dict"), "no state_dict"),
        (lambda c: c["model_ema"]["shadow_params"][0].fill_(math.nan), "not finite"),
    ],
)
def test_other_files_are_refused(tmp_path, change, words):
    content = torch.load(write(tmp_path / "last.ckpt", made(5)), weights_only=True)
    change(content)
    torch.save(content, tmp_path / "last.ckpt")
    with pytest.raises(UserError, match=words):
        read_network(tmp_path / "last.ckpt")


@pytest.mark.parametrize("kind", list(NORMALISERS))
def test_a_prior_of_each_kind(tmp_path, kind):
    folder = normalisers(tmp_path / "face_data", betas_normalizer=6, jaw_normalizer=3, expression_normalizer=4)
    codes = {"shape": 6, "pose_expression": 7, "expression": 4, "pose": 3}[kind]
    prior = open_dposer(kind, write(tmp_path / "last.ckpt", made(codes)), folder)
    x = torch.randn(2, codes, requires_grad=True)
    loss = prior(x, 0.1)
    loss.backward()
    assert loss.isfinite() and (x.grad != 0).all()
    assert prior.weighs is (kind == "shape") and prior.deviation.tolist() == [2.0] * codes


def test_long_shapes_have_a_normaliser_of_their_own(tmp_path):
    folder = normalisers(tmp_path / "face_data", betas_normalizer=100, betas300_normalizer=300)
    assert len(open_dposer("shape", write(tmp_path / "last.ckpt", made(300)), folder).mean) == 300


def test_files_that_do_not_go_together(tmp_path):
    folder, path = normalisers(tmp_path / "face_data", betas_normalizer=6), write(tmp_path / "last.ckpt", made(5))
    with pytest.raises(UserError, match="5 codes, its normaliser 6"):
        open_dposer("shape", path, folder)
    with pytest.raises(UserError, match="cannot be read"):
        open_dposer("pose", path, folder)
    torch.save({"mean_poses": torch.zeros(5), "std_poses": torch.zeros(5)}, folder / "betas_normalizer/axis_normalize2.pt")
    with pytest.raises(UserError, match="above 0"):
        open_dposer("shape", path, folder)
