"""Nothing is computed twice, and nothing that has changed is left as it was. Every test starts from a finished small clip."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from workflow.house import ROOT, STAGE_OF, House, environment

from headsmith.contract.fingerprint import WITHOUT_EFFECT, closure, imports

AFTER_AVATAR = {"train_avatar", "render_avatar", "score_avatar", "draw_quality", "write_provenance", "write_report"}

LOADED = """
import json, sys
stages = json.loads(sys.argv[1])
loaded = {}
for stage in stages:
    for name in [name for name in sys.modules if name.split(".")[0] == "headsmith"]:
        del sys.modules[name]
    __import__(f"headsmith.stages.{stage}")
    loaded[stage] = sorted(name for name in sys.modules if name.split(".")[0] == "headsmith")
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """Return the modules that Python itself loads for each stage: what the syntax trees must agree with."""
    command = [sys.executable, "-c", LOADED, json.dumps(sorted(set(STAGE_OF.values())))]
    done = subprocess.run(command, cwd=ROOT / "src", env=environment(), capture_output=True, text=True, check=True)
    return {stage: set(names) for stage, names in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def followers(finished_house: House) -> dict[str, set[str]]:
    """Return the rules that follow from each rule, itself included."""
    return finished_house.followers()


def test_the_clip_is_whole(finished_house: House) -> None:
    results = finished_house.folder / "results/franck"
    scores = json.loads((results / "scores/basis.json").read_text())
    assert {"psnr_head", "ssim_head", "psnr_mouth", "stlpips_head", "baseline_nearest_psnr_head"} <= set(scores)
    assert "landmark_error_percent_iod" in json.loads((results / "tracking.json").read_text())
    assert (results / "report/index.html").is_file()
    leftovers = [path for path in results.rglob("*") if ".tmp" in path.name or path.name.endswith(".partial")]
    assert leftovers == []


def test_a_second_run_does_nothing(house: House) -> None:
    before = times(house.folder / "results")
    done = house.snakemake()
    assert "Nothing to be done" in done.stdout + done.stderr
    assert times(house.folder / "results") == before


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_fresh_checkout_of_the_same_code_re_runs_nothing(house: House) -> None:
    for name in ("Snakefile", "rules", "workflow_scripts", "envs", "config", "src"):
        path = house.folder / name
        for file in [path, *path.rglob("*")]:
            os.utime(file)
    assert house.planned() == {}


def test_an_edited_comment_or_docstring_re_runs_nothing(house: House) -> None:
    house.append("src/headsmith/maths/rotations.py", "\n# A comment.\n")
    house.append("workflow_scripts/train_avatar.py", "\n# A comment.\n")
    house.edit("src/headsmith/stages/masks.py", '"""', '"""Another word. ')
    house.edit("src/headsmith/contract/settings_pictures.py", "largest share of frames", "the largest share of frames")
    assert house.planned() == {}


@pytest.mark.parametrize(
    "module",
    [
        "maths/skinning.py",
        "nets/face_landmarker.py",
        "mesh/rasterize.py",
        "splat/rasterize.py",
        "show/sheets.py",
        "media/images.py",
    ],
)
def test_an_edited_module_re_runs_the_stages_that_import_it(
    house: House, followers: dict[str, set[str]], loaded: dict[str, set[str]], module: str
) -> None:
    before = house.fingerprints()
    house.append(f"src/headsmith/{module}", "\n_ANOTHER = 1\n")
    after = house.fingerprints()
    name = "headsmith." + module.removesuffix(".py").replace("/", ".")
    importing = {rule for rule, stage in STAGE_OF.items() if name in loaded[stage]}
    assert {rule for rule in STAGE_OF if before[rule] != after[rule]} == importing != set()
    computing = importing & followers.keys() - {"fetch_asset"}  # masks nobody asked for; what is fetched is settled by its hash
    assert set(house.planned()) == set().union(*(followers[rule] for rule in computing))


def test_syntax_trees_and_python_agree_on_what_a_stage_imports(loaded: dict[str, set[str]]) -> None:
    without_effect = set(WITHOUT_EFFECT)
    while more := set().union(*map(imports, without_effect)) - without_effect:
        without_effect |= more
    for stage, names in loaded.items():
        assert names - without_effect <= closure(f"headsmith.stages.{stage}"), stage


def test_an_edited_script_re_runs_its_rule(house: House, followers: dict[str, set[str]]) -> None:
    house.edit("workflow_scripts/score_avatar.py", "job(snakemake):", "job(snakemake):\n    another = 1\n")
    assert set(house.planned()) == followers["score_avatar"] == {"score_avatar", "write_provenance", "write_report"}


def test_a_changed_avatar_setting_does_not_track_again(house: House) -> None:
    house.settings(avatar={"basis": {"gaussians": 600, "iterations": 60, "save_every": 20, "bases": 4, "hidden": 8}})
    assert set(house.planned()) == AFTER_AVATAR


def test_a_new_variant_trains_beside_the_old(house: House) -> None:
    settings = json.loads((house.folder / "config/config.yaml").read_text())
    settings["avatar"]["second"] = {"gaussians": 600, "iterations": 60}
    (house.folder / "config/config.yaml").write_text(json.dumps(settings))
    assert house.planned() == dict.fromkeys(AFTER_AVATAR, 1) | {"draw_quality": 2}, (
        "a picture of the training, one of the renders"
    )


def test_a_focal_length_or_a_person_tracks_anew(house: House) -> None:
    shutil.copy(house.folder / "results/franck/tracking.npz", house.folder / "my codes.npz")
    for column, cell in (("focal", "900"), ("identity", "my codes.npz")):
        row = f"clip\tvideo\tstart\tend\t{column}\nfranck\tasset:franck.mp4\t0\t1.667\t{cell}\n"
        (house.folder / "config/clips.tsv").write_text(row)
        assert house.planned("tracking") == {"track_head": 1}
    house.snakemake("tracking")
    with np.load(house.folder / "my codes.npz") as given, np.load(house.folder / "results/franck/tracking.npz") as tracked:
        assert np.abs(given["identity"] - tracked["identity"]).max() < 1e-2
    assert house.planned("tracking") == {}


def test_a_changed_tracking_setting_keeps_the_masks(house: House) -> None:
    house.settings(tracking={"smoothness": 2.0})
    assert set(house.planned()) == {"track_head", "write_dataset", "draw_tracking_video"} | AFTER_AVATAR


def test_other_masks_retrain(house: House) -> None:
    house.settings(masks={"sets": {"head": ["skin", "nose", "mouth", "upper_lip", "lower_lip"]}})
    house.snakemake("head_masks")
    assert {"train_avatar", "score_avatar", "write_dataset"} <= set(house.planned())
    assert not {"cut_mouth_masks", "cut_head_masks", "track_head", "parse_faces"} & set(house.planned())


def test_a_deleted_folder_comes_back_when_it_is_needed(house: House) -> None:
    shutil.rmtree(house.folder / "results/franck/matte")
    assert house.planned() == {}
    assert set(house.planned("mattes")) == {"estimate_matte"}


def test_a_spoilt_intermediate_is_named_and_nothing_is_left_half_done(house: House) -> None:
    (path,) = (house.folder / "results/franck/matte").glob("00003.png")
    content = bytearray(path.read_bytes())
    content[-20] ^= 255
    path.write_bytes(bytes(content))
    done = house.snakemake("avatars", "-R", "train_avatar", check=False)
    assert done.returncode != 0
    for words in ("ERROR in train_avatar", "the folder differs from its manifest", "clip:   franck", "matte", "remedy: delete"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (house.folder / "results/franck/avatar/basis/avatar.pt").exists()
    (house.folder / "results/franck/matte.json").unlink()
    assert "Nothing" not in house.snakemake("avatars").stdout
    assert (house.folder / "results/franck/avatar/basis/avatar.pt").exists()


def test_a_killed_training_goes_on(house: House) -> None:
    avatar = house.folder / "results/franck/avatar/basis/avatar.pt"
    state = avatar.with_suffix(".partial") / "state.pt"
    house.settings(avatar={"basis": {"gaussians": 500, "iterations": 600, "save_every": 20, "bases": 4, "hidden": 8}})
    started = subprocess.Popen(house.command("avatars"), cwd=house.folder, env=environment(), stderr=subprocess.PIPE, text=True)
    kill_when_saved(started, state)
    said = started.communicate()[1]
    assert started.returncode != 0, said
    assert not avatar.exists()
    assert state.exists()
    house.snakemake("avatars")
    assert avatar.exists()
    assert not state.parent.exists()
    assert "going on after" in (house.folder / "logs/franck/avatar-basis.log").read_text()


def kill_when_saved(snakemake: subprocess.Popen, state: Path) -> None:
    """Kill the job, not Snakemake, as soon as it has saved its state."""
    deadline = time.monotonic() + 120
    while not state.exists() and snakemake.poll() is None:
        assert time.monotonic() < deadline, "no state was saved"
        time.sleep(0.05)
    for child in psutil.Process(snakemake.pid).children(recursive=True):
        if any("train_avatar" in part for part in child.cmdline()):
            child.kill()
