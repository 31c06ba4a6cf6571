"""A command line as DECA's users write it, with the program's name changed."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from synthetic_head import COLUMNS, ROWS, synthetic_head

from headsmith.commands import deca
from headsmith.heads.container import save_head
from headsmith.heads.embedding_types import Embedding
from headsmith.nets.parsers import Parser
from headsmith.stages import portraits_prepare


class PlainParser(Parser):
    """Says that all is skin."""

    def __init__(self, *_, **__):
        pass

    def parse(self, image):
        return np.ones(image.shape[:2], np.uint8)


@pytest.fixture
def resources(tmp_path, asset, monkeypatch):
    """A small head that any landmarks are fitted with badly, in the place of what Snakemake would make first."""
    head = synthetic_head()
    face = np.flatnonzero((head.faces < COLUMNS * ROWS).all(1)).astype(np.int32)
    points = Embedding(np.arange(68, dtype=np.int32), face[:68], np.full((68, 3), 1 / 3, np.float32))
    region = {"face": np.arange(COLUMNS * ROWS, dtype=np.int32)}
    save_head(replace(head.with_embedding("ibug68", points), regions=region), tmp_path / "head.npz")
    files = {"face_landmarker.task": asset("face_landmarker.task")}
    made = {"head": tmp_path / "head.npz", "network": tmp_path / "none.onnx", "files": files}
    monkeypatch.setattr(deca, "make_resources", lambda settings, house: made)
    monkeypatch.setattr(portraits_prepare, "Parser", PlainParser)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "TestSamples/examples"
    folder.mkdir(parents=True)
    Image.fromarray(data.astronaut()).save(folder / "image02673.png")
    Image.new("RGB", (64, 64)).save(folder / "empty.jpg")
    return folder


def test_a_script_of_decas_runs(tmp_path, resources, pictures, capsys):
    target = tmp_path / "results"
    (target / "image02673").mkdir(parents=True)
    (target / "notes.txt").write_text("mine")
    (target / "image02673/image02673.obj").write_text("old")
    line = (
        f"-i {pictures} -s {target} --device cpu --iscrop True --sample_step 10 --rasterizer_type standard --render_orig False"
    )
    line += " --useTex False --extractTex True --saveVis True --saveKpt 1 --saveDepth True --saveObj true --saveMat True"
    status = deca.main(
        [*line.split(), "--saveImages", "False", "--set", "portraits.photometric=false", "--set", "portraits.texture_size=64"]
    )
    assert status == 0, capsys.readouterr().err
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    stem = "image02673/image02673"
    endings = (".mat", ".mtl", ".obj", ".png", "_depth.jpg", "_kpt2d.txt", "_kpt3d.txt", "_normals.png")
    assert found == {f"{stem}{ending}" for ending in endings} | {"image02673_vis.jpg", "notes.txt", "portraits.json"}
    assert "vt" in (target / f"{stem}.obj").read_text()
    told = json.loads((target / "portraits.json").read_text())
    assert [one["reason"] for one in told["refused"]] == ["no face is found"]
    assert told["pictures"][0]["cam_error_pixels"]["largest"] == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--useTex", "True"], "heads.texture names no texture space"),
        (["-i", "nowhere"], "there is no such folder, picture, list or video"),
        (["--set", "portraits.method=deca"], "its network is not there"),
        (["--set", "portraits.sizes=3"], "unknown setting 'portraits.sizes'"),
        (["--set", "sample_step"], "not of the form"),
    ],
)
def test_what_cannot_be_done_is_told(pictures, capsys, options, told):
    assert deca.main(["-i", str(pictures), "-s", str(pictures / "out"), *options]) == 1
    error = capsys.readouterr().err
    assert told in error and "remedy" in error and "Traceback" not in error


def test_a_gpu_that_is_not_there_is_not_passed_over(pictures, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert deca.main(["-i", str(pictures), "-s", str(pictures / "out"), "--device", "cuda"]) == 1
    assert "the device `cuda` is asked for" in capsys.readouterr().err
    assert not (pictures / "out").exists()


@pytest.mark.parametrize("text", ["ture", "yes", ""])
def test_a_truth_is_decas(text, capsys):
    with pytest.raises(SystemExit):
        deca.parser().parse_args(["--saveObj", text])
    assert "is none of true, 1, false, 0" in capsys.readouterr().err


def test_decas_own_defaults_stand():
    options = deca.parser().parse_args([])
    assert (options.iscrop, options.sample_step, options.render_orig, options.useTex) == (True, 10, True, False)
    assert (options.saveVis, options.saveKpt, options.saveObj, options.rasterizer_type) == (True, False, False, "standard")
