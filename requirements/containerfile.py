"""Write the Containerfile (`make containerfile`): an image with the environments of envs/, for machines without conda.

`snakemake --containerize` writes what conda installs, and leaves out what runs after it: pip's part. That is added here, into
the folders under which Snakemake looks for the environments (their names are hashes over both parts). Needs `conda`.

    python requirements/containerfile.py [NAME ...]     all environments but `gpu`, whose packages are gigabytes; or those named
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = ("gpu",)
RULE = """
rule {name}:
    output:
        "{name}",
    conda:
        "{file}"
    shell:
        "touch {{output}}"
"""
HEAD = """\
# Written by `make containerfile`, out of `snakemake --containerize` and the scripts of envs/: do not edit.
"""


def main(names: list[str]) -> None:
    """Write the file for all environments, or for those of some names."""
    if pins := sorted(path.name for path in ROOT.glob("envs/*.pin.txt")):
        sys.exit(
            f"containerfile: pins are this site's own and would change the environments' names; move away {', '.join(pins)}"
        )
    chosen = names or [path.stem for path in sorted(ROOT.glob("envs/*.yaml")) if path.stem not in LEFT_OUT]
    (ROOT / "Containerfile").write_text(with_post_deployment(containerized(chosen)))


def containerized(names: list[str]) -> str:
    """Return what Snakemake writes for a workflow with a rule for each environment: not all are one configuration's."""
    with tempfile.TemporaryDirectory() as folder:
        snakefile = Path(folder) / "Snakefile"
        snakefile.write_text("".join(RULE.format(name=name, file=ROOT / f"envs/{name}.yaml") for name in names))
        options = ["--workflow-profile", "none", "--containerize", "--snakefile", str(snakefile), "--quiet", "all"]
        command = [sys.executable, "-m", "snakemake", *options]
        return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def with_post_deployment(text: str) -> str:
    """Return Snakemake's text with what runs after conda, for each environment."""
    lines = []
    for file, prefix in re.findall(r"^#   source: (\S+)\.yaml\n#   prefix: (\S+)$", text, re.MULTILINE):
        script = f"{prefix}/post-deploy.sh"
        lines += [f"COPY {file}.post-deploy.sh {script}"]
        lines += [f"RUN PIP_NO_CACHE_DIR=1 conda run --prefix {prefix} sh {script}"]
    return HEAD + text.rstrip() + "\n\n" + "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(f"containerfile: failed ({error}); Snakemake's own message stands above")
