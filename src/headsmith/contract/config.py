"""Reading the configuration: defaults, the user's file and the command line, checked against the types of ``settings.py``.

Every layer is checked by itself, so a message names the file in which the mistake stands.
"""

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import Field, asdict, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import yaml

from headsmith.contract.errors import UserError
from headsmith.contract.settings import AvatarSettings, Settings

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""What clips and variants may be called: they become names of files and folders."""

USER_FILE = "config/config.yaml"
COMMAND_LINE = "the command line (--config, --configfile)"

_UNREAD_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")
_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false", list: "a list of texts"}


def load_settings(defaults: Path, user: Path | None, command_line: Mapping[str, Any]) -> Settings:
    """Return the settings: ``defaults``, overlaid by the user's file where there is one, overlaid by the command line.

    Args:
        defaults: ``config/default.yaml``, complete.
        user: The user's own file; need not exist. None: there is none to look for.
        command_line: What ``--config`` and ``--configfile`` gave.

    Raises:
        UserError: A file cannot be read, a key is unknown, or a value has a wrong type or lies outside its range.
    """
    settings = overlay(Settings(), read_yaml(defaults), str(defaults))
    if user is not None and user.exists():
        settings = overlay(settings, read_yaml(user), str(user))
    return overlay(settings, command_line, COMMAND_LINE)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the mapping that a YAML file holds; an empty file is an empty mapping.

    Raises:
        UserError: The file is missing, is not YAML, or holds something other than a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UserError(f"the file cannot be read: {error.strerror}", file=path, remedy="check its name and place") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"the file is not valid YAML: {error}", file=path, remedy="mend the line that is named") from error
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise UserError(
            f"the file holds {shown(content)}, not sections", file=path, remedy="write `section:` and indented keys below"
        )
    return content


def overlay(settings: Settings, layer: Mapping[str, Any], source: str) -> Settings:
    """Return ``settings`` with the values of ``layer``, checked; ``source`` names where the layer stands.

    ``avatar`` is a mapping from variants to settings; a variant set to null is left out.

    Raises:
        UserError: A key is unknown, or a value has a wrong type or lies outside its range.
    """
    changes = {key: value for key, value in layer.items() if key != "avatar"}
    settings = _overlay(settings, changes, "", source)
    return replace(settings, avatar=_variants(settings.avatar, layer["avatar"], source)) if "avatar" in layer else settings


def section(settings: Settings, name: str, variant: str | None = None) -> dict[str, Any]:
    """Return one section as a plain dict, for a rule's ``params``; ``avatar`` needs a variant."""
    part = getattr(settings, name)
    return asdict(part if variant is None else part[variant])


def nearest(word: str, known: list[str]) -> str:
    """Return what to write instead of ``word``: the nearest known one, and all of them."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    guess = f"did you mean {close[0]!r}? " if close else ""
    return f"{guess}known: {', '.join(known)}"


def shown(value: Any) -> str:
    """Return a value as a message shows it, cut to a line's length."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _overlay(part: Any, layer: Any, path: str, source: str) -> Any:
    if not isinstance(layer, Mapping):
        raise _error(f"{path} is {shown(layer)}, not a section", path, source, f"write `{path}:` and indented keys below it")
    known = {item.name: item for item in fields(part)}
    changes = {}
    for key, value in layer.items():
        inner = f"{path}.{key}" if path else str(key)
        if key not in known:
            raise _error(f"unknown setting {inner!r}", path, source, nearest(str(key), list(known)))
        current = getattr(part, key)
        if is_dataclass(current):
            changes[key] = _overlay(current, value, inner, source)
        elif isinstance(current, dict):
            changes[key] = _named_values(known[key], current, value, inner, source)
        else:
            changes[key] = _value(known[key], value, inner, source)
    return replace(part, **changes)


def _named_values(item: Field, current: Mapping[str, Any], layer: Any, path: str, source: str) -> dict[str, Any]:
    kind = get_origin(get_args(item.type)[1]) or get_args(item.type)[1]
    if not isinstance(layer, Mapping):
        what = f"{path} is {shown(layer)}, not a mapping from names to values, each {_KINDS[kind]}"
        raise _error(what, path, source, f"write `{path}:`, names below")
    values = dict(current)
    for name, value in layer.items():
        inner = f"{path}.{name}"
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise _error(f"{shown(name)} cannot be a name in {path}", path, source, "use letters, digits, `_` and `-`")
        if value is None and name in item.metadata.get("needed", ()):
            raise _error(f"{inner} is switched off, and later stages need it", path, source, "leave it, or name other labels")
        if value is None:
            values.pop(name, None)
            continue
        values[name] = _typed(kind, value, inner, source)
        if values[name] == []:
            raise _error(f"{inner} is empty", path, source, "name at least one, or switch it off by null")
        _check_limits(item.metadata, values[name], inner, source)
    return values


