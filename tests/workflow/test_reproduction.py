"""A clip run again in another place, by another number of threads, has the same bits; what differs is told."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from workflow.house import ROOT, House, environment

from headsmith.contract.digests import hash_folder
from headsmith.contract.errors import UserError
from headsmith.media.images import read_image, write_image
from headsmith.stages.provenance import hash_file
from headsmith.stages.reproduction import compare_runs


def test_a_run_elsewhere_has_the_same_bits(finished_house: House, empty_house: House, tmp_path: Path) -> None:
    """The settings and the clip come from the other run's provenance alone; this one has one core, that one had two."""
    clone = empty_house.copy(tmp_path / "another clone").folder
    (clone / "config/config.yaml").unlink()
    (clone / "config/clips.tsv").unlink()
    work = tmp_path / "another place"
    (work / "resources").mkdir(parents=True)
    (work / "resources/assets").symlink_to(ROOT / "resources/assets")
    provenance = finished_house.folder / "results/franck/provenance.json"
    command = [sys.executable, "-m", "snakemake", "avatars", "renders", "scores", "--cores", "1"]
    command += ["--snakefile", str(clone / "Snakefile"), "--directory", str(work)]
    chosen = f"reproduction={{of: '{provenance}', their_settings: true}}"
    options = {"env": environment(), "capture_output": True, "text": True}
    done = subprocess.run([*command, "--config", chosen], check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr

    stages = json.loads(provenance.read_text())["stages"]
    assert list(stages)[-1] == "quality" and {"frames", "heads", "tracking", "avatar", "renders", "scores"} <= set(stages)
    files = {path: digest for stage in stages if stage != "quality" for path, digest in stages[stage]["files"].items()}
    assert {path for path, digest in files.items() if hash_file(work / path) != digest} == set()
    for folder in ("frames", "matte", "parsing", "masks/mouth", "masks/head", "renders/basis", "dataset"):
        both = [home / "results/franck" / folder for home in (work, finished_house.folder)]
        assert len({hash_folder(path) for path in both}) == 1, folder


def spoil(house: House) -> set[str]:
    """Change files of a finished clip by known amounts, as if another machine had made them, and tell its provenance so."""
    results = house.folder / "results/franck"
    rewrite(results / "tracking.npz", "translation", lambda values: values + np.array([0, 0, 0.001]))
    rewrite(results / "landmarks.npz", "points", lambda values: values + np.array([3, 4, 0], values.dtype))
    for path in (results / "renders/basis").glob("*.png"):
        write_image(path, (read_image(path).astype(int) ^ 1).astype(np.uint8))
    label = read_image(next((results / "parsing").glob("*.png")), grey=True)
    label[0, :64] = 18 - label[0, :64]
    write_image(next((results / "parsing").glob("*.png")), label)
    scores = json.loads((results / "scores/basis.json").read_text())
    (results / "scores/basis.json").write_text(json.dumps(scores | {"psnr_head": scores["psnr_head"] - 0.5}))
    told = json.loads((results / "provenance.json").read_text())
    changed = {"tracking": "tracking.npz", "landmarks": "landmarks.npz", "renders": "renders/basis.json"}
    changed |= {"parsing": "parsing.json", "scores": "scores/basis.json", "avatar": "avatar/basis/avatar.pt"}
    for stage, name in changed.items():
        told["stages"][stage]["files"][f"results/franck/{name}"] = "another"
    told["given"]["resources/assets/franck.mp4"] = "another"
    told["settings"]["tracking"]["smoothness"] = 4.0
    told["stages"]["tracking"]["code"]["track_head"] = "older"
    (results / "provenance.json").write_text(json.dumps(told))
    return set(changed)


def rewrite(path: Path, key: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Write an archive again with one array changed."""
    with np.load(path) as content:
        arrays = dict(content)
    np.savez(path, **arrays | {key: change(arrays[key])})


def test_what_differs_is_measured_stage_by_stage(finished_house: House, house: House, tmp_path: Path) -> None:
    changed = spoil(house)
    inner = "results/franck/provenance.json"
    files = {"output": tmp_path / "out.json", "table": tmp_path / "out.txt"}
    compare_runs(clip="franck", own=finished_house.folder / inner, theirs=house.folder / inner, **files)
    found, text = json.loads(files["output"].read_text()), files["table"].read_text()
    assert {stage for stage, state in found["stages"].items() if state == "unequal"} == changed
    assert found["equal"] == found["files"] - len(changed)

    rows = {row["path"].removeprefix("results/franck/"): row.get("difference") for row in found["rows"]}
    assert rows["tracking.npz"]["mean_mm"] == pytest.approx(1, rel=1e-3), "a millimetre further away"
    assert 0 < rows["tracking.npz"]["mean_px"] < 1
    assert rows["landmarks.npz"]["largest_px"] == pytest.approx(5, rel=1e-4)
    assert rows["renders/basis.json"]["psnr_db"] == pytest.approx(20 * math.log10(255)), "each value is one off"
    assert rows["renders/basis.json"]["unequal"] == 8
    frames = json.loads((house.folder / "results/franck/parsing.json").read_text())["count"]
    assert rows["parsing.json"]["pixels_percent"] == pytest.approx(100 * 64 / (frames * 128**2))
    assert rows["scores/basis.json"]["psnr_head"] == pytest.approx(0.5)
    assert rows["avatar/basis/avatar.pt"] == {}, "its renders tell"
    assert rows["frames.json"] is None

    others = [(item["kind"], item["name"]) for item in found["other"]]
    assert others == [("given", "franck.mp4"), ("settings", "tracking.smoothness"), ("code", "track_head")]
    assert "tracking.smoothness: 1.0 here, 4.0 there" in text
    assert f"{found['equal']} of {found['files']} files are equal" in text


def test_without_the_others_files_it_is_told_what_is_unequal_and_no_more(finished_house: House, tmp_path: Path) -> None:
    own = finished_house.folder / "results/franck/provenance.json"
    told = json.loads(own.read_text())
    told["stages"]["renders"]["files"]["results/franck/renders/basis.json"] = "another"
    del told["stages"]["quality"]
    alone = tmp_path / "sent by mail.json"
    alone.write_text(json.dumps(told))
    compare_runs(clip="franck", own=own, theirs=alone, output=tmp_path / "out.json", table=tmp_path / "out.txt")
    found = json.loads((tmp_path / "out.json").read_text())
    assert [row for row in found["rows"] if row["state"] == "unequal"] == [
        {"stage": "renders", "path": "results/franck/renders/basis.json", "state": "unequal"}
    ]
    assert {row["state"] for row in found["rows"] if row["stage"] == "quality"} == {"only here"}
    alone.write_text(json.dumps(told | {"clip": "anna"}))
    with pytest.raises(UserError, match="of another clip, anna"):
        compare_runs(clip="franck", own=own, theirs=alone, output=tmp_path / "out.json", table=tmp_path / "out.txt")


@pytest.mark.parametrize(
    ("table", "sections", "rule"),
    [
        (
            "video\nfranck\tasset:franck.mp4\n",
            {"masks": {"sets": {"eyes": None}}, "tracking": {"photometric": True}},
            "refine_tracking",
        ),
        ("subject\tfps\nfranck\tmine\t24\n", {}, "check_subject"),
        ("video\ttracking\nfranck\tasset:franck.mp4\tmine.npz\n", {"tracking": {"source": "headsmith"}}, "import_tracking"),
        ("video\nfranck\tasset:franck.mp4\n", {"heads": {"model": "flame2023"}, "cluster": {"chunks": 2}}, "read_flame"),
    ],
    ids=["photometric", "subject", "imports", "flame"],
)
def test_every_kind_of_clip_has_a_provenance(house: House, table: str, sections: dict, rule: str) -> None:
    shutil.copytree(house.folder / "results/franck/dataset", house.folder / "mine")
    shutil.copy(house.folder / "results/franck/tracking.npz", house.folder / "mine.npz")
    (house.folder / "resources/flame").mkdir()
    (house.folder / "resources/flame/flame2023.pkl").write_bytes(b"a licensed file")
    (house.folder / "config/clips.tsv").write_text(f"clip\t{table}")
    house.settings(**sections)
    planned = house.planned("provenance")
    assert planned["write_provenance"] == planned[rule] == 1


def test_to_compare_re_runs_nothing(house: House, tmp_path: Path) -> None:
    theirs = house.copy(tmp_path / "theirs").folder
    chosen = ("--config", f"reproduction={{of: '{theirs}/results/{{clip}}/provenance.json'}}")
    assert house.planned(*chosen) == {}
    house.snakemake("reproduce", *chosen)
    found = json.loads((house.folder / "results/franck/reproduction.json").read_text())
    assert found["equal"] == found["files"] > 25 and found["other"] == [] and set(found["stages"].values()) == {"equal"}
    assert house.planned("reproduce", *chosen) == {}
    refused = house.snakemake("-n", "reproduce", check=False)
    assert "nothing is named to compare with" in refused.stderr and "Traceback" not in refused.stderr
