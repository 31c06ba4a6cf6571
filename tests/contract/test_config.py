"""Every mistake in a configuration gets a message with the place, the value and the remedy."""

from dataclasses import asdict, fields, is_dataclass
from pathlib import Path

import pytest
import yaml

from headsmith.contract import config_text
from headsmith.contract.config import COMMAND_LINE, load_settings, nearest, overlay, section
from headsmith.contract.errors import UserError
from headsmith.contract.settings import AvatarSettings, Settings

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = ROOT / "config/default.yaml"


def refused(text: str) -> str:
    with pytest.raises(UserError) as caught:
        overlay(Settings(), yaml.safe_load(text), "config/config.yaml")
    assert caught.value.remedy
    assert caught.value.file == "config/config.yaml"
    return caught.value.message


def accepted(text: str) -> Settings:
    return overlay(Settings(), yaml.safe_load(text), "config/config.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{frame: {size: 64}}", ["'frame'", "did you mean 'frames'?", "docs/config.md"]),
        ("{avatar: {basis: {iteratons: 9}}}", ["'avatar.basis.iteratons'", "did you mean 'iterations'?", "config.md#avatar"]),
        ("{tracking: {smoothness: 1e-4}}", ["tracking.smoothness", "'1e-4'", "text", "write 1.0e-4"]),
        ("{tracking: {smoothness: 2.5E3}}", ["'2.5E3'", "write 2.5e+3"]),
        ("{avatar: {basis: {iterations: 1e4}}}", ["'1e4'", "not a whole number", "write 1.0e+4"]),
        ("{frames: {size: '256'}}", ["frames.size is '256'", "not a whole number"]),
        ("{frames: {size: 256.0}}", ["256.0", "not a whole number"]),
        ("{frames: {size: true}}", ["True", "not a whole number"]),
        ("{frames: {size: null}}", ["None", "not a whole number"]),
        ("{frames: {margin: yes}}", ["True", "not a number"]),
        ("{frames: {margin: .nan}}", ["nan", "not a finite number"]),
        ("{frames: {margin: .inf}}", ["inf", "not a finite number"]),
        ("{frames: {size: 8}}", ["frames.size is 8", "smallest allowed value 64", "write 64 or more"]),
        ("{landmarks: {max_missing: 5}}", ["largest allowed value 1", "write 1 or less"]),
        ("{frames: {crop: faces}}", ["'faces'", "did you mean 'face'?", "known: face, none"]),
        ("{frames: {crop: '10,20'}}", ["'10,20'", "x,y,size"]),
        ("{frames: {crop: '10,20,0'}}", ["'10,20,0'"]),
        ("{masks: {sets: {brows: [left_brow, rigt_brow]}}}", ["masks.sets.brows", "did you mean 'right_brow'?"]),
        ("{masks: {sets: {brows: left_brow}}}", ["masks.sets.brows is 'left_brow'", "a list of texts"]),
        ("{masks: {sets: {brows: []}}}", ["masks.sets.brows is empty"]),
        ("{masks: {sets: {'../x': [hair]}}}", ["'../x' cannot be a name"]),
        ("{masks: {sets: {mouth: null}}}", ["masks.sets.mouth is switched off", "later stages need it"]),
        ("{masks: {sets: [hair]}}", ["masks.sets is ['hair']", "not a mapping"]),
        ("{masks: {sets: {mouth: [1]}}}", ["[1]", "a list of texts"]),
        ("{masks: {min_overlap: {mouth: high}}}", ["masks.min_overlap.mouth is 'high'", "a number"]),
        ("{masks: {min_overlap: {mouth: 2}}}", ["masks.min_overlap.mouth is 2", "largest allowed value 1"]),
        ("{masks: {min_overlap: 0.5}}", ["masks.min_overlap is 0.5", "not a mapping", "each a number"]),
        ("{frames: 12}", ["frames is 12", "not a section"]),
        ("{avatar: [basis]}", ["not a mapping of variants"]),
        ("{avatar: {deformation: mlp}}", ["unknown variant 'deformation'", "avatar: {basis: {deformation: mlp}}"]),
        ("{avatar: {'../x': {}}}", ["'../x'", "cannot name a variant"]),
        ("{avatar: {1: {}}}", ["1 cannot name a variant"]),
        ("{avatar: {basis: null}}", ["no variant is left"]),
    ],
)
def test_a_mistake_is_explained(text: str, words: list[str]) -> None:
    message = refused(text)
    for word in words:
        assert word in message


