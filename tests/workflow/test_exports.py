"""Formats are targets: made when asked for, once, and anew only when what they need has changed."""

import json

import pandas as pd
import trimesh
from workflow.house import House

from headsmith.contract.digests import hash_folder
from headsmith.heads.container import load_head


def test_an_obj_and_a_csv_for_the_asking(house: House) -> None:
    house.settings(exports={"texture_size": 64})
    house.snakemake("obj", "csv")
    exports = house.folder / "results/franck/exports"
    head = load_head(house.folder / "resources/heads/anny.npz")
    told = json.loads((exports / "obj.json").read_text())
    assert (told["vertices"], told["texture_coordinates"]) == (len(head.template), len(head.uv))
    assert told["head_sha256"] == head.sha256 and told["texture"]["from"] == "clip"
    assert sorted(path.name for path in (exports / "obj").glob("[!.]*")) == ["head.mtl", "head.png", "neutral.obj"]
    assert told["sha256"] == hash_folder(exports / "obj")
    mesh = trimesh.load(exports / "obj/neutral.obj", process=False)
    assert len(mesh.faces) == len(head.faces) and mesh.visual.material.image.size == (64, 64)
    table = pd.read_csv(exports / "csv/frames.csv")
    tracked = pd.read_csv(house.folder / "results/franck/tracking.csv")
    assert table["frame"].tolist() == tracked["frame"].tolist() == list(range(41))

    assert house.planned("obj", "csv") == {}
    house.settings(exports={"texture_size": 32, "held_out": 9})
    assert house.planned("obj", "csv") == {"export_clip": 1}


def test_each_format_needs_only_its_own_inputs(empty_house: House) -> None:
    assert set(empty_house.planned("csv")) & {"parse_faces", "estimate_matte", "cut_head_masks"} == set()
    jobs = empty_house.planned("exports")
    assert (jobs["cut_head_masks"], jobs["export_clip"]) == (1, 3) and "estimate_matte" not in jobs
