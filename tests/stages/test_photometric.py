import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from stages.photometric_clip import FRAMES, SIZE, write_clip

from headsmith.bridges.track import Track, project_vertices
from headsmith.contract import photometric as contract_photometric
from headsmith.contract.chunks import chunk_names
from headsmith.contract.errors import UserError
from headsmith.contract.photometric import round_numbers
from headsmith.contract.settings import TrackingSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.stages import photometric_fit
from headsmith.stages.photometric import refine_tracking
from headsmith.stages.photometric_chunk import measure_shifts_chunk
from headsmith.stages.photometric_file import read_round, read_shifts, write_round, write_shifts
from headsmith.stages.photometric_round import begin_round
from headsmith.stages.photometric_shifts import Shifts
from headsmith.stages.tracking import track_head

SETTINGS = TrackingSettings(
    iterations=15, noise=4.0, max_bad=0.2, max_residual=20.0, photometric=True, photometric_size=SIZE, photometric_iterations=4
)
BAD = 4
OUTPUTS = {"output": ".npz", "summary": ".json", "table": ".csv"}


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A clip, tracked by its shaking landmarks."""
    folder = tmp_path_factory.mktemp("photometric")
    paths, truth, model = write_clip(folder, bad=(BAD,))
    before = {word: folder / f"before{kind}" for word, kind in OUTPUTS.items()}
    inputs = {word: paths[word] for word in ("frames", "landmarks", "head")}
    track_head(clip="someone", settings=SETTINGS, threads=1, **inputs, **before)
    return folder, paths, truth, model


def refine(tracked, name, **changes):
    folder, paths, *_ = tracked
    outputs = {word: folder / f"{name}{kind}" for word, kind in OUTPUTS.items()}
    inputs = {"tracking": folder / "before.npz", "tracking_summary": folder / "before.json", **paths}
    given = {"settings": SETTINGS, "threads": 1, "picture": folder / f"{name}.png", **inputs, **outputs, **changes}
    refine_tracking(clip="someone", **given)
    return folder / f"{name}.npz"


@pytest.fixture(scope="module")
def refined(tracked):
    return refine(tracked, "after")


def read(path):
    with np.load(path) as content:
        return Track.from_arrays(dict(content))


def pixel_errors(path, truth, model):
    """Distance of the face's vertices from where the pictures show them: of all frames together, and of each from that."""
    face, seen = model.container.regions["face"], np.arange(FRAMES) != BAD
    found, there = (project_vertices(track, model)[seen][:, face] for track in (read(path), truth))
    apart = found - there
    common = apart.mean(0)
    return np.linalg.norm(common, axis=-1).mean(), np.linalg.norm(apart - common, axis=-1).mean()


def test_the_face_moves_as_the_pictures_show_it(tracked, refined):
    """What all frames share of an error, the skin that is taken from them shares too: it stays."""
    folder, _, truth, model = tracked
    before, after = (pixel_errors(path, truth, model) for path in (folder / "before.npz", refined))
    assert before[1] > 0.8 and after[1] < 0.15 * before[1]
    assert after[0] == pytest.approx(before[0], abs=0.1)
    told = json.loads((folder / "after.json").read_text())["photometric"]
    assert told["skin_psnr_after"] > told["skin_psnr_before"] + 10
    assert told["frames"] == FRAMES - 1


