import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from stages.imported_clip import (
    CONTAINER,
    FRAMES,
    MODEL,
    SIDE,
    arguments,
    seen_points,
    true_track,
    write_frames,
    write_landmarks,
)

from headsmith.bridges.flame_head_tracker_write import write_flame_head_tracker
from headsmith.bridges.flashavatar import frame_content, write_frame
from headsmith.bridges.track import Track, project_vertices
from headsmith.contract.conventions import IBUG68_FROM_MEDIAPIPE
from headsmith.contract.errors import UserError
from headsmith.contract.settings import DatasetSettings
from headsmith.heads.container import save_head
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages.dataset import write_dataset
from headsmith.stages.imports import import_tracking


def tracked(call):
    import_tracking(**call)
    with np.load(call["output"]) as content:
        arrays = dict(content)
    return Track.from_arrays(arrays), json.loads(call["summary"].read_text())


def write_crops(folder, track, points=None):
    """flame-head-tracker's folder for a clip; the 68 points are those of MediaPipe's that stand for them."""
    folder.mkdir()
    write_flame_head_tracker(folder, track, MODEL, lambda number: np.zeros((8, 8, 3), np.uint8))
    seen = np.ones((len(track.ids), 478, 2))
    seen[:, CONTAINER.embeddings["mediapipe478"].points] = seen_points(track) if points is None else points
    for place, number in enumerate(track.ids.tolist()):
        path = folder / f"{number}.npz"
        if path.exists():
            with np.load(path) as content:
                arrays = dict(content)
            sixty_eight = np.stack([seen[place, list(group)].mean(0) for group in IBUG68_FROM_MEDIAPIPE])
            np.savez(path, **arrays, lmks_68=(sixty_eight[None] / SIDE * 2 - 1).astype(np.float32))
    return folder


@pytest.fixture
def crops(tmp_path):
    """A clip of flame-head-tracker's own crops, without frames 4 and 9, at 64 pixels a side."""
    track = true_track()
    kept = np.array([number for number in range(FRAMES) if number not in (4, 9)])
    given = write_crops(tmp_path / "crops", track.take(kept))
    write_frames(tmp_path / "frames.json", kept)
    write_landmarks(tmp_path / "landmarks.npz", seen_points(track)[kept] / SIDE * 64)
    return arguments(tmp_path, "flame_head_tracker", given, blink="raw"), track.take(kept)


def test_crops_are_tracked_as_their_tracker_has_them(crops):
    call, truth = crops
    found, summary = tracked(call)
    assert np.abs(project_vertices(found, MODEL) * SIDE / 64 - project_vertices(truth, MODEL)).max() < 0.01
    assert summary["landmark_error_percent_iod"] < 0.01 and summary["source"] == "flame_head_tracker"
    assert summary["counts"] == {"ok": FRAMES - 2, "missing": 0, "outlier": 0, "uncertain": 0}
    assert found.ids.tolist() == list(range(FRAMES - 2)) and found.convention == "mediapipe478"
    assert np.abs(found.principal - 32).max() < 1e-6 and found.head_sha256 == CONTAINER.sha256
    rows = list(csv.DictReader(call["table"].open()))
    assert len(rows) == FRAMES - 2 and rows[0]["status"] == "ok"


def test_a_redo_changes_nothing(crops):
    call, _ = crops
    tracked(call)
    before = [call[word].read_bytes() for word in ("output", "summary", "table")]
    tracked(call)
    assert [call[word].read_bytes() for word in ("output", "summary", "table")] == before


def test_blinks_are_calibrated_to_the_person(crops):
    call, truth = crops
    found, summary = tracked(call | {"settings": replace(call["settings"], blink="calibrated", max_residual=50.0)})
    assert found.eyelids.max() == 1 and found.eyelids.min() == 0
    assert summary["blinks"]["left"]["closed"] == pytest.approx(truth.eyelids[:, 0].max(), abs=0.05)


def test_other_crops_than_the_trackers_are_refused_by_the_traps_name(crops, tmp_path):
    """The same people and the same size of pictures, cut otherwise: shifted by a tenth of the crop, turned by six degrees."""
    call, truth = crops
    angle = np.radians(6)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for moved in (seen_points(truth) + SIDE / 10, (seen_points(truth) - SIDE / 2) @ turn + SIDE / 2):
        write_landmarks(tmp_path / "landmarks.npz", moved / SIDE * 64)
        with pytest.raises(UserError, match="not the crops that the tracker saw") as caught:
            import_tracking(**call)
        assert caught.value.clip == "someone" and "both columns" in caught.value.remedy
        assert not call["output"].exists()


