"""The stage texture_space from fits to files: it goes on where it was killed, and a bad picture costs itself alone."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from stages.painted_portraits import HEAD, MODEL, RANK, directions, write_head, write_row

from headsmith.contract.errors import UserError
from headsmith.contract.settings import TextureSpaceSettings
from headsmith.heads.texture import read_texture
from headsmith.stages import texture_space_pictures
from headsmith.stages.portraits_fits import read_fits_manifest, write_fits_manifest
from headsmith.stages.portraits_manifest import Refused, read_prepared_manifest, write_prepared_manifest
from headsmith.stages.quality_texture_space import draw_texture_space
from headsmith.stages.texture_space import learn_texture_space
from headsmith.stages.texture_space_chunk import unwrap_textures_chunk
from headsmith.stages.texture_space_pictures import list_pictures
from headsmith.stages.texture_space_unwrap import Sheet

SETTINGS = TextureSpaceSettings(size=64, components=5, align_light=False)
FIRST, SECOND = range(14), range(14, 24)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    written = [write_row(folder, name, seeds) for name, seeds in (("one", FIRST), ("two", SECOND))]
    prepared, fits = (list(part) for part in zip(*written, strict=True))
    return {"prepared": prepared, "fits": fits, "head": write_head(folder)}


def learn(rows, folder, settings=SETTINGS, chunks=None):
    outputs = {"texture": folder / "texture.npz", "summary": folder / "texture_space.json", "examples": folder / "examples.npz"}
    learn_texture_space(**rows, chunks=chunks, **outputs, settings=settings)
    return outputs


@pytest.fixture(scope="module")
def learned(rows, tmp_path_factory):
    return learn(rows, tmp_path_factory.mktemp("learned"))


def test_the_family_is_found(learned):
    told = json.loads(learned["summary"].read_text())
    assert len(told["pictures"]) == 24 and not told["left_out"] and told["components"] == 5
    assert told["errors_of_255"][told["completion"]] < 0.5 * told["errors_of_255"]["mean"]
    assert sum(told["shares_of_variance"][:RANK]) > 0.9
    assert told["light"] == "whole", "the fits are the truth: all of their light is light"
    with np.load(learned["texture"]) as content:
        found = content["tex_dir"][..., ::-1, :][:, :, :, :RANK]
    sheet = Sheet.of(MODEL, SETTINGS.size)
    uv = np.einsum("nc,ncd->nd", sheet.texels.barycentrics, HEAD.uv[HEAD.uv_faces[sheet.texels.faces]])
    middle = np.abs(uv - 0.5).max(1) < 0.25
    basis, _ = np.linalg.qr(found[sheet.texels.covered][middle].reshape(-1, RANK))
    truth = directions(uv)[middle].reshape(-1, RANK)
    assert np.square(basis.T @ truth).sum() > 0.95 * np.square(truth).sum()
    assert read_texture(learned["texture"], HEAD, 5).mean.shape == (64, 64, 3)


def test_it_goes_on_where_it_was_killed(rows, learned, tmp_path, monkeypatch):
    done = []

    def unwrap_some(sheet, prepared, fitted, real=texture_space_pictures.unwrap):
        if len(done) == 9:
            raise KeyboardInterrupt
        done.append(prepared.name)
        return real(sheet, prepared, fitted)

    monkeypatch.setattr(texture_space_pictures, "unwrap", unwrap_some)
    with pytest.raises(KeyboardInterrupt):
        learn(rows, tmp_path)
    assert not (tmp_path / "texture.npz").exists()
    assert len(list((tmp_path / "texture_space.partial").glob("*.npz"))) == 9
    (tmp_path / "texture_space.partial/one-p3.npz").write_bytes(b"half a file")
    done.clear()
    done.extend(["before"] * 20)
    again = learn(rows, tmp_path)
    assert len(done) == 20 + 24 - 9 + 1
    assert not (tmp_path / "texture_space.partial").exists()
    for name, path in learned.items():
        assert again[name].read_bytes() == path.read_bytes(), name


def test_a_picture_of_other_fits_is_unwrapped_anew(rows, tmp_path):
    sheet = Sheet.of(MODEL, 64)
    (picture, *_), _ = list_pictures(rows["prepared"], rows["fits"], sheet)
    key = texture_space_pictures.key_of(picture, sheet)
    assert key != texture_space_pictures.key_of(picture, Sheet.of(MODEL, 32))
    folder = tmp_path / "partial"
    (_, found), *_ = texture_space_pictures.iterate_unwrapped([picture], sheet, SETTINGS, folder)
    kept = texture_space_pictures.read_unwrapped(folder / "one-p0.npz", key, len(found.weights))
    np.testing.assert_array_equal(kept.weights, found.weights)
    assert texture_space_pictures.read_unwrapped(folder / "one-p0.npz", "another", len(found.weights)) is None


def test_chunks_change_nothing(rows, learned, tmp_path, monkeypatch):
    chunks = [tmp_path / f"{number}of3.json" for number in (1, 2, 3)]
    for path in chunks:
        unwrap_textures_chunk(**rows, chunk=path.stem, texture=tmp_path / "texture.npz", output=path, settings=SETTINGS)
    assert sum(len(json.loads(path.read_text())["pictures"]) for path in chunks) == 24
    monkeypatch.setattr(texture_space_pictures, "unwrap", None)
    again = learn(rows, tmp_path, chunks=chunks)
    assert again["texture"].read_bytes() == learned["texture"].read_bytes()


def test_a_broken_picture_costs_itself_alone(tmp_path):
    row = write_row(tmp_path, "one", range(8))
    (tmp_path / "one/prepared/p2.png").write_bytes(b"no picture")
    (tmp_path / "one/fits/p3.npz").unlink()
    manifest = read_fits_manifest(row[1])
    worse = [one if one.name != "p5" else type(one)("p5", 9.0, 20.0) for one in manifest.pictures]
    write_fits_manifest(row[1], type(manifest)("one", "each", HEAD.name, HEAD.sha256, tuple(worse), ()))
    labels = cv2.imread(str(tmp_path / "one/prepared/p6.labels.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "one/prepared/p6.labels.png"), np.zeros_like(labels))
    prepared = read_prepared_manifest(row[0])
    write_prepared_manifest(row[0], replace(prepared, refused=(Refused("p9", "p9.png", "the file is not a picture"),)))
    rows = {"prepared": [row[0]], "fits": [row[1]], "head": write_head(tmp_path)}
    told = json.loads(learn(rows, tmp_path / "out")["summary"].read_text())
    assert told["pictures"] == ["one-p0", "one-p1", "one-p4", "one-p7"]
    reasons = {one["name"]: one["reason"] for one in told["left_out"]}
    assert list(reasons) == ["one-p9", "one-p2", "one-p3", "one-p5", "one-p6"]
    assert "9.0 %" in reasons["one-p5"] and "0 % of the face" in reasons["one-p6"]
    with pytest.raises(
        UserError, match=r"needs 3 pictures, and 0 can be used\n  one-p9: the file is not a picture\n  one-p0: its landmarks"
    ):
        learn(rows, tmp_path / "none", TextureSpaceSettings(size=64, max_landmark_error=0.5))


def test_fits_of_another_head_are_refused(rows, tmp_path):
    manifest = read_fits_manifest(rows["fits"][0])
    write_fits_manifest(tmp_path / "fits.json", type(manifest)("one", "each", "other", "0" * 64, manifest.pictures, ()))
    with pytest.raises(UserError, match="fitted with another head"):
        learn(rows | {"prepared": rows["prepared"][:1], "fits": [tmp_path / "fits.json"]}, tmp_path)


def test_it_can_be_looked_at(rows, learned, tmp_path):
    draw_texture_space(**learned, head=rows["head"], picture=tmp_path / "look.png")
    picture = cv2.imread(str(tmp_path / "look.png"))
    assert picture.shape[0] > 900 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 2000
