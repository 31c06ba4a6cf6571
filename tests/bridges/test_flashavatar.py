import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from bridges.tracks import matrices, random_track
from synthetic_head import synthetic_head

from headsmith.bridges.flashavatar import frame_content, padded, read_frame, write_frame
from headsmith.bridges.flashavatar_read import open_frame, read_metrical_tracker, size_of
from headsmith.bridges.track import project_vertices
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.heads.pickles_values import Refusal
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_from_6d

MODEL = HeadModel.from_container(synthetic_head(identity=30, expression=20, correctives=True), torch.float64)


def clip(seed=0, **changes):
    return replace(random_track(MODEL, seed), **changes)


def drawn_by_flashavatar(content, points):
    """Pixel indices as FlashAvatar's camera and 3DGS' rasterizer get them (field guide 2.4), written out by itself."""
    opencv, (height, width) = content["opencv"], content["img_size"]
    lens = opencv["K"][0].astype(float)
    view = np.eye(4)
    view[:3, :3], view[:3, 3] = opencv["R"][0], opencv["t"][0]
    near, far = 0.01, 100.0
    angle = [2 * math.atan(side / 2 / focal) for side, focal in ((width, lens[0, 0]), (height, lens[1, 1]))]
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = (1 / math.tan(a / 2) for a in angle)
    projection[2, 2], projection[2, 3], projection[3, 2] = far / (far - near), -far * near / (far - near), 1
    seen = np.c_[points, np.ones(len(points))] @ (projection @ view).T
    ndc = seen[:, :2] / seen[:, 3:]
    return ((ndc + 1) * (width, height) - 1) / 2


def vertices_by_flashavatar(flame):
    """The head as FlashAvatar has it: FLAME with the root and the neck at rest, joints from 6D rows."""
    model, rows = MODEL, {key: torch.from_numpy(value).double() for key, value in flame.items()}
    parameters = model.neutral(1)
    turned = {"jaw": matrices(rows["jaw"].reshape(1, 6)), "eyes": matrices(rows["eyes"].reshape(1, 2, 6))}
    codes = {"identity": rows["shape"][:, :30], "expression": rows["exp"][:, :20], "eyelids": rows["eyelids"]}
    return model(replace(parameters, **turned, **codes))[0].numpy()


def write_clip(folder, track):
    folder.mkdir(exist_ok=True)
    for place in range(len(track.ids)):
        write_frame(folder / f"{place:05d}.frame", frame_content(track, place, place))
    return folder


@pytest.mark.parametrize("seed", range(4))
def test_what_flashavatar_draws_is_what_the_read_clip_projects(tmp_path, seed):
    side = 64 * (seed + 3)
    track = clip(seed, size=(side, side), principal=np.full(2, side / 2), neck=np.zeros((5, 3)))
    read = read_metrical_tracker(write_clip(tmp_path / "checkpoint", track), MODEL)
    pixels = project_vertices(read, MODEL)
    for place in range(len(track.ids)):
        content = read_frame(tmp_path / f"checkpoint/{place:05d}.frame")
        drawn = drawn_by_flashavatar(content, vertices_by_flashavatar(content["flame"]))
        assert np.abs(drawn + 0.5 - pixels[place]).max() < 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_a_clip_comes_back(tmp_path, seed):
    track = clip(seed, neck=np.zeros((5, 3)), ids=np.arange(5) + 1)
    read = read_metrical_tracker(write_clip(tmp_path / "checkpoint", track), MODEL)
    assert np.abs(project_vertices(read, MODEL) - project_vertices(track, MODEL)).max() < 0.01
    assert read.size == track.size and read.ids.tolist() == [1, 2, 3, 4, 5]
    again = read_metrical_tracker(write_clip(tmp_path / "again", read), MODEL)
    assert np.abs(project_vertices(again, MODEL) - project_vertices(read, MODEL)).max() < 1e-6 * max(track.size)


def test_the_pytorch3d_camera_sees_the_same_wherever_the_principal_point_is():
    track = clip(neck=np.zeros((5, 3)))
    content, points = frame_content(track, 2, 0), 0.1 * np.random.default_rng(1).normal(size=(50, 3))
    camera = content["camera"]
    seen = points @ matrix_from_6d(torch.from_numpy(camera["R"]))[0].numpy() + camera["t"]
    ndc = camera["fl"][0] * seen[:, :2] / seen[:, 2:] + camera["pp"]
    pixels = np.array(track.size) / 2 - min(track.size) / 2 * ndc
    lens = content["opencv"]
    ours = (points @ lens["R"][0].T + lens["t"]) @ lens["K"][0].T
    assert np.abs(ours[:, :2] / ours[:, 2:] - pixels).max() < 1e-2


