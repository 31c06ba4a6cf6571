"""Settings of FlashAvatar's own deformation: what does not fit is told before anything runs."""

from pathlib import Path

import pytest

from headsmith.contract.config import load_settings, read_yaml
from headsmith.contract.errors import UserError
from headsmith.contract.flashavatar import check_flashavatar, training_files
from headsmith.contract.settings import AvatarSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"perceptual": "stlpips"}, "avatar.mine.perceptual is set, and only the deformation `mlp` has it"),
        ({"start_checkpoint": "chkpnt5.pth"}, "avatar.mine.start_checkpoint is set, and only"),
        ({"deformation": "mlp", "start_checkpoint": "none/chkpnt5.pth"}, "avatar.mine.start_checkpoint is not there"),
        ({"deformation": "mlp", "perceptual": "lpips"}, "avatar.mine.perceptual: lpips needs the weights of VGG-16"),
        ({"deformation": "mlp", "perceptual_backbone": "vgg16.pth"}, "avatar.mine.perceptual_backbone is set, but no distance"),
    ],
)
def test_what_does_not_fit_is_refused(changes, told):
    with pytest.raises(UserError) as error:
        check_flashavatar({"other": AvatarSettings(), "mine": AvatarSettings(**changes)})
    assert told in error.value.message
    assert "remedy" in error.value.message


def test_training_needs_what_the_settings_name(tmp_path):
    weights = tmp_path / "vgg16.pth"
    weights.touch()
    settings = AvatarSettings(
        deformation="mlp", perceptual="lpips", perceptual_backbone=str(weights), start_checkpoint=str(weights)
    )
    check_flashavatar({"mine": settings})
    assert training_files(settings) == ("lpips/vgg.pth", {"backbone": str(weights), "start_checkpoint": str(weights)})
    assert training_files(AvatarSettings(deformation="mlp", perceptual="stlpips")) == ("stlpips_alex.pth", {})
    assert training_files(AvatarSettings()) == (None, {})


def test_the_configuration_as_published_is_that_of_the_source():
    read = read_yaml(ROOT / "config/flashavatar.yaml")
    settings = load_settings(ROOT / "config/default.yaml", ROOT / "none.yaml", read)
    (variant,) = settings.avatar.values()
    assert (variant.deformation, variant.texels, variant.iterations, variant.batch) == ("mlp", 128, 150_000, 1)
    assert (variant.mouth_weight, variant.background, variant.perceptual, variant.device) == (40.0, "green", "lpips", "cuda")
    assert (settings.frames.size, settings.dataset.held_out, settings.heads.model) == (512, 500, "flame2020")
    with pytest.raises(UserError, match=r"vgg16-397923af\.pth"):
        check_flashavatar(settings.avatar)