def test_the_files_have_what_tracking_by_landmarks_writes(tracked, refined):
    folder = tracked[0]
    with np.load(folder / "before.npz") as before, np.load(refined) as after:
        assert set(before.files) == set(after.files)
        assert {name: before[name].shape for name in before.files} == {name: after[name].shape for name in after.files}
        assert before["status"].tolist() == after["status"].tolist() and after["status"][BAD] == "missing"
        for name in before.files:
            if "deviation" in name:
                np.testing.assert_array_equal(before[name], after[name])
    one, other = (json.loads((folder / f"{name}.json").read_text()) for name in ("before", "after"))
    assert set(other) == {*one, "photometric"} and one["not_ok"] == other["not_ok"]
    assert len((folder / "after.csv").read_text().splitlines()) == FRAMES + 1
    picture = cv2.imread(str(folder / "after.png"))
    assert picture.shape[1] == 5 * SIZE
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_number_of_threads_changes_no_bit(tracked, refined):
    again = refine(tracked, "threads", threads=3)
    with np.load(refined) as one, np.load(again) as other:
        for name in one.files:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_a_texture_space_serves_at_coarse_sizes(tracked, monkeypatch):
    """FLAME's file, of random colours: what the clip's own skin says at the finest size still stands."""
    folder, _, truth, model = tracked
    random, head = np.random.default_rng(0), model.container
    vt, ft = head.uv, head.uv_faces
    arrays = {"mean": random.uniform(90, 160, (8, 8, 3)), "tex_dir": random.normal(0, 20, (8, 8, 3, 50)), "vt": vt, "ft": ft}
    np.savez(folder / "texture.npz", **arrays)
    monkeypatch.setattr(contract_photometric, "SMALLEST", SIZE // 2)
    calls = []
    real = photometric_fit.within_space
    monkeypatch.setattr(photometric_fit, "within_space", lambda *parts: calls.append(1) or real(*parts))
    path = refine(tracked, "space", texture=folder / "texture.npz")
    assert len(calls) == SETTINGS.photometric_iterations + photometric_fit.JUDGED
    assert json.loads((folder / "space.json").read_text())["photometric"]["sizes"] == [SIZE // 2, SIZE]
    before, after = (pixel_errors(part, truth, model) for part in (folder / "before.npz", path))
    assert after[1] < 0.3 * before[1]


def test_a_clip_without_skin_is_refused(tracked, tmp_path):
    bare = tmp_path / "parsing.json"
    with FrameFolderWriter(bare, flat=True) as writer:
        for place in range(FRAMES):
            writer.add(place, np.zeros((SIZE, SIZE), np.uint8))
    with pytest.raises(UserError, match="no frame shows enough skin") as caught:
        refine(tracked, "bare", parsing=bare)
    assert "tracking.photometric" in caught.value.message


def test_label_maps_of_other_frames_are_refused(tracked, tmp_path):
    short = tmp_path / "parsing.json"
    with FrameFolderWriter(short, flat=True) as writer:
        writer.add(0, np.zeros((SIZE, SIZE), np.uint8))
    with pytest.raises(UserError, match="do not belong together"):
        refine(tracked, "short", parsing=short)


def test_a_missing_renderer_is_told(tracked):
    try:
        import pytorch3d  # noqa: F401
    except ImportError:
        with pytest.raises(UserError, match="pytorch3d cannot be imported"):
            refine(tracked, "other", settings=replace(SETTINGS, renderer="pytorch3d"))
    else:
        pytest.skip("PyTorch3D is installed")


def refine_in_chunks(tracked, name, count, settings=SETTINGS, **changes):
    """What the jobs of a clip in chunks do, one after the other, each with files alone."""
    folder, paths, *_ = tracked
    common = {"clip": "someone", "settings": settings, "threads": 1, **paths, "tracking": folder / "before.npz", **changes}
    measured = {word: value for word, value in common.items() if word not in ("landmarks", "tracking")}
    so_far = {}
    for number in round_numbers(settings, SIZE):
        begun = folder / f"{name}-{number}.npz"
        begin_round(**common, **so_far, output=begun)
        parts = [folder / f"{name}-{number}-{chunk}.npz" for chunk in chunk_names(count)]
        for chunk, part in zip(chunk_names(count), parts, strict=True):
            measure_shifts_chunk(**measured, begun=begun, chunk=chunk, output=part)
        so_far = {"last": begun, "shifts": parts}
    return refine(tracked, name, settings=settings, **changes, **so_far)


def assert_same_files(one, other):
    for kind in (*OUTPUTS.values(), ".png"):
        assert one.with_suffix(kind).read_bytes() == other.with_suffix(kind).read_bytes(), kind


def test_chunks_change_no_bit(tracked, refined):
    """More chunks than frames that were tracked well: some have none."""
    assert_same_files(refine_in_chunks(tracked, "cut", FRAMES + 2), refined)


def test_a_chunk_whose_frames_tell_nothing_changes_no_bit(tracked, tmp_path, monkeypatch):
    """Of two sizes, too."""
    monkeypatch.setattr(contract_photometric, "SMALLEST", SIZE // 2)
    few, half = replace(SETTINGS, photometric_iterations=1), tmp_path / "parsing.json"
    labels = iterate_frames(tracked[1]["parsing"], grey=True)
    with FrameFolderWriter(half, flat=True) as writer:
        for place, (_, image) in enumerate(labels):
            writer.add(place, image if place > FRAMES // 2 else np.zeros_like(image))
    whole = refine(tracked, "half", settings=few, parsing=half)
    assert json.loads(whole.with_suffix(".json").read_text())["photometric"]["sizes"] == [SIZE // 2, SIZE]
    assert_same_files(refine_in_chunks(tracked, "half-cut", 2, few, parsing=half), whole)
    with np.load(tracked[0] / "half-cut-0-1of2.npz") as first:
        assert len(first["places"]) == 4 and len(first["told"]) == 0


@pytest.fixture(scope="module")
def first(tracked):
    """The first round of a clip, as it is handed on."""
    folder, paths, *_ = tracked
    common = {"clip": "someone", "settings": SETTINGS, "threads": 1, "tracking": folder / "before.npz"}
    begin_round(**common, **paths, output=folder / "first.npz")
    return folder / "first.npz"


def test_where_nothing_is_left_to_be_measured_rounds_pass_through(tracked, first, tmp_path):
    folder, paths, *_ = tracked
    over, part, after = (tmp_path / f"{name}.npz" for name in ("over", "part", "after"))
    write_round(over, replace(read_round(first, "someone"), size=0, number=5))
    common = {"clip": "someone", "settings": SETTINGS, "threads": 1, "head": paths["head"]}
    nothing = {"frames": tmp_path / "none.json", "parsing": tmp_path / "none.json"}
    measure_shifts_chunk(**common, **nothing, begun=over, chunk="1of1", output=part)
    begin_round(**common | paths, tracking=folder / "before.npz", last=over, shifts=[part], output=after)
    before, found = (dict(np.load(path, allow_pickle=False)) for path in (over, after))
    assert found.pop("number") == before.pop("number") + 1 == 6
    for name, values in before.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_a_round_is_read_as_it_was_written(first, tmp_path):
    now = read_round(first, "someone")
    assert (now.number, now.size, now.deviation) == (0, SIZE, photometric_fit.FIRST_DEVIATION)
    assert now.state.codes.dtype == now.state.log_focal.dtype == torch.float64 and now.state.log_focal.shape == ()
    assert now.track.focal == float(now.state.log_focal.exp()) and now.track.status[BAD] == "missing"
    torch.testing.assert_close(now.skin.slopes, now.skin.frame.slopes(now.skin.texture), rtol=0, atol=0)
    write_round(tmp_path / "again.npz", now)
    assert (tmp_path / "again.npz").read_bytes() == first.read_bytes()
    first_bytes = first.read_bytes()
    (tmp_path / "broken.npz").write_bytes(first_bytes[: len(first_bytes) // 2])
    with pytest.raises(UserError, match="round of the refinement cannot be read"):
        read_round(tmp_path / "broken.npz", "someone")


def test_chunks_of_another_round_or_of_other_frames_are_refused(first, tmp_path):
    now = read_round(first, "someone")
    places = [place for place in range(FRAMES) if place != BAD]
    random = torch.Generator().manual_seed(0)
    shapes = ((250, 2), (250,), (9, 3))
    found = {place: Shifts(*(torch.randn(shape, generator=random) for shape in shapes), 0.1 / 3, 1 / 7) for place in places[1:]}
    parts = [tmp_path / "one.npz", tmp_path / "two.npz"]
    for part, share in zip(parts, (places[:3], places[3:]), strict=True):
        write_shifts(part, 0, share, {place: found[place] for place in share if place in found})
    read = read_shifts(parts, now, "someone")
    assert list(read) == places[1:]
    for place, shifts in found.items():
        assert all(torch.equal(getattr(shifts, name), getattr(read[place], name)) for name in ("shifts", "weights", "light"))
        assert (shifts.squares, shifts.middle) == (read[place].squares, read[place].middle)
    for given, when in ((parts[1:], now), (parts[::-1], now), (parts, replace(now, number=1))):
        with pytest.raises(UserError, match="of another round, or of other frames"):
            read_shifts(given, when, "someone")
