"""Parsers that the user brings: the file is an input, so a new one is converted anew; a missing one ends the run with words."""

import os
from pathlib import Path

import torch
from workflow.house import House

from headsmith.contract.paths import NETWORK
from headsmith.nets.bisenet_resnet import BiSeNetResNet

NETWORK_18 = NETWORK.format(network="bisenet_resnet18")


def test_a_missing_file_is_told_before_anything_runs(empty_house: House) -> None:
    done = empty_house.snakemake(
        "-n", "--config", "parsing={network: bisenet_resnet18, weights: mine/79999_iter.pth}", check=False
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    for words in ("the weights of bisenet_resnet18 are not there", "mine/79999_iter.pth", "zllrunning/face-parsing.PyTorch"):
        assert words in done.stderr


def test_the_users_file_is_converted_and_a_new_one_again(empty_house: House, tmp_path: Path) -> None:
    house = empty_house.copy(tmp_path / "house")
    for seed, name in ((0, "mine.pth"), (1, "other.pth")):
        torch.manual_seed(seed)
        torch.save(BiSeNetResNet(18).state_dict(), house.folder / name)
        os.utime(house.folder / name, (1_600_000_000, 1_600_000_000))
    house.settings(parsing={"network": "bisenet_resnet18", "weights": "mine.pth"})
    house.snakemake(NETWORK_18)
    assert (house.folder / NETWORK_18).stat().st_size > 40_000_000
    assert house.planned(NETWORK_18) == {}
    house.settings(parsing={"network": "bisenet_resnet18", "weights": "other.pth"})
    assert house.planned(NETWORK_18) == {"convert_network": 1}
    house.settings(parsing={"network": "bisenet_resnet18", "weights": "mine.pth"})
    torch.save(BiSeNetResNet(18).state_dict(), house.folder / "mine.pth")
    assert house.planned(NETWORK_18) == {"convert_network": 1}


def test_precision_changes_the_network_that_is_run(empty_house: House) -> None:
    for precision, network in (("fast", "bisenetv2-fast"), ("full", "bisenetv2")):
        planned = empty_house.snakemake("-n", "parsing", "--config", f"parsing={{precision: {precision}}}")
        assert f"convert_network: {network}, to ONNX" in planned.stdout + planned.stderr
