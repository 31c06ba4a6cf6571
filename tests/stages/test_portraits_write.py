"""DECA's files of a portrait, each read back by another program's reader, and its codes through DECA's own formulas."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from scipy.io import loadmat
from scipy.spatial.transform import Rotation
from synthetic_head import COLUMNS, ROWS, synthetic_head

from headsmith.contract.errors import UserError
from headsmith.contract.settings import PortraitsSettings
from headsmith.heads.container import save_head
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.maths.irradiance import irradiance
from headsmith.mesh.renderer_choice import open_renderer
from headsmith.stages.portraits_codes import Decoder, codedict
from headsmith.stages.portraits_crop import whole_crop
from headsmith.stages.portraits_drawing import Canvas, map_head, shape_image
from headsmith.stages.portraits_file import FittedPortrait, write_portrait
from headsmith.stages.portraits_fits import FitFacts, FitsManifest, write_fits_manifest
from headsmith.stages.portraits_manifest import PictureFacts, PreparedManifest, write_prepared_manifest
from headsmith.stages.portraits_prepared import PreparedPortrait, write_prepared
from headsmith.stages.portraits_texture import Layout, extract_texture
from headsmith.stages.portraits_write import write_portraits

SIDE, WIDTH, HEIGHT = 224, 300, 260
FLIP = np.array([1, -1, -1.0])
TURN = Rotation.from_euler("yx", (20, -10), degrees=True).as_matrix()
ALL = ["vis", "kpt", "depth", "obj", "mat", "images"]


@pytest.fixture(scope="module")
def model():
    """A small head with 68 points made up: on triangles of its face from the farthest back to, as the 31st, the nose's tip."""
    head = synthetic_head()
    face = np.arange(COLUMNS * ROWS, dtype=np.int32)
    facing = np.flatnonzero(np.isin(head.faces, face).all(1))
    order = facing[np.argsort(head.template[head.faces[facing]].mean(1)[:, 2])]
    faces = np.insert(order[np.linspace(0, len(order) - 2, 67).astype(int)], 30, order[-1]).astype(np.int32)
    embedding = Embedding(np.arange(68, dtype=np.int32), faces, np.full((68, 3), 1 / 3, np.float32))
    whole = replace(head.with_embedding("ibug68", embedding), regions={"face": face})
    return HeadModel.from_container(whole, torch.float64)


@pytest.fixture(scope="module")
def fitted(model):
    """A head that looks a little to the side, its colours fitted."""
    rng, head = np.random.default_rng(4), model.container
    return FittedPortrait(
        name="ada",
        head_sha256=model.sha256,
        texture_sha256="",
        camera="weak",
        convention="ibug68",
        identity=rng.normal(size=len(head.identity)) / 2,
        expression=np.zeros(len(head.expression)),
        eyelids=np.zeros(2),
        jaw=np.array([0.1, 0, 0]),
        eyes=np.zeros((2, 3)),
        neck=np.zeros(3),
        rotation=FLIP[:, None] * TURN,
        translation=np.array([0.004, 0.01, 100.0]),
        focal=800.0,
        principal=np.array([110.0, 118.0]),
        size=SIDE,
        texture=np.zeros(0),
        offset=rng.uniform(-0.05, 0.05, (16, 16, 3)).astype(np.float32),
        colour=np.array([0.7, 0.5, 0.4]),
        light=np.concatenate([np.full((1, 3), 3.0), rng.normal(size=(8, 3)) / 5]),
        landmark_error=1.5,
        psnr=30.0,
    )


@pytest.fixture(scope="module")
def prepared():
    rng = np.random.default_rng(5)
    return PreparedPortrait(
        name="ada",
        picture=rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8),
        labels=np.ones((SIDE, SIDE), np.uint8),
        landmarks=rng.uniform(60, 160, (68, 2)),
        confidence=np.ones(68),
        convention="ibug68",
        crop=whole_crop((WIDTH, HEIGHT), SIDE),
        size=(WIDTH, HEIGHT),
    )


