"""Every mistake in the table of clips gets a message with the clip, the file and the remedy."""

from dataclasses import replace
from pathlib import Path

import pytest

from headsmith.contract.clips import Clip, check_clips, read_clips, unused_columns
from headsmith.contract.errors import UserError
from headsmith.contract.settings import DatasetSettings, FramesSettings, LandmarksSettings, Settings, TrackingSettings

HEADER = "clip\tvideo\tstart\tend\tfps\n"


def table(folder: Path, text: str) -> Path:
    path = folder / "clips.tsv"
    path.write_text(text)
    return path


def test_a_table_is_read(tmp_path: Path) -> None:
    text = "# mine\n" + HEADER + "a\tx.mp4\t\t\t\n\nb-1\tasset:franck.mp4\t1.5\t25\t12\nc\ty.mp4\n"
    clips = read_clips(table(tmp_path, text))
    assert clips == {
        "a": Clip("a", "x.mp4"),
        "b-1": Clip("b-1", "asset:franck.mp4", 1.5, 25.0, 12.0),
        "c": Clip("c", "y.mp4"),
    }
    assert (clips["a"].asset, clips["b-1"].asset) == (None, "franck.mp4")


def test_a_clip_has_a_crop_a_person_and_landmarks_of_its_own(tmp_path: Path) -> None:
    text = "clip\tvideo\tcrop\tperson\tlandmarks\na\tx.mp4\t10,-20,300\t40,60.5\tmine.json\nb\ty.mp4\tnone\n"
    clips = read_clips(table(tmp_path, text))
    assert clips["a"] == Clip("a", "x.mp4", crop="10,-20,300", person="40,60.5", landmarks="mine.json")
    assert clips["b"] == Clip("b", "y.mp4", crop="none")


def test_a_clip_has_a_known_lens_and_a_known_person(tmp_path: Path) -> None:
    text = "clip\tvideo\tfocal\tidentity\na\tx.mp4\t1850.5\tcodes.npy\nb\ty.mp4\n"
    clips = read_clips(table(tmp_path, text))
    assert clips == {"a": Clip("a", "x.mp4", focal=1850.5, identity="codes.npy"), "b": Clip("b", "y.mp4")}


def test_a_quoted_cell_may_hold_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = HEADER + '# "never\na\t"my ""own"",\n\n#1 ü.mp4"\t2\nb\tit\'s "this".mp4\r\n'
    clips = read_clips(table(tmp_path, text))
    assert clips == {"a": Clip("a", 'my "own",\n\n#1 ü.mp4', 2.0), "b": Clip("b", 'it\'s "this".mp4')}


def test_a_known_person_is_a_file_or_what_another_clip_will_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("a", "b", "c")

    def check(*identities: str | None) -> None:
        own = {n: Clip(n, "asset:franck.mp4", identity=i) for n, i in zip(names, identities, strict=True)}
        check_clips(own, Settings(), ["franck.mp4"], Path("t"))

    (tmp_path / "codes.npy").touch()
    check("codes.npy", "results/a/tracking.npz", "results/x/../b/tracking.npz")
    for identities in (
        ("results/a/tracking.npz", None, None),
        ("results/b/tracking.npz", "results/c/tracking.npz", "results/a/tracking.npz"),
    ):
        with pytest.raises(UserError, match="would be made of itself") as caught:
            check(*identities)
        assert caught.value.clip == "a" and "blank" in (caught.value.remedy or "")
    for identity in ("none.npy", "results/d/tracking.npz", "."):
        with pytest.raises(UserError, match="the identity does not exist"):
            check(identity, None, None)
    with pytest.raises(UserError, match="holds a brace"):
        check("{codes}.npy", None, None)


def test_a_path_with_braces_is_refused_before_snakemake_sees_a_wildcard_in_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the path holds a brace") as caught:
        check_clips({"a": Clip("a", "my {clip}.mp4")}, Settings(), {}, tmp_path / "clips.tsv")
    assert "clip:   a" in caught.value.message


