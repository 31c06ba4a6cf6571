import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull
from stages.tracked_clip import BAD, CONTAINER, FRAMES, MODEL, SIDE, deviations, tracked_clip

from headsmith.bridges.track import Track, project_vertices
from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.contract.errors import UserError
from headsmith.contract.settings import QualitySettings
from headsmith.heads.container import save_head
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.images import read_image
from headsmith.show.colours import STATUS_COLOURS
from headsmith.show.curves import Span
from headsmith.show.overlays import TRACKED_COLOUR
from headsmith.show.sheets import GAP
from headsmith.show.text import ALARM
from headsmith.stages.quality import draw_quality
from headsmith.stages.quality_parts import PANEL_WIDTH
from headsmith.stages.quality_tracking import caption, close_up, draw_pairs, list_flagged, square_around
from headsmith.stages.quality_tracking_choice import BAD as NOT_OK
from headsmith.stages.quality_tracking_choice import BEST, MEDIAN, WORST, choose_frames, lowest
from headsmith.stages.quality_tracking_data import read_tracked_clip
from headsmith.stages.quality_tracking_head import lit, mesh_over, see_heads
from headsmith.stages.quality_tracking_plots import split_deviations, tracking_plots
from headsmith.stages.tracking_output import write_tracking

GREY = 90


def write_clip(folder: Path, tracked) -> dict[str, Path]:
    """Write what the picture is drawn from; frames are grey."""
    folder.mkdir(parents=True, exist_ok=True)
    save_head(CONTAINER, folder / "head.npz")
    write_tracking(tracked, *(folder / f"tracking.{kind}" for kind in ("npz", "json", "csv")))
    with FrameFolderWriter(folder / "frames.json", "toy", details={"fps": 25.0}) as writer:
        for frame in range(FRAMES):
            writer.add(frame, np.full((SIDE, SIDE, 3), GREY, np.uint8))
    usable = np.array([tracked.track.status[t] != "missing" for t in range(FRAMES)])
    np.savez(
        folder / "landmarks.npz",
        ids=np.arange(FRAMES),
        points=np.where(usable[:, None, None], tracked.seen.points, np.nan).astype(np.float32),
        status=np.where(usable, "ok", "no_face"),
        convention=np.array("mediapipe478"),
    )
    names = {"frames": "frames.json", "tracking_summary": "tracking.json"}
    return {word: folder / names.get(word, f"{word}.npz") for word in (*names, "landmarks", "tracking", "head")}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"), tracked_clip(**deviations()))


@pytest.fixture(scope="module")
def tracked(clip):
    return read(clip)


def read(clip):
    return read_tracked_clip("toy", *(clip[word] for word in ("tracking", "head", "landmarks", "tracking_summary")))


def draw(clip, folder, frames=4, columns=2):
    output, settings = folder / "tracking.png", QualitySettings(frames=frames, columns=columns)
    draw_quality(clip="toy", picture="tracking", inputs=clip, output=output, settings=settings)
    return read_image(output)


def test_the_sheet_shows_pairs_curves_and_flagged_frames(clip, tmp_path):
    sheet = draw(clip, tmp_path, frames=8, columns=4)
    assert sheet.shape[1] == 4 * (PANEL_WIDTH + GAP) + GAP
    assert sheet.shape[0] > 4 * PANEL_WIDTH + 5 * 300
    for colour in (ALARM, TRACKED_COLOUR, *(STATUS_COLOURS[kind] for kind in ("missing", "outlier", "uncertain"))):
        assert (sheet == colour).all(-1).sum() > 20
    before = (tmp_path / "tracking.png").read_bytes()
    draw(clip, tmp_path, frames=8, columns=4)
    assert (tmp_path / "tracking.png").read_bytes() == before


def test_a_clip_without_faults_or_deviations_has_no_alarm(tmp_path):
    plain = write_clip(tmp_path, tracked_clip({}))
    sheet = draw(plain, tmp_path, frames=1, columns=1)
    assert not (sheet == ALARM).all(-1).any()
    assert not (sheet == STATUS_COLOURS["uncertain"]).all(-1).any()


