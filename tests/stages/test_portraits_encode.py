"""DECA's codes as a fitted portrait, and back: the same camera, light and points; its detail as a dense mesh."""

import numpy as np
import pytest
import torch
from stages.test_portraits_write import decas_decoder, fitted, model, prepared  # noqa: F401 (fixtures)
from synthetic_head import synthetic_head

from headsmith.bridges.deca import read_deca
from headsmith.contract.settings import PortraitsSettings
from headsmith.exports.deca import write_arrays
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import project
from headsmith.nets.deca import DETAIL, Deca, Encoder, Generator
from headsmith.stages.portraits_codes import Decoder, codedict
from headsmith.stages.portraits_crop import moved
from headsmith.stages.portraits_detail import CODES, Detail, dense_mesh, detail_normals, read_detail
from headsmith.stages.portraits_encode import as_fitted, run
from headsmith.stages.portraits_texture import Layout

SHAPES = {"shape": (100,), "tex": (50,), "exp": (50,), "pose": (6,), "cam": (3,), "light": (9, 3), "detail": (128,)}


@pytest.fixture
def codes(model):  # noqa: F811 (the fixture)
    rng, head = np.random.default_rng(8), model.container
    found = {name: rng.normal(size=shape).astype(np.float32) / 3 for name, shape in SHAPES.items()}
    found["shape"][len(head.identity) :] = 0
    found["exp"][len(head.expression) :] = 0
    found["cam"] = np.array([7.5, 0.01, -0.02], np.float32)
    return found


def short(codes, model):  # noqa: F811
    """The codes that the small head of the tests has."""
    count = {"shape": len(model.container.identity), "exp": len(model.container.expression)}
    return {name: values[: count.get(name, len(values))] for name, values in codes.items()}


def test_codes_come_back(model, prepared, codes):  # noqa: F811
    portrait = as_fitted(short(codes, model), prepared, model)
    decoded = Decoder(model).decode(portrait)
    back = codedict(portrait, decoded, prepared, "flame2020")
    for name in ("shape", "exp", "pose", "cam", "light"):
        np.testing.assert_allclose(back[name][0], codes[name], atol=2e-6, err_msg=name)
    vertices, projected = decas_decoder({name: values[None] for name, values in codes.items()}, model, portrait.parameters())
    np.testing.assert_allclose(vertices, decoded.vertices, atol=1e-6)
    np.testing.assert_allclose((projected[:, :2] + 1) * 112, decoded.seen[:, :2], atol=1e-3)
    points = 2 * prepared.landmarks / 224 - 1
    inner = slice(17, 68)
    apart = np.linalg.norm(decoded.flat[inner] - points[inner], axis=1).mean()
    assert portrait.landmark_error == pytest.approx(100 * apart / np.linalg.norm(points[36] - points[45]), rel=1e-3)


class Constant(Encoder):
    """Gives the same numbers for any picture."""

    def __init__(self, count):
        torch.nn.Module.__init__(self)
        self.numbers = torch.arange(count, dtype=torch.float32)[None] / 100

    def forward(self, pictures):
        assert pictures.shape == (1, 3, 224, 224) and pictures.min() >= 0 and pictures.max() <= 1
        return self.numbers


def test_detail_moves_the_face_along_its_normals(model, prepared, codes, tmp_path):  # noqa: F811
    portrait = as_fitted(short(codes, model), prepared, model)
    decoded, layout = Decoder(model).decode(portrait), Layout.of(model.container, 128)
    texture = np.full((128, 128, 3), 90, np.uint8)
    np.savez(tmp_path / "ada.detail.npz", **codes, displacement=np.full((256, 256), 0.004, np.float32))
    assert read_detail(tmp_path / "none.npz", PortraitsSettings()) is None
    detail = read_detail(tmp_path / "ada.detail.npz", PortraitsSettings(method="deca"))
    flat = Detail({name: codes[name] for name in CODES}, np.zeros((256, 256)))
    raised, colours, faces = dense_mesh(detail, decoded, layout, texture)
    plain = dense_mesh(flat, decoded, layout, texture)[0]
    inside = np.isin(layout.surface.faces, model.container.regions["face"]).all(1)[layout.texels.faces]
    np.testing.assert_allclose(np.linalg.norm(raised - plain, axis=1)[inside], 0.004, atol=1e-6)
    assert (colours == 90).all() and faces.max() < len(raised)
    normals = np.cross(raised[faces[:, 1]] - raised[faces[:, 0]], raised[faces[:, 2]] - raised[faces[:, 0]])
    own = layout.texels.spread(decoded.normals, layout.surface.faces)[faces[:, 0]]
    assert ((normals * own).sum(1) > 0).mean() > 0.99
    assert detail_normals(detail, decoded, layout).shape == (128, 128, 3)


def test_a_picture_is_run_as_deca_takes_it(prepared):  # noqa: F811
    class Plain(Generator):
        def __init__(self):
            torch.nn.Module.__init__(self)

        def forward(self, numbers):
            assert numbers.shape == (1, 181)
            return numbers[:, :1, None, None].expand(1, 1, 256, 256)

    found = run(Deca(Constant(236), Constant(DETAIL), Plain()), prepared, torch.device("cpu"))
    assert {name: values.shape for name, values in found.items()} == {**SHAPES, "displacement": (256, 256)}
    assert found["light"][0, 1] == pytest.approx(2.10) and found["displacement"][3, 4] == found["pose"][3]


def test_the_mat_is_what_tracking_takes(prepared, codes, tmp_path):  # noqa: F811
    """The bridge to DECA reads the file as a clip of one frame: its pinhole sees the head where the portrait's camera did."""
    head = synthetic_head(identity=100, expression=50)
    points = Embedding(np.arange(68, dtype=np.int32), np.arange(68, dtype=np.int32), np.full((68, 3), 1 / 3, np.float32))
    larger = HeadModel.from_container(head.with_embedding("ibug68", points), torch.float64)
    portrait = as_fitted(codes, prepared, larger)
    decoded = Decoder(larger).decode(portrait)
    write_arrays(tmp_path / "00000.mat", codedict(portrait, decoded, prepared, "flame2020"))
    track = read_deca(tmp_path, larger)
    seen = project(larger(track.parameters()), track.cameras())[0][0].numpy()
    expected = moved(decoded.seen[:, :2], np.linalg.inv(prepared.crop))
    apart = np.linalg.norm(seen - expected, axis=1)
    assert apart.mean() < 0.5 and apart.max() < 3, (apart.mean(), apart.max())
