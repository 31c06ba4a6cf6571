import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from stages.tracked_clip import BAD, CONTAINER, EMBEDDING, FRAMES, MODEL, PARAMETERS, deviations, tracked_clip

from headsmith.bridges.track import STATUSES, Track, project_embedded
from headsmith.contract.landmark_groups import FACE_OVAL
from headsmith.stages.tracking_file import read_tracking
from headsmith.stages.tracking_jitter import point_jitter
from headsmith.stages.tracking_output import landmark_jitter, write_tracking


def write(tracked, folder):
    paths = [folder / f"tracking.{kind}" for kind in ("npz", "json", "csv")]
    write_tracking(tracked, *paths)
    with np.load(paths[0], allow_pickle=False) as content:
        return dict(content), json.loads(paths[1].read_text()), pd.read_csv(paths[2])


def test_the_table_has_every_parameter_in_the_unit_of_its_name(tmp_path):
    arrays, _, table = write(tracked_clip(**deviations()), tmp_path)
    assert table["frame"].tolist() == arrays["ids"].tolist() and table["frame"].dtype == np.int64
    assert table["status"].tolist() == arrays["status"].tolist()
    numbers = table.drop(columns=["frame", "status", "reason"])
    assert set(numbers.dtypes) == {np.dtype(np.float64)}
    expected = {"residual_percent": arrays["residual"], "deviation_percent": arrays["deviation"]}
    expected |= {f"{axis}_mm": 1000 * arrays["translation"][:, k] for k, axis in enumerate("xyz")}
    expected |= {f"jaw_{part}_deg": np.degrees(arrays["jaw"][:, k]) for k, part in enumerate(("open", "side", "twist"))}
    turns = {"left_gaze": arrays["eyes"][:, 0], "right_gaze": arrays["eyes"][:, 1], "neck": arrays["neck"]}
    for joint, turn in turns.items():
        expected |= {f"{joint}_{part}_deg": np.degrees(turn[:, k]) for k, part in enumerate(("down", "side", "twist"))}
    expected |= {"left_eyelid": arrays["eyelids"][:, 0], "right_eyelid": arrays["eyelids"][:, 1]}
    expected |= {f"expression_{name}": arrays["expression"][:, k] for k, name in enumerate(CONTAINER.expression_names)}
    assert set(expected) | {"yaw_deg", "pitch_deg", "roll_deg"} == set(numbers)
    for name, values in expected.items():
        np.testing.assert_allclose(numbers[name], values, rtol=1e-5, atol=1e-5, err_msg=name)
    yaw, pitch, roll = (np.radians(table[name]) for name in ("yaw_deg", "pitch_deg", "roll_deg"))
    facing = np.diag([1, -1, -1]) @ arrays["rotation"]
    np.testing.assert_allclose(facing[:, 0, 2], np.sin(yaw) * np.cos(pitch), atol=1e-5)
    np.testing.assert_allclose(facing[:, 1, 2], -np.sin(pitch), atol=1e-5)
    np.testing.assert_allclose(facing[:, 1, 1], np.cos(pitch) * np.cos(roll), atol=1e-5)


def test_bad_frames_have_reasons_and_unknown_numbers_are_empty(tmp_path):
    _, _, table = write(tracked_clip(), tmp_path)
    bad = table[table["status"] != "ok"]
    assert {row.frame: (row.status, row.reason) for row in bad.itertuples()} == BAD
    assert table["reason"].isna().sum() == FRAMES - len(BAD)
    assert table["deviation_percent"].isna().all() and table["deviation_percent"].dtype == np.float64
    assert table["residual_percent"].isna().to_numpy().nonzero()[0].tolist() == [3]


