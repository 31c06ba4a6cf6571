"""headsmith as a part of other people's work: imported, called from elsewhere, its files shared, its runs done again."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from workflow.house import CLIPS, ROOT, SETTINGS, House, environment

from headsmith.contract import paths

IMPORTER = """
configfile: "config/config.yaml"


module headsmith:
    snakefile:
        "{snakefile}"
    config:
        config["headsmith"]


use rule * from headsmith as headsmith_*


rule poses:
    default_target: True
    input:
        "results/{{clip}}/tracking.csv".format(clip="franck"),
    output:
        "poses.csv",
    shell:
        "cp {{input}} {{output}}"


rule tell_of:
    output:
        "told/{{clip}}.txt",
    shell:
        "echo {{wildcards.clip}} >{{output}}"
"""

TOLD = """
include: "Snakefile"


for one in workflow.rules:
    if one.cache and one.cache.output:
        tell(f"shared {one.name}")
"""


def run(folder: Path, *arguments: str, check: bool = True, **variables: str) -> str:
    """Run Snakemake in a folder and return all that it says."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    options = {"cwd": folder, "env": environment() | variables, "capture_output": True, "text": True}
    done = subprocess.run(command, check=False, **options)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def jobs(said: str) -> dict[str, int]:
    """Return the table of jobs that a dry run tells."""
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", said, re.MULTILINE) if rule != "total"}


def work_on(house: House, folder: Path) -> Path:
    """Return a folder with what a house has made, its records, and the table of clips, but without the house's code."""
    folder.mkdir(parents=True)
    for name in ("results", "resources", "logs", ".snakemake"):
        shutil.copytree(house.folder / name, folder / name, symlinks=True)
    (folder / "config").mkdir()
    (folder / "config/clips.tsv").write_text(CLIPS)
    return folder


@pytest.fixture
def importer(house: House, tmp_path: Path) -> Path:
    """Return another workflow that imports headsmith, in a folder whose name has spaces, where all of it was made before."""
    folder = work_on(house, tmp_path / "my own workflow")
    (folder / "Snakefile").write_text(IMPORTER.format(snakefile="../house/Snakefile"))
    (folder / "config/config.yaml").write_text(json.dumps({"samples": {"of": "mine"}, "headsmith": SETTINGS}))
    shutil.copytree(house.folder / "profiles", folder / "profiles")
    return folder


def test_another_workflow_imports_headsmith_and_goes_on_with_what_was_made(importer: Path) -> None:
    said = run(importer, "-n", "headsmith_all")
    assert "Nothing to be done" in said and "unknown setting" not in said
    run(importer, "poses", "told/somebody.txt")
    assert (importer / "poses.csv").read_bytes() == (importer / "results/franck/tracking.csv").read_bytes()
    assert (importer / "told/somebody.txt").is_file(), "its own rules are free to have clips of other names"
    refused = run(importer, "-n", "results/somebody/tracking.csv", check=False)
    assert "No rule to produce results/somebody/tracking.csv" in refused


def test_an_imported_rule_runs_with_the_importers_settings(importer: Path) -> None:
    changed = {"headsmith": SETTINGS | {"quality": {"frames": 1, "columns": 1}}}
    (importer / "config/config.yaml").write_text(json.dumps(changed))
    assert set(jobs(run(importer, "-n", "headsmith_quality"))) == {"headsmith_draw_quality", "headsmith_quality"}
    picture = importer / paths.QUALITY.format(clip="franck", picture="masks")
    before = picture.read_bytes()
    run(importer, str(picture.relative_to(importer)))
    assert picture.read_bytes() != before
    wrong = json.dumps({"headsmith": {"quality": {"colums": 1}}})
    (importer / "config/config.yaml").write_text(wrong)
    assert "did you mean 'columns'?" in run(importer, "-n", "headsmith_all", check=False)


def test_the_catalogs_snakefile_is_imported_too_and_a_prefix_goes_before_all_files(importer: Path) -> None:
    text = IMPORTER.format(snakefile="../house/workflow/Snakefile").replace(
        "    config:\n", '    prefix: "heads"\n    config:\n'
    )
    (importer / "Snakefile").write_text(text)
    said = run(importer, "-n", "heads/results/franck/frames.json")
    assert jobs(said) == {"headsmith_fetch_asset": 2, "headsmith_extract_frames": 1}
    assert "heads/resources/assets/franck.mp4" in said


