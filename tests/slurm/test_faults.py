"""What happens to jobs on a real cluster, in one run of a small workflow with the house's profile, and what becomes of it.

One job fails always, one is cancelled, one loses its node, one wants more memory than it asked for; four share two GPUs.
"""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from slurm.cluster import await_true
from slurm.conftest import Bench

LONG = 400.0
"""Seconds that nothing takes but on a very busy machine."""
WORKFLOW = """
shell.executable("/bin/bash")
NOTE = "echo $(date +%s.%N) begin $SLURM_JOB_ID ${{CUDA_VISIBLE_DEVICES:-}} >> {output}.txt; "
ENDS = "; echo $(date +%s.%N) end $SLURM_JOB_ID ${{CUDA_VISIBLE_DEVICES:-}} >> {output}.txt; touch {output}"
HERE = "'--nodelist=n2'"

rule all:
    input: expand("out/{name}", name=["cancelled", "moved", "grown", "failed"]), expand("out/gpu{n}", n=range(4))
    localrule: True

rule failed:
    output: "out/failed"
    resources: slurm_extra=HERE, mem_mb=1000
    shell: "echo what is wrong >&2; exit 3"

rule cancelled:
    output: "out/cancelled"
    resources: slurm_extra=HERE, mem_mb=1000
    shell: NOTE + "[ $(grep -c begin {output}.txt) = 2 ] || sleep 60" + ENDS

rule moved:
    output: "out/moved"
    resources: mem_mb=1000
    shell: NOTE + "[ $(grep -c begin {output}.txt) = 2 ] || sleep 60" + ENDS

rule grown:
    output: "out/grown"
    resources: slurm_extra=HERE, mem_mb=lambda wildcards, attempt: 900 * attempt
    shell: NOTE + "python3 -c 'import time; held = bytearray(800 << 20); held[::4096] = held[::4096]; time.sleep(3)'" + ENDS

rule gpu:
    output: "out/gpu{n}"
    resources: gpu=1, slurm_extra=HERE, mem_mb=1000
    shell: NOTE + "sleep 2" + ENDS
"""
SLEEPERS = """
rule all:
    input: "out/short", "out/long"
    localrule: True

rule short:
    output: "out/short"
    resources: mem_mb=1000
    shell: "date +%s.%N > {output}"

rule long:
    output: "out/long"
    resources: mem_mb=1000
    shell: "[ -e again ] || sleep 60; touch {output}"
"""


@pytest.fixture(scope="module")
def troubled(make_bench: Callable[[str], Bench]) -> Bench:
    """Return the folder of a run in which all of that has happened."""
    bench = make_bench(WORKFLOW)
    cluster = bench.cluster

    def began(name: str) -> bool:
        return (bench.folder / f"out/{name}.txt").exists()

    with bench.running("--retries", "1") as snakemake:
        await_true(lambda: began("moved"), "the job that loses its node", LONG)
        (job,) = bench.jobs("moved")
        cluster.take_down(job["node"])
        await_true(lambda: began("cancelled"), "the job that is cancelled", LONG)
        cluster.run("scancel", bench.jobs("cancelled")[0]["id"])
        try:
            snakemake.wait(3 * LONG)
        finally:
            cluster.bring_back(job["node"])
    return bench


def notes(bench: Bench, name: str) -> list[list[str]]:
    """Return what a job has written down: time, `begin` or `end`, its number, its GPU if any."""
    return [line.split() for line in (bench.folder / f"out/{name}.txt").read_text().splitlines()]


def test_a_job_that_fails_is_tried_again_and_told_and_stops_no_other(troubled: Bench) -> None:
    assert [job["state"] for job in troubled.jobs("failed")] == ["FAILED", "FAILED"]
    assert "what is wrong" in troubled.said()
    assert not (troubled.folder / "out/failed").exists()
    for name in ("cancelled", "moved", "grown", "gpu0", "gpu1", "gpu2", "gpu3"):
        assert (troubled.folder / "out" / name).exists(), troubled.said()


def test_a_job_that_somebody_cancels_is_tried_again(troubled: Bench) -> None:
    assert [job["state"] for job in troubled.jobs("cancelled")] == ["CANCELLED", "COMPLETED"]


def test_a_job_that_loses_its_node_goes_on_on_another(troubled: Bench) -> None:
    (job,) = troubled.jobs("moved")
    assert (job["state"], job["node"]) == ("COMPLETED", "n2")
    assert [word for _, word, *_ in notes(troubled, "moved")] == ["begin", "begin", "end"]


def test_a_job_that_runs_out_of_memory_is_given_more(troubled: Bench) -> None:
    first, second = troubled.jobs("grown")
    assert first["state"] in ("OUT_OF_MEMORY", "FAILED", "CANCELLED")
    assert (second["state"], first["memory"], second["memory"]) == ("COMPLETED", "900M", "1800M")


def test_jobs_share_gpus_one_each(troubled: Bench) -> None:
    events = sorted(note for number in range(4) for note in notes(troubled, f"gpu{number}"))
    held: dict[str, str] = {}
    seen, most = set(), 0
    for _, word, job, device in events:
        if word == "begin":
            assert device in ("0", "1") and device not in held
            held[device] = job
            seen.add(device)
        else:
            assert held.pop(device) == job
        most = max(most, len(held))
    assert (len(events), seen, most) == (8, {"0", "1"}, 2)


def test_ctrl_c_cancels_the_jobs_and_the_next_run_goes_on(make_bench: Callable[[str], Bench]) -> None:
    bench = make_bench(SLEEPERS)
    short = bench.folder / "out/short"
    with bench.running() as snakemake:
        await_true(lambda: short.exists() and bench.jobs("long")[0]["state"] == "RUNNING", "a job that runs", LONG)
        await_true(lambda: "Finished" in bench.said(), "word of the job that has ended", LONG)
        snakemake.send_signal(signal.SIGINT)
        assert snakemake.wait(LONG) != 0
    await_true(lambda: not bench.cluster.active(bench.folder), "an empty queue")
    assert [job["state"] for job in bench.jobs("long")] == ["CANCELLED"]
    made = short.read_text()
    (bench.folder / "again").touch()
    done = bench.run()
    assert done.returncode == 0, done.stderr
    assert short.read_text() == made and len(bench.jobs("short")) == 1


def test_names_of_jobs_are_those_that_are_looked_for(troubled: Bench) -> None:
    from headsmith.contract.cluster import PREFIX

    assert all(job["name"].startswith(PREFIX) for job in troubled.jobs())
    assert re.search(r"^slurm-jobname-prefix: headsmith$", Path(troubled.profile / "config.v9+.yaml").read_text(), re.MULTILINE)
