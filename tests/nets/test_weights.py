"""Weights that are those of a network, and all kinds that are not."""

import pickle

import numpy as np
import pytest
import torch
from torch import nn

from headsmith.contract.errors import UserError
from headsmith.nets.weights import load_weights


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def load(path):
    return load_weights(network(), path, what="the little network", remedy="make it again")


@pytest.mark.parametrize("wrap", [dict, lambda state: {"state_dict": state, "epoch": 3}])
def test_weights_arrive_frozen_and_ready(tmp_path, wrap):
    state = {f"module.{name}": tensor for name, tensor in network().state_dict().items() if "num_batches" not in name}
    state["module.1.running_mean"] = torch.arange(4.0)
    torch.save(wrap(state), tmp_path / "weights.pt")
    loaded = load(tmp_path / "weights.pt")
    assert torch.equal(loaded[0].weight, state["module.0.weight"])
    assert torch.equal(loaded[1].running_mean, torch.arange(4.0))
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: state.pop("0.bias"), "0.bias is missing"),
        (lambda state: state.update({"2.weight": torch.zeros(3)}), "2.weight is superfluous"),
        (lambda state: state.update({"0.bias": torch.zeros(5)}), r"0.bias is \(5,\), not \(4,\)"),
        (lambda state: state.update({"0.bias": "four zeros"}), "0.bias is no tensor"),
    ],
)
def test_other_weights_are_refused_by_name(tmp_path, change, told):
    state = network().state_dict()
    change(state)
    torch.save(dict(state), tmp_path / "weights.pt")
    with pytest.raises(UserError, match=f"this is not the little network: {told}"):
        load(tmp_path / "weights.pt")


class Harmful:
    def __reduce__(self):
        return (open, ("/dev/null",))


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps(Harmful(), 2), pickle.dumps([1, 2], 2)])
def test_broken_and_harmful_files_are_told(tmp_path, content):
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(UserError, match="the little network cannot be read"):
        load(tmp_path / "weights.pt")


def test_a_cut_or_damaged_file_is_told(tmp_path):
    torch.save(network().state_dict(), tmp_path / "whole.pt")
    whole, random = (tmp_path / "whole.pt").read_bytes(), np.random.default_rng(0)
    for _ in range(40):
        damaged = np.frombuffer(whole[: random.integers(len(whole))], np.uint8).copy()
        damaged[len(damaged) // 2 : len(damaged) // 2 + 3] ^= 255
        (tmp_path / "weights.pt").write_bytes(damaged.tobytes())
        with pytest.raises(UserError, match="the little network"):
            load(tmp_path / "weights.pt")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path / "weights.pt")


def test_a_file_that_runs_code_runs_none(tmp_path):
    torch.save({"0.weight": Harmful()}, tmp_path / "weights.pt")
    with pytest.raises(UserError, match="the little network cannot be read"):
        load(tmp_path / "weights.pt")
