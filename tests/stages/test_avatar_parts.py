"""The parts of a training: records, backgrounds, order, steps, and what people see of it."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from headsmith.contract.settings import AvatarSettings, QualitySettings
from headsmith.maths.cameras import Camera
from headsmith.media.images import read_image
from headsmith.media.progress import progress
from headsmith.splat.avatar import View
from headsmith.stages.avatar_order import MOST_OF_A_PASS, batches, is_due
from headsmith.stages.avatar_progress import CurveRow, head_psnr, spread
from headsmith.stages.avatar_store import RowStore
from headsmith.stages.avatar_targets import FramePlan, over_colour
from headsmith.stages.avatar_training import add_gradients
from headsmith.stages.quality import draw_quality
from tests.stages.avatar_clip import COUNT, HELD_OUT, SIDE, pictures, train_clip, write_clip

SETTINGS = AvatarSettings(gaussians=500, iterations=240, bases=2, hidden=8, save_every=80, preview_every=100)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"))


def train(clip, folder, settings=SETTINGS, threads=1):
    return train_clip(clip, folder, settings, threads)


@pytest.fixture(scope="module")
def trained(clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return folder, train(clip, folder)


def some_records(count, generator):
    for _ in range(count):
        yield {
            "points": generator.normal(size=(7, 3)).astype(np.float32),
            "weight": generator.uniform(size=(3, 5)).astype(np.float16),
            "image": generator.integers(0, 256, (3, 5, 3), dtype=np.uint8),
            "head": generator.integers(0, 256, (3, 5), dtype=np.uint8),
        }


def some_store(folder):
    return RowStore(folder, {"points": (7, 3), "weight": (3, 5), "image": (3, 5, 3), "head": (3, 5)})


def test_records_come_back_in_any_order(tmp_path):
    store = some_store(tmp_path)
    written = list(some_records(4, np.random.default_rng(0)))
    store.write(iter(written), "key", "toy")
    for row in (2, 0, 3, 1, 2):
        found = store.arrays(store.read(row))
        assert all(np.array_equal(found[name].numpy(), written[row][name]) for name in written[row])
    assert store.is_whole("key", 4)
    assert not store.is_whole("another", 4)
    assert not store.is_whole("key", 5)
    with pytest.raises(ValueError, match="record 4"):
        store.read(4)


def test_records_cut_off_or_under_way_are_not_whole(tmp_path):
    store = some_store(tmp_path)
    store.write(some_records(4, np.random.default_rng(0)), "key", "toy")
    store.path.write_bytes(store.path.read_bytes()[:-1])
    assert not store.is_whole("key", 4)

    def dying():
        yield from some_records(2, np.random.default_rng(0))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(dying(), "key", "toy")
    assert not store.marker.exists()


def test_a_record_of_another_form_is_refused(tmp_path):
    record = next(some_records(1, np.random.default_rng(0)))
    with pytest.raises(ValueError, match="weight is float64"):
        some_store(tmp_path).write([record | {"weight": record["weight"].astype(np.float64)}], "key", "toy")


@pytest.mark.parametrize(("name", "colour"), [("green", (0, 255, 0)), ("white", (255, 255, 255))])
def test_over_a_colour_people_are_cut_out_by_matte_and_head(name, colour):
    image, matte, mouth, head = pictures(4)
    matte[10, 12], head[11, 12] = 51, 204
    camera = Camera(torch.eye(3), torch.zeros(3), torch.ones(2), torch.ones(2), (SIDE, SIDE))
    view, plate = View(torch.zeros(2, 3), torch.zeros(1), camera), np.zeros((SIDE, SIDE, 3), np.uint8)
    record = FramePlan(name, 40.0).record((image, matte, mouth, head), plate, view)
    behind = np.array(colour, float)
    for row, column in ((10, 12), (11, 12), (7, 10), (0, 0), (30, 5)):
        alpha, kept = matte[row, column] / 255, head[row, column] / 255
        once = image[row, column] * alpha + behind * (1 - alpha)
        assert record["image"][row, column] == pytest.approx(once * kept + behind * (1 - kept), abs=0.51)
    assert set(np.unique(record["weight"])) == {1.0, 41.0}
    assert (record["weight"][mouth > 0] == 41).all()
    assert FramePlan(name, 40.0).behind(torch.zeros(2, 2, 3, dtype=torch.uint8)).tolist() == [part / 255 for part in colour]


def test_a_colour_shows_where_nobody_is():
    image, matte, _, head = pictures(0)
    assert (over_colour(image, matte, head, (0, 255, 0))[28:] == (0, 255, 0)).all()


@pytest.mark.parametrize("background", ["green", "white"])
def test_training_over_a_colour_learns_and_keeps_the_plate_for_renders(clip, trained, tmp_path, background):
    _, curve = train(clip, tmp_path, replace(SETTINGS, background=background))
    rows = list(csv.DictReader(curve.splitlines()))
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])
    plates = [torch.load(folder / "avatar.pt", weights_only=True)["plate"] for folder in (tmp_path, trained[0])]
    assert torch.equal(*plates)
    corner = read_image(tmp_path / "progress/00000240.png")[0, 0].tolist()
    assert corner == [0 if background == "green" else 255, 255, 0 if background == "green" else 255]


@pytest.mark.parametrize("batch", [1, 3, 5])
def test_threads_change_no_result_whatever_the_batch(clip, tmp_path, batch):
    settings = replace(SETTINGS, batch=batch, iterations=60)
    results = [train(clip, tmp_path / str(threads), settings, threads) for threads in (1, 2, 4)]
    assert results[0] == results[1] == results[2]


def test_previews_change_no_result(clip, trained, tmp_path):
    avatar, _ = train(clip, tmp_path, replace(SETTINGS, preview_every=20))
    (tmp_path / "same.pt").write_bytes(trained[1][0])
    ours, theirs = (torch.load(tmp_path / name, weights_only=True)["state"] for name in ("avatar.pt", "same.pt"))
    assert (tmp_path / "avatar.pt").read_bytes() == avatar
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_the_curve_tells_the_psnr_of_seen_and_held_out_frames(trained):
    rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(trained[1][1].splitlines())]
    assert [row["images"] for row in rows] == [100, 200, 240]
    assert rows[-1]["psnr"] > rows[0]["psnr"] > 5
    assert rows[-1]["held_out_psnr"] > 10


def test_the_curve_is_drawn(trained, tmp_path):
    curve, output = trained[0] / "training.csv", tmp_path / "training-basis.png"
    draw_quality(clip="toy", picture="training-basis", inputs={"curve": curve}, output=output, settings=QualitySettings())
    both = read_image(output)
    lines = [line.split(",") for line in curve.read_text().splitlines()]
    alone = tmp_path / "curve.csv"
    alone.write_text("\n".join(",".join([*cells[:3], "held_out_psnr" if not row else ""]) for row, cells in enumerate(lines)))
    draw_quality(clip="toy", picture="training-basis", inputs={"curve": alone}, output=output, settings=QualitySettings())
    assert both.shape == read_image(output).shape
    assert (both != read_image(output)).any()


def test_pictures_show_truth_render_and_difference_of_held_out_frames(trained):
    folder, _ = trained
    names = sorted(path.name for path in (folder / "progress").iterdir())
    assert names == ["00000100.png", "00000200.png", "00000240.png"]
    picture = read_image(folder / "progress/00000240.png").astype(float)
    assert picture.shape == (HELD_OUT * SIDE, 3 * SIDE, 3)
    truth, render, gap = np.split(picture, 3, 1)
    assert np.abs(128 + 4 * (render - truth) - gap)[(gap > 0) & (gap < 255)].max() < 1
    assert np.array_equal(truth[6:20, 8:10], pictures(COUNT - HELD_OUT)[0][6:20, 8:10])


def test_a_pass_of_flashavatar_is_at_most_two_thousand_frames():
    assert MOST_OF_A_PASS == {"basis": None, "mlp": 2000}
    rows = [row for _, chosen in batches(30, 0, 0, 40, batch=1, most=8) for row in chosen]
    passes = [rows[start : start + 8] for start in range(0, 40, 8)]
    assert all(len(set(part)) == 8 for part in passes)
    assert len(set(rows)) > 20
    assert rows[17:] == [row for _, chosen in batches(30, 0, 17, 40, batch=1, most=8) for row in chosen]


def test_what_is_due_every_so_many_images_comes_so_often():
    due = [step for step in range(1, 31) if is_due(step, batch=7, every=20)]
    assert len(due) == 30 * 7 // 20
    assert due[:3] == [3, 6, 9]


def test_gradients_are_added_and_missing_ones_are_left_out():
    total = add_gradients([torch.ones(2), None, None, torch.ones(1)], [torch.ones(2), torch.ones(3), None, None])
    assert [None if part is None else part.tolist() for part in total] == [[2, 2], [1, 1, 1], None, [1]]


def test_frames_are_spread_over_the_clip():
    assert spread(list(range(10, 110)), 4) == [10, 43, 76, 109]
    assert spread([5], 4) == [5]
    assert spread([], 4) == []


def test_psnr_counts_the_head_alone():
    truth, head = torch.zeros(4, 4, 3), torch.zeros(4, 4)
    head[1] = 1
    image = truth + 0.9
    image[1] = 0.1
    assert head_psnr(image, truth, head) == pytest.approx(20)
    assert np.isnan(head_psnr(image, truth, torch.zeros(4, 4)))


def test_progress_tells_images_rate_time_left_and_quality_since_the_last_run():
    stream, now = io.StringIO(), [0.0]
    row = CurveRow(300, 0.00125, 27.34, 25.1)
    steps = progress(
        range(4),
        600,
        "anna: training, images",
        stream=stream,
        clock=lambda: now[0],
        done=200,
        each=100,
        detail=lambda: str(row),
    )
    for _ in steps:
        now[0] += 20.0
    lines = stream.getvalue().splitlines()
    told = "300/600 (50 %), 5.0/s, 1:00 left, loss 0.00125, head 27.34 dB, held out 25.10 dB"
    assert lines[0] == f"anna: training, images: {told}"
    assert lines[-1].startswith("anna: training, images: 600/600 (100 %), 5.0/s, done in 1:20")


def test_the_pool_of_a_cpu_has_as_many_threads_as_were_given(clip, tmp_path, monkeypatch):
    seen = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, count):
            seen.append(count)
            super().__init__(count)

    monkeypatch.setattr("headsmith.stages.avatar_training.ThreadPoolExecutor", Pool)
    train(clip, tmp_path, replace(SETTINGS, iterations=10), threads=3)
    assert seen == [3]
