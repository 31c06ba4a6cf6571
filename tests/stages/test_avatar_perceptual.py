"""The perceptual distance of training: what it is of, and that the picture learns by it."""

from dataclasses import replace

import pytest
import torch

from headsmith.contract.settings import AvatarSettings
from headsmith.nets.stlpips import load_stlpips
from headsmith.stages.avatar import train_avatar
from headsmith.stages.avatar_perceptual import load_perceptual
from tests.stages.avatar_clip import write_clip


def test_it_is_stlpips_of_pictures_in_minus_one_to_one(asset):
    path = asset("stlpips_alex.pth")
    first, second = torch.rand(2, 40, 48, 3, generator=torch.Generator().manual_seed(1))
    first.requires_grad_()
    found = load_perceptual(path, None, torch.device("cpu"))(first, second)
    known = load_stlpips(path)(*(2 * part.detach().permute(2, 0, 1)[None] - 1 for part in (first, second)))
    assert found.shape == () and found.item() == pytest.approx(known.item(), rel=1e-5)
    found.backward()
    assert float(first.grad.abs().sum()) > 0


def test_a_training_with_it_becomes_another_after_the_first_tenth(asset, tmp_path):
    clip = write_clip(tmp_path / "clip")
    settings = AvatarSettings(deformation="mlp", texels=16, iterations=20, batch=1, preview_every=10_000, background="white")
    states = []
    for name, weights in (("none", None), ("stlpips", asset("stlpips_alex.pth"))):
        folder = tmp_path / name
        train_avatar(
            **clip,
            output=folder / "avatar.pt",
            curve=folder / "training.csv",
            settings=replace(settings, perceptual=name),
            threads=1,
            perceptual=weights,
        )
        states.append(torch.load(folder / "avatar.pt", weights_only=True)["state"])
    assert states[0].keys() == states[1].keys()
    assert not torch.equal(states[0]["gaussians.f_dc"], states[1]["gaussians.f_dc"])
