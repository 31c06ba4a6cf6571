import numpy as np
import pytest
import torch
from bridges.encoded import CODES, EXPRESSIONS, small_model
from bridges.slow_flame import pose_flame, turn

from headsmith.bridges.pixel3dmm import read_pixel3dmm
from headsmith.bridges.track import project_vertices
from headsmith.contract.errors import UserError

MODEL = small_model()


def rows(vector):
    """The first two rows of a rotation."""
    return turn(vector)[:2].ravel()


def clip(seed, count=3):
    """What ``save_checkpoint`` keeps of each frame, and its joints as axis-angles: neck, jaw, left eye, right eye."""
    chance = np.random.default_rng(seed)
    lens = {"fl": chance.uniform(2, 6, (1, 1)), "pp": 0.05 * chance.normal(size=(1, 2))}
    base = {"R_base_0": turn(0.2 * chance.normal(size=3))[None], "t_base_0": np.array([[0.02, 0.01, -1.0]])}
    person = chance.normal(size=(1, CODES))
    frames, joints = [], []
    for number in range(count):
        angles = 0.2 * chance.normal(size=(4, 3))
        root = 0.4 * chance.normal(size=3)
        flame = {
            "exp": chance.normal(size=(1, EXPRESSIONS)),
            "shape": person,
            "eyes": np.concatenate([rows(angles[2]), rows(angles[3])])[None],
            "eyelids": chance.uniform(size=(1, 2)),
            "jaw": rows(angles[1])[None],
            "neck": rows(angles[0])[None],
            "R": rows(root)[None],
            "R_rotation_matrix": turn(root)[None],
            "t": 0.05 * chance.normal(size=(1, 3)),
        }
        content = {"flame": flame, "camera": base | lens, "img_size": np.array([256, 256]), "frame_id": number}
        frames.append(content | {"global_step": 5, "joint_transforms": np.tile(np.eye(4), (1, 5, 1, 1))})
        joints.append(angles)
    return frames, joints


def write(folder, frames, first=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(frames, first):
        torch.save(content, folder / f"{number:05d}.frame")
    return folder


def seen_by_pixel3dmm(content, angles, side=512):
    """Pixels in a square of any side: the renderer's clip space at 256 pixels, whose axes are x right, y up, z backwards."""
    flame, camera = content["flame"], content["camera"]
    codes = np.pad(flame["shape"][0], (0, 1)), np.pad(flame["exp"][0], (0, 2))
    rest = pose_flame(MODEL.container, *codes, np.concatenate([np.zeros((1, 3)), angles]), lids=flame["eyelids"][0])
    there = rest @ flame["R_rotation_matrix"][0].T + flame["t"][0]
    x, y, z = (there @ camera["R_base_0"][0].T + camera["t_base_0"][0]).T
    focal, centre = camera["fl"][0, 0] * 256, (256 / 2 + 0.5) * (1 + camera["pp"][0])
    clip_space = 2 * focal * np.stack([x, -y], 1) + (256 - 2 * centre) * z[:, None]
    return (clip_space / 256 / -z[:, None] + 1) / 2 * side


@pytest.mark.parametrize("seed", range(3))
def test_vertices_are_where_pixel3dmm_sees_them(tmp_path, seed):
    frames, joints = clip(seed)
    track = read_pixel3dmm(write(tmp_path, frames, first=2), MODEL)
    theirs = [seen_by_pixel3dmm(*frame) for frame in zip(frames, joints, strict=True)]
    assert np.abs(project_vertices(track, MODEL) - theirs).max() < 1e-6
    assert track.ids.tolist() == [2, 3, 4]
    assert track.size == (512, 512)
    assert np.allclose(track.neck, [angles[0] for angles in joints])


@pytest.mark.parametrize("above", [False, True])
def test_the_crop_leads_back_to_the_whole_image(tmp_path, above):
    frames, joints = clip(4)
    folder = write(tmp_path / "checkpoint", frames)
    place = tmp_path if above else folder
    np.save(place / "crop_ymin_ymax_xmin_xmax.npy", [40, 440, 300, 700])
    np.save(place / "image_size.npy", [1280, 720])
    track = read_pixel3dmm(folder, MODEL)
    theirs = [np.array([300, 40]) + seen_by_pixel3dmm(*frame, 400) for frame in zip(frames, joints, strict=True)]
    assert np.abs(project_vertices(track, MODEL) - theirs).max() < 1e-6
    assert track.size == (1280, 720)


def test_a_crop_without_the_images_size_is_refused(tmp_path):
    np.save(tmp_path / "crop_ymin_ymax_xmin_xmax.npy", [40, 440, 300, 700])
    with pytest.raises(UserError, match=r"no image_size\.npy"):
        read_pixel3dmm(write(tmp_path, clip(0)[0]), MODEL)


def test_a_faulty_crop_is_refused(tmp_path):
    write(tmp_path, clip(0)[0])
    np.save(tmp_path / "image_size.npy", [1280, 720])
    for crop, message in (([40, 440, 300], "(3,)"), ([40, 440, 300, 900], "squeezed"), ([{}], "cannot be read")):
        np.save(tmp_path / "crop_ymin_ymax_xmin_xmax.npy", np.array(crop), allow_pickle=True)
        with pytest.raises(UserError) as refused:
            read_pixel3dmm(tmp_path, MODEL)
        assert message in refused.value.message


@pytest.mark.parametrize(
    ("part", "key", "value", "message"),
    [
        ("flame", "neck", None, "'neck' is missing"),
        ("flame", "jaw", np.zeros((1, 3)), "'jaw' is (1, 3)"),
        ("flame", "exp", np.full((1, EXPRESSIONS), np.nan), "NaN"),
        ("flame", "R_rotation_matrix", 2 * np.eye(3)[None], "no rotation in the 3. file"),
        ("camera", "fl", np.array([[99.0]]), "focal length changes"),
        ("camera", "pp", np.array([[0.4, 0]]), "principal point changes"),
        ("camera", "R_base_0", np.diag([1.0, 1, -1])[None], "no rotation"),
    ],
)
def test_spoilt_frames_are_refused_by_name(tmp_path, part, key, value, message):
    frames, _ = clip(1)
    changed = dict(frames[2][part])
    if value is None:
        del changed[key]
    else:
        changed[key] = value
    frames[2][part] = changed
    with pytest.raises(UserError) as refused:
        read_pixel3dmm(write(tmp_path, frames), MODEL)
    assert message in refused.value.message
    assert str(tmp_path) in refused.value.message


def test_files_of_other_programs_are_refused(tmp_path):
    frames, _ = clip(1, 1)
    for changes, message in (({"opencv": {}}, "metrical_tracker"), ({"camera": 3}, "no `camera`")):
        with pytest.raises(UserError) as refused:
            read_pixel3dmm(write(tmp_path, [frames[0] | changes]), MODEL)
        assert message in refused.value.message


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no <number>"):
        read_pixel3dmm(tmp_path, MODEL)
