"""INSTA's folder: the meshes that were written, before the camera that was written, see what we see."""

import json

import numpy as np
import pytest
import torch
import trimesh
from bridges.tracks import random_track
from synthetic_head import synthetic_head

from headsmith.bridges.insta import CODES, REGIONS, code_labels, obj_text, write_insta, write_mesh
from headsmith.bridges.track import project_vertices
from headsmith.contract.labels import LABELS
from headsmith.heads.model import HeadModel

MODEL = HeadModel.from_container(synthetic_head(identity=12, expression=9, correctives=True), torch.float64)


def written(folder, track, held_out=2, model=MODEL):
    complete = write_insta(track, model, folder, held_out)
    for index, vertices in enumerate(model(track.parameters()).numpy()):
        write_mesh(folder, index, vertices, model.container.faces)
    return complete


def corners(path):
    """Vertices of an OBJ, read line by line."""
    lines = [line.split() for line in path.read_text().splitlines()]
    return np.array([list(map(float, line[1:])) for line in lines if line[0] == "v"])


def seen(content, entry, vertices):
    """Pixels: camera to world with OpenCV's axes, inverted; K with the corner as origin."""
    view = np.linalg.inv(np.array(entry["transform_matrix"]))
    x, y, z = (vertices @ view[:3, :3].T + view[:3, 3]).T
    return np.stack([content["fl_x"] * x / z + content["cx"], content["fl_y"] * y / z + content["cy"]], 1)


@pytest.mark.parametrize("seed", range(4))
def test_the_written_meshes_before_the_written_camera_are_our_head_before_ours(tmp_path, seed):
    track = random_track(MODEL, seed)
    written(tmp_path, track)
    content = json.loads((tmp_path / "transforms.json").read_text())
    theirs = [seen(content, entry, corners(tmp_path / entry["mesh_path"])) for entry in content["frames"]]
    assert np.abs(np.array(theirs) - project_vertices(track, MODEL)).max() < 1e-6


def test_the_shared_part_is_what_insta_reads(tmp_path):
    track = random_track(MODEL, 1)
    written(tmp_path, track)
    content = json.loads((tmp_path / "transforms_train.json").read_text())
    width, height = track.size
    assert width / 2 / np.tan(content["camera_angle_x"] / 2) == pytest.approx(track.focal)
    assert height / 2 / np.tan(np.radians(content["y_fov"]) / 2) == pytest.approx(track.focal)
    assert content["integer_depth_scale"] == 0.001 and (content["w"], content["h"]) == track.size
    names = {"transform_matrix", "file_path", "depth_path", "seg_mask_path", "mesh_path", "exp_path"}
    assert set(content["frames"][0]) == names
    codes = (tmp_path / content["frames"][2]["exp_path"]).read_text().split()
    np.testing.assert_allclose([float(code) for code in codes], np.pad(track.expression[2], (0, 91)), rtol=1e-8)


def test_the_last_frames_are_for_tests_and_the_very_last_for_validation_too(tmp_path):
    written(tmp_path, random_track(MODEL, count=30), held_out=25)
    parts = {
        name: json.loads((tmp_path / f"transforms_{name}.json").read_text())["frames"] for name in ("train", "test", "val")
    }
    ids = {name: [int(entry["file_path"][7:12]) for entry in part] for name, part in parts.items()}
    assert ids == {"train": list(range(5)), "test": list(range(5, 30)), "val": list(range(10, 30))}


def test_the_canonical_mesh_is_the_person_with_an_open_mouth(tmp_path):
    track = random_track(MODEL)
    written(tmp_path, track)
    mesh = trimesh.load(tmp_path / "canonical.obj", process=False)
    parameters = MODEL.neutral(1)
    parameters.identity[:] = torch.from_numpy(track.identity)
    parameters.jaw[0, 0] = np.pi / 15
    np.testing.assert_allclose(mesh.vertices, MODEL(parameters)[0].numpy(), atol=1e-9)
    assert (mesh.faces == MODEL.container.faces).all()


def test_label_codes_are_in_the_red_channel():
    ids = np.arange(len(LABELS), dtype=np.uint8).reshape(1, -1)
    coded = code_labels(ids)
    assert not coded[..., 1:].any() and set(CODES) == set(LABELS) and len(set(CODES.values())) == len(LABELS)
    red = dict(zip(LABELS, coded[0, :, 0].tolist(), strict=True))
    assert (red["skin"], red["cloth"], red["mouth"], red["nose"], red["hair"], red["background"]) == (250, 90, 140, 150, 80, 0)


def test_regions_are_red_vertices_where_the_head_has_them_all(tmp_path):
    assert not written(tmp_path, random_track(MODEL)) and not (tmp_path / "mesh_masks").exists()
    names = [part for parts in REGIONS.values() for part in parts]
    regions = {name: np.arange(3 * place, 3 * place + 3, dtype=np.int32) for place, name in enumerate(names)}
    container = synthetic_head()
    container.regions.update(regions)
    other = tmp_path / "other"
    other.mkdir()
    model = HeadModel.from_container(container, torch.float64)
    assert written(other, random_track(model), model=model)
    for name, parts in REGIONS.items():
        colours = corners(other / "mesh_masks" / f"{name}.obj")[:, 3:]
        red = np.flatnonzero((colours[:, 0] >= 1) & (colours[:, 1:] == 0).all(1))
        assert red.tolist() == sorted(vertex for part in parts for vertex in regions[part])


def test_an_obj_keeps_a_tenth_of_a_nanometre():
    text = obj_text(np.array([[1 / 3, -2e-10, 0.0]]), np.array([[0, 0, 0]]))
    assert text == "v 0.3333333333 -0.0000000002 0.0000000000\nf 1 1 1\n"