def test_frames_without_parameters_are_missing_and_too_many_are_refused(crops, tmp_path):
    call, _ = crops
    for number in (7, 20):
        (tmp_path / f"crops/{number}.npz").unlink()
    found, summary = tracked(call)
    assert [t for t, status in enumerate(found.status) if status == "missing"] == [6, 18]
    assert {item["reason"] for item in summary["not_ok"]} == {"not tracked"}
    with pytest.raises(UserError, match="2 have no parameters"):
        import_tracking(**call | {"settings": replace(call["settings"], max_bad=0.05)})


def test_frames_that_lie_elsewhere_are_outliers(crops, tmp_path):
    call, truth = crops
    points = seen_points(truth) / SIDE * 64
    points[12] += np.random.default_rng(0).normal(size=points[12].shape) * 6
    write_landmarks(tmp_path / "landmarks.npz", points, bad=(3,))
    found, summary = tracked(call)
    assert (found.status[3], found.status[12]) == ("missing", "outlier")
    assert summary["counts"] == {"ok": FRAMES - 4, "missing": 1, "outlier": 1, "uncertain": 0}
    assert np.isnan(found.residual[3]) and found.residual[12] > 5


def test_frames_that_our_own_tracking_called_uncertain_stay_so(tmp_path):
    track = true_track()
    own = {5: "uncertain", 6: "outlier", 7: "missing", 8: "uncertain"}
    given = tmp_path / "given.npz"
    np.savez(given, **replace(track, status=tuple(own.get(t, "ok") for t in range(FRAMES))).arrays())
    write_frames(tmp_path / "frames.json", np.arange(FRAMES))
    write_landmarks(tmp_path / "landmarks.npz", seen_points(track) / SIDE * 64, bad=(8,))
    call = arguments(tmp_path, "headsmith", given, max_bad=0.2)
    found, summary = tracked(call)
    assert {t: word for t, word in enumerate(found.status) if word != "ok"} == own
    assert summary["counts"] == {"ok": FRAMES - 4, "missing": 1, "outlier": 1, "uncertain": 2}
    with pytest.raises(UserError, match="1 have no parameters or no landmarks, 2 are uncertain, 1 show the face elsewhere"):
        import_tracking(**call | {"settings": replace(call["settings"], max_bad=0.05)})


def test_a_clip_that_the_tracker_did_not_see_is_refused_by_the_traps_name(tmp_path):
    """A square video of the same people, of which the tracker saw crops: the shape alone does not tell."""
    track = true_track()
    (tmp_path / "checkpoint").mkdir()
    for place in range(FRAMES):
        write_frame(tmp_path / f"checkpoint/{place:05d}.frame", frame_content(track, place, place))
    write_frames(tmp_path / "frames.json", range(1, FRAMES + 1), (1080, 1080), (0, 0, 1080))
    write_landmarks(tmp_path / "landmarks.npz", (seen_points(track) / 3 + 300) * 64 / 1080)
    with pytest.raises(UserError, match="30 show the face elsewhere") as caught:
        import_tracking(**arguments(tmp_path, "metrical_tracker", tmp_path / "checkpoint"))
    assert "cut each frame anew" in caught.value.remedy and not (tmp_path / "tracking.npz").exists()


def test_jitter_is_told_before_and_after(crops, tmp_path):
    call, truth = crops
    shaky = replace(
        truth, translation=truth.translation + 0.001 * np.random.default_rng(0).normal(size=truth.translation.shape)
    )
    given = write_crops(tmp_path / "shaky", shaky, seen_points(truth))
    _, summary = tracked(call | {"given": given, "settings": replace(call["settings"], smoothing=3.0)})
    after, before = (summary[key]["shift_millimetres"] for key in ("jitter", "jitter_as_given"))
    assert max(after) < 0.3 * max(before) and summary["smoothing_hertz"] == 3.0