def test_layers_come_on_top_of_each_other(tmp_path: Path) -> None:
    user = tmp_path / "config.yaml"
    user.write_text("frames: {size: 128, margin: 2}\navatar: {large: {gaussians: 30000}}\n")
    settings = load_settings(DEFAULTS, user, {"frames": {"size": 512}})
    assert (settings.frames.size, settings.frames.margin) == (512, 2.0)
    assert type(settings.frames.margin) is float
    assert list(settings.avatar) == ["basis", "large"]
    assert section(settings, "avatar", "large") == asdict(AvatarSettings(gaussians=30000))


def test_a_mistake_names_the_layer_it_stands_in(tmp_path: Path) -> None:
    user = tmp_path / "config.yaml"
    user.write_text("frames: {sise: 128}\n")
    with pytest.raises(UserError) as caught:
        load_settings(DEFAULTS, user, {})
    assert caught.value.file == str(user)
    with pytest.raises(UserError) as caught:
        load_settings(DEFAULTS, tmp_path / "none.yaml", {"frames": {"sise": 128}})
    assert caught.value.file == COMMAND_LINE


def test_the_command_line_may_give_numbers_and_truths_as_texts(tmp_path: Path) -> None:
    """As Snakemake does within braces: `--config 'exports={pose: true, held_out: 8}'`."""
    texts = {"exports": {"pose": "true", "held_out": "8"}, "frames": {"fps": "12.5", "crop": "0,0,64"}}
    settings = load_settings(DEFAULTS, tmp_path / "none.yaml", texts)
    assert (settings.exports.pose, settings.exports.held_out) == (True, 8)
    assert (settings.frames.fps, settings.frames.crop) == (12.5, "0,0,64")
    for wrong in ("8.5", "eight", "[8", "true"):
        with pytest.raises(UserError, match="not a whole number"):
            load_settings(DEFAULTS, tmp_path / "none.yaml", {"exports": {"held_out": wrong}})


@pytest.mark.parametrize(
    ("text", "word"), [("frames: {size: 1", "not valid YAML"), ("- frames", "not sections"), ("3", "not sections")]
)
def test_a_broken_file_is_explained(tmp_path: Path, text: str, word: str) -> None:
    user = tmp_path / "config.yaml"
    user.write_text(text)
    with pytest.raises(UserError, match=word):
        load_settings(DEFAULTS, user, {})


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    user = tmp_path / "config.yaml"
    user.write_text("# nothing yet\n")
    assert load_settings(DEFAULTS, user, {}) == Settings()


def test_a_variant_set_to_null_is_left_out() -> None:
    assert list(accepted("{avatar: {basis: null, mlp: {deformation: mlp}}}").avatar) == ["mlp"]


def test_masks_are_added_replaced_and_switched_off_by_name() -> None:
    before = Settings().masks.sets
    sets = accepted("{masks: {sets: {brows: [left_brow, right_brow], hair: null, mouth: [mouth]}}}").masks.sets
    assert list(sets) == ["mouth", "head", "skin", "eyes", "brows"]
    assert (sets["mouth"], sets["brows"], sets["head"]) == (["mouth"], ["left_brow", "right_brow"], before["head"])
    assert Settings().masks.sets == before


def test_limits_of_masks_are_set_by_name() -> None:
    limits = accepted("{masks: {min_overlap: {mouth: 0, brows: 0.25, head: null}}}").masks.min_overlap
    assert (limits["mouth"], limits["brows"]) == (0.0, 0.25)
    assert "head" not in limits


@pytest.mark.parametrize("crop", ["face", "none", "10,20,300", "-4,0,64"])
def test_a_crop_is_a_word_or_a_square(crop: str) -> None:
    assert accepted(f"{{frames: {{crop: '{crop}'}}}}").frames.crop == crop


def test_nearest_gives_no_wild_guess() -> None:
    assert nearest("xyz", ["frames", "matte"]) == "known: frames, matte"


def test_the_defaults_keep_their_own_limits() -> None:
    assert overlay(Settings(), asdict(Settings()), "defaults") == Settings()


def test_generated_texts_are_current() -> None:
    assert DEFAULTS.read_text() == config_text.default_yaml(), "run `make docs`"
    assert (ROOT / config_text.DOCS_FILE).read_text() == config_text.settings_page(), "run `make docs`"


def test_default_yaml_says_what_the_types_say() -> None:
    assert yaml.safe_load(config_text.default_yaml()) == asdict(Settings())


def test_every_setting_is_explained() -> None:
    parts = [getattr(Settings(), item.name) for item in fields(Settings)]
    for part in [*(part for part in parts if is_dataclass(part)), AvatarSettings()]:
        assert all(item.metadata.get("help") for item in fields(part))
