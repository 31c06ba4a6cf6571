"""An avatar for other programs, when it is asked for: made once, and anew only where it would differ."""

import json

import numpy as np
from workflow.house import House


def test_splats_and_viewers_for_the_asking(house: House) -> None:
    house.snakemake("splats", "viewers")
    results = house.folder / "results/franck"
    with np.load(results / "splats/basis.npz", allow_pickle=False) as arrays:
        count = len(arrays["opacity"])
    head = (results / "splats/basis.ply").read_bytes().split(b"end_header")[0].decode()
    assert f"element vertex {count}\n" in head and "clip franck, variant basis, at rest" in head
    assert (results / "viewer/basis.html").stat().st_size < 5e6
    assert house.planned("splats", "viewers") == {}
    house.settings(splats={"frame": 7, "axes": "head"})
    assert house.planned("splats", "viewers") == {"write_splats": 1}
    house.settings(viewer={"plate": False})
    assert house.planned("splats", "viewers") == {"write_viewer": 1}

    house.settings()
    assert house.planned("report") == {"write_report": 1}
    house.snakemake("report")
    assert "media/viewer-basis.html" in (results / "report/index.html").read_text()


def test_a_variant_that_no_browser_moves_has_a_ply_alone(empty_house: House) -> None:
    house = empty_house
    both = {"avatar": {"flash": {"deformation": "mlp"}}}
    planned = house.planned("splats", "viewers", "--config", f"avatar={json.dumps(both['avatar'])}")
    assert (planned["write_splats"], planned["write_viewer"], planned["train_avatar"]) == (3, 1, 2)