def test_a_bent_neck_is_folded_or_kept(crops, tmp_path):
    call, truth = crops
    bent = replace(truth, neck=np.tile([0.1, 0.05, 0], (FRAMES - 2, 1)))
    given = write_crops(tmp_path / "bent", bent)
    write_landmarks(tmp_path / "landmarks.npz", seen_points(bent) / SIDE * 64)
    found, summary = tracked(call | {"given": given})
    assert not found.neck.any() and 0 < summary["neck"]["largest_mm"] < 5
    assert summary["landmark_error_percent_iod"] < 2
    kept, summary = tracked(call | {"given": given, "settings": replace(call["settings"], neck="keep")})
    assert np.abs(kept.neck[:, 0] - 0.1).max() < 1e-6 and "neck" not in summary
    assert summary["landmark_error_percent_iod"] < 0.01


@pytest.mark.parametrize("shift", [0, 1])
def test_frame_files_belong_to_the_image_after(tmp_path, shift):
    """A `.frame` k and image k + 1; the crop of a larger picture moves the principal point."""
    track = true_track((640, 480))
    (tmp_path / "checkpoint").mkdir()
    for place in range(FRAMES):
        write_frame(tmp_path / f"checkpoint/{place:05d}.frame", frame_content(track, place, place))
    names = [f"{number + 1 + shift:05d}.png" for number in range(FRAMES - shift)]
    crop, scale = (100, 20, 440), 128 / 440
    write_frames(tmp_path / "frames.json", range(FRAMES - shift), (1280, 960), (200, 40, 880), 128, names=names)
    write_landmarks(tmp_path / "landmarks.npz", ((seen_points(track) - crop[:2]) * scale)[shift:])
    call = arguments(tmp_path, "metrical_tracker", tmp_path / "checkpoint")
    found, summary = tracked(call)
    expected = (project_vertices(track, MODEL) - crop[:2])[shift:] * scale
    assert np.abs(project_vertices(found, MODEL) - expected).max() < 0.01
    assert summary["landmark_error_percent_iod"] < 0.01
    assert min(summary["frame_offset"], key=summary["frame_offset"].get) == "0"


def test_frames_counted_otherwise_are_told(crops, tmp_path, capsys):
    call, truth = crops
    (tmp_path / "bare").mkdir()
    write_flame_head_tracker(tmp_path / "bare", truth, MODEL, lambda number: np.zeros((8, 8, 3), np.uint8))
    write_landmarks(tmp_path / "landmarks.npz", np.roll(seen_points(truth), -1, 0) / SIDE * 64)
    tracked(call | {"given": tmp_path / "bare", "settings": replace(call["settings"], max_residual=50.0, max_bad=1.0)})
    assert "one frame later fit better" in capsys.readouterr().err


def test_our_own_tracking_goes_by_frame_ids(crops, tmp_path):
    call, _ = crops
    first, _ = tracked(call)
    (tmp_path / "again.npz").write_bytes(call["output"].read_bytes())
    second, summary = tracked(
        call | {"given": tmp_path / "again.npz", "settings": replace(call["settings"], source="headsmith")}
    )
    assert np.abs(project_vertices(second, MODEL) - project_vertices(first, MODEL)).max() < 1e-3
    assert summary["source"] == "headsmith"


def test_another_head_is_refused_and_both_are_named(crops, tmp_path):
    call, _ = crops
    save_head(replace(CONTAINER, name="anny"), tmp_path / "head.npz")
    with pytest.raises(UserError, match="flame2020, and heads") as caught:
        import_tracking(**call)
    assert "convert_head" in caught.value.remedy


def test_the_dataset_has_what_was_imported(crops, tmp_path):
    call, _ = crops
    found, _ = tracked(call)
    manifests = {word: tmp_path / f"{word}.json" for word in ("matte", "mouth_masks", "head_masks")}
    for path in manifests.values():
        with FrameFolderWriter(path) as writer:
            for frame_id in range(FRAMES - 2):
                writer.add(frame_id, np.full((64, 64), 255, np.uint8))
    paths = {word: call[word] for word in ("frames", "head")}
    settings = DatasetSettings(held_out=5)
    write_dataset(
        clip="someone", tracking=call["output"], manifest=tmp_path / "dataset.json", settings=settings, **paths, **manifests
    )
    assert json.loads((tmp_path / "dataset.json").read_text())["count"] == FRAMES - 2
    assert found.size == (64, 64)
