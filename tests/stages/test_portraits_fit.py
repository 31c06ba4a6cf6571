"""The stage: files, manifest, and pictures that cannot be fitted."""

import csv
import json
from dataclasses import replace

import av
import numpy as np
import pytest
from stages import known_portraits as known

from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABELS
from headsmith.heads.container import save_head
from headsmith.stages.portraits_file import read_portrait
from headsmith.stages.portraits_fit import fit_portraits
from headsmith.stages.portraits_fits import read_fits_manifest
from headsmith.stages.portraits_manifest import PictureFacts, PreparedManifest, write_prepared_manifest
from headsmith.stages.portraits_prepared import write_prepared
from headsmith.stages.portraits_start import start_portraits

FEWER = replace(known.SETTINGS, iterations=dict.fromkeys(known.FEW, 2.0), progress=True)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Two pictures that can be fitted, and one without skin."""
    folder, model = tmp_path_factory.mktemp("portraits"), known.known_model()
    save_head(model.container, folder / "head.npz")
    names = ("ada", "bare", "eve")
    for seed, name in enumerate(names):
        part = known.prepared(known.known_portrait(model, name, seed=seed), model, albedo=known.spotted)
        bare = np.full_like(part.labels, LABELS.index("hair")) if name == "bare" else part.labels
        write_prepared(folder / "prepared", replace(part, labels=bare))
    return folder, model, names


def run(house, person, *, settings=FEWER, names=None, threads=1, into="fits.json"):
    folder, _, known_names = house
    facts = tuple(PictureFacts(name, f"{name}.jpg", None, (96, 96)) for name in names or known_names)
    write_prepared_manifest(folder / "prepared.json", PreparedManifest("p", person, known.SIZE, facts, ()))
    inputs = {"portrait": "p", "prepared": folder / "prepared.json", "head": folder / "head.npz", "threads": threads}
    fit_portraits(**inputs, manifest=folder / into, settings=settings)
    return folder / into


@pytest.mark.parametrize("person", ["each", "one"])
def test_files_and_the_manifest_of_what_could_be_fitted(house, person):
    path = run(house, person)
    told, model = read_fits_manifest(path), house[1]
    assert told.names == ["ada", "eve"] and told.person == person and told.head_sha256 == model.sha256
    assert [one.name for one in told.refused] == ["bare"] and "skin" in told.refused[0].reason
    kinds = {".csv", ".mp4", ".npz"}
    assert {file.name for file in path.with_suffix("").iterdir()} == {name + kind for name in told.names for kind in kinds}
    fits = [read_portrait(path.with_suffix("") / f"{name}.npz", model.container) for name in told.names]
    assert np.array_equal(fits[0].identity, fits[1].identity) == (person == "one")
    assert told.pictures[0].psnr == fits[0].psnr and told.pictures[0].landmark_error_percent_iod == fits[0].landmark_error
    with (path.with_suffix("") / "ada.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["stage"] for row in rows] == [stage for stage in known.FEW for _ in range(2)]
    assert all(float(row["colours"]) > 0 for row in rows) and rows[0]["texture"] == "" and rows[-1]["offset_small"] != ""
    with av.open(str(path.with_suffix("") / "ada.mp4")) as video:
        shapes = [frame.to_ndarray(format="rgb24").shape for frame in video.decode(video=0)]
    assert shapes == [(known.SIZE, 2 * known.SIZE, 3)] * 4


def test_threads_change_no_byte(house):
    settings = replace(FEWER, progress=False)
    one, other = (run(house, "each", settings=settings, threads=count, into=f"{count}.json") for count in (1, 2))
    for name in ("ada.npz", "ada.csv", "eve.npz", "eve.csv"):
        assert (one.with_suffix("") / name).read_bytes() == (other.with_suffix("") / name).read_bytes()


def test_without_colours_it_is_the_start(house):
    path = run(house, "each", settings=replace(FEWER, photometric=False), names=["bare"], into="start.json")
    folder, model, _ = house
    fitted = read_portrait(folder / "start/bare.npz", model.container)
    part = known.prepared(known.known_portrait(model, "bare", seed=1), model, albedo=known.spotted)
    (start,) = start_portraits([part], model, known.SETTINGS)
    np.testing.assert_array_equal(fitted.rotation, start.rotation)
    assert json.loads(path.read_text())["pictures"][0]["psnr"] is None
    assert [file.name for file in (folder / "start").iterdir()] == ["bare.npz"]


def test_it_stops_where_no_picture_is_left(house):
    with pytest.raises(UserError, match="no picture can be fitted:\n  bare: only 0 pixels"):
        run(house, "each", names=["bare"], into="none.json")
    assert not (house[0] / "none.json").exists() and not (house[0] / "none").exists()


def test_a_prior_without_its_file_is_told(house):
    with pytest.raises(UserError, match="no checkpoint is named"):
        run(house, "each", settings=replace(FEWER, prior="dposer"), into="dposer.json")
