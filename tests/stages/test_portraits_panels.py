"""The sheet of a fitted portrait: what its six panels show."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from stages import known_portraits as known

from headsmith.contract.errors import UserError
from headsmith.heads.container import save_head
from headsmith.media.images import read_image
from headsmith.mesh.own_renderer import OwnRenderer
from headsmith.stages.portraits_codes import Decoder
from headsmith.stages.portraits_file import write_portrait
from headsmith.stages.portraits_fits import FitFacts, FitsManifest, write_fits_manifest
from headsmith.stages.portraits_panels import SIDE, Studio, draw_portraits, read_curves, six_panels
from headsmith.stages.portraits_prepared import write_prepared
from headsmith.stages.portraits_texture import Layout

TABLE = "step,stage,landmarks,colours,light\n0,camera,1.5,0.2,\n1,fine,0.5,0.1,0.3\n"


@pytest.fixture(scope="module")
def model():
    return known.known_model(torch.float64)


def test_panels_show_what_the_portrait_is_made_of(model):
    truth = known.known_portrait(model)
    part = known.prepared(truth, model)
    panels = six_panels(part, truth, Studio(model, Decoder(model), Layout.of(model.container, 64), OwnRenderer(), None))
    pictures = {panel.caption: panel.picture.astype(float) for panel in panels}
    assert list(pictures) == ["input", "landmarks", "shape", "albedo, without light", "lighting", "synthesis"]
    assert all(picture.shape == (SIDE, SIDE, 3) for picture in pictures.values())
    middle = (slice(SIDE // 2 - 20, SIDE // 2 + 20),) * 2
    np.testing.assert_allclose(
        pictures["albedo, without light"][middle], np.broadcast_to(255 * known.COLOUR, (40, 40, 3)), atol=1
    )
    product = pictures["albedo, without light"][middle] * pictures["lighting"][middle] / 127.5
    np.testing.assert_allclose(pictures["synthesis"][middle], product, atol=3)
    assert np.abs(pictures["synthesis"] - pictures["input"])[middle].mean() < 4, "truth, drawn again, is the picture"
    assert (pictures["landmarks"] != pictures["input"]).any()
    assert np.ptp(pictures["shape"][middle].mean((0, 1))) == 0, "the shape has no colour"


def test_curves_are_the_losses_of_the_table(tmp_path):
    (tmp_path / "ada.csv").write_text(TABLE)
    seen, believed = read_curves(tmp_path / "ada.csv")
    np.testing.assert_allclose(seen.lines["landmarks"], np.log10([1.5, 0.5]))
    assert set(seen.lines) == {"landmarks", "colours"} and set(believed.lines) == {"light"}
    assert np.isnan(believed.lines["light"][0])
    (tmp_path / "ada.csv").write_text("step,stage\n")
    with pytest.raises(UserError, match="losses cannot be read"):
        read_curves(tmp_path / "ada.csv")


def test_the_stage_draws_every_fitted_picture(tmp_path, model):
    truth = known.known_portrait(model)
    save_head(model.container, tmp_path / "head.npz")
    write_prepared(tmp_path / "prepared", known.prepared(truth, model))
    write_portrait(tmp_path / "fits/ada.npz", replace(truth, psnr=float("nan")))
    (tmp_path / "fits/ada.csv").write_text(TABLE)
    facts = FitsManifest("p", "each", "synthetic", model.sha256, (FitFacts.of(truth),), ())
    write_fits_manifest(tmp_path / "fits.json", facts)
    inputs = {"prepared": tmp_path / "prepared.json", "fits": tmp_path / "fits.json", "head": tmp_path / "head.npz"}
    draw_portraits(portrait="p", **inputs, manifest=tmp_path / "panels.json", settings=known.SETTINGS, threads=1)
    assert json.loads((tmp_path / "panels.json").read_text())["pictures"] == ["ada"]
    sheet = read_image(tmp_path / "panels/ada.png", clip="p")
    assert sheet.shape[0] > 3 * SIDE and sheet.shape[1] > 3 * SIDE
