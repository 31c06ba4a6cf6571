"""Textures of plain regions and of FLAME's own texture space."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exports.seamed import seamed_head

from headsmith.contract.errors import UserError
from headsmith.exports.surface import Surface
from headsmith.exports.texture_layout import lay_out
from headsmith.exports.texture_model import model_texture
from headsmith.exports.texture_regions import COLOURS, SKIN, paint_regions
from headsmith.heads.texture import read_texture

HEAD = replace(seamed_head(), regions={"lips": np.arange(40, 90, dtype=np.int32)})


def write(path: Path, **changes: np.ndarray) -> Path:
    """A texture space as FLAME's authors write it: blue, green, red."""
    generator = np.random.default_rng(0)
    mean = np.tile(np.array([10.0, 120.0, 240.0]), (32, 32, 1)) + generator.uniform(0, 5, (32, 32, 3))
    arrays = {"mean": mean, "tex_dir": generator.normal(size=(32, 32, 3, 6)), "vt": HEAD.uv, "ft": HEAD.uv_faces}
    np.savez(path, **arrays | changes)
    return path


def test_regions_are_painted_where_they_lie() -> None:
    picture = paint_regions(HEAD, 64)
    texels = lay_out(Surface.of(HEAD), 64)
    inside = np.isin(HEAD.faces, HEAD.regions["lips"]).all(1)[texels.faces]
    np.testing.assert_array_equal(picture[texels.covered][inside], np.tile(COLOURS["lips"], (inside.sum(), 1)))
    np.testing.assert_array_equal(picture[texels.covered][~inside], np.tile(SKIN, ((~inside).sum(), 1)))
    assert set(map(tuple, picture.reshape(-1, 3).tolist())) == {COLOURS["lips"], SKIN}, "no colour of nowhere at the edges"


def test_the_texture_space_is_read_as_red_green_blue(tmp_path: Path) -> None:
    path = write(tmp_path / "FLAME_texture.npz")
    space = read_texture(path, HEAD, components=3)
    stored = np.load(path)
    codes = np.array([1.5, -2.0])
    wanted = stored["mean"] + stored["tex_dir"][..., :2] @ codes
    np.testing.assert_array_equal(space.texture(codes), wanted[..., ::-1].clip(0, 255).round().astype(np.uint8))
    assert model_texture(path, HEAD, 64)[..., 0].min() > 230 > 20 > model_texture(path, HEAD, 16)[..., 2].max()
    with pytest.raises(UserError, match="4 texture codes for 3 components"):
        space.texture(np.zeros(4))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vt": HEAD.uv[:, ::-1].copy()}, "another unwrapping"),
        ({"ft": np.concatenate([HEAD.uv_faces] * 2)}, "800 triangles"),
        ({"ft": HEAD.uv_faces + 1}, "triangles"),
        ({"mean": np.full((32, 32, 3), np.nan)}, "not a number"),
        ({"mean": np.full((32, 32, 3), 0.5)}, "not within 0..255"),
        ({"mean": np.zeros((32, 16, 3))}, "not a square picture"),
        ({"tex_dir": np.zeros((32, 16, 3, 5))}, "components"),
        ({"tex_dir": np.zeros((32, 32, 3))}, "components"),
        ({"mean": np.array([{"hostile": 1}], object)}, "cannot be read"),
        ({"vt": np.zeros(4)}, "no unwrapping"),
    ],
)
def test_another_texture_is_refused(tmp_path: Path, changes: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_texture(write(tmp_path / "FLAME_texture.npz", **changes), HEAD, components=2)


def test_as_many_components_are_read_as_there_are(tmp_path: Path) -> None:
    path = write(tmp_path / "FLAME_texture.npz", tex_dir=np.ones((32, 32, 3, 2)))
    assert [read_texture(path, HEAD, components=count).directions.shape[-1] for count in (0, 1, 50)] == [0, 1, 2]


def test_a_texture_that_is_not_there_or_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not there"):
        read_texture(tmp_path / "none.npz", HEAD)
    path = write(tmp_path / "FLAME_texture.npz")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match="cannot be read"):
        read_texture(path, HEAD)


def test_triangles_that_close_the_mouth_may_follow_the_textures_own(tmp_path: Path) -> None:
    path = write(tmp_path / "FLAME_texture.npz", ft=HEAD.uv_faces[:-30])
    assert read_texture(path, HEAD).mean.shape == (32, 32, 3)
