"""What `headsmith-deca` needs of the clone: the head, the parser, the detector's files; made by Snakemake, once.

Starting Snakemake takes seconds, so it is asked only where a file is absent, or where code or settings that make one have
changed since it was last asked.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headsmith.contract import paths
from headsmith.contract.detectors import detector_files
from headsmith.contract.errors import UserError
from headsmith.contract.fingerprint import fingerprint
from headsmith.contract.networks import parsing_network
from headsmith.contract.settings import Settings

MAKERS = {"stages.flame": "read_flame", "stages.heads": "build_head", "stages.networks": "convert_network"}
"""Stages that make the files, and their scripts."""
ASKED = "resources/headsmith-deca.json"
"""Tells of which files, made by which code, Snakemake has said that they are up to date."""


def make_resources(settings: Settings, house: Path) -> dict[str, Any]:
    """Return where the head, the parser and the detector's files are, those that are absent or outdated made anew.

    Args:
        settings: All settings.
        house: The clone.

    Raises:
        UserError: They cannot be made.
    """
    names = detector_files(settings.portraits.detector, settings.portraits.faces)
    head = paths.HEAD.format(head=settings.heads.model)
    network = paths.NETWORK.format(network=parsing_network(settings.parsing.network, settings.parsing.precision))
    wanted = [head, network, *(paths.ASSET.format(asset=name) for name in names)]
    key = key_of(wanted, settings, house)
    if not all((house / name).exists() for name in wanted) or not is_known(key, house):
        ask_snakemake(wanted, settings, house)
        (house / ASKED).write_text(json.dumps({"key": key}))
    files = {name: house / paths.ASSET.format(asset=name) for name in names}
    return {"head": house / head, "network": house / network, "files": files}


def key_of(wanted: list[str], settings: Settings, house: Path) -> str:
    """Return a hash over what the files are made by: code, settings, the list of assets."""
    code = {stage: fingerprint(stage, script=script) for stage, script in MAKERS.items()}
    digest = hashlib.sha256(json.dumps([wanted, code, asdict(settings.heads)], sort_keys=True).encode())
    digest.update((house / paths.ASSET_LIST).read_bytes())
    return digest.hexdigest()


def is_known(key: str, house: Path) -> bool:
    """Whether Snakemake has been asked for files of this key; a note that is missing or broken is none."""
    try:
        return json.loads((house / ASKED).read_text()) == {"key": key}
    except (OSError, ValueError):
        return False


def ask_snakemake(wanted: list[str], settings: Settings, house: Path) -> None:
    """Let Snakemake make what is absent or outdated, by the same settings of heads.

    Raises:
        UserError: It cannot be made.
    """
    print(f"headsmith-deca: bringing {', '.join(wanted)} up to date, once", file=sys.stderr)  # noqa: T201
    chosen = ["--config", f"heads={json.dumps(asdict(settings.heads))}"]
    command = [sys.executable, "-m", "snakemake", "--cores", str(os.cpu_count() or 1), *chosen, "--", *wanted]
    if subprocess.run(command, cwd=house, stdout=sys.stderr, check=False).returncode:
        remedy = f"see what is told above; to try it by itself: cd {house}; snakemake --cores all -- {' '.join(wanted)}"
        raise UserError(f"{', '.join(wanted)} cannot be made", remedy=remedy)