def decas_decoder(codes, model, points):
    """DECA's own lines: FLAME's root turned about its joint, ``batch_orth_proj``, y and z negated."""
    joint = model.places(points)[0].numpy()
    turn = Rotation.from_rotvec(codes["pose"][0, :3].astype(np.float64)).as_matrix()
    vertices = (model(points).numpy() - joint) @ turn.T + joint
    scale, x, y = codes["cam"][0].astype(np.float64)
    shift = np.array([x, y, 0])
    return vertices, scale * (vertices + shift) * FLIP


def test_a_weak_camera_is_decas_exactly(model, fitted, prepared):
    decoded = Decoder(model).decode(fitted)
    codes = codedict(fitted, decoded, prepared, "synthetic")
    vertices, projected = decas_decoder(codes, model, fitted.parameters())
    np.testing.assert_allclose(vertices, decoded.vertices, atol=1e-6)
    np.testing.assert_allclose((projected[:, :2] + 1) * SIDE / 2, decoded.seen[:, :2], atol=1e-3)
    assert decoded.camera.largest_error == 0


def test_a_pinhole_gets_the_nearest_weak_camera_with_its_error(model, fitted, prepared):
    pinhole = replace(fitted, camera="perspective", focal=1200.0, translation=np.array([0.01, 0.02, 1.5]))
    decoded = Decoder(model).decode(pinhole)
    codes = codedict(pinhole, decoded, prepared, "synthetic")
    _, projected = decas_decoder(codes, model, pinhole.parameters())
    apart = np.linalg.norm((projected[:, :2] + 1) * SIDE / 2 - decoded.seen[:, :2], axis=1)
    assert apart.mean() == pytest.approx(decoded.camera.mean_error, rel=1e-3)
    assert apart.max() == pytest.approx(decoded.camera.largest_error, rel=1e-3) and apart.max() > 1
    rng, squares = np.random.default_rng(1), np.square(apart).sum()
    for step in rng.normal(size=(20, 3)) * [0.02, 1e-4, 1e-4]:
        moved = {**codes, "cam": codes["cam"] + step}
        _, other = decas_decoder(moved, model, pinhole.parameters())
        assert np.square((other[:, :2] + 1) * SIDE / 2 - decoded.seen[:, :2]).sum() >= squares * (1 - 1e-6)


def test_light_is_the_same_in_decas_world(model, fitted, prepared):
    """DECA's nine functions as its renderer has them, of normals in its own axes."""
    decoded = Decoder(model).decode(fitted)
    light = codedict(fitted, decoded, prepared, "synthetic")["light"][0].astype(np.float64)
    pi, (x, y, z) = np.pi, decoded.normals.T
    factors = [1 / np.sqrt(4 * pi), *[2 * pi / 3 * np.sqrt(3 / (4 * pi))] * 3, *[pi / 4 * 3 * np.sqrt(5 / (12 * pi))] * 3]
    factors += [pi / 4 * 1.5 * np.sqrt(5 / (12 * pi)), pi / 4 * 0.5 * np.sqrt(5 / (4 * pi))]
    bases = np.stack([np.ones_like(x), x, y, z, x * y, x * z, y * z, x**2 - y**2, 3 * z**2 - 1], 1) * factors
    ours = irradiance(torch.from_numpy(decoded.normals * FLIP)).numpy() @ fitted.light
    np.testing.assert_allclose(bases @ light, ours, atol=1e-5)


@pytest.fixture(scope="module")
def written(model, fitted, prepared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("portrait")
    rng = np.random.default_rng(6)
    Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)).save(folder / "ada.png")
    write_prepared(folder / "prepared", prepared)
    facts = PictureFacts("ada", str(folder / "ada.png"), None, (WIDTH, HEIGHT))
    write_prepared_manifest(folder / "prepared.json", PreparedManifest("p", "each", SIDE, (facts,), ()))
    write_portrait(folder / "fits/ada.npz", fitted)
    write_fits_manifest(folder / "fits.json", FitsManifest("p", "each", "synthetic", model.sha256, (FitFacts.of(fitted),), ()))
    save_head(model.container, folder / "head.npz")
    return write(folder, PortraitsSettings(save=ALL, texture_size=64))


def write(folder, settings, **space):
    write_portraits(
        portrait="p",
        pictures=folder / "ada.png",
        prepared=folder / "prepared.json",
        fits=folder / "fits.json",
        head=folder / "head.npz",
        manifest=folder / "deca.json",
        settings=settings,
        threads=1,
        **space,
    )
    return folder


