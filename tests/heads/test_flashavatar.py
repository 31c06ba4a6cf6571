import math
import pickle

import numpy as np
import pytest
import torch

from headsmith.heads.flashavatar import FrameParameters, frame_content, padded, read_frame, write_frame
from headsmith.maths.cameras import Camera, project
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_from_6d

SIZE = 256


def parameters(seed=0):
    generator = np.random.default_rng(seed)
    turn = axis_angle_to_matrix(torch.from_numpy(0.3 * generator.normal(size=3))).numpy()
    return FrameParameters(
        identity=generator.normal(size=60).astype(np.float32),
        expression=generator.uniform(size=41).astype(np.float32),
        jaw=np.array([0.2, 0.01, 0.0], np.float32),
        eyes=np.array([[0.1, 0.2, 0], [0.1, -0.2, 0]], np.float32),
        eyelids=np.array([0.25, 0.75], np.float32),
        rotation=(np.diag([1.0, -1, -1]) @ turn).astype(np.float32),
        translation=np.array([0.01, -0.02, 0.85], np.float32),
        focal=800.0,
        size=(SIZE, SIZE),
    )


def drawn_by_flashavatar(content, points):
    """Pixel indices as FlashAvatar's camera and 3DGS' rasterizer get them (field guide 2.4), written out by itself."""
    opencv, (width, height) = content["opencv"], content["img_size"]
    lens = opencv["K"][0]
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


def test_points_are_drawn_where_our_camera_sees_them_less_half_a_pixel(tmp_path):
    frame = parameters()
    write_frame(tmp_path / "00000.frame", frame_content(frame, 0))
    points = 0.1 * np.random.default_rng(1).normal(size=(50, 3))
    rotation, shift = torch.from_numpy(frame.rotation).double(), torch.from_numpy(frame.translation).double()
    focal, centre = torch.full((2,), 800.0).double(), torch.full((2,), SIZE / 2).double()
    pixels, _ = project(torch.from_numpy(points), Camera(rotation, shift, focal, centre, (SIZE, SIZE)))
    drawn = drawn_by_flashavatar(read_frame(tmp_path / "00000.frame"), points)
    assert np.abs(drawn - (pixels.numpy() - 0.5)).max() < 1e-3


def test_the_pytorch3d_camera_sees_the_same(tmp_path):
    frame = parameters()
    camera = frame_content(frame, 0)["camera"]
    points = 0.1 * np.random.default_rng(1).normal(size=(50, 3))
    seen = points @ matrix_from_6d(torch.from_numpy(camera["R"]))[0].numpy() + camera["t"]
    ndc = camera["fl"][0] * seen[:, :2] / seen[:, 2:] + camera["pp"]
    pixels = SIZE / 2 - SIZE / 2 * ndc
    assert np.abs(drawn_by_flashavatar(frame_content(frame, 0), points) + 0.5 - pixels).max() < 1e-3


def test_the_content_is_the_formats(tmp_path):
    frame = parameters()
    write_frame(tmp_path / "00007.frame", frame_content(frame, 7))
    content = read_frame(tmp_path / "00007.frame")
    assert {key: value.shape for key, value in content["flame"].items()} == {
        **{"shape": (1, 300), "exp": (1, 100), "jaw": (1, 6), "eyes": (1, 12), "eyelids": (1, 2)},
        **{"tex": (1, 140), "sh": (1, 9, 3)},
    }
    assert {key: value.shape for key, value in content["opencv"].items()} == {"R": (1, 3, 3), "t": (1, 3), "K": (1, 3, 3)}
    arrays = [*content["flame"].values(), *content["opencv"].values(), *content["camera"].values()]
    assert all(array.dtype == np.float32 and array.flags.c_contiguous for array in arrays)
    assert (content["frame_id"], content["global_step"], content["img_size"].tolist()) == ("00007", 0, [SIZE, SIZE])
    assert np.array_equal(content["flame"]["exp"][0, :41], frame.expression)
    assert not content["flame"]["exp"][0, 41:].any()


def test_rotations_come_back_left_eye_first():
    frame = parameters()
    flame = frame_content(frame, 0)["flame"]
    eyes = matrix_from_6d(torch.from_numpy(flame["eyes"].reshape(2, 6)))
    assert torch.allclose(eyes, axis_angle_to_matrix(torch.from_numpy(frame.eyes)), atol=1e-6)
    jaw = matrix_from_6d(torch.from_numpy(flame["jaw"]))[0]
    assert torch.allclose(jaw, axis_angle_to_matrix(torch.from_numpy(frame.jaw)), atol=1e-6)
    still = frame_content(FrameParameters(**{**vars(frame), "jaw": np.zeros(3, np.float32)}), 0)
    assert np.array_equal(still["flame"]["jaw"], [[1, 0, 0, 0, 1, 0]])


def test_too_many_codes_are_refused():
    with pytest.raises(ValueError, match="101 codes"):
        padded(np.zeros(101), 100)


class Harm:
    def __reduce__(self):
        return print, ("harm",)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"flame": Harm()}, tmp_path / "00000.frame")
    with pytest.raises(pickle.UnpicklingError):
        read_frame(tmp_path / "00000.frame")
