"""The stage *provenance*: what a clip was made of, by what, and the sha256 of each file that came out."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import headsmith
from headsmith.contract.digests import hash_folder
from headsmith.contract.errors import UserError
from headsmith.contract.paths import PROVENANCE
from headsmith.contract.surroundings import record_of
from headsmith.media.atomic import atomic_path
from headsmith.media.pictures_list import LISTS, list_pictures

Files = Mapping[str, Path | list[Path]]
PIECE = 2**20
"""Bytes that are hashed at a time."""
JOBS = (
    *(
        "subject",
        "frames",
        "landmarks",
        "matte",
        "parsing",
        "mouth_masks",
        "head_masks",
        "eyes_masks",
        "tracking",
        "photometric",
    ),
    *("dataset", "avatar", "renders", "scores", "quality", "tracking_video"),
)
"""Jobs of a clip that a provenance tells of, by the first part of their logs' names (`avatar-basis`)."""
SHARED = ("heads", "networks")
"""Folders of the logs of what all clips share."""


def write_provenance(
    *,
    clip: str,
    given: list[Path],
    made: Files,
    codes: Mapping[str, Mapping[str, str]],
    config: Mapping[str, Any],
    logs: list[Path],
    output: Path,
) -> None:
    """Write a clip's ``provenance.json``.

    It holds no times and no names of machines or people: two runs of the same, on the same kind of machine, write the same.

    Args:
        clip: Name of the clip.
        given: What came from outside: the video, weights, the user's files; files, folders or lists of pictures.
        made: By stage, in order, the files that it made; of a folder its manifest, which holds the folder's own sha256.
        codes: By stage, the fingerprint of the code of each of its rules.
        config: The whole configuration; its ``clip`` is the clip's line of the table.
        logs: Logs of the jobs that may have left records of what they ran on; those that have count.
        output: The file to write.

    Raises:
        UserError: A file is missing.
    """
    home = output.parents[len(Path(PROVENANCE).parts) - 1]
    line = {key: value for key, value in config["clip"].items() if value is not None}
    content = {
        "clip": clip,
        "headsmith": headsmith.__version__,
        "line": line,
        "settings": {key: value for key, value in config.items() if key not in ("clip", "reproduction")},
        "given": {name_from(home, path): digest_of(path, clip) for path in given},
        "stages": {
            stage: {
                "code": dict(codes.get(stage, {})),
                "files": {name_from(home, path): digest_of(path, clip) for path in several(files)},
            }
            for stage, files in made.items()
        },
        "ran_on": collect_records(logs),
    }
    with atomic_path(output) as partial:
        partial.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def name_from(home: Path, path: Path) -> str:
    """Return a path from the folder in which ``results`` lies, where it lies below that; others as they are."""
    return str(path.relative_to(home) if path.is_relative_to(home) else path)


def several(files: Path | list[Path]) -> list[Path]:
    """Return one path or many as a list."""
    return files if isinstance(files, list) else [files]


def digest_of(path: Path, clip: str) -> str:
    """Return the sha256 of a file, of a folder's files, or of the pictures that a list names, in their order.

    Raises:
        UserError: It is missing.
    """
    try:
        if path.is_dir():
            return hash_folder(path)
        if path.suffix.lower() in LISTS:
            named = [path, *list_pictures(path, clip=clip)]
            return hashlib.sha256("".join(map(hash_file, named)).encode()).hexdigest()
        return hash_file(path)
    except OSError as error:
        remedy = "run snakemake again: what is missing is made anew"
        raise UserError(f"cannot be read: {error.strerror}", clip=clip, file=path, remedy=remedy) from error


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, which is read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def collect_records(logs: Iterable[Path]) -> dict[str, dict[str, list[str]]]:
    """Return what jobs ran on: by fact (``python``, ``processor``, ``numpy``, ...), by its value, the jobs for which it held.

    A job whose files came from Snakemake's cache, or from a version of headsmith that kept no records, has none.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for log in sorted(set(logs)):
        if not record_of(log).is_file() or (log.parent.name not in SHARED and log.stem.partition("-")[0] not in JOBS):
            continue
        record = json.loads(record_of(log).read_text())
        facts = {**{key: value for key, value in record.items() if key not in ("rule", "packages")}, **record["packages"]}
        for fact, value in facts.items():
            found.setdefault(fact, {}).setdefault(str(value), []).append(job_name(log))
    return found


def job_name(log: Path) -> str:
    """Return what a job is called: its log's name, after the folder's where the log is of what all clips share."""
    return f"{log.parent.name}/{log.stem}" if log.parent.name in SHARED else log.stem