def test_all_of_decas_files_are_there(written):
    told = json.loads((written / "deca.json").read_text())
    own = [
        f"ada/ada{ending}"
        for ending in (".mat", ".mtl", ".obj", ".png", "_depth.jpg", "_kpt2d.txt", "_kpt3d.txt", "_normals.png")
    ]
    images = [f"_{word}.jpg" for word in ("inputs", "landmarks2d", "shape_images", "rendered_images", "albedo_images")]
    own += [f"ada/{start}ada{ending}" for start in ("", "orig_") for ending in images]
    wanted = sorted([*own, "ada_vis.jpg", "ada_vis_original_size.jpg"])
    assert told["pictures"][0]["files"] == wanted
    assert sorted(str(path.relative_to(written / "deca")) for path in (written / "deca").rglob("*.*")) == wanted


def test_the_mesh_opens_with_its_texture(written, model, fitted):
    mesh = trimesh.load(written / "deca/ada/ada.obj", process=False)
    assert len(mesh.faces) == len(model.faces)
    corners = mesh.vertices[mesh.faces]
    np.testing.assert_allclose(corners, Decoder(model).decode(fitted).vertices[model.container.faces], atol=1e-6)
    assert mesh.visual.material.image.size == (64, 64) and mesh.visual.material.name == "FaceTexture"
    uv = mesh.visual.uv[mesh.faces]
    np.testing.assert_allclose(uv, model.container.uv[model.container.uv_faces], atol=1e-6)
    normals = np.asarray(Image.open(written / "deca/ada/ada_normals.png")) / 127.5 - 1
    assert np.abs(np.linalg.norm(normals, axis=-1) - 1).max() < 0.02


def test_points_and_arrays_open(written, model, fitted, prepared):
    decoded, arrays = Decoder(model).decode(fitted), loadmat(written / "deca/ada/ada.mat")
    flat, solid = (np.loadtxt(written / f"deca/ada/ada_{word}.txt") for word in ("kpt2d", "kpt3d"))
    assert flat.shape == (68, 2) and solid.shape == (68, 4) and set(solid[:, 3]) <= {0.0, 1.0}
    np.testing.assert_allclose(flat, decoded.flat)
    for name, values in codedict(fitted, decoded, prepared, "synthetic").items():
        if name not in ("head", "head_sha256"):
            np.testing.assert_allclose(arrays[name].ravel(), values.ravel(), atol=1e-6, err_msg=name)
    shapes = {"shape": (1, 100), "tex": (1, 50), "exp": (1, 50), "pose": (1, 6), "cam": (1, 3), "light": (1, 9, 3)}
    for name, shape in {**shapes, "images": (1, 3, SIDE, SIDE)}.items():
        assert arrays[name].shape == shape, name
    count = len(model.template)
    rest = {"verts": (count, 3), "trans_verts": (count, 3), "landmarks3d": (68, 4), "uv_texture_gt": (3, 64, 64)}
    for name, shape in rest.items():
        assert arrays[name].shape == shape, name
    assert arrays["head"].item() == "synthetic" and arrays["head_sha256"].item() == model.sha256
    np.testing.assert_allclose(arrays["trans_verts"][:, :2], 2 * decoded.seen[:, :2] / SIDE - 1, atol=1e-5)
    nose, ear = decoded.solid[30], decoded.solid[0]
    assert nose[2] < ear[2] and nose[3] == 1


def test_pictures_open_in_their_sizes(written):
    folder = written / "deca"
    assert Image.open(folder / "ada_vis.jpg").size == (6 * SIDE, SIDE)
    assert Image.open(folder / "ada_vis_original_size.jpg").size == (5 * WIDTH, HEIGHT)
    assert Image.open(folder / "ada/orig_ada_shape_images.jpg").size == (WIDTH, HEIGHT)
    depth = np.asarray(Image.open(folder / "ada/ada_depth.jpg").convert("L"))
    assert depth.shape == (SIDE, SIDE) and depth[0, 0] < 5 and depth.max() > 230


def test_the_same_again_gives_the_same_bytes(written):
    before = {path: path.read_bytes() for path in (written / "deca").rglob("*.*")}
    write(written, PortraitsSettings(save=ALL, texture_size=64))
    assert {path: path.read_bytes() for path in (written / "deca").rglob("*.*")} == before


