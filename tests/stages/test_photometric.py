import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from stages.photometric_clip import FRAMES, SIZE, write_clip

from headsmith.bridges.track import Track, project_vertices
from headsmith.contract import photometric as contract_photometric
from headsmith.contract.errors import UserError
from headsmith.contract.settings import TrackingSettings
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages import photometric_fit
from headsmith.stages.photometric import refine_tracking
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
