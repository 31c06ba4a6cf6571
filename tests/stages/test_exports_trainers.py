"""Datasets for other trainers: which frames, which pictures, which split; and what is refused or told."""

import csv
import hashlib
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage
from synthetic_head import synthetic_head

from headsmith.bridges.gaussian_avatars_read import read_gaussian_avatars
from headsmith.bridges.imavatar_read import read_imavatar
from headsmith.bridges.track import Track, project_vertices
from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.contract.settings import ExportsSettings
from headsmith.heads.model import HeadModel
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages.exports_trainers import write_trainer

SIZE, FRAMES, HELD_OUT = 40, 12, 3
BAD = {3: "missing", 5: "outlier", 8: "uncertain"}
NO_MATTE = 7
USABLE = [0, 1, 2, 4, 6, 9, 10, 11]
NAMES = {"insta": "anny", "gaussian_avatars": "flame2023", "imavatar": "flame2020"}


def pictures(frame):
    """A picture of noise, a soft matte, labels in stripes with cloth at the bottom, and a head mask without them."""
    chance = np.random.default_rng(frame)
    labels = np.tile(np.repeat(np.arange(19, dtype=np.uint8), 3)[:SIZE], (SIZE, 1))
    labels[30:], labels[:4] = LABELS.index("cloth"), LABELS.index("background")
    head = np.where((labels > 0) & (labels != LABELS.index("cloth")), 255, 0).astype(np.uint8)
    return {
        "frames": chance.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8),
        "matte": chance.integers(0, 256, (SIZE, SIZE)).astype(np.uint8),
        "parsing": labels,
        "head_masks": head,
    }


def model_of(name):
    return HeadModel.from_container(replace(synthetic_head(), name=name), torch.float64)


