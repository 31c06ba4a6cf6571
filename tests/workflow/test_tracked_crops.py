"""flame-head-tracker's results become a FlashAvatar dataset, by the steps of the docs and nothing else."""

import csv
import json
import math

import cv2
import numpy as np
import pytest
import torch
from workflow.house import SETTINGS, House
from workflow.tracked_crops import LOST, SIDE, fit, make_head, real_crops

from headsmith.bridges.flame_head_tracker_write import write_flame_head_tracker
from headsmith.bridges.flashavatar import read_frame
from headsmith.bridges.track import Track
from headsmith.contract.landmark_groups import CONVENTION, FACE_OVAL
from headsmith.heads.container import load_head
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.barycentrics import interpolate_on_faces
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_from_6d, matrix_to_axis_angle

COUNT, SIZE, HELD_OUT = 16, SETTINGS["frames"]["size"], 4


@pytest.fixture(scope="module")
def ready(finished_house: House, asset, tmp_path_factory):
    """A house with a licensed file, an embedding, a tracker's folder, and a configuration that names them: the user's part."""
    house = finished_house.copy(tmp_path_factory.mktemp("tracked") / "house")
    crops, points = real_crops(asset("franck.mp4"), asset("face_landmarker.task"), COUNT)
    container = make_head(house.folder, points)
    scratch = tmp_path_factory.mktemp("fit")
    fit(scratch, container, points)
    with np.load(scratch / "fit.npz") as content:
        track = Track.from_arrays(dict(content))
    (house.folder / "tracker").mkdir()
    kept = track.take([place for place in range(COUNT) if place != LOST])
    write_flame_head_tracker(
        house.folder / "tracker", kept, HeadModel.from_container(container, torch.float64), crops.__getitem__
    )
    (house.folder / "config/clips.tsv").write_text("clip\tvideo\ttracking\tfps\nanna\ttracker\ttracker\t24\n")
    configure(house)
    return house, crops


def configure(house, **tracking):
    heads = {"model": "flame2020", "flame2020": "generic_model.pkl", "embeddings": ["landmarks.npz"]}
    own = {"source": "flame_head_tracker", "blink": "raw", **tracking}
    house.settings(heads=heads, tracking=own, dataset={"held_out": HELD_OUT})


def head_points(model, embedding, **parameters):
    """The landmarks of the head at rest of root and neck, metres."""
    given = {name: torch.from_numpy(np.asarray(value, np.float64)) for name, value in parameters.items()}
    vertices = model(HeadParameters(neck=torch.zeros(1, 3).double(), **given))
    corners = model.faces[torch.from_numpy(embedding.faces).long()]
    return interpolate_on_faces(vertices, corners, torch.from_numpy(embedding.barycentrics))[0].numpy()


def seen_by_the_tracker(content, points):
    """Pixels of the crop (field guide 3.5)."""
    yaw, pitch, roll, *place = content["cam"][0].astype(float)
    turns = [axis_angle_to_matrix(torch.tensor(angle)).numpy() for angle in ([0, yaw, 0], [pitch, 0, 0], [0, 0, roll])]
    seen = (points - place) @ (turns[2] @ turns[0] @ turns[1])
    focal = SIDE / 2 / math.tan(math.radians(content["fov"][0].item()) / 2)
    return SIDE / 2 + focal * seen[:, :2] / -seen[:, 2:] * [1, -1]


def drawn_by_flashavatar(frame, first, points):
    """Pixels from the corner (field guide 2.4): the lens of the first frame, the principal point in the middle."""
    camera, lens = frame["opencv"], first["opencv"]["K"][0]
    seen = points @ camera["R"][0].T + camera["t"][0]
    return lens[0, 0] * seen[:, :2] / seen[:, 2:] + SIZE / 2