def test_the_head_lies_where_the_parameters_put_it(tracked):
    places = [0, 7, FRAMES - 1]
    for place, head in see_heads(tracked.track, tracked.model, tracked.contours, places):
        expected = project_vertices(tracked.track.take([place]), MODEL)[0]
        np.testing.assert_allclose(head.vertices[:, :2], expected, atol=0.02)
        frame = np.full((SIDE // 2, SIDE // 2, 3), GREY, np.uint8)
        rows, columns = np.nonzero((mesh_over(frame, head, tracked.faces, 0.5) != frame).any(2))
        low, high = expected.min(0) / 2, expected.max(0) / 2
        found = np.array([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]])
        assert np.abs(found - [low, high]).max() < 2


def test_heads_come_in_the_order_asked_for_however_many(tracked):
    places = list(range(FRAMES))[::-1]
    found = dict(see_heads(tracked.track, tracked.model, tracked.contours, places))
    assert list(found) == places
    alone = dict(see_heads(tracked.track, tracked.model, tracked.contours, [11]))
    np.testing.assert_allclose(found[11].vertices, alone[11].vertices, atol=1e-3)


def test_light_falls_from_before_and_above():
    ball = torch.nn.functional.normalize(torch.from_numpy(np.random.default_rng(0).normal(size=(2000, 3))), dim=1)
    hull = ConvexHull(ball.numpy())
    outward = np.einsum(
        "fi,fi->f", np.cross(*np.diff(ball.numpy()[hull.simplices], axis=1).transpose(1, 0, 2)), hull.equations[:, :3]
    )
    faces = torch.from_numpy(np.where(outward[:, None] > 0, hull.simplices, hull.simplices[:, ::-1]).copy()).long()
    light = lit(ball[None], faces)[0]
    brightest, above = ball[light.argmax()], light[ball[:, 1] < -0.7].mean()
    assert brightest[2] < -0.7 and brightest[1] < -0.1 and abs(brightest[0]) < 0.2
    assert 0 < light.min() < 0.4 and 0.9 < light.max() <= 1 and above > light[ball[:, 1] > 0.7].mean()


def test_dots_lie_on_the_contours_of_an_exact_fit(tmp_path):
    exact = read(write_clip(tmp_path, tracked_clip({}, noise=0.0)))
    ((place, head),) = see_heads(exact.track, exact.model, exact.contours, [4])
    np.testing.assert_allclose(head.landmarks, exact.detected[4, exact.contours.points], atol=0.02)
    frame = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    panel = close_up(frame, exact, place, head)
    assert panel.shape == (PANEL_WIDTH, PANEL_WIDTH, 3)
    left, top, side = square_around(np.concatenate([head.landmarks, exact.detected[4]]), SIDE, SIDE)
    columns, rows = ((head.landmarks - (left, top)) * PANEL_WIDTH / side).T.astype(int)
    inside = (columns >= 0) & (rows >= 0) & (columns < PANEL_WIDTH) & (rows < PANEL_WIDTH)
    assert inside.mean() > 0.95
    assert (np.abs(panel[rows[inside], columns[inside]].astype(int) - TRACKED_COLOUR).max(1) < 60).mean() > 0.95


def test_frames_without_landmarks_or_parameters_are_crossed_out(clip, tracked, tmp_path):
    (first, second), (third, fourth) = draw_pairs(tracked, [3, 4], clip["frames"], "toy")
    red = [
        (np.abs(panel.picture[:6, :6].astype(int) - (230, 40, 50)).max(-1) < 60).any()
        for panel in (first, second, third, fourth)
    ]
    assert red == [True, False, False, False]
    track = replace(tracked.track, translation=np.where(np.arange(FRAMES)[:, None] == 4, np.nan, tracked.track.translation))
    ((_, lost),) = draw_pairs(replace(tracked, track=track), [4], clip["frames"], "toy")
    assert (np.abs(lost.picture[:6, :6].astype(int) - (230, 40, 50)).max(-1) < 60).any()


def test_captions_tell_the_error_and_the_reason(tracked):
    parts = tracked.part_errors
    assert caption(tracked, 3) == ("frame 3", "missing: no face")
    first, second = caption(tracked, 13)
    assert first == f"frame 13 · {tracked.track.residual[13]:.2f} % ± {tracked.deviations['deviation'][13]:.2f}"
    assert second == "uncertain: deviation of 3.0 %"
    worst = max(parts, key=lambda name: parts[name][5])
    assert caption(tracked, 5)[1] == f"most at the {worst}: {parts[worst][5]:.1f} %"
    assert caption(replace(tracked, deviations={}), 5)[0] == f"frame 5 · {tracked.track.residual[5]:.2f} %"


def test_flagged_frames_are_listed_with_reasons_and_counted_where_there_are_many(tracked):
    assert len(list_flagged(tracked, 900)) == 1 + len(BAD)
    assert list_flagged(replace(tracked, track=replace(tracked.track, status=("ok",) * FRAMES)), 900) == []
    many = replace(tracked.track, status=("outlier",) * FRAMES)
    reasons = {t: f"error of {t} %" for t in range(FRAMES)}
    assert len(list_flagged(replace(tracked, track=many, reasons=reasons), 900)) == 1 + 18 + 1
    assert len(list_flagged(replace(tracked, track=many, reasons=dict.fromkeys(reasons, "leap")), 900)) == 1 + 1


def test_errors_by_part_are_those_of_the_landmarks(tracked):
    parts = tracked.part_errors
    known = np.isfinite(tracked.track.residual)
    assert np.isnan(parts["lips"]).tolist() == (~known).tolist() and "oval" not in parts
    sizes = {name: np.isin(tracked.embedding.points, MEDIAPIPE478.parts.get(name, ())).sum() for name in parts}
    sizes["skin"] = len(tracked.embedding.points) - sum(sizes.values())
    mean = sum(sizes[name] * parts[name] for name in parts) / len(tracked.embedding.points)
    np.testing.assert_allclose(mean[known], tracked.track.residual[known], rtol=1e-3)


def test_the_worst_median_and_best_frames_are_chosen(tracked):
    residual = np.where(tracked.ok, tracked.track.residual, np.nan)
    chosen = dict(choose_frames(tracked, 4, 3))
    assert list(chosen) == [NOT_OK, WORST, MEDIAN, BEST] and {len(places) for places in chosen.values()} == {3}
    assert set(chosen[NOT_OK]) == set(BAD) and chosen[NOT_OK][-1] == 3
    assert chosen[WORST] == np.argsort(np.nan_to_num(-residual, nan=np.inf))[:3].tolist()
    assert chosen[BEST] == np.argsort(residual)[:3].tolist()
    middle = np.abs(residual - np.nanmedian(residual))
    assert set(chosen[MEDIAN]) == set(np.argsort(middle)[:3].tolist())
    assert [kind for kind, _ in choose_frames(tracked, 1, 2)] == [WORST]
    fine = replace(tracked, track=replace(tracked.track, status=("ok",) * FRAMES, residual=np.arange(FRAMES) / 9))
    assert {kind: len(places) for kind, places in choose_frames(fine, 4, 3)} == {WORST: 6, MEDIAN: 3, BEST: 3}
    lost = replace(tracked, track=replace(tracked.track, status=("outlier",) * FRAMES))
    assert {kind: len(places) for kind, places in choose_frames(lost, 2, 3)} == {NOT_OK: 6}


def test_chosen_frames_lie_apart_as_far_as_there_are_enough():
    badness = np.abs(np.arange(400) - 100.0)
    chosen = lowest(np.arange(400), badness, 5)
    assert chosen[0] == 100 and min(abs(a - b) for a in chosen for b in chosen if a != b) > 10
    assert lowest(np.array([7, 8, 9]), badness, 5) == [9, 8, 7]


def test_curves_have_every_parameter_in_its_unit(tracked):
    plots = {plot.title: plot for plot in tracking_plots(tracked)}
    lines = {(title, name): values for title, plot in plots.items() for name, values in plot.lines.items()}
    track = tracked.track
    np.testing.assert_allclose(lines["Jaw", "open"], np.degrees(track.jaw[:, 0]))
    np.testing.assert_allclose(lines["Gaze, downwards", "right"], np.degrees(track.eyes[:, 1, 0]))
    np.testing.assert_allclose(lines["Gaze, to the subject's left", "left"], np.degrees(track.eyes[:, 0, 1]))
    np.testing.assert_allclose(np.diff(lines["Place, from its median", "z"]), 1000 * np.diff(track.translation[:, 2]))
    np.testing.assert_allclose(lines["Eyelids", "left"], track.eyelids[:, 0])
    np.testing.assert_allclose(lines["Landmark error", "standard deviation"], tracked.deviations["deviation"])
    strongest = CONTAINER.expression_names[int(track.expression.std(0).argmax())]
    first = next(iter(plots["Strongest expressions"].lines.items()))
    assert first[0] == strongest and np.ptp(first[1]) > 0.5
    red, grey, orange = (STATUS_COLOURS[kind] for kind in ("outlier", "missing", "uncertain"))
    assert all(plot.marks == (Span(3, 3, grey), Span(12, 12, red), Span(13, 13, orange)) for plot in plots.values())


def test_bands_are_the_deviations_of_their_lines(tracked):
    own = split_deviations(tracked)
    growing, steps = np.linspace(0.5, 1.5, FRAMES), np.linspace(0.01, 0.02, 25)
    plots = {plot.title: plot for plot in tracking_plots(tracked)}
    expected = {
        ("Strongest expressions", next(iter(plots["Strongest expressions"].lines))): None,
        ("Eyelids", "right"): steps[9],
        ("Jaw", "open"): np.degrees(steps[10]),
        ("Gaze, downwards", "left"): np.degrees(steps[13]),
        ("Gaze, to the subject's left", "right"): np.degrees(steps[17]),
        ("Turn of the head", "pitch"): np.degrees(steps[19]),
        ("Turn of the head", "yaw"): np.degrees(steps[20]),
        ("Place, from its median", "z"): 1000 * steps[24],
    }
    for (title, name), size in expected.items():
        code = CONTAINER.expression_names.index(name) if size is None else 0
        np.testing.assert_allclose(plots[title].bands[name], growing * (steps[code] if size is None else size), rtol=1e-5)
    assert {name: part.shape for name, part in own.items()}["expression"] == (FRAMES, 8)
    plain = tracking_plots(replace(tracked, deviations={}))
    assert all(plot.bands == {} for plot in plain) and "standard deviation" not in plain[0].lines


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([[100, 100], [200, 150]], (90, 65, 120)),
        ([[0, 0], [100, 100]], (0, 0, 120)),
        ([[450, 500], [512, 512], [np.nan, 3]], (438, 438, 74)),
        ([[np.nan, np.nan]], (0, 0, 512)),
        ([[-1e6, -1e6], [1e6, 1e6]], (0, 0, 512)),
        ([[40, 40]], (36, 36, 8)),
    ],
)
def test_the_close_up_is_a_square_inside_the_frame(points, expected):
    left, top, side = square_around(np.array(points, float), 512, 512)
    assert np.abs(np.subtract((left, top, side), expected)).max() <= 1
    assert left >= 0 <= top and left + side <= 512 and top + side <= 512