def test_deviations_are_kept_and_other_readers_go_without(tmp_path):
    given = deviations()
    arrays, _, _ = write(tracked_clip(**given), tmp_path)
    for name, values in given.items():
        assert arrays[name].dtype == np.float32
        np.testing.assert_allclose(arrays[name], values, rtol=1e-6)
    assert arrays["parameter_deviation"].shape == (FRAMES, PARAMETERS) and arrays["focal_deviation"].shape == ()
    assert not set(given) & set(read_tracking(tmp_path / "tracking.npz", CONTAINER, "someone").arrays)
    assert Track.from_arrays(arrays).status == tracked_clip().track.status
    assert not set(given) & set(write(tracked_clip(), tmp_path)[0])


def test_the_summary_tells_counts_the_lens_and_how_sure_it_is(tmp_path):
    _, summary, _ = write(tracked_clip(**deviations()), tmp_path)
    assert summary["counts"] == {"ok": FRAMES - 3, "missing": 1, "outlier": 1, "uncertain": 1}
    assert summary["focal_deviation_pixels"] == pytest.approx(0.05 * 1400)
    good = np.delete(deviations()["deviation"], list(BAD))
    assert summary["deviation_percent_iod"] == {"median": pytest.approx(np.median(good)), "largest": pytest.approx(1.5)}
    _, plain, _ = write(tracked_clip(), tmp_path)
    assert set(summary) - set(plain) == {"focal_deviation_pixels", "deviation_percent_iod"}
    assert list(plain["counts"]) == list(STATUSES)


def test_landmark_jitter_is_that_of_the_pixels(tmp_path):
    """Told beside what a loop over the frames finds: nothing of it from bad frames or their neighbours' differences."""
    tracked = tracked_clip(noise=1.5)
    tracked.seen.points[list(BAD)] += 100
    rows = np.flatnonzero(~np.isin(EMBEDDING.points, FACE_OVAL))
    both = {
        "tracked": project_embedded(tracked.track, MODEL, EMBEDDING)[:, rows],
        "detected": tracked.seen.points[:, EMBEDDING.points[rows]],
    }
    found = landmark_jitter(tracked)
    for name, points in both.items():
        lengths = [
            np.hypot(*(points[t + 1, k] - 2 * points[t, k] + points[t - 1, k]))
            for t in range(1, FRAMES - 1)
            for k in range(len(rows))
            if not {t - 1, t, t + 1} & set(BAD)
        ]
        assert found[name] == pytest.approx(100 * np.mean(lengths) / tracked.seen.eye_distance, rel=1e-9)
    assert found["detected"] > 2 * found["tracked"] > 0


def test_points_at_constant_speed_have_no_jitter_and_short_runs_none_to_tell():
    points = np.arange(12.0).reshape(6, 1, 2)
    assert point_jitter(points, [slice(0, 6)]) == 0
    points[4:] += 50
    assert point_jitter(points, [slice(0, 4), slice(4, 6)]) == 0 < point_jitter(points, [slice(0, 6)])
    assert point_jitter(points, [slice(0, 2), slice(3, 5)]) is None


def test_a_clip_without_three_good_frames_in_a_row_is_written_all_the_same(tmp_path):
    bad = {t: ("outlier", "leap") for t in range(FRAMES) if t % 3 == 0}
    _, summary, table = write(tracked_clip(bad), tmp_path)
    assert summary["landmark_jitter_percent_iod"] == {"tracked": None, "detected": None}
    assert summary["counts"]["outlier"] == len(bad) == (table["status"] == "outlier").sum()


def test_deviations_of_bad_frames_count_in_no_figure(tmp_path):
    tracked = tracked_clip(**deviations())
    lost = replace(tracked, deviation=np.where(tracked.ok, tracked.deviation, np.nan))
    first, second = (write(clip, tmp_path)[1] for clip in (tracked, lost))
    assert first == second


def test_writing_twice_gives_the_same_bytes(tmp_path):
    write(tracked_clip(), tmp_path)
    before = [(tmp_path / f"tracking.{kind}").read_bytes() for kind in ("json", "csv")]
    write(tracked_clip(), tmp_path)
    assert [(tmp_path / f"tracking.{kind}").read_bytes() for kind in ("json", "csv")] == before