def test_the_demo_clip_is_listed() -> None:
    clips = read_clips(Path(__file__).resolve().parents[2] / "config/clips.tsv")
    assert clips["franck"] == Clip("franck", "asset:franck.mp4", 0.0, 25.0, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["column 'clip' is missing", "separated by tabs"]),
        ("clip\tvidoe\na\tx\n", ["unknown column 'vidoe'", "did you mean 'video'?"]),
        ("clip video\na x\n", ["unknown column 'clip video'"]),
        ("clip\tstart\na\t1\n", ["column 'video' is missing"]),
        ("clip\tvideo\tvideo\n", ["a column stands twice"]),
        (HEADER, ["holds no clip"]),
        (HEADER + "a\tx\na\ty\n", ["line 3", "stands twice", "clip:   a"]),
        (HEADER + "a b\tx\n", ["'a b' cannot name a clip"]),
        (HEADER + "../a\tx\n", ["cannot name a clip"]),
        (HEADER + "$(rm)\tx\n", ["cannot name a clip"]),
        (HEADER + "a\n", ["no video is named", "clip:   a"]),
        (HEADER + "a\tx\t1\t2\t3\t4\n", ["6 cells for 5 columns"]),
        (HEADER + "a\tx\tsoon\n", ["start is 'soon'", "clip:   a"]),
        (HEADER + "a\tx\t-1\n", ["start is '-1'"]),
        (HEADER + "a\tx\t\tinf\n", ["end is 'inf'"]),
        (HEADER + "a\tx\t3\t3\n", ["the end 3 does not lie after the start 3"]),
        (HEADER + "a\tx\t\t\t0\n", ["fps is 0"]),
        ("clip\tvideo\tfocal\na\tx\t0\n", ["focal is 0", "pixels of the video's own frames", "clip:   a"]),
        ("clip\tvideo\tfocal\na\tx\t-800\n", ["focal is '-800'"]),
        ("clip\tvideo\tfocal\na\tx\t28 mm\n", ["focal is '28 mm'"]),
        ("clip\tvideo\tcrop\na\tx\t1,2\n", ["crop is '1,2'", "x,y,size", "clip:   a"]),
        ("clip\tvideo\tperson\na\tx\tleft\n", ["person is 'left'", "`x,y`"]),
    ],
)
def test_a_mistake_is_explained(tmp_path: Path, text: str, words: list[str]) -> None:
    path = table(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_clips(path)
    assert caught.value.remedy
    assert caught.value.file == str(path)
    for word in words:
        assert word in caught.value.message


def test_a_missing_table_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_clips(tmp_path / "clips.tsv")


def refused(clip: Clip, settings: Settings = Settings()) -> str:  # noqa: B008 (frozen)
    with pytest.raises(UserError) as caught:
        check_clips({clip.name: clip}, settings, ["franck.mp4", "cap12.mp4"], Path("config/clips.tsv"))
    assert caught.value.clip == clip.name
    assert caught.value.remedy
    return caught.value.message


def test_a_missing_video_is_told() -> None:
    assert "does not exist: videos/none.mp4" in refused(Clip("a", "videos/none.mp4"))


def test_an_unknown_asset_is_told() -> None:
    assert "did you mean 'franck.mp4'?" in refused(Clip("a", "asset:frank.mp4"))


def test_landmarks_of_the_user_must_be_named_and_exist(tmp_path: Path) -> None:
    video = tmp_path / "x.mp4"
    video.touch()
    settings = replace(Settings(), landmarks=LandmarksSettings(detector="file"))
    assert "landmarks.detector is `file`, and none is named" in refused(Clip("a", str(video)), settings)
    assert "do not exist: none.json" in refused(Clip("a", str(video), landmarks="none.json"), settings)
    check_clips({"a": Clip("a", str(tmp_path), landmarks=str(video))}, settings, [], Path("config/clips.tsv"))


def test_results_of_a_tracker_must_be_named_exist_and_not_be_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = replace(Settings(), tracking=TrackingSettings(source="headsmith"))
    message = refused(Clip("a", "asset:franck.mp4"), settings)
    assert "a tracking.npz in the column `tracking`" in message and "another table (the setting `clips`)" in message
    assert "does not exist: none.npz" in refused(Clip("a", "asset:franck.mp4", tracking="none.npz"), settings)
    for name in ("a", "b"):
        own = Path(f"results/{name}/tracking.npz")
        own.parent.mkdir(parents=True)
        own.touch()
    assert "made of itself" in refused(Clip("a", "asset:franck.mp4", tracking="results/b/../a/tracking.npz"), settings)
    other = Clip("a", "asset:franck.mp4", tracking="results/b/tracking.npz")
    check_clips({"a": other}, settings, ["franck.mp4"], Path("t"))


def test_a_column_that_the_settings_do_not_use_is_told() -> None:
    clips = {"a": Clip("a", "x", tracking="y"), "b": Clip("b", "x", landmarks="z"), "c": Clip("c", "x")}
    told = [
        "a: the column `tracking` is not read: tracking.source is `solve`",
        "b: the column `landmarks` is not read: landmarks.detector is `mediapipe`",
    ]
    assert unused_columns(clips, Settings()) == told
    own = {"a": Clip("a", "x", tracking="y", focal=800.0, identity="z")}
    theirs = replace(Settings(), tracking=TrackingSettings(source="deca"))
    assert unused_columns(own, theirs) == [
        f"a: the column `{column}` is not read: tracking.source is `deca`" for column in ("focal", "identity")
    ]
    used = {"tracking": TrackingSettings(source="deca"), "landmarks": LandmarksSettings(detector="file")}
    assert unused_columns(clips, replace(Settings(), **used)) == []


def test_squares_cut_anew_go_with_what_was_fitted_to_them_alone(tmp_path: Path) -> None:
    tracking = {"aligned": TrackingSettings(source="flame_head_tracker"), "other": TrackingSettings(source="smirk")}
    clip = Clip("a", "asset:franck.mp4", crop="aligned", tracking=str(tmp_path))
    assert "tracking.source is `solve`, which takes one camera" in refused(clip)
    everywhere = replace(Settings(), frames=FramesSettings(crop="aligned"), tracking=tracking["other"])
    assert "tracking.source is `smirk`" in refused(replace(clip, crop=None), everywhere)
    theirs = replace(Settings(), tracking=tracking["aligned"])
    check_clips({"a": clip}, theirs, ["franck.mp4"], Path("t"))
    check_clips({"a": replace(clip, crop="face")}, everywhere, ["franck.mp4"], Path("t"))
    given = replace(theirs, landmarks=LandmarksSettings(detector="file"))
    assert "landmarks.detector is `file`: your" in refused(replace(clip, landmarks=str(tmp_path)), given)


def test_no_frames_left_for_training_is_told() -> None:
    settings = replace(Settings(), frames=FramesSettings(fps=10.0), dataset=DatasetSettings(held_out=100))
    message = refused(Clip("a", "asset:franck.mp4", 2.0, 12.0), settings)
    assert "100 frames; 100 are held out" in message
    share = replace(settings, dataset=DatasetSettings(held_out="99.9%"))
    assert "100 frames; 100 are held out" in refused(Clip("a", "asset:franck.mp4", 2.0, 12.0), share)
    share = replace(settings, dataset=DatasetSettings(held_out="99%"))
    check_clips({"a": Clip("a", "asset:franck.mp4", 2.0, 12.0)}, share, ["franck.mp4"], Path("t"))
    check_clips({"a": Clip("a", "asset:franck.mp4", 2.0, 12.0, fps=11.0)}, settings, ["franck.mp4"], Path("t"))
    check_clips({"a": Clip("a", "asset:franck.mp4", 2.0)}, settings, ["franck.mp4"], Path("t"))
