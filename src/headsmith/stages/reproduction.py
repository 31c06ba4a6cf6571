"""The stage *reproduction*: a clip beside the same clip of another run, stage by stage: equal bit by bit, or how far apart."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headsmith.contract.errors import UserError
from headsmith.contract.reproduction import home_of, read_provenance
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note
from headsmith.stages.reproduction_measures import measure

EQUAL, UNEQUAL, HERE, THERE = "equal", "unequal", "only here", "only there"


def compare_runs(*, clip: str, own: Path, theirs: Path, output: Path, table: Path) -> None:
    """Compare two runs of a clip by their provenances, and by their files where those of the other are at hand.

    Args:
        clip: Name of the clip.
        own: This run's ``provenance.json``.
        theirs: The other's. Its files are at hand where it still lies among its results.
        output: ``reproduction.json``: the comparison.
        table: The same for people.

    Raises:
        UserError: A provenance cannot be read, or belongs to another clip.
    """
    here, there = read_provenance(own), read_provenance(theirs)
    if there["clip"] != clip:
        what = f"that provenance is of another clip, {there['clip']}"
        raise UserError(what, clip=clip, file=theirs, remedy="give the clip that name in the table of clips, or name another")
    homes = (home_of(own, clip), home_of(theirs, clip))
    rows = [row for stage in pairs(here["stages"], there["stages"]) for row in compare_stage(stage, here, there, homes)]
    comparison = {
        "clip": clip,
        "of": str(theirs),
        "equal": sum(row["state"] == EQUAL for row in rows),
        "files": len(rows),
        "stages": stage_states(rows),
        "other": compare_circumstances(here, there),
        "rows": rows,
    }
    text = as_text(comparison)
    with atomic_path(table) as partial:
        partial.write_text(text, encoding="utf-8")
    with atomic_path(output) as partial:
        partial.write_text(json.dumps(comparison, indent=1) + "\n", encoding="utf-8")
    note(text)


def compare_stage(
    stage: str, here: Mapping[str, Any], there: Mapping[str, Any], homes: tuple[Path | None, Path | None]
) -> Iterable[dict[str, Any]]:
    """Yield a row for each file of a stage: its path, its state, and how far the two are apart where that can be said."""
    ours, others = (told["stages"].get(stage, {"files": {}})["files"] for told in (here, there))
    for path in pairs(ours, others):
        state = state_of(ours.get(path), others.get(path))
        row = {"stage": stage, "path": path, "state": state}
        if state == UNEQUAL and None not in homes:
            row |= {"difference": measure(stage, *(home / path for home in homes if home is not None))}
        yield row


def pairs(here: Iterable[str], there: Iterable[str]) -> list[str]:
    """Return the names of both, in the order of the first, the others after them."""
    return list(dict.fromkeys([*here, *there]))


def state_of(ours: Any, others: Any) -> str:
    """Return in a word how two values compare; None is one that is not there."""
    if ours is None or others is None:
        return THERE if ours is None else HERE
    return EQUAL if ours == others else UNEQUAL


def stage_states(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return for each stage whether all its files are equal."""
    states: dict[str, str] = {}
    for row in rows:
        states[row["stage"]] = EQUAL if row["state"] == EQUAL and states.get(row["stage"], EQUAL) == EQUAL else UNEQUAL
    return states


def compare_circumstances(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what differs beside the files, most likely causes first: what was given, settings, code, what jobs ran on."""
    given = tuple({Path(path).name: digest for path, digest in told["given"].items()} for told in (here, there))
    settings = tuple(flat({"clip": told["line"]} | told["settings"]) for told in (here, there))
    codes = tuple(dict(pair for stage in told["stages"].values() for pair in stage["code"].items()) for told in (here, there))
    ran_on = tuple({fact: ", ".join(sorted(values)) for fact, values in told["ran_on"].items()} for told in (here, there))
    found = {"given": given, "settings": settings, "code": codes, "ran on": ran_on}
    return [
        {"kind": kind, "name": name, "here": str(ours.get(name, "none")), "there": str(others.get(name, "none"))}
        for kind, (ours, others) in found.items()
        for name in pairs(ours, others)
        if ours.get(name) != others.get(name)
    ]


def flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested settings by their whole names: ``avatar.basis.seed``; a path counts by its last part."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{above}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: short(value)}
    return found


def short(value: Any) -> Any:
    """Return the name of the file that a path leads to, other values as they are: a video may lie elsewhere."""
    return value.rpartition("/")[2] if isinstance(value, str) else value


def as_text(comparison: Mapping[str, Any]) -> str:
    """Return a comparison as lines for people."""
    lines = [
        f"{comparison['clip']}: {comparison['equal']} of {comparison['files']} files are equal, bit by bit, to those of "
        f"{comparison['of']}",
        "",
    ]
    for row in comparison["rows"]:
        said = row.get("difference", {}).get("text", "")
        lines.append(f"{row['stage']:<10} {row['state']:<11} {row['path']}" + (f"  ({said})" if said else ""))
    other = comparison["other"]
    lines += ["", "What else differs:" if other else "Inputs, settings, code, versions and machine: nothing differs."]
    lines += [f"{item['kind']:<10} {item['name']}: {item['here'][:40]} here, {item['there'][:40]} there" for item in other]
    return "\n".join(lines) + "\n"
