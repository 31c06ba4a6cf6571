import json
import shutil

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.labels import LABELS
from headsmith.contract.manifest import Manifest, folder_of
from headsmith.contract.settings import QualitySettings
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.images import read_image
from headsmith.show.colours import HEAD_COLOUR, LABEL_COLOURS, MOUTH_COLOUR
from headsmith.show.overlays import CONTOUR_COLOURS
from headsmith.show.sheets import GAP
from headsmith.show.text import ALARM
from headsmith.stages.quality import draw_quality
from headsmith.stages.quality_parts import PANEL_WIDTH, alarms_of, alarms_told, spread
from tests.stages.avatar_clip import COUNT, SIDE, SKIN, pictures, write_clip

SETTINGS = QualitySettings(columns=3, frames=3)
STEP = PANEL_WIDTH + GAP
SCALE = PANEL_WIDTH / SIDE


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    write_clip(folder)
    names = ("frames", "matte", "mouth_masks", "head_masks")
    with FrameFolderWriter(folder / "parsing.json", "toy") as writer:
        for frame in range(COUNT):
            head = pictures(frame)[3] > 0
            writer.add(frame, np.where(head, LABELS.index("skin"), LABELS.index("background")).astype(np.uint8))
    with FrameFolderWriter(folder / "basis.json", "toy") as writer:
        for frame in (7, 8, 9):
            writer.add(frame, np.full((SIDE, SIDE, 3), SKIN, np.uint8))
    angles = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    points = np.stack([16 + 6 * np.cos(angles), 16 + 6 * np.sin(angles), angles], 1)
    status = np.array(["ok"] * COUNT, dtype="U16")
    status[4] = "no_face"
    np.savez(
        folder / "landmarks.npz",
        ids=np.arange(COUNT),
        points=np.where(status[:, None, None] == "ok", points, np.nan).astype(np.float32),
        status=status,
        confidence=np.where(status == "ok", 0.9, np.nan),
        convention=np.array("mediapipe478"),
    )
    inputs = {name: folder / f"{name}.json" for name in (*names, "parsing")}
    return (
        inputs
        | {name: folder / f"{name}.npz" for name in ("landmarks", "tracking", "head")}
        | {"renders": folder / "basis.json"}
    )


def draw(clip, picture, tmp_path, settings=SETTINGS):
    output = tmp_path / f"{picture}.png"
    draw_quality(clip="toy", picture=picture, inputs=clip, output=output, settings=settings)
    return read_image(output)


