"""What a kill costs: every long stage is killed with SIGKILL at random moments, run again, and compared byte by byte.

    python benchmarks/kills.py [--folder /tmp/kills] [--seconds 4] [--kills 4] [--training-kills 20] [--stages avatar renders]

The stages run on the first seconds of the clip franck, each in a process of its own that nothing prepares for its end. After a
kill, what stands under a final name must be whole; after the next run, all files must be those of a run that nothing disturbed.
Prints JSON on the last line: for each stage the seconds of a whole run, the kills, the seconds that a kill cost on the mean
beyond the time before it was started again (`again_s`: the run after a kill), and the hidden files that kills left for good.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT / "src", ROOT / "benchmarks")))  # the server of processes starts anew
os.environ.setdefault("OMP_NUM_THREADS", "1")

from kills_stages import ORDER, run_stage  # noqa: E402

CONTEXT = multiprocessing.get_context("forkserver")


def work(stage, inputs, outputs, options, log, started):
    """Run a stage; its output goes to the log."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    started.set()
    run_stage(stage, inputs, outputs, options)


def run(stage, inputs, outputs, options, log, seconds=None):
    """Run a stage in a process of its own, killed after so many seconds; return the seconds, and whether it came to its end."""
    started = CONTEXT.Event()
    process = CONTEXT.Process(target=work, args=(stage, inputs, outputs, options, log, started))
    process.start()
    started.wait()
    begin = time.monotonic()
    process.join(seconds)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise SystemExit(f"{stage} failed by itself:\n{log.read_text()[-3000:]}")
    return time.monotonic() - begin, process.exitcode == 0


def is_hidden(path):
    """Whether a file is no result: a leftover, or a state that only the stage itself reads."""
    return any(part.startswith(".") or part.endswith(".partial") for part in path.parts)


def contents(folder):
    """The results below a folder by name, as hashes."""
    files = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()] if folder.exists() else []
    return {str(name): hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files if not is_hidden(name)}


def leftovers(folder):
    """Bytes of hidden files below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file() and is_hidden(path.relative_to(folder))]
    return sum(path.stat().st_size for path in files)


def halves(found, whole):
    """Results that are not those of a whole run; a folder counts only where its manifest does."""
    real = {name for name in found if (manifest := f"{Path(name).parts[0]}.json") in found or manifest not in whole}
    return sorted(name for name in real if found[name] != whole.get(name))


def try_stage(stage, folder, options, kills, generator):
    """Run a stage whole, then kill and repeat it; return its row of the table."""
    inputs, log = folder / "whole", folder / "log"
    once = folder / "once"
    seconds, _ = run(stage, inputs, once, options, log)
    whole = contents(once)
    shutil.copytree(once, inputs, dirs_exist_ok=True)
    shutil.rmtree(once)
    row = {
        "whole_s": round(seconds, 2),
        "kills": 0,
        "again_s": 0.0,
        "lost_s": 0.0,
        "halves": 0,
        "different": 0,
        "left_bytes": 0,
    }
    quickest = seconds
    while row["kills"] < kills:
        outputs = folder / "killed"
        shutil.rmtree(outputs, ignore_errors=True)
        lived, ended = run(stage, inputs, outputs, options, log, generator.uniform(0, quickest))
        if ended:
            quickest = min(quickest, lived)
            continue
        row["kills"] += 1
        row["halves"] += len(halves(contents(outputs), whole))
        again, _ = run(stage, inputs, outputs, options, log)
        quickest = min(quickest, again) if again > 0.5 * quickest else quickest
        row["different"] += contents(outputs) != whole
        row["left_bytes"] = max(row["left_bytes"], leftovers(outputs))
        row["again_s"] += again / kills
        row["lost_s"] += (lived + again - seconds) / kills
        print(f"{stage}: killed after {lived:.1f} s, then {again:.1f} s; so far {row}", file=sys.stderr, flush=True)
    shutil.rmtree(folder / "killed", ignore_errors=True)
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in row.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/kills"))
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout whose resources are used")
    parser.add_argument("--seconds", type=float, default=4.0, help="of the clip")
    parser.add_argument("--kills", type=int, default=4, help="of each stage but the training")
    parser.add_argument("--training-kills", type=int, default=20)
    parser.add_argument("--images", type=int, default=800, help="of the training")
    parser.add_argument(
        "--stages", nargs="*", default=list(ORDER), choices=ORDER, help="the ones before must lie in the folder"
    )
    options = parser.parse_args()
    (options.folder / "whole").mkdir(parents=True, exist_ok=True)
    CONTEXT.set_forkserver_preload(["kills_stages"])
    generator, table = random.Random(0), {}
    for stage in options.stages:
        kills = options.training_kills if stage == "avatar" else options.kills
        chosen = {"root": str(options.root), "seconds": options.seconds, "images": options.images}
        table[stage] = try_stage(stage, options.folder, chosen, kills, generator)
        print(stage, table[stage], flush=True)
    print(json.dumps(table))


if __name__ == "__main__":
    main()
