"""The house's own rules on a real cluster: a clip in chunks to its scores, though snakemake is killed and memory is short."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from slurm.cluster import Cluster, await_true
from slurm.conftest import Bench
from workflow.house import House

LONG = 900.0
"""Seconds that nothing takes but on a very busy machine."""
TARGETS = ("results/franck/scores/basis.json",)
SAME = ("frames.json", "landmarks.npz", "matte.json", "parsing.json", "masks/head.json", "tracking.npz", "dataset.json")
"""Files whose bytes do not depend on who made them."""
GROUPED = {
    **dict.fromkeys(("detect_landmarks", "estimate_matte", "parse_faces"), "solved"),
    **dict.fromkeys(("cut_mouth_masks", "cut_head_masks", "cut_eyes_masks", "track_head", "write_dataset"), "solved"),
    **dict.fromkeys(("train_avatar", "render_avatar", "score_avatar"), "solved"),
    "convert_network": "networks",
}
"""Few SLURM jobs in place of many: each costs seconds. Frames, the head, and the chunks of a clip have their own."""
FEW = (
    *("--groups", *(f"{rule}={group}" for rule, group in GROUPED.items()), "--group-components", "networks=2"),
    *("--set-resource-scopes", "mem_mb=local", "gpu=local", "--resources", "mem_mb=8000", "gpu=1", "--max-threads", "2"),
)
HELD = "        log = _redirect(snakemake.log[0])\n"
WATCHED = """\
        note = lambda word: open("writers.txt", "a").write(
            f"{word} {os.environ.get('SLURM_JOB_ID', '-')} {snakemake.log[0]}\\n")
        note("begin")
        __import__("atexit").register(note, "end")
"""


@pytest.fixture(scope="module")
def killed(cluster: Cluster, finished_house: House, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return the folder of a run that was killed with its jobs at work, and of the next run, which went to the end."""
    house = finished_house.copy(tmp_path_factory.mktemp("slurm") / "house")
    for name in ("results", "logs", ".snakemake", "resources/heads", "resources/networks"):
        subprocess.run(["rm", "-rf", str(house.folder / name)], check=True)
    house.settings(cluster={"chunks": 2})
    house.edit("rules/heads.smk", "mem_mb=growing(6000)", "mem_mb=growing(600)")
    house.edit("workflow_scripts/adapter.py", HELD, WATCHED + HELD)
    bench = Bench(cluster, house.folder, house.folder / "profiles/slurm")
    with bench.running(*FEW, "--", *TARGETS) as snakemake:
        await_true(lambda: any(job["state"] == "RUNNING" for job in bench.jobs("extract_frames")), "frames", LONG)
        os.killpg(snakemake.pid, signal.SIGKILL)
        snakemake.wait()
    (bench.folder / "lost.json").write_text(json.dumps(bench.cluster.active(bench.folder)))
    subprocess.run([sys.executable, "-m", "snakemake", "--unlock"], cwd=bench.folder, env=bench.environment, check=True)
    with bench.running(*FEW, "--", *TARGETS) as snakemake:
        assert snakemake.wait(LONG) == 0, bench.said()
    return bench


def test_the_whole_clip_is_as_on_one_machine(killed: Bench, finished_house: House) -> None:
    for name in SAME:
        own, known = (folder / "results/franck" / name for folder in (killed.folder, finished_house.folder))
        assert own.read_bytes() == known.read_bytes(), name
    for path in TARGETS:
        assert (killed.folder / path).stat().st_size > 0
    done = House(killed.folder).snakemake("-n", "--", *TARGETS)
    assert "Nothing to be done" in done.stdout + done.stderr


def test_jobs_that_a_killed_run_left_are_cancelled_before_the_next_begins(killed: Bench) -> None:
    lost = {job["id"] for job in json.loads((killed.folder / "lost.json").read_text())}
    assert lost
    assert f"cancelling {len(lost)} jobs that an earlier run has left" in killed.said()
    states = {job["id"]: job["state"] for job in killed.cluster.jobs(killed.folder)}
    assert {states[number] for number in lost} <= {"CANCELLED", "COMPLETED", "FAILED"}
    assert "COMPLETED" not in {job["state"] for job in killed.jobs("extract_frames")[:1]}


def test_no_output_is_ever_written_by_two_jobs_at_once(killed: Bench) -> None:
    at_work: dict[str, str] = {}
    ended = {job["id"] for job in killed.cluster.jobs(killed.folder) if job["state"] != "COMPLETED"}
    for line in (killed.folder / "writers.txt").read_text().splitlines():
        word, number, log = line.split()
        if word == "begin":
            assert at_work.get(log, number) in {number, *ended}, line
            at_work[log] = number
        elif at_work.get(log) == number:
            del at_work[log]
    assert not at_work or set(at_work.values()) <= ended


def test_a_stage_that_runs_out_of_memory_is_given_twice_as_much(killed: Bench) -> None:
    heads = [job for job in killed.jobs("build_head") if job["state"] != "CANCELLED"]
    assert [job["memory"] for job in heads][-1] == "1200M"
    assert heads[-1]["state"] == "COMPLETED" and heads[-2]["state"] != "COMPLETED"
    assert (Path(killed.folder) / "resources/heads/anny.npz").exists()
