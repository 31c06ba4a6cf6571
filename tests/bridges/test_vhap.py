import numpy as np
import pytest
from bridges.encoded import small_model
from bridges.slow_flame import pose_flame

from headsmith.bridges.track import project_vertices
from headsmith.bridges.vhap import read_vhap
from headsmith.contract.errors import UserError

MODEL = small_model()
FRAMES = 4
STILL = {"neck_pose": np.zeros((FRAMES, 3)), "jaw_pose": np.zeros((FRAMES, 3)), "eyes_pose": np.zeros((FRAMES, 6))}


def results(seed=0, **changes):
    """What ``save_result`` keeps of a clip; ``None`` leaves a key out."""
    chance = np.random.default_rng(seed)
    values = {
        "rotation": 0.4 * chance.normal(size=(FRAMES, 3)),
        "translation": 0.1 * chance.normal(size=(FRAMES, 3)),
        "neck_pose": 0.2 * chance.normal(size=(FRAMES, 3)),
        "jaw_pose": 0.2 * chance.normal(size=(FRAMES, 3)),
        "eyes_pose": 0.2 * chance.normal(size=(FRAMES, 6)),
        "shape": chance.normal(size=len(MODEL.identity)),
        "expr": chance.normal(size=(FRAMES, len(MODEL.expression))),
        "timestep_id": np.array([f"{number:06d}" for number in (0, 1, 4, 5)]),
        "n_processed_frames": 3,
        "focal_length": chance.uniform(1, 5, 1),
        "image_size": chance.integers(200, 900, 2),
        "lights": np.zeros((9, 3)),
    }
    return {key: value for key, value in (values | changes).items() if value is not None}


def write(folder, values, epoch=30):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"tracked_flame_params_{epoch}.npz"
    np.savez(path, **values)
    return path


def seen_by_vhap(values, offset=0.0):
    """Pixels of the vertices: FLAME before a camera at (0, 0, 1) with y up, through clip space, which is -1..1."""
    height, width = values["image_size"]
    lens = 2 * values["focal_length"][0] * max(height, width)
    pixels = []
    for i in range(FRAMES):
        pose = np.concatenate([values[key][i] for key in ("rotation", "neck_pose", "jaw_pose", "eyes_pose")])
        vertices = pose_flame(MODEL.container, values["shape"], values["expr"][i], pose, values["translation"][i], offset)
        x, y, z = (vertices - [0, 0, 1]).T
        ndc = np.stack([lens / width * x / -z, -lens / height * y / -z], 1)
        pixels.append((ndc + 1) / 2 * [width, height])
    return np.array(pixels)


@pytest.mark.parametrize("seed", range(4))
def test_vertices_are_where_vhap_sees_them(tmp_path, seed):
    values = results(seed)
    track = read_vhap(write(tmp_path, values), MODEL)
    assert np.abs(project_vertices(track, MODEL) - seen_by_vhap(values)).max() < 1e-6
    assert track.ids.tolist() == [0, 1, 4, 5]
    assert track.size == tuple(values["image_size"][::-1])


def test_the_last_epoch_of_a_folder_is_read(tmp_path):
    write(tmp_path, results(1), 9)
    write(tmp_path, results(2), 30)
    (tmp_path / "tracked_flame_params_best.npz").write_bytes(b"")
    track = read_vhap(tmp_path, MODEL)
    assert np.allclose(track.neck, results(2)["neck_pose"])


def test_files_without_names_of_images_count_from_zero(tmp_path):
    assert read_vhap(write(tmp_path, results(timestep_id=None)), MODEL).ids.tolist() == [0, 1, 2, 3]


def test_small_offsets_are_told(tmp_path, capsys):
    chance = np.random.default_rng(7)
    teeth = 12
    offset = 1e-3 * chance.normal(size=(1, len(MODEL.template) + teeth, 3))
    values = results(3, static_offset=offset, **STILL)
    read_vhap(write(tmp_path, values), MODEL)
    told = capsys.readouterr()
    text = told.err + told.out
    head = MODEL.container
    under = np.unique(head.faces[head.embeddings["mediapipe478"].faces])
    expected = 1000 * np.sqrt(np.square(offset[0, under]).sum(-1).mean())
    assert f"{expected:.2f} mm" in text


def test_the_root_joint_of_a_head_with_offsets_is_the_turns_centre(tmp_path):
    """Offsets of some vertices move the joint; the others are where VHAP sees them."""
    offset = np.zeros((1, len(MODEL.template), 3))
    weights = MODEL.container.joint_regressor
    heaviest = int(weights[0].argmax())
    offset[0, heaviest] = 0.02, -0.03, 0.01
    values = results(5, static_offset=offset, **STILL)
    track = read_vhap(write(tmp_path, values), MODEL)
    apart = np.abs(project_vertices(track, MODEL) - seen_by_vhap(values, offset[0])).max((0, 2))
    others = np.arange(len(apart)) != heaviest
    assert apart[others].max() < 1e-6
    assert apart[heaviest] > 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"static_offset": np.full((1, 9999, 3), 0.01)}, "track with --model.no-use-static-offset"),
        ({"dynamic_offset": np.full((FRAMES, 9999, 3), 0.01)}, "offsets of single vertices"),
        ({"static_offset": np.zeros((1, 7, 3))}, "'static_offset' is (1, 7, 3)"),
        ({"focal_length": None}, "cameras were given"),
        ({"image_size": None}, "'image_size' is missing"),
        ({"rotation": np.zeros((3, 3))}, "different numbers of frames"),
        ({"eyes_pose": np.zeros((FRAMES, 3))}, "'eyes_pose' is (4, 3)"),
        ({"translation": np.full((FRAMES, 3), np.inf)}, "NaN or infinity"),
        ({"timestep_id": np.array(["0", "1"])}, "2 images in timestep_id"),
        ({"timestep_id": np.array(["a", "b", "c", "d"])}, "not ascending numbers"),
        ({"timestep_id": np.array(["0", "2", "1", "3"])}, "not ascending numbers"),
        ({"expr": np.array([{}])}, "cannot be read"),
        ({"shape": np.ones(300)}, "300 identity codes"),
    ],
)
def test_spoilt_results_are_refused_by_name(tmp_path, changes, message):
    path = write(tmp_path, results(**changes))
    with pytest.raises(UserError) as refused:
        read_vhap(path, MODEL)
    assert message in refused.value.message
    assert path.name in refused.value.message


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no tracked_flame_params_"):
        read_vhap(tmp_path, MODEL)
