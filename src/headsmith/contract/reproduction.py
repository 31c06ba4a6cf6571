"""A run done again from the `provenance.json` of another: its clip and its settings, as that file tells them."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from headsmith.contract.clips import Clip
from headsmith.contract.config import COMMAND_LINE, overlay
from headsmith.contract.errors import UserError
from headsmith.contract.paths import PROVENANCE
from headsmith.contract.settings import Settings

REMEDY = "set reproduction.of to the provenance.json of another run: --config 'reproduction={of: <path>}'"


def provenance_to_compare(settings: Settings, clip: str) -> str:
    """Return the path of the provenance with which a clip's own is compared.

    Raises:
        UserError: None is named.
    """
    if not settings.reproduction.of:
        raise UserError("nothing is named to compare with", clip=clip, remedy=REMEDY)
    return settings.reproduction.of.replace("{clip}", clip)


def their_run(settings: Settings, command_line: Mapping[str, Any]) -> tuple[Settings, dict[str, Clip]]:
    """Return settings and clips as another run had them; the command line counts on top.

    Paths in them that lead nowhere from here are taken from the folder that the other run was started in, as far as
    they lead somewhere from there.

    Args:
        settings: This run's own, whose `reproduction` says where the other's provenance lies.
        command_line: What ``--config`` and ``--configfile`` gave.

    Raises:
        UserError: No file is named, it cannot be read, or its settings are not those of this version.
    """
    path = Path(settings.reproduction.of)
    if not settings.reproduction.of or "{clip}" in settings.reproduction.of:
        raise UserError("reproduction.their_settings is set, and reproduction.of names no single file", remedy=REMEDY)
    told = read_provenance(path)
    place = home_of(path, told["clip"])
    layer = _placed(told["settings"], told["given"], place)
    theirs = overlay(overlay(Settings(), _without_others(layer), str(path)), command_line, COMMAND_LINE)
    clip = Clip(**_placed(told["line"], told["given"], place))
    return theirs, {clip.name: clip}


def read_provenance(path: Path) -> dict[str, Any]:
    """Return the content of a ``provenance.json``.

    Raises:
        UserError: It is missing, or something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        wanted = {"clip": str, "line": dict, "settings": dict, "given": dict, "stages": dict, "ran_on": dict}
        wrong = [key for key, kind in wanted.items() if not isinstance(content[key], kind)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "name the results/<clip>/provenance.json that another run has written"
        raise UserError(f"the provenance cannot be read: {error!r}", file=path, remedy=remedy) from error
    if wrong:
        raise UserError(f"this is no provenance: {', '.join(wrong)}", file=path, remedy="name another run's provenance.json")
    return content


def home_of(path: Path, clip: str) -> Path | None:
    """Return the folder that a run was started in, where its provenance still lies among its results; else None."""
    inner = Path(PROVENANCE.format(clip=clip))
    whole = path.absolute()
    return whole.parents[len(inner.parts) - 1] if whole.parts[-len(inner.parts) :] == inner.parts else None


def _placed(value: Any, given: Mapping[str, Any], place: Path | None) -> Any:
    """Lead paths of given files to where the other run had them."""
    if isinstance(value, Mapping):
        return {key: _placed(part, given, place) for key, part in value.items()}
    there = isinstance(value, str) and place is not None and value in given and not Path(value).exists()
    return str(place / value) if there and place is not None and (place / value).exists() else value


def _without_others(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Name the variants and the sets of masks that the defaults have and the other run had not, so that they are left out."""
    found, defaults = dict(layer), Settings()
    found["avatar"] = dict.fromkeys(defaults.avatar) | found["avatar"]
    sets = found["masks"]
    named = {item.name: getattr(defaults.masks, item.name) for item in fields(defaults.masks)}
    found["masks"] = sets | {key: dict.fromkeys(part) | sets[key] for key, part in named.items() if isinstance(part, dict)}
    return found
