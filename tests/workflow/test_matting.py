"""Which network mattes: the user's file is an input, so a new one mattes anew; a missing one ends the run with words."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor
from workflow.house import House

from headsmith.contract.manifest import read_manifest
from headsmith.contract.paths import MATTE_MANIFEST

MATTE = MATTE_MANIFEST.format(clip="franck")


class Red(torch.nn.Module):
    """Called as RVM is; its matte is a share of the red channel."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(
        self,
        src: Tensor,
        r1: Tensor | None = None,
        r2: Tensor | None = None,
        r3: Tensor | None = None,
        r4: Tensor | None = None,
        downsample_ratio: float = 1.0,
    ) -> list[Tensor]:
        matte = src[:, :1] * self.share
        return [src, matte, matte, matte, matte, matte]


def save(share: float, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(Red(share)).save(str(file))


@pytest.mark.parametrize(
    ("setting", "network"),
    [
        ("{}", "rvm-96-fast"),
        ("{precision: full}", "rvm-96"),
        ("{enlarge: guided}", "rvm-128-at-75-fast"),
        ("{network: selfie}", "selfie"),
    ],
)
def test_settings_choose_the_network(empty_house: House, setting: str, network: str) -> None:
    planned = empty_house.snakemake("-n", "mattes", "--config", f"matte={setting}")
    assert f"convert_network: {network}, to ONNX" in planned.stdout + planned.stderr


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("{weights: mine/rvm.onnx}", ("not there", "mine/rvm.onnx", "RobustVideoMatting (releases)")),
        ("{network: selfie, weights: Snakefile}", ("matte.weights is set, but selfie is fetched", "matte.network to rvm")),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_before_anything_runs(empty_house: House, setting: str, words: tuple) -> None:
    done = empty_house.snakemake("-n", "--config", f"matte={setting}", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_the_users_file_mattes_and_a_new_one_again(house: House) -> None:
    own = house.folder / "own rvm.torchscript"
    save(0.5, own)
    house.settings(matte={"weights": own.name})
    assert house.planned("mattes") == {"estimate_matte": 1}
    before = read_manifest(house.folder / MATTE)
    house.snakemake("mattes")
    first = read_manifest(house.folder / MATTE)
    assert (first.ids, first.size) == (before.ids, before.size)
    assert first.sha256 != before.sha256
    assert house.planned("mattes") == {}
    save(0.25, own)
    house.snakemake("mattes")
    assert read_manifest(house.folder / MATTE).sha256 not in (before.sha256, first.sha256)
