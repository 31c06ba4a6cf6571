import re
from pathlib import Path

import pytest

from headsmith.contract.clips import check_clips, read_clips
from headsmith.contract.config import COMMAND_LINE, load_settings, overlay, read_yaml
from headsmith.contract.config_text import settings_page
from headsmith.contract.errors import UserError
from headsmith.contract.held_out import PERCENT, count_held_out
from headsmith.contract.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("held_out", "usable", "count"),
    [
        *((100, usable, 100) for usable in (600, 50)),
        *(("10%", 600, 60), ("10%", 4, 1), ("50%", 5, 3), ("0.1%", 10, 1), ("99.9%", 10, 10), ("16.7%", 600, 100)),
        *(("12.5%", 4, 1), ("12.5%", 12, 2), ("29%", 100, 29), ("58%", 50, 29)),
    ],
)
def test_a_number_is_itself_and_a_share_is_rounded(held_out, usable, count):
    assert count_held_out(held_out, usable) == count


@pytest.mark.parametrize("text", ["0%", "00.0%", "100%", "10", "-5%", "10 %", "1e1%", "%", "10%%", ".5%"])
def test_what_is_no_share_is_refused(text):
    assert not re.fullmatch(PERCENT, text)
    with pytest.raises(ValueError, match="no share"):
        count_held_out(text, 10)


@pytest.mark.parametrize("source", [COMMAND_LINE, "config.yaml"])
@pytest.mark.parametrize("name", ["dataset", "exports"])
def test_settings_take_frames_or_a_share(source, name):
    for value in (8, "10%", "2.5%"):
        assert getattr(overlay(Settings(), {name: {"held_out": value}}, source), name).held_out == value
    for value in ("100%", "0%", "ten", 2.5, True, None, [3], "8 frames"):
        with pytest.raises(UserError, match="not a whole number or a share such as 10%") as caught:
            overlay(Settings(), {name: {"held_out": value}}, source)
        assert f"{name}.held_out" in caught.value.message
    with pytest.raises(UserError, match="below the smallest allowed value 1"):
        overlay(Settings(), {name: {"held_out": 0}}, source)


def test_the_command_line_may_give_the_number_as_a_text():
    assert overlay(Settings(), {"dataset": {"held_out": "8"}}, COMMAND_LINE).dataset.held_out == 8
    with pytest.raises(UserError, match="a share"):
        overlay(Settings(), {"dataset": {"held_out": "8"}}, "config.yaml")


def test_a_share_comes_through_the_files(tmp_path):
    user = tmp_path / "config.yaml"
    user.write_text("dataset: {held_out: 12.5%}\n")
    assert load_settings(ROOT / "config/default.yaml", user, {}).dataset.held_out == "12.5%"


def test_the_docs_tell_both_forms():
    line = next(line for line in settings_page().splitlines() if line.startswith("| `held_out` | `100`"))
    assert "whole number or percent" in line and "at least 1, or `10%`" in line


def test_the_benchmarks_clips_keep_frames_to_train_on():
    settings = load_settings(ROOT / "config/default.yaml", ROOT / "none.yaml", read_yaml(ROOT / "config/benchmark.yaml"))
    clips = read_clips(ROOT / settings.clips)
    check_clips(clips, settings, read_yaml(ROOT / "config/assets.yaml")["assets"], Path(settings.clips))
    usable = {"franck": 600, "cap12": 1337, "pexels": 470, "single_face": 72}
    held_out = {name: count_held_out(settings.dataset.held_out, count) for name, count in usable.items()}
    assert held_out == {"franck": 100, "cap12": 223, "pexels": 79, "single_face": 12} and clips.keys() == usable.keys()