def test_what_is_no_clone_is_refused(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Snakefile", tmp_path / "Snakefile")
    said = run(tmp_path, "-n", check=False)
    assert "is no folder with a clone of headsmith" in said


def test_the_working_directory_may_lie_elsewhere(house: House, tmp_path: Path) -> None:
    work = work_on(house, tmp_path / "another place" / "results of mine")
    (work / "config/config.yaml").write_text(json.dumps(SETTINGS))
    clone = house.folder.rename(tmp_path / "my clone of headsmith")
    for snakefile in ("Snakefile", "workflow/Snakefile"):
        command = ["--snakefile", str(clone / snakefile), "--directory", str(work)]
        assert "Nothing to be done" in run(tmp_path, *command, "-n")
    picture = paths.QUALITY.format(clip="franck", picture="matte")
    run(tmp_path, *command, "--forcerun", "draw_quality", "--", picture)
    assert not (tmp_path / "results").exists() and not (clone / "logs/franck/quality-matte.log").samefile(
        work / "logs/franck/quality-matte.log"
    )


def test_the_environments_of_conda_may_be_shared(house: House, tmp_path: Path) -> None:
    """Snakemake gives environments the same names below the shared folder in two clones; nothing is installed here."""
    tools = tmp_path / "tools"
    tools.mkdir()
    answer = {"conda_prefix": "/conda", "root_prefix": "/conda", "conda_version": "24.9.0", "platform": "linux-64"}
    answer |= {"get": {"channel_priority": "strict"}}
    text = f"#!/bin/sh\ncase \"$*\" in *--version*) echo conda 24.9.0;; *) echo '{json.dumps(answer)}';; esac\n"
    (tools / "conda").write_text(text)
    (tools / "conda").chmod(0o755)
    shared = tmp_path / "shared environments"
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    options = ["--use-conda", "--conda-prefix", str(shared), "--list-conda-envs"]
    listed = {}
    for name in ("house", "other house"):
        folder = house.folder if name == "house" else house.copy(tmp_path / name).folder
        said = run(folder, "--forceall", *options, PATH=path)
        listed[name] = sorted(re.findall(r"^envs/\w+\.yaml\t.*/shared environments/\w+$", said, re.MULTILINE))
    assert len(listed["house"]) >= 4 and listed["house"] == listed["other house"]


def test_a_second_workflow_takes_the_head_from_the_cache(empty_house: House, asset: object, tmp_path: Path) -> None:
    asset("face_landmarker.task")
    cache, head = tmp_path / "cache", paths.HEAD.format(head="anny")
    cache.mkdir()
    found = []
    for name in ("first", "second"):
        folder = empty_house.copy(tmp_path / name).folder
        (folder / "resources").mkdir()
        (folder / "resources/assets").symlink_to(ROOT / "resources/assets")
        said = run(folder, "--cache", "--", head, SNAKEMAKE_OUTPUT_CACHE=str(cache))
        assert ("to cache" in said) == (name == "first")
        found.append((folder / head).resolve())
    assert found[0] == found[1] and found[0].parent == cache
    assert not (folder / "logs/heads/anny.json").exists(), "no job has made it there"


def test_flames_head_and_brought_weights_are_kept_out_of_the_cache(house: House) -> None:
    (house.folder / "resources/flame").mkdir()
    (house.folder / "resources/flame/flame2023.pkl").write_bytes(b"a licensed file")
    (house.folder / "mine.pth").write_bytes(b"weights of mine")
    shared = eligible(house)
    assert shared == {"fetch_asset", "convert_network", "build_head"}
    house.settings(conversion={"to": "flame2023"}, parsing={"network": "bisenet_resnet18", "weights": "mine.pth"})
    assert eligible(house) == {"fetch_asset"}


def eligible(house: House) -> set[str]:
    """Return the rules whose outputs go into the cache, as the workflow has them once it is read."""
    (house.folder / "Told").write_text(TOLD)
    said = house.snakemake("-s", "Told", "-n", "--cache").stderr
    return set(re.findall(r"^shared (\w+)$", said, re.MULTILINE))


def test_networks_made_of_the_same_graph_are_not_mistaken_for_each_other() -> None:
    text = (ROOT / "rules/assets.smk").read_text()
    assert 'network="{network}"' in text.split("rule convert_network")[1].split("params:")[1], (
        "the cache knows params, not names"
    )


def test_snakemakes_report_holds_pictures_scores_and_the_viewer(house: House) -> None:
    house.snakemake("viewers")
    house.snakemake("all", "viewers", "--report", "report.zip")
    with zipfile.ZipFile(house.folder / "report.zip") as report:
        contents = {name: report.read(name) for name in report.namelist()}
    digests = {hashlib.sha256(content).hexdigest() for content in contents.values()}
    results = house.folder / "results/franck"
    shown = [*(results / "quality").glob("*.png"), *(results / "scores").iterdir(), results / "viewer/basis.html"]
    for path in [*shown, results / "provenance.json"]:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in digests, path.name
    page = next(content for name, content in contents.items() if name.endswith("report.html")).decode()
    for words in ("Quality", "Scores", "Viewers", "Provenance", "the first bad one is the cause", "turn the head by dragging"):
        assert words in page, words
    assert not re.search(r'<(script|link)[^>]+(src|href)="https?:', page)


def test_the_catalog_finds_what_it_looks_for() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"} and usage["report"] is True
    assert 'include: "../Snakefile"' in (ROOT / "workflow/Snakefile").read_text()
    assert all((ROOT / name).is_file() for name in ("config/README.md", "LICENSE", "report/workflow.rst"))
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme and "workflow" in readme, "what a repository is listed by"


def test_the_rule_graph_of_the_readme_is_current(empty_house: House) -> None:
    drawn = subprocess.run(
        [sys.executable, str(ROOT / "docs/draw_graph.py"), str(empty_house.folder), "--print"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    readme = (ROOT / "README.md").read_text()
    assert drawn.strip() and drawn.strip() in readme, "write it anew: make graph"
