import numpy as np
import pytest
from bridges.encoded import CODES, EXPRESSIONS, orthographic, random_tform, small_model, write_frames
from bridges.slow_flame import pose_flame, turn
from scipy.io import savemat

from headsmith.bridges import weak_perspective
from headsmith.bridges.deca import read_deca
from headsmith.bridges.smirk import read_smirk
from headsmith.bridges.track import project_vertices
from headsmith.contract.errors import UserError
from headsmith.nets.face_landmarker import BLENDSHAPE_NAMES

WIDTH, HEIGHT = 720, 540
CLOSE = 1e-6
MODEL = small_model()


def smirk_frame(chance, **changes):
    """What SMIRK's encoder returns, with the crop; lids open, because SMIRK's do not turn with the head."""
    values = {
        "pose_params": 0.4 * chance.normal(size=(1, 3)),
        "cam": np.concatenate([chance.uniform(5, 9, (1, 1)), 0.03 * chance.normal(size=(1, 2))], 1),
        "shape_params": chance.normal(size=(1, CODES)),
        "expression_params": chance.normal(size=(1, EXPRESSIONS)),
        "eyelid_params": np.zeros((1, 2)),
        "jaw_params": 0.2 * chance.uniform(size=(1, 3)),
        "tform": random_tform(chance),
        "width": WIDTH,
        "height": HEIGHT,
    }
    return values | changes


def deca_frame(chance, **changes):
    """What DECA's encoder returns, with the crop."""
    smirk = smirk_frame(chance)
    values = {"shape": smirk["shape_params"], "exp": smirk["expression_params"], "cam": smirk["cam"]}
    values |= {"pose": np.concatenate([smirk["pose_params"], smirk["jaw_params"]], 1), "light": np.zeros((1, 9, 3))}
    return values | {key: smirk[key] for key in ("tform", "width", "height")} | changes


def clip(make, chance, count=4):
    """Frames of one person."""
    frames = [make(chance) for _ in range(count)]
    name = "shape_params" if "shape_params" in frames[0] else "shape"
    return [frame | {name: frames[0][name]} for frame in frames]


def world(frame):
    """Vertices in the program's world, before its camera."""
    if "pose" in frame:
        shape, expression, root, jaw = frame["shape"][0], frame["exp"][0], frame["pose"][0, :3], frame["pose"][0, 3:]
    else:
        shape, expression = frame["shape_params"][0], frame["expression_params"][0]
        root, jaw = frame["pose_params"][0], frame["jaw_params"][0]
    zero = np.zeros(3)
    eyes = frame.get("eye_pose_params", np.zeros(6))
    return pose_flame(
        MODEL.container, np.pad(shape, (0, 1)), np.pad(expression, (0, 2)), np.concatenate([root, zero, jaw, eyes])
    )


def apart(track, frames):
    """Pixels between our projection and the program's own; and that, with the nearer drawn no larger than the farther."""
    ours, plain, undone = project_vertices(track, MODEL), [], []
    for seen, frame in zip(ours, frames, strict=True):
        vertices = world(frame)
        theirs = orthographic(vertices, frame["cam"][0], frame.get("tform"))
        across = 1 / np.sqrt(abs(np.linalg.det(frame["tform"][:2, :2]))) if "tform" in frame else 1
        distance = track.focal / (112 * frame["cam"][0, 0] * across)
        flat = track.principal + (seen - track.principal) * (1 - vertices[:, 2:] / distance)
        plain.append(np.abs(seen - theirs).max())
        undone.append(np.abs(flat - theirs).max())
    return max(plain), max(undone)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("make", "read"), [(smirk_frame, read_smirk), (deca_frame, read_deca)])
def test_vertices_are_where_the_program_draws_them_but_for_perspective(tmp_path, seed, make, read):
    frames = clip(make, np.random.default_rng(seed))
    track = read(write_frames(tmp_path, frames, first=3), MODEL)
    plain, undone = apart(track, frames)
    assert undone < CLOSE
    assert plain < 0.03 * max(WIDTH, HEIGHT)
    assert track.ids.tolist() == [3, 4, 5, 6]
    assert track.size == (WIDTH, HEIGHT)


def test_perspective_vanishes_with_distance(tmp_path, monkeypatch):
    frames = clip(smirk_frame, np.random.default_rng(0))
    write_frames(tmp_path, frames)
    misses = []
    for distance in (10.0, 1e3, 1e5):
        monkeypatch.setattr(weak_perspective, "DISTANCE", distance)
        misses.append(apart(read_smirk(tmp_path, MODEL), frames)[0])
    assert misses[0] / misses[1] == pytest.approx(100, rel=0.02)
    assert misses[1] / misses[2] == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize("focal", [5000.0, 20000.0])