def _variants(current: Mapping[str, AvatarSettings], layer: Any, source: str) -> dict[str, AvatarSettings]:
    if not isinstance(layer, Mapping):
        raise _error(
            f"avatar is {shown(layer)}, not a mapping of variants", "avatar", source, "write `avatar:`, a variant's name below"
        )
    variants = dict(current)
    names = [item.name for item in fields(AvatarSettings)]
    for name, value in layer.items():
        if name in names:
            remedy = f"name the variant: `avatar: {{basis: {{{name}: {value}}}}}`; variants so far: {', '.join(current)}"
            raise _error(f"unknown variant {name!r}: it is a setting of a variant", "avatar", source, remedy)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise _error(f"{shown(name)} cannot name a variant", "avatar", source, "use letters, digits, `_` and `-`")
        if value is None:
            variants.pop(name, None)
        else:
            variants[name] = _overlay(variants.get(name, AvatarSettings()), value, f"avatar.{name}", source)
    if not variants:
        raise _error("no variant is left", "avatar", source, "keep one variant that is not null")
    return variants


def _value(item: Field, value: Any, path: str, source: str) -> Any:
    kind = get_origin(item.type) or item.type
    if set(get_args(item.type)) == {int, str}:
        return _count_or_share(item, value, path, source)
    optional = kind is UnionType and type(None) in get_args(item.type)
    if optional:
        if value is None:
            return None
        kind = next(choice for choice in get_args(item.type) if choice is not type(None))
    value = _typed(kind, value, path, source)
    _check_limits(item.metadata, value, path, source)
    return value


def _count_or_share(item: Field, value: Any, path: str, source: str) -> int | str:
    """Return a whole number, or the text of a share that the setting's pattern allows."""
    if source == COMMAND_LINE and isinstance(value, str):
        value = _read_text(value)
    if isinstance(value, str) and re.fullmatch(item.metadata["pattern"], value):
        return value
    if type(value) is not int:
        said = f"{_KINDS[int]} or a share such as {item.metadata['forms'][0]}"
        raise _error(f"{path} is {shown(value)}, not {said}", path, source, f"write {said}")
    _check_limits({"minimum": item.metadata["minimum"]}, value, path, source)
    return value


def _typed(kind: Any, value: Any, path: str, source: str) -> Any:
    if source == COMMAND_LINE and isinstance(value, str) and kind in (bool, int, float):
        value = _read_text(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is kind and (kind is not list or all(type(entry) is str for entry in value)):
        return list(value) if kind is list else value
    if kind in (int, float) and isinstance(value, str) and _UNREAD_EXPONENT.fullmatch(value):
        remedy = f"YAML reads {value} as text, because the dot is missing: write {_with_dot(value)}"
        raise _error(f"{path} is the text {value!r}, not {_KINDS[kind]}", path, source, remedy)
    raise _error(f"{path} is {shown(value)}, not {_KINDS[kind]}", path, source, f"write {_KINDS[kind]}")


def _read_text(text: str) -> Any:
    """Return what YAML reads in a text: within braces, Snakemake's ``--config`` leaves numbers and truths as texts."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _with_dot(text: str) -> str:
    mantissa, exponent = re.split("[eE]", text)
    sign = "" if exponent[0] in "+-" else "+"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}{exponent}"


def _check_limits(limits: Mapping[str, Any], value: Any, path: str, source: str) -> None:
    low, high, choices, pattern = (limits.get(key) for key in ("minimum", "maximum", "choices", "pattern"))
    fits = pattern is not None and re.fullmatch(pattern, value) is not None
    if choices is not None and not fits:
        for entry in value if isinstance(value, list) else [value]:
            if entry not in choices:
                known = [str(choice) for choice in (*choices, *limits.get("forms", ())) if choice != ""]
                raise _error(f"{path} is {entry!r}", path, source, nearest(str(entry), known))
    if isinstance(value, float) and not math.isfinite(value):
        raise _error(f"{path} is {value}, not a finite number", path, source, "write a finite number")
    if low is not None and value < low:
        raise _error(f"{path} is {value}, below the smallest allowed value {low}", path, source, f"write {low} or more")
    if high is not None and value > high:
        raise _error(f"{path} is {value}, above the largest allowed value {high}", path, source, f"write {high} or less")


def _error(what: str, path: str, source: str, remedy: str) -> UserError:
    heading = path.split(".")[0]
    page = f"docs/config.md#{heading}" if heading else "docs/config.md"
    return UserError(f"config: {what}", file=source, remedy=f"{remedy} (see {page})")
