"""FlashAvatar's own avatar, its checkpoint and its test video, as a run makes them."""

from pathlib import Path

import av
import torch
from workflow.house import House

MLP = {"deformation": "mlp", "texels": 32, "iterations": 12, "batch": 1, "background": "green"}


def test_a_checkpoint_and_a_test_video_are_made_when_asked_for_and_a_training_goes_on_from_it(house: House) -> None:
    house.settings(avatar={"published": MLP})
    house.snakemake("checkpoints", "test_video")
    results = house.folder / "results/franck/avatar"
    assert not list((results / "basis").glob("*.pth"))
    checkpoint = results / "published/chkpnt12.pth"
    (network, _), gaussians, iteration = torch.load(checkpoint, weights_only=True, map_location="cpu")
    assert (iteration, len(gaussians), network["output_linear.weight"].shape) == (12, 12, (10, 256))
    with av.open(str(results / "published/test.avi")) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height, film.streams.video[0].frames) == (256, 128, 8)
    kept = house.folder / "chkpnt12.pth"
    checkpoint.rename(kept)
    house.settings(avatar={"published": {**MLP, "iterations": 20, "start_checkpoint": kept.name}})
    assert house.planned("checkpoints") == {"train_avatar": 1, "write_checkpoint": 1}
    house.snakemake("checkpoints")
    assert torch.load(results / "published/chkpnt20.pth", weights_only=True, map_location="cpu")[2] == 20


def test_what_cannot_be_is_told_before_anything_runs(empty_house: House, tmp_path: Path) -> None:
    assert "no variant has a checkpoint" in empty_house.snakemake("-n", "checkpoints", check=False).stderr
    done = empty_house.snakemake("-n", "--configfile", "config/flashavatar.yaml", check=False)
    assert done.returncode and "Traceback" not in done.stderr
    house = empty_house.copy(tmp_path / "house")
    house.settings(avatar={"published": {**MLP, "perceptual": "lpips"}})
    assert "needs the weights of VGG-16" in house.snakemake("-n", check=False).stderr
    house.settings(avatar={"published": {**MLP, "perceptual": "stlpips"}})
    assert "fetch_asset" in house.planned("checkpoints")