def test_only_what_is_asked_for_is_written(written):
    write(written, PortraitsSettings(save=["kpt"]))
    assert [path.name for path in sorted((written / "deca/ada").iterdir())] == ["ada_kpt2d.txt", "ada_kpt3d.txt"]
    assert not list((written / "deca").glob("*.jpg"))


def test_a_texture_is_what_the_picture_shows(model, fitted, prepared):
    """A picture of one colour gives a texture of that colour wherever the head is seen, and around."""
    plain = np.tile(np.array([200, 120, 60], np.uint8), (HEIGHT, WIDTH, 1))
    layout = Layout.of(model.container, 64)
    found = extract_texture(fitted, Decoder(model).decode(fitted), prepared, plain, layout, None)
    face = np.isin(layout.surface.faces, model.container.regions["face"]).all(1)[layout.texels.faces]
    apart = np.abs(found[layout.texels.covered][face].astype(int) - [200, 120, 60]).max(1)
    assert apart.max() <= 2


def test_both_rasterizers_draw_the_same(model, fitted, prepared):
    pytest.importorskip("pytorch3d", reason="PyTorch3D is not installed: nothing to compare with")
    decoded, layout = Decoder(model).decode(fitted), Layout.of(model.container, 64)
    canvas = Canvas(prepared.picture, np.eye(3), over=False)
    maps = [map_head(open_renderer(name, 1), layout.surface, decoded, canvas) for name in ("own", "pytorch3d")]
    images = [shape_image(canvas, one).astype(float) / 255 for one in maps]
    same = maps[0].mask & maps[1].mask
    inner = same & (np.abs(maps[0].uv - maps[1].uv).max(-1) < 1e-3)
    assert inner.sum() > 0.98 * same.sum()
    assert np.abs(images[0][maps[0].window] - images[1][maps[1].window])[inner].max() <= 1e-3 + 1 / 255


def test_a_texture_space_colours_the_head(written, model, fitted):
    """A space of plain colours: albedo is its mean and code times the fitted colour; what is not seen is that in the light."""
    size, codes = 32, np.array([0.5, -1.0])
    mean, directions = np.full((size, size, 3), (40.0, 80, 120)), np.zeros((size, size, 3, 3))
    directions[..., 0], directions[..., 1] = 20, 10
    head = model.container
    np.savez(written / "space.npz", mean=mean, tex_dir=directions, vt=head.uv, ft=head.uv_faces)
    coloured = replace(fitted, texture=codes, texture_sha256="1" * 64, offset=np.zeros((0, 0, 3), np.float32))
    write_portrait(written / "fits/ada.npz", coloured)
    settings = PortraitsSettings(save=["mat"], use_texture=True, texture_size=64)
    write(written, settings, texture=written / "space.npz")
    arrays = loadmat(written / "deca/ada/ada.mat")
    expected = np.array([120, 80, 40]) / 255 * fitted.colour
    np.testing.assert_allclose(arrays["albedo"].reshape(3, -1).T, np.tile(expected, (64 * 64, 1)), atol=1e-6)
    np.testing.assert_allclose(arrays["tex"][0, :3], [0.5, -1, 0])
    signs = np.array([1, 1, -1, -1, -1, -1, 1, 1, 1])[:, None]
    np.testing.assert_allclose(arrays["light"][0], signs * fitted.light * fitted.colour, atol=1e-6)
    with pytest.raises(UserError, match="with a texture space, and none is named"):
        write(written, settings)
    write_portrait(written / "fits/ada.npz", fitted)
    with pytest.raises(UserError, match="without a texture space, and one is named"):
        write(written, settings, texture=written / "space.npz")


def test_a_portrait_of_another_head_is_refused(written, fitted):
    write_portrait(written / "fits/ada.npz", replace(fitted, head_sha256="0" * 64))
    with pytest.raises(UserError, match="another head"):
        write(written, PortraitsSettings(save=["kpt"]))


def test_a_head_without_the_points_is_told(model):
    bare = HeadModel.from_container(replace(model.container, embeddings={}), torch.float64)
    with pytest.raises(UserError, match="has not all 68 points"):
        Decoder(bare)
