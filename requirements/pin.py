"""Pin what conda installs: write envs/NAME.linux-64.pin.txt, which Snakemake then takes in place of envs/NAME.yaml.

    python requirements/pin.py [--envs FOLDER] [NAME ...]

Each environment is created twice: from its .yaml, to see what conda chooses, and from the pins, because Snakemake only warns
of pins that fail and goes on without them. Needs `conda` and its channel. Pins name the channel's address: they stay with the
site that made them, and git ignores them. pip's part needs no pins: its lock is in NAME.post-deploy.sh.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

PLATFORM = "linux-64"


def main(words: list[str]) -> None:
    """Pin all environments, or those of some names."""
    parser = argparse.ArgumentParser(description="Pin what conda installs into the environments of envs/.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--envs", type=Path, default=Path(__file__).resolve().parents[1] / "envs")
    chosen = parser.parse_args(words)
    for name in chosen.names or sorted(path.stem for path in chosen.envs.glob("*.yaml")):
        pin(chosen.envs / f"{name}.yaml")


def pin(environment: Path) -> None:
    """Pin one environment; the file appears only when an environment could be made of it."""
    target = environment.with_suffix(f".{PLATFORM}.pin.txt")
    with tempfile.TemporaryDirectory() as folder:
        first, second, pins = (Path(folder) / name for name in ("first", "second", "pins.txt"))
        conda("env", "create", "--quiet", "--file", str(environment), "--prefix", str(first))
        pins.write_text(conda("list", "--explicit", "--md5", "--prefix", str(first)))
        conda("create", "--quiet", "--yes", "--file", str(pins), "--prefix", str(second))
        partial = target.with_suffix(".partial")
        partial.write_text(pins.read_text())
        partial.replace(target)
    sys.stdout.write(f"{target}: {sum('://' in line for line in target.read_text().splitlines())} packages\n")


def conda(*words: str) -> str:
    """Run conda, and return what it writes."""
    return subprocess.run(["conda", *words], check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FileNotFoundError:
        sys.exit("pin: the command `conda` is not here (docs/conda.md)")
    except subprocess.CalledProcessError as error:
        sys.exit(f"pin: failed ({error}); conda's own message stands above")