def tracked(model):
    chance = np.random.default_rng(1)
    return Track(
        ids=np.arange(FRAMES),
        identity=chance.normal(size=4),
        expression=chance.uniform(size=(FRAMES, 6)),
        jaw=0.1 * chance.normal(size=(FRAMES, 3)),
        eyes=0.1 * chance.normal(size=(FRAMES, 2, 3)),
        neck=np.zeros((FRAMES, 3)),
        eyelids=chance.uniform(size=(FRAMES, 2)),
        rotation=np.tile(np.diag([1.0, -1, -1]), (FRAMES, 1, 1)),
        translation=np.array([0, 0, 1]) + 0.02 * chance.normal(size=(FRAMES, 3)),
        focal=130.0,
        principal=np.array([SIZE / 2, SIZE / 2]),
        size=(SIZE, SIZE),
        status=tuple(BAD.get(frame, "ok") for frame in range(FRAMES)),
        residual=np.ones(FRAMES),
        head_sha256=model.sha256,
        convention="mediapipe478",
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    for word in pictures(0):
        with FrameFolderWriter(folder / f"{word}.json") as writer:
            for frame in range(FRAMES):
                if (word, frame) != ("matte", NO_MATTE):
                    writer.add(frame, pictures(frame)[word])
    return {word: folder / f"{word}.json" for word in pictures(0)}


def export(name, folder, sources, **changes):
    model = model_of(NAMES[name])
    folder.mkdir(exist_ok=True)
    settings = ExportsSettings(held_out=changes.pop("held_out", HELD_OUT))
    given = {"tracked": tracked(model), "model": model, "settings": settings, "clip": "someone"}
    return write_trainer(**{"export": name, "folder": folder, **sources, **given, **changes})


def read(path):
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return image if image.ndim == 2 else image[..., [2, 1, 0, 3][: image.shape[2]]]


@pytest.mark.parametrize("name", NAMES)
def test_frames_are_split_and_left_out_with_reasons(name, tmp_path, sources):
    told = export(name, tmp_path, sources)
    assert told["train"] == USABLE[:-HELD_OUT] and told["held_out"] == USABLE[-HELD_OUT:]
    reasons = {item["id"]: item["reason"] for item in told["left_out"]}
    assert reasons == {frame: f"tracking: {word}" for frame, word in BAD.items()} | {NO_MATTE: "not in matte"}
    rows = list(csv.DictReader((tmp_path / "mapping.csv").open()))
    assert [int(row["frame"]) for row in rows] == USABLE and [row["part"] for row in rows[-4:]] == ["train"] + 3 * ["held_out"]
    folder = "image" if name == "imavatar" else "images"
    assert sorted(path.name for path in (tmp_path / folder).iterdir()) == sorted(row["image"] for row in rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_share_of_the_usable_frames_may_be_held_out(name, tmp_path, sources):
    count, share = export(name, tmp_path / "count", sources, held_out=2), "25%"
    assert len(USABLE) == 8 and export(name, tmp_path / "share", sources, held_out=share) == count
    assert digest(tmp_path / "share") == digest(tmp_path / "count")


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]


@pytest.mark.parametrize("name", NAMES)
def test_threads_and_a_redo_change_no_byte(name, tmp_path, sources):
    assert export(name, tmp_path / "one", sources) == export(name, tmp_path / "two", sources, threads=3)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_gaussian_avatars_has_the_head_on_white(tmp_path, sources):
    told = export("gaussian_avatars", tmp_path, sources)
    frame = pictures(4)
    alpha = np.where(frame["head_masks"] > 0, frame["matte"], 0)
    assert (read(tmp_path / "fg_masks/00003_00.png") == alpha).all()
    share = alpha[..., None] / 255
    expected = frame["frames"] * share + 255 * (1 - share)
    assert np.abs(read(tmp_path / "images/00003_00.png") - expected).max() <= 0.5
    track = read_gaussian_avatars(tmp_path, model_of("flame2023"))
    ours = tracked(model_of("flame2023")).take(USABLE)
    assert np.abs(project_vertices(track, model_of("flame2023")) - project_vertices(ours, model_of("flame2023"))).max() < 1e-3
    original = [entry["timestep_index_original"] for entry in json.loads((tmp_path / "transforms.json").read_text())["frames"]]
    assert original == USABLE
    assert told["lost"]["largest_mm"] == told["lost"]["lids_mm"] > 0
    assert any("eyelids" in line for line in told["notes"]) and any("fewer than 10 frames" in line for line in told["notes"])


def test_imavatar_has_whole_pictures_and_splatting_avatar_heads(tmp_path, sources):
    export("imavatar", tmp_path, sources)
    frame = pictures(4)
    for folder, word in (("image", "frames"), ("mask", "matte"), ("semantic", "parsing")):
        assert (read(tmp_path / folder / "4.png") == frame[word]).all()
    head = read(tmp_path / "images/4.png")
    assert (head[..., :3] == frame["frames"]).all()
    assert (head[..., 3] == np.where(frame["head_masks"] > 0, frame["matte"], 0)).all()
    assert read_imavatar(tmp_path, model_of("flame2020")).size == (SIZE, SIZE)
    assert json.loads((tmp_path / "test/flame_params.json").read_text())["frames"][0]["file_path"] == "./../image/6"


def test_insta_has_no_clothes_and_coded_labels(tmp_path, sources):
    told = export("insta", tmp_path, sources)
    frame = pictures(4)
    whole, bare = read(tmp_path / "matted/00003.png"), read(tmp_path / "images/00003.png")
    assert (whole[..., 3] == frame["matte"]).all() and (
        whole[whole[..., 3] > 0][:, :3] == frame["frames"][frame["matte"] > 0]
    ).all()
    cloth = ndimage.median_filter((frame["parsing"] == LABELS.index("cloth")).astype(int), size=5, mode="nearest")
    cloth = ndimage.binary_dilation(cloth, iterations=3)
    alpha = np.where(cloth, 0, ndimage.median_filter(frame["matte"], size=5, mode="nearest"))
    assert (bare[..., 3] == np.where(alpha > 127.5, 255, alpha)).all() and not bare[cloth].any()
    codes = read(tmp_path / "seg_mask/00003.png")
    assert codes[0, 0].tolist() == [0, 0, 0] and codes[-1, 0].tolist() == [90, 0, 0] and codes[10, 3].tolist() == [250, 0, 0]
    assert any("1000 frames" in line for line in told["notes"]) and any("mesh_masks" in line for line in told["notes"])
    assert told["lost"] == {}


def test_instas_depth_is_that_of_its_mesh(tmp_path, sources):
    export("insta", tmp_path, sources)
    model = model_of("anny")
    track = tracked(model).take([4])
    depth = read(tmp_path / "depth/00003.png")
    assert depth.dtype == np.uint16 and depth[0, 0] == 0
    lines = [line.split() for line in (tmp_path / "meshes/00003.obj").read_text().splitlines()]
    vertices = np.array([list(map(float, line[1:])) for line in lines if line[0] == "v"])
    np.testing.assert_allclose(vertices, model(track.parameters())[0].numpy(), atol=1e-9)
    seen = vertices @ track.rotation[0].T + track.translation[0]
    pixels = track.focal * seen[:, :2] / seen[:, 2:] + track.principal
    inside = ((pixels > 1) & (pixels < SIZE - 1)).all(1)
    there = depth[tuple(pixels[inside].astype(int).T[::-1])].astype(float)
    assert np.median(np.abs(there - 1000 * seen[inside, 2])) < 3 and (there[there > 0] <= 1000 * seen[:, 2].max() + 1).all()


def test_codes_of_another_head_are_refused_with_what_to_do(tmp_path, sources):
    for name, head in (("gaussian_avatars", "anny"), ("imavatar", "anny"), ("imavatar", "flame2023")):
        with pytest.raises(UserError, match=f"was tracked with {head}") as caught:
            export(name, tmp_path, sources, model=model_of(head))
        assert "convert_head" in caught.value.remedy and NAMES[name] in caught.value.remedy
        assert f"results/someone/converted/{NAMES[name]}.npz" in caught.value.remedy
    assert not list(tmp_path.iterdir())


def test_none_left_to_train_on(tmp_path, sources):
    with pytest.raises(UserError, match="8 frames can be used and 8 are held out") as caught:
        export("insta", tmp_path, sources, held_out=8)
    assert "exports.held_out" in caught.value.remedy


def test_pictures_of_another_size_are_refused(tmp_path, sources):
    other = replace(tracked(model_of("anny")), size=(SIZE, SIZE + 2))
    with pytest.raises(UserError, match="40x40, the tracking 40x42"):
        export("insta", tmp_path, sources, tracked=other)


def test_a_principal_point_off_the_centre_is_told_where_the_trainer_ignores_it(tmp_path, sources):
    model = model_of("flame2023")
    moved = replace(tracked(model), principal=np.array([SIZE / 2 + 2.5, SIZE / 2]))
    assert any("2.50 pixels off" in line for line in export("gaussian_avatars", tmp_path, sources, tracked=moved)["notes"])
