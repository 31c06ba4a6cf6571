"""Another run's settings and clip, as its provenance tells them."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from headsmith.contract.config import overlay
from headsmith.contract.errors import UserError
from headsmith.contract.reproduction import home_of, provenance_to_compare, read_provenance, their_run
from headsmith.contract.settings import ReproductionSettings, Settings

THEIRS = {
    "frames": {"size": 64, "fps": 12.5},
    "masks": {"sets": {"hair": None, "brows": ["left_brow", "right_brow"]}},
    "avatar": {"basis": None, "large": {"gaussians": 900, "deformation": "mlp"}},
    "dataset": {"held_out": "10%"},
    "parsing": {"weights": "mine/weights.pth"},
}


@pytest.fixture
def provenance(tmp_path: Path) -> Path:
    """Return the provenance of a run in whose folder the user's files still lie."""
    settings = asdict(overlay(Settings(), THEIRS, "theirs"))
    settings.pop("reproduction")
    told = {
        "clip": "anna",
        "line": {"name": "anna", "video": "videos/anna.mp4", "end": 3.5, "identity": "gone.npz"},
        "settings": settings,
        "given": {"videos/anna.mp4": "1", "mine/weights.pth": "2", "gone.npz": "3"},
        "stages": {},
        "ran_on": {},
    }
    path = tmp_path / "theirs/results/anna/provenance.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(told))
    for name in ("videos/anna.mp4", "mine/weights.pth"):
        (tmp_path / "theirs" / name).parent.mkdir()
        (tmp_path / "theirs" / name).touch()
    return path


def asking(path: Path | str) -> Settings:
    return replace(Settings(), reproduction=ReproductionSettings(of=str(path), their_settings=True))


def test_settings_and_clip_are_the_others(provenance: Path, tmp_path: Path) -> None:
    settings, clips = their_run(asking(provenance), {"frames": {"size": "96"}})
    assert (settings.frames.size, settings.frames.fps) == (96, 12.5), "the command line counts on top"
    assert set(settings.avatar) == {"large"} and settings.avatar["large"].deformation == "mlp"
    assert "brows" in settings.masks.sets and "hair" not in settings.masks.sets and "mouth" in settings.masks.sets
    assert settings.dataset.held_out == "10%"
    home = tmp_path / "theirs"
    assert settings.parsing.weights == str(home / "mine/weights.pth")
    (clip,) = clips.values()
    assert (clip.name, clip.video, clip.end) == ("anna", str(home / "videos/anna.mp4"), 3.5)
    assert clip.identity == "gone.npz", "what is nowhere stays as it is told, and is refused by its name"


def test_what_lies_here_is_taken_from_here(provenance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/anna.mp4").touch()
    monkeypatch.chdir(tmp_path)
    _, clips = their_run(asking(provenance), {})
    assert clips["anna"].video == "videos/anna.mp4"


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read"), ("{}", "cannot be read"), ("[]", "cannot be read"), ('{"clip": 1}', "cannot be read")],
)
def test_what_is_no_provenance_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "told.json").write_text(content)
    with pytest.raises(UserError, match=words):
        read_provenance(tmp_path / "told.json")


def test_settings_of_another_version_are_named(provenance: Path) -> None:
    told = json.loads(provenance.read_text())
    told["settings"]["frames"]["colour"] = "grey"
    provenance.write_text(json.dumps(told))
    with pytest.raises(UserError, match=r"unknown setting 'frames\.colour'") as caught:
        their_run(asking(provenance), {})
    assert caught.value.file == str(provenance)


@pytest.mark.parametrize("path", ["", "results/{clip}/provenance.json"])
def test_one_file_must_be_named(path: str) -> None:
    with pytest.raises(UserError, match="names no single file"):
        their_run(asking(path), {})


def test_the_clips_name_goes_into_the_path() -> None:
    settings = replace(Settings(), reproduction=ReproductionSettings(of="other/{clip}/provenance.json"))
    assert provenance_to_compare(settings, "anna") == "other/anna/provenance.json"
    with pytest.raises(UserError, match="nothing is named"):
        provenance_to_compare(Settings(), "anna")


def test_a_runs_folder_is_known_by_where_its_provenance_lies() -> None:
    assert home_of(Path("/there/results/anna/provenance.json"), "anna") == Path("/there")
    assert home_of(Path("/there/results/anna/provenance.json"), "berta") is None
    assert home_of(Path("/mail/provenance.json"), "anna") is None
