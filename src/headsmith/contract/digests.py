"""One hash for a folder of whatever files."""

import hashlib
from pathlib import Path


def hash_folder(folder: Path) -> str:
    """Return the sha256 over names and bytes of all files below a folder, in the order of their names.

    Hidden files are left out: Snakemake keeps its own clock in one.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
