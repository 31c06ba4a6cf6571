"""What can be told of a clip that is a FlashAvatar folder before the folder is opened."""

from pathlib import Path

import pytest

from headsmith.contract.clips import Clip, check_clips, read_clips, unused_columns
from headsmith.contract.errors import UserError
from headsmith.contract.settings import LandmarksSettings, Settings, TrackingSettings
from headsmith.contract.subjects import check_subjects, maker_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "anna").mkdir()
    (tmp_path / "checkpoint").mkdir()
    return tmp_path


def check(*clips: Clip, settings: Settings | None = None) -> None:
    named = {clip.name: clip for clip in clips}
    check_clips(named, settings or Settings(), ["franck.mp4"], Path("t"))
    check_subjects(named, Path("t"))


@pytest.mark.parametrize("header", ["clip\tsubject\tfps", "clip\tvideo\tsubject\tfps"])
def test_a_table_names_a_subject_in_the_place_of_a_video(tmp_path: Path, header: str) -> None:
    row = "a\tanna\t24\n" if "video" not in header else "a\t\tanna\t24\n"
    (tmp_path / "clips.tsv").write_text(f"{header}\n{row}")
    assert read_clips(tmp_path / "clips.tsv") == {"a": Clip("a", "", fps=24.0, subject="anna")}


def test_a_subject_needs_nothing_but_its_folder(folder: Path) -> None:
    check(Clip("a", "", subject="anna"), Clip("b", "", fps=30.0, subject="anna", tracking="checkpoint"))
    check(Clip("a", "", subject="anna"), settings=Settings(tracking=TrackingSettings(source="smirk")))
    both = {"a": Clip("a", "", subject="anna", tracking="checkpoint"), "b": Clip("b", "x.mp4", tracking="checkpoint")}
    assert unused_columns(both, Settings()) == ["b: the column `tracking` is not read: tracking.source is `solve`"]


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (
            Clip("a", "asset:franck.mp4", subject="anna"),
            ["has a video (asset:franck.mp4) and a subject", "one of the two cells"],
        ),
        (Clip("a", "", start=1.0, subject="anna"), ["`start` means nothing", "all of its frames"]),
        (Clip("a", "", end=9.0, subject="anna"), ["`end` means nothing"]),
        (Clip("a", "", crop="none", subject="anna"), ["`crop` means nothing", "whole"]),
        (Clip("a", "", person="3,4", subject="anna"), ["`person` means nothing"]),
        (Clip("a", "", focal=900.0, subject="anna"), ["`focal` means nothing", "have the camera"]),
        (Clip("a", "", identity="b.npz", subject="anna"), ["`identity` means nothing"]),
        (Clip("a", "", subject="bob"), ["subject's folder does not exist: bob", "relative paths start at"]),
        (Clip("a", "", subject="anna", tracking="none"), ["folder of .frame files", "does not exist: none"]),
        (Clip("a", "", subject="results/a/dataset"), ["made of itself"]),
        (Clip("a", "", subject="{anna}"), ["holds a brace"]),
    ],
)
def test_a_wrong_combination_is_told_at_once(folder: Path, clip: Clip, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        check(clip)
    assert (caught.value.clip, caught.value.file) == ("a", "t") and caught.value.remedy
    for word in words:
        assert word in caught.value.message


def test_landmarks_of_a_file_are_asked_for(folder: Path) -> None:
    with pytest.raises(UserError, match=r"landmarks\.detector is `file`, and none is named"):
        check(Clip("a", "", subject="anna"), settings=Settings(landmarks=LandmarksSettings(detector="file")))


def test_a_dataset_that_the_table_makes_need_not_be_there_yet(folder: Path) -> None:
    made, again = Clip("a", "asset:franck.mp4"), Clip("b", "", subject="results/x/../a/dataset")
    check(made, again)
    assert maker_of(again, {"a": made, "b": again}) == "a" and maker_of(made, {"a": made}) is None
    circle = [Clip("a", "", subject="results/b/dataset"), Clip("b", "", subject="results/a/dataset")]
    with pytest.raises(UserError, match="made of itself"):
        check(*circle)
    with pytest.raises(UserError, match="does not exist"):
        check(made, Clip("b", "", subject="results/c/dataset"))