def test_a_tracking_of_another_head_or_of_other_frames_is_refused(clip, tmp_path):
    with np.load(clip["tracking"]) as file:
        arrays = dict(file)
    np.savez(tmp_path / "head.npz", **arrays | {"head_sha256": np.array("f" * 64)})
    with pytest.raises(UserError, match="another head"):
        draw(clip | {"tracking": tmp_path / "head.npz"}, tmp_path)
    with np.load(clip["landmarks"]) as file:
        np.savez(tmp_path / "landmarks.npz", **{name: file[name][1:] if name != "convention" else file[name] for name in file})
    with pytest.raises(UserError, match="do not belong together"):
        draw(clip | {"landmarks": tmp_path / "landmarks.npz"}, tmp_path)
    (tmp_path / "tracking.json").write_text("{")
    with pytest.raises(UserError, match=r"tracking\.json"):
        draw(clip | {"tracking_summary": tmp_path / "tracking.json"}, tmp_path)


def test_imported_tracking_without_deviations_is_read(clip, tmp_path):
    with np.load(clip["tracking"]) as file:
        arrays = {name: file[name] for name in file if "deviation" not in name}
    np.savez(tmp_path / "tracking.npz", **arrays)
    assert read(clip | {"tracking": tmp_path / "tracking.npz"}).deviations == {}
    assert set(read(clip).deviations) == set(deviations())
    assert json.loads(clip["tracking_summary"].read_text())["not_ok"] == [
        {"id": t, "reason": why} for t, (_, why) in BAD.items()
    ]
    assert isinstance(read(clip).track, Track)
