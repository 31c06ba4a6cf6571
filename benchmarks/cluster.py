"""What a cluster gains and costs: clips on one and two nodes, and planning for many clips.

    python benchmarks/cluster.py [--clips 1 4 16] [--target landmarks] [--planned 1 50 500]

Starts a SLURM cluster on this machine (tests/slurm/cluster.py: root, and what tests/slurm/install.sh installs), each node with
one of its cores, and runs short clips of the demo's video on one node and on two. `snakemake` looks at the queue every second
here; the profile's own pauses, 20 seconds and more, come on top for people. Prints a table, and a JSON line last.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from slurm.cluster import Cluster, missing  # noqa: E402
from slurm.conftest import WATCHFUL  # noqa: E402
from workflow.house import CODE, House, environment  # noqa: E402

SECONDS = 1.0
"""Length of a clip; the next begins so much later in the video."""
NODES = (1, 2)


def make_house(folder: Path, clips: int) -> House:
    """Return a house with a table of so many clips."""
    folder.mkdir(parents=True)
    for name in CODE:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy2)(ROOT / name, folder / name)
    rows = [f"clip{n}\tasset:franck.mp4\t{n % 30 * SECONDS}\t{(n % 30 + 1) * SECONDS}\t" for n in range(clips)]
    (folder / "config/clips.tsv").write_text("\n".join(["clip\tvideo\tstart\tend\tfps", *rows]) + "\n")
    (folder / "resources").mkdir()
    (folder / "resources/assets").symlink_to(ROOT / "resources/assets")
    house = House(folder)
    house.settings()
    return house


def seconds_of(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> float:
    """Return how long a command takes that must succeed."""
    start = time.monotonic()
    options = {"cwd": folder, "env": environment() | (variables or {}), "capture_output": True, "text": True}
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return time.monotonic() - start


def run_clips(cluster: Cluster, folder: Path, clips: int, target: str) -> dict[str, float]:
    """Return what a run of some clips takes on the nodes that are up."""
    house = make_house(folder, clips)
    common = ("--profile", "profiles/slurm", "--latency-wait", "10", "--max-threads", "1", "--jobs", "100")
    wall = seconds_of([sys.executable, str(WATCHFUL), *common, "--", target], house.folder, cluster.variables)
    jobs = cluster.jobs(house.folder)
    busy = sum((datetime.fromisoformat(job["ended"]) - datetime.fromisoformat(job["begun"])).total_seconds() for job in jobs)
    tables = [path.read_text().splitlines() for path in (house.folder / "logs").rglob("*.tsv")]
    ours = sum(float(row.split("\t")[0]) for _, row in tables)
    return {"wall_s": round(wall, 1), "jobs": len(jobs), "busy_s": round(busy, 1), "compute_s": round(ours, 1)}


def plan(folder: Path, clips: int) -> dict[str, float]:
    """Return how long Snakemake takes to know what a number of clips needs, and to list it."""
    house = make_house(folder, clips)
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    graph = seconds_of([*command, "--rulegraph"], house.folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    listed = seconds_of([*command, "-n", "--quiet", "all"], house.folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"graph_s": round(graph, 2), "dry_run_s": round(listed, 2), "dry_run_cpu_s": round(cpu, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--target", default="landmarks")
    parser.add_argument("--planned", type=int, nargs="*", default=[1, 50, 500])
    chosen = parser.parse_args()
    found: dict[str, object] = {"target": chosen.target, "cores": os.cpu_count(), "runs": [], "planning": []}
    place = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        for clips in chosen.planned:
            found["planning"].append({"clips": clips} | plan(place / f"plan{clips}", clips))
            print(found["planning"][-1], flush=True)
        if chosen.clips and (reason := missing()):
            sys.exit(reason)
        for nodes in NODES if chosen.clips else ():
            (place / f"slurm{nodes}").mkdir()
            with Cluster(place / f"slurm{nodes}", cpus=1) as cluster:
                if nodes == 1:
                    cluster.take_down("n2")
                for clips in chosen.clips:
                    row = run_clips(cluster, place / f"run{nodes}-{clips}", clips, chosen.target)
                    row["other_share"] = round(1 - row["compute_s"] / row["busy_s"], 2)
                    row["idle_share"] = round(1 - row["busy_s"] / (nodes * row["wall_s"]), 2)
                    found["runs"].append({"nodes": nodes, "clips": clips} | row)
                    print(found["runs"][-1], flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