def test_a_given_focal_length_is_the_field_guides_formula(tmp_path, monkeypatch, focal):
    """Field guide 5.3, with the warp's scale the other way round: pixels of the crop in one of the image."""
    frames = clip(smirk_frame, np.random.default_rng(5), 3)
    for frame in frames:
        frame["tform"][:2, :2] = 0.4 * np.eye(2)
    per_metre = np.array([frame["cam"][0, 0] * 112 / 0.4 for frame in frames])
    monkeypatch.setattr(weak_perspective, "DISTANCE", focal / np.median(per_metre))
    track = read_smirk(write_frames(tmp_path, frames), MODEL)
    assert track.focal == pytest.approx(focal)
    for seen, frame, scale in zip(project_vertices(track, MODEL), frames, per_metre, strict=True):
        origin = (112 * (1 + frame["cam"][0, 0] * frame["cam"][0, 1:] * [1, -1]) - frame["tform"][:2, 2]) / 0.4
        depth = focal / scale
        vertices = world(frame) * [1, -1, -1] + [*(origin - track.principal) * depth / focal, depth]
        assert np.abs(focal * vertices[:, :2] / vertices[:, 2:] + track.principal - seen).max() < CLOSE


def test_the_principal_point_is_where_the_head_is(tmp_path):
    frames = clip(smirk_frame, np.random.default_rng(6), 5)
    track = read_smirk(write_frames(tmp_path, frames), MODEL)
    places = [orthographic(np.zeros((1, 3)), frame["cam"][0], frame["tform"])[0] for frame in frames]
    assert np.allclose(track.principal, np.median(places, 0))


@pytest.mark.parametrize("given", [{}, {"width": 448, "height": 448}])
def test_without_a_warp_the_image_is_the_crop(tmp_path, given):
    chance = np.random.default_rng(1)
    frames = [{key: value for key, value in frame.items() if key != "tform"} for frame in clip(deca_frame, chance)]
    frames = [{key: frame[key] for key in frame if key not in ("width", "height")} | given for frame in frames]
    track = read_deca(write_frames(tmp_path, frames), MODEL)
    side = given.get("width", 224)
    assert track.size == (side, side)
    flat = track.principal + (project_vertices(track, MODEL)[0] - track.principal)
    theirs = orthographic(world(frames[0]), frames[0]["cam"][0]) * side / 224
    assert np.abs(flat - theirs).max() < 0.02 * side


def test_the_root_joint_moves_with_the_expression(tmp_path):
    """The turn is about the joint of the shaped head: a turn about the origin is elsewhere."""
    frame = smirk_frame(np.random.default_rng(2))
    track = read_smirk(write_frames(tmp_path, [frame]), MODEL)
    shaped = MODEL.container.template + np.tensordot(frame["shape_params"][0], MODEL.container.identity[:CODES], 1)
    shaped = shaped + np.tensordot(frame["expression_params"][0], MODEL.container.expression[:EXPRESSIONS], 1)
    joint = MODEL.container.joint_regressor[0].astype(float) @ shaped
    turned = frame["tform"][:2, :2] / np.sqrt(np.linalg.det(frame["tform"][:2, :2]))
    crop = np.eye(3)
    crop[:2, :2] = turned.T
    facing = crop @ np.diag([1.0, -1, -1])
    assert np.allclose(track.rotation[0], facing @ turn(frame["pose_params"][0]), atol=1e-12)
    moved = track.rotation[0] @ joint + track.translation[0] - facing @ joint
    assert moved[2] == pytest.approx(weak_perspective.DISTANCE)


def test_lids_and_eyes_go_over(tmp_path):
    chance = np.random.default_rng(3)
    frames = [frame | {"eye_pose_params": 0.2 * chance.normal(size=6)} for frame in clip(smirk_frame, chance)]
    frames = [frame | {"eyelid_params": chance.uniform(size=(1, 2))} for frame in frames]
    track = read_smirk(write_frames(tmp_path, frames), MODEL)
    assert np.allclose(track.eyelids, np.concatenate([frame["eyelid_params"] for frame in frames]))
    assert np.allclose(track.eyes, [frame["eye_pose_params"].reshape(2, 3) for frame in frames])
    assert np.isnan(track.residual).all()
    open_eyes = [frame | {"eyelid_params": np.zeros((1, 2))} for frame in frames]
    assert apart(read_smirk(write_frames(tmp_path, open_eyes), MODEL), frames)[1] < CLOSE


def test_eyes_come_from_mediapipes_scores_by_their_places(tmp_path):
    frame = smirk_frame(np.random.default_rng(0))
    scores = np.zeros(len(BLENDSHAPE_NAMES))
    scores[BLENDSHAPE_NAMES.index("eyeLookOutRight")] = 0.5
    scores[BLENDSHAPE_NAMES.index("eyeLookUpLeft")] = 0.25
    track = read_smirk(write_frames(tmp_path, [frame | {"blendshape_scores": scores}]), MODEL)
    assert np.allclose(track.eyes[0], [[-0.15, 0, 0], [0, -0.3, 0]])


