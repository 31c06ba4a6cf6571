"""What a job ran on: versions of Python and of the packages that it loaded, processor, device, threads.

Every adapter leaves a record beside its log, because only the job itself knows: with conda each runs in an environment of its
own, on a cluster on a machine of its own. A clip's provenance collects the records. They hold no names of machines or people.
"""

import json
import platform
import sys
from pathlib import Path
from typing import Any

CPU_FACTS = Path("/proc/cpuinfo")


def record_of(log: str | Path) -> Path:
    """Return where the record of a job lies: beside its log, of the same name."""
    return Path(log).with_suffix(".json")


def write_record(log: str | Path, rule: str, threads: int) -> None:
    """Leave the record of the job that this process is; call it when all of its work is done."""
    target = record_of(log)
    partial = target.with_name(target.name + ".tmp")
    partial.write_text(json.dumps({"rule": rule, **surroundings(threads)}, indent=1, sort_keys=True) + "\n")
    partial.replace(target)


def surroundings(threads: int) -> dict[str, Any]:
    """Return what this process runs on: ``device`` is the GPU's name where torch has used one, else ``cpu``."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "device": device(sys.modules.get("torch")),
        "threads": threads,
        "packages": loaded_packages(),
    }


def loaded_packages() -> dict[str, str]:
    """Return the versions of the packages that this process has imported, by the name that is imported, as far as they tell."""
    tops = {name: module for name, module in sys.modules.items() if "." not in name and not name.startswith("_")}
    tops = {name: module for name, module in tops.items() if name not in sys.stdlib_module_names}
    versions = {name: vars(module).get("__version__") for name, module in sorted(tops.items())}
    return {name: version for name, version in versions.items() if isinstance(version, str)}


def processor() -> str:
    """Return the processor's model, or its kind where the system does not tell the model."""
    try:
        lines = CPU_FACTS.read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def device(torch: Any) -> str:
    """Return the name of the GPU that torch has used in this process, or ``cpu``; None is no torch."""
    used = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
    return str(torch.cuda.get_device_name()) if used else "cpu"