def test_the_content_is_the_formats(tmp_path):
    track = clip(neck=np.zeros((5, 3)))
    write_frame(tmp_path / "00007.frame", frame_content(track, 3, 7))
    content = read_frame(tmp_path / "00007.frame")
    assert {key: value.shape for key, value in content["flame"].items()} == {
        **{"shape": (1, 300), "exp": (1, 100), "jaw": (1, 6), "eyes": (1, 12), "eyelids": (1, 2)},
        **{"tex": (1, 140), "sh": (1, 9, 3)},
    }
    assert {key: value.shape for key, value in content["opencv"].items()} == {"R": (1, 3, 3), "t": (1, 3), "K": (1, 3, 3)}
    arrays = [*content["flame"].values(), *content["opencv"].values(), *content["camera"].values()]
    assert all(array.dtype == np.float32 and array.flags.c_contiguous for array in arrays)
    width, height = track.size
    assert (content["frame_id"], content["global_step"], content["img_size"].tolist()) == ("00007", 0, [height, width])
    assert np.array_equal(content["flame"]["exp"][0, :20], track.expression[3].astype(np.float32))
    assert not content["flame"]["exp"][0, 20:].any()


def test_rotations_come_back_left_eye_first():
    track = clip(neck=np.zeros((5, 3)))
    flame = frame_content(track, 1, 0)["flame"]
    eyes = matrix_from_6d(torch.from_numpy(flame["eyes"].reshape(2, 6)))
    assert torch.allclose(eyes, axis_angle_to_matrix(torch.from_numpy(track.eyes[1])).float(), atol=1e-6)
    still = frame_content(replace(track, jaw=np.zeros((5, 3))), 1, 0)
    assert np.array_equal(still["flame"]["jaw"], [[1, 0, 0, 0, 1, 0]])


def test_what_the_format_does_not_hold_is_refused():
    with pytest.raises(ValueError, match="101 codes"):
        padded(np.zeros(101), 100)
    with pytest.raises(ValueError, match="neck"):
        frame_content(clip(neck=np.full((5, 3), 0.1)), 0, 0)


def test_the_size_is_told_by_the_principal_point():
    assert size_of(np.array([480.0, 640]), np.array([318.0, 242])) == (640, 480)
    assert size_of(np.array([640.0, 480]), np.array([318.0, 242])) == (640, 480)


def spoil(content, path, value):
    first, second = path
    content[first] = {**content[first], second: value} if second else value
    return content


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("opencv", ""), 3, "no `opencv`"),
        (("opencv", "R"), np.diag([1, 1, -1]).astype(np.float32)[None], "no rotation"),
        (("opencv", "t"), np.full((1, 3), np.nan, np.float32), "NaN"),
        (("flame", "jaw"), np.zeros((1, 3), np.float32), r"\(1, 3\), not \(6,\)"),
        (("flame", "exp"), np.ones((1, 50), np.float32), "50 expression codes"),
        (("img_size", ""), np.array(["a", "b"]), "cannot be read|no numbers"),
    ],
)
def test_a_spoilt_frame_is_refused_by_name(tmp_path, path, value, message):
    track = clip(neck=np.zeros((5, 3)))
    contents = [spoil(frame_content(track, place, place), path, value) for place in range(5)]
    for place, content in enumerate(contents):
        write_frame(tmp_path / f"{place:05d}.frame", content)
    with pytest.raises(UserError, match=message):
        read_metrical_tracker(tmp_path, MODEL)


def test_a_zoom_is_refused(tmp_path):
    track = clip(neck=np.zeros((5, 3)))
    write_clip(tmp_path, track)
    write_frame(tmp_path / "00002.frame", frame_content(replace(track, focal=1.1 * track.focal), 2, 2))
    with pytest.raises(UserError, match="focal length changes"):
        read_metrical_tracker(tmp_path, MODEL)


class Harm:
    def __reduce__(self):
        return print, ("harm",)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"flame": Harm()}, tmp_path / "00000.frame")
    with pytest.raises(Refusal):
        read_frame(tmp_path / "00000.frame")
    with pytest.raises(UserError, match="cannot be read"):
        open_frame(tmp_path / "00000.frame")


def test_files_of_numpy_1_are_read(tmp_path):
    track = clip(neck=np.zeros((5, 3)))
    content = frame_content(track, 0, 0)
    torch.save(content, tmp_path / "00000.frame", pickle_protocol=2, _use_new_zipfile_serialization=False)
    raw = (tmp_path / "00000.frame").read_bytes()
    assert b"numpy._core.multiarray" in raw
    (tmp_path / "00000.frame").write_bytes(raw.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray"))
    assert np.array_equal(read_frame(tmp_path / "00000.frame")["opencv"]["R"], content["opencv"]["R"])