def test_results_of_flame_head_tracker_become_a_dataset(ready) -> None:
    house, crops = ready
    house.snakemake("dataset")
    results = house.folder / "results/anna"
    folder = results / "dataset/dataset/anna"
    checkpoint = results / "dataset/metrical-tracker/output/anna/checkpoint"
    model = HeadModel.from_container(load_head(house.folder / "resources/heads/flame2020.npz"), torch.float64)
    embedding = model.container.embeddings[CONVENTION]
    rows = list(csv.DictReader((folder / "mapping.csv").open()))
    numbers = [number for number in range(COUNT) if number != LOST]
    assert [int(row["frame"]) for row in rows] == list(range(COUNT - 1))
    summary = json.loads((results / "tracking.json").read_text())
    assert summary["landmark_error_percent_iod"] < 2
    assert summary["counts"] == {"ok": COUNT - 1, "missing": 0, "outlier": 0, "uncertain": 0}
    with np.load(results / "landmarks.npz") as content:
        detected = content["points"][:, embedding.points, :2]
    inner = ~np.isin(embedding.points, FACE_OVAL)
    first = read_frame(checkpoint / "00000.frame")
    for place, row in enumerate(rows):
        frame = read_frame(checkpoint / row["parameters"])
        flame = frame["flame"]
        angles = {
            name: matrix_to_axis_angle(matrix_from_6d(torch.from_numpy(flame[name]).reshape(-1, 6))) for name in ("jaw", "eyes")
        }
        codes = {"identity": flame["shape"], "expression": flame["exp"], "eyelids": flame["eyelids"]}
        points = head_points(model, embedding, **codes, jaw=angles["jaw"], eyes=angles["eyes"][None])
        drawn = drawn_by_flashavatar(frame, first, points)
        with np.load(house.folder / f"tracker/{numbers[place]}.npz") as content:
            tracker = {key: content[key] for key in content.files if not key.startswith("img")}
        own = {"identity": tracker["shape"], "expression": tracker["exp"], "eyelids": tracker["blendshape_scores"][:, 9:11]}
        theirs = head_points(model, embedding, **own, jaw=tracker["jaw_pose"], eyes=tracker["eye_pose"].reshape(1, 2, 3))
        assert np.abs(drawn - seen_by_the_tracker(tracker, theirs) * SIZE / SIDE).max() < 0.01
        away = np.linalg.norm(drawn - detected[place], axis=1)[inner].mean()
        assert away < 0.02 * summary["eye_distance_pixels"]
        image = cv2.imread(str(folder / "imgs" / row["image"]))[..., ::-1]
        same = cv2.resize(crops[numbers[place]], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        assert np.abs(image.astype(int) - same).mean() < 2


def test_crops_whose_pictures_are_gone_are_cut_again_from_the_video(ready, asset, tmp_path) -> None:
    """By the docs' three cells: our frames are the tracker's own crops, and the tracking fits them as well as it did those."""
    house = ready[0].copy(tmp_path / "house")
    for path in (house.folder / "tracker").iterdir():
        with np.load(path) as content:
            kept = {key: content[key] for key in content.files if not key.startswith(("img", "parsing"))}
        np.savez(path, **kept)
    cells = ("anna", asset("franck.mp4"), "aligned", "tracker", COUNT / 24)
    (house.folder / "config/clips.tsv").write_text("clip\tvideo\tcrop\ttracking\tend\n" + "\t".join(map(str, cells)) + "\n")
    house.snakemake("tracking")
    results = house.folder / "results/anna"
    manifest = json.loads((results / "frames.json").read_text())
    assert manifest["details"]["aligned"] and manifest["details"]["numbers"] == list(range(COUNT))
    summary = json.loads((results / "tracking.json").read_text())
    assert summary["landmark_error_percent_iod"] < 2
    assert summary["counts"] == {"ok": COUNT - 1, "missing": 1, "outlier": 0, "uncertain": 0}
    for number in range(COUNT):
        image = cv2.imread(str(results / f"frames/{number:05d}.png"))[..., ::-1]
        same = cv2.resize(ready[1][number], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        assert ((image.astype(float) - same) ** 2).mean() < 255**2 / 10**3.5


def test_after_that_only_what_a_setting_concerns_runs_again(ready) -> None:
    """After the dataset: the solver's settings move nothing; another of the tracker's files moves all that comes of it."""
    house, _ = ready
    configure(house, noise=2.0)
    assert house.planned("tracking") == {}
    configure(house, smoothing=5.0)
    assert house.planned("tracking") == {"import_tracking": 1}
    configure(house)
    (house.folder / "tracker/15.npz").unlink()
    assert set(house.planned("tracking")) == {"extract_frames", "detect_landmarks", "import_tracking"}


def test_codes_of_another_head_end_the_run_at_once(empty_house: House, tmp_path) -> None:
    house = empty_house.copy(tmp_path / "house")
    (house.folder / "config/clips.tsv").write_text("clip\tvideo\ttracking\nanna\tasset:franck.mp4\tconfig\n")
    house.settings(tracking={"source": "smirk"})
    done = house.snakemake("-n", check=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "SMIRK's codes are of the head flame2020, and heads.model is anny" in done.stderr and "convert_head" in done.stderr