def cut_panels(sheet, count, columns=3):
    """The pictures of a sheet, found by the first row that has no paper where the first panel stands."""
    paper = (sheet == sheet[0, 0]).all(-1)
    dense = paper[:, GAP : GAP + PANEL_WIDTH].mean(1) < 0.02
    tops = [row for row in range(1, len(dense)) if dense[row] and not dense[row - 1]]
    places = [(tops[k // columns], GAP + STEP * (k % columns)) for k in range(count)]
    return [sheet[top : top + PANEL_WIDTH, left : left + PANEL_WIDTH] for top, left in places]


def at(panel, x, y):
    """The colour at a place given in pixels of the frame."""
    return panel[int(y * SCALE), int(x * SCALE)].astype(int)


def near(colour, expected, limit=12):
    return np.abs(np.asarray(colour) - expected).max() <= limit


def test_frames_are_shown_in_order(clip, tmp_path):
    panels = cut_panels(draw(clip, "frames", tmp_path), 3)
    for panel, frame in zip(panels, (0, 4, 9), strict=True):
        left = 8 + frame % 3
        assert near(at(panel, left + 2, 10), SKIN) and near(at(panel, left - 3, 10), (40, 90, 200))


def test_landmarks_lie_on_their_places_and_bad_frames_are_crossed_out(clip, tmp_path):
    sheet = draw(clip, "landmarks", tmp_path)
    crossed, good, _ = cut_panels(sheet, 3)
    assert (sheet == ALARM).all(-1).any()
    assert near(at(crossed, 31.8, 0.1), (230, 40, 50), 60)
    drawn = np.abs(good.astype(int) - cut_panels(draw(clip, "frames", tmp_path), 3)[0]).sum(2) > 60
    rows, columns = np.nonzero(drawn)
    radius = np.hypot((columns + 0.5) / SCALE - 16, (rows + 0.5) / SCALE - 16)
    assert radius.max() < 6.6
    assert np.quantile(radius, 0.05) < 6 < np.quantile(radius, 0.999)
    assert any((good == colour).all(-1).any() for colour in CONTOUR_COLOURS.values())


def test_the_matte_shows_squares_where_it_is_empty_alone(clip, tmp_path):
    panel = cut_panels(draw(clip, "matte", tmp_path), 3)[0]
    wall = panel[: int(4 * SCALE)].reshape(-1, 3)
    assert {tuple(map(int, colour)) for colour in np.unique(wall, axis=0)} == {(170, 170, 170), (235, 235, 235)}
    assert near(at(panel, 12, 10), SKIN)


def test_parsing_tints_by_label_and_names_those_that_occur(clip, tmp_path):
    sheet = draw(clip, "parsing", tmp_path)
    panel = cut_panels(sheet, 3)[0]
    assert near(at(panel, 12, 10), 0.35 * SKIN + 0.65 * np.array(LABEL_COLOURS["skin"]))
    assert near(at(panel, 3, 10), 0.35 * np.array([40, 90, 200]) + 0.65 * np.array(LABEL_COLOURS["background"]))
    assert (sheet == LABEL_COLOURS["skin"]).all(-1).sum() > 200
    assert not (sheet == LABEL_COLOURS["hat"]).all(-1).any()


def test_mask_edges_are_where_the_masks_end(clip, tmp_path):
    panel = cut_panels(draw(clip, "masks", tmp_path), 3)[0]
    for colour, (left, right, top, bottom) in ((HEAD_COLOUR, (8, 22, 6, 26)), (MOUTH_COLOUR, (12, 18, 19, 22))):
        rows, columns = np.nonzero((panel == colour).all(-1))
        found = np.array([columns.min(), columns.max(), rows.min(), rows.max()]) / SCALE
        assert np.abs(found - (left, right, top, bottom)).max() < 0.6


def flagged(clip, word, tmp_path, **details):
    """Return the clip's inputs with details added to one manifest, whose folder stays where it is."""
    content = json.loads(clip[word].read_text())
    content["details"] |= details
    (tmp_path / f"{word}.json").write_text(json.dumps(content))
    (tmp_path / word).symlink_to(folder_of(clip[word]))
    return clip | {word: tmp_path / f"{word}.json"}


@pytest.mark.parametrize(
    ("picture", "word", "details"),
    [
        ("masks", "mouth_masks", {"flagged": [{"id": 5, "reason": "empty"}]}),
        ("masks", "head_masks", {"jumps": [[5, 0.25]]}),
        ("matte", "matte", {"jumps": [[5, 0.25]]}),
    ],
)
def test_frames_that_a_stage_flagged_come_first_in_red(clip, tmp_path, picture, word, details):
    inputs = flagged(clip, word, tmp_path, **details)
    plain, marked = draw(clip, picture, tmp_path), draw(inputs, picture, tmp_path)
    assert not (plain == ALARM).all(-1).any()
    first, others = marked[:, : GAP + PANEL_WIDTH], marked[:, GAP + PANEL_WIDTH :]
    assert (first == ALARM).all(-1).any()
    assert not (others == ALARM).all(-1).any()
    left = 8 + 5 % 3
    panel = cut_panels(marked, 1)[0]
    assert near(at(panel, left + 2, 10), SKIN) and not near(at(panel, left - 1.5, 10), SKIN)


def test_alarms_are_jumps_and_flags_by_frame():
    details = {"jumps": [[3, 0.125], [4, 0.5]], "flagged": [{"id": 4, "reason": "empty"}], "fps": 25.0}
    alarms = alarms_of(Manifest((8, 8), (3, 4), "", details=details))
    assert alarms == {3: ["jump 0.12"], 4: ["jump 0.50", "empty"]}
    assert alarms_of(Manifest((8, 8), (3, 4), "")) == {}
    assert alarms_told(2, 9).startswith("2 of 9") and "No frame" in alarms_told(0, 9)


def test_renders_stand_between_truth_and_difference(clip, tmp_path):
    truth, render, difference = cut_panels(draw(clip, "renders-basis", tmp_path), 3)
    assert near(at(truth, 3, 3), (40, 90, 200)) and near(at(render, 3, 3), SKIN)
    assert at(difference, 13, 10).sum() < 20 < at(difference, 3, 3).sum()


def test_the_same_input_gives_the_same_bytes_and_an_unknown_picture_is_an_error(clip, tmp_path):
    draw(clip, "masks", tmp_path)
    before = (tmp_path / "masks.png").read_bytes()
    draw(clip, "masks", tmp_path)
    assert (tmp_path / "masks.png").read_bytes() == before
    with pytest.raises(ValueError, match="nothing"):
        draw(clip, "nothing", tmp_path)


def test_a_missing_frame_is_told_by_its_file(clip, tmp_path):
    shutil.copytree(folder_of(clip["frames"]), tmp_path / "frames")
    shutil.copy(clip["frames"], tmp_path / "frames.json")
    (tmp_path / "frames" / frame_name(0)).unlink()
    with pytest.raises(UserError, match="00000"):
        draw(clip | {"frames": tmp_path / "frames.json"}, "masks", tmp_path)
    assert not (tmp_path / "masks.png").exists()


@pytest.mark.parametrize(("count", "bad"), [(12, []), (12, [5]), (12, list(range(40, 90))), (3, [1, 2]), (1, []), (200, [7])])
def test_spread_is_even_and_shows_faults_first(count, bad):
    ids = list(range(100))
    chosen = spread(ids, count, bad)
    assert len(set(chosen)) == len(chosen) == min(count, 100)
    faults = len(set(chosen) & set(bad))
    assert set(chosen[:faults]) <= set(bad)
    assert chosen[:faults] == sorted(chosen[:faults]) and chosen[faults:] == sorted(chosen[faults:])
    assert faults == 0 if not bad else 1 <= faults <= max(1, count // 2)
    if not bad and count > 1:
        assert chosen[0] == 0 and chosen[-1] == 99 and np.ptp(np.diff(chosen)) <= 1


def test_kinds_of_faults_share_the_room():
    ids, rare, frequent = list(range(100)), [50], list(range(10, 60))
    chosen = spread(ids, 12, rare, frequent)
    assert 50 in chosen[:6] and set(chosen[:6]) <= set(frequent) and len(set(chosen)) == 12
    assert not set(chosen[6:]) & set(frequent)
    assert len(spread(ids, 12, list(range(20)), list(range(40, 60)))) == 12
    assert [frame < 30 for frame in spread(ids, 12, list(range(20)), list(range(40, 60)))[:6]] == [True] * 3 + [False] * 3
    assert spread(ids, 1, rare, frequent) == [50]
    assert spread(ids, 3, [], []) == spread(ids, 3)