def test_matlab_files_and_emocas_names_are_read(tmp_path):
    frames = clip(deca_frame, np.random.default_rng(4))
    track = read_deca(write_frames(tmp_path / "npz", frames), MODEL)
    (tmp_path / "mat").mkdir()
    names = {"shape": "shapecode", "exp": "expcode", "pose": "posecode"}
    for number, frame in enumerate(frames):
        savemat(tmp_path / "mat" / f"{number}.mat", {names.get(key, key): value for key, value in frame.items()})
    same = read_deca(tmp_path / "mat", MODEL)
    for name, values in track.arrays().items():
        assert np.array_equal(values, same.arrays()[name], equal_nan=values.dtype.kind == "f"), name


def test_the_identity_is_the_median_and_its_spread_is_told(tmp_path, capsys):
    frames = [smirk_frame(np.random.default_rng(seed)) for seed in range(5)]
    track = read_smirk(write_frames(tmp_path, frames), MODEL)
    assert np.allclose(track.identity[:CODES], np.median([frame["shape_params"][0] for frame in frames], 0))
    assert not track.identity[CODES:].any()
    assert not track.expression[:, EXPRESSIONS:].any()
    told = capsys.readouterr()
    assert "identity codes differ" in told.err + told.out


def spoil(frame, name, value):
    changed = dict(frame)
    if value is None:
        del changed[name]
    else:
        changed[name] = value
    return changed


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cam", None, "'cam' is missing"),
        ("cam", np.zeros((1, 3)), "not positive"),
        ("cam", np.full((1, 3), np.nan), "NaN"),
        ("pose_params", np.zeros((1, 6)), "'pose_params' is (1, 6)"),
        ("shape_params", np.ones((1, 900)), "900 identity codes"),
        ("jaw_params", np.array([{}]), "cannot be read"),
        ("jaw_params", np.array(["a", "b", "c"]), "holds no numbers"),
        ("width", None, "size of the whole image"),
        ("width", 0, "images of 0"),
        ("tform", np.diag([1.0, 2, 1]), "no similarity"),
        ("tform", np.diag([1.0, -1, 1]), "no similarity"),
        ("tform", np.array([[1.0, 0, 0], [0, 1, 0], [9, 9, 1]]), "transposed"),
        ("tform", np.eye(4), "'tform' is (4, 4)"),
    ],
)
def test_spoilt_files_are_refused_by_name(tmp_path, name, value, message):
    write_frames(tmp_path, [spoil(smirk_frame(np.random.default_rng(0)), name, value)])
    with pytest.raises(UserError) as refused:
        read_smirk(tmp_path, MODEL)
    assert message in refused.value.message
    assert str(tmp_path) in refused.value.message


def test_files_must_hold_the_same(tmp_path):
    frames = clip(smirk_frame, np.random.default_rng(0), 2)
    for changed, message in (
        (spoil(frames[1], "tform", None), "'tform' is missing"),
        (spoil(frames[1], "eye_pose_params", np.zeros(6)), "not in 00000.npz"),
        (spoil(frames[1], "expression_params", np.zeros((1, 7))), "(7,)"),
        (spoil(frames[1], "width", WIDTH + 1), "changes between frames"),
    ):
        with pytest.raises(UserError, match="file") as refused:
            read_smirk(write_frames(tmp_path, [frames[0], changed]), MODEL)
        assert message in refused.value.message


def test_squeezed_images_are_refused(tmp_path):
    frame = spoil(smirk_frame(np.random.default_rng(0)), "tform", None)
    with pytest.raises(UserError, match="squeezed"):
        read_smirk(write_frames(tmp_path, [frame]), MODEL)


@pytest.mark.parametrize("name", ["face.npz", "00000.txt", None])
def test_folders_without_numbered_files_are_refused(tmp_path, name):
    if name:
        (tmp_path / name).write_bytes(b"")
    for read in (read_smirk, read_deca):
        with pytest.raises(UserError, match="holds no <number>"):
            read(tmp_path, MODEL)


def test_a_file_that_is_not_numbered_is_not_left_out_in_silence(tmp_path):
    write_frames(tmp_path, [smirk_frame(np.random.default_rng(0))])
    (tmp_path / "._00000.npz").write_bytes(b"what a Mac leaves")
    (tmp_path / "00000.jpg").write_bytes(b"")
    assert len(read_smirk(tmp_path, MODEL).ids) == 1
    (tmp_path / "face_00001.npz").write_bytes(b"")
    with pytest.raises(UserError, match="not named by a number"):
        read_smirk(tmp_path, MODEL)


@pytest.mark.parametrize("name", ["0.npz", "0.mat"])
def test_broken_files_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(UserError, match="cannot be read") as refused:
        read_deca(tmp_path, MODEL)
    assert name in refused.value.message
