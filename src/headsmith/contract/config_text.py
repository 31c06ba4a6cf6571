"""The texts generated from the types of ``settings.py``: ``config/default.yaml`` and ``docs/config.md``.

``python -m headsmith.contract.config_text`` writes both, from the root of the repository; a test compares them.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_origin

import yaml

from headsmith.contract.labels import LABELS
from headsmith.contract.settings import Settings

DEFAULT_FILE = "config/default.yaml"
DOCS_FILE = "docs/config.md"

_HEAD_OF_DEFAULTS = f"""\
# All settings with their defaults. Generated from src/headsmith/contract/settings.py: do not edit.
# Write your own values into config/config.yaml, or pass a file by --configfile; {DOCS_FILE} explains each setting.
"""
_HEAD_OF_DOCS = """\
# Settings

Generated from `src/headsmith/contract/settings.py` (`make docs`): do not edit.

The defaults stand in `config/default.yaml`. Write what you want otherwise into `config/config.yaml`, with the same sections:

```yaml
frames:
  size: 512
avatar:
  basis: null        # leave this variant out
  large:             # another variant, with settings of its own
    gaussians: 30000
```

A file named by `--configfile` and values given by `--config` come on top. Keys and values are checked before anything runs.
A changed setting re-runs the stages that use it and what follows from them. YAML wants a dot in powers of ten: `1.0e-4`.

## clips

The table of clips (`config/clips.tsv`) holds a line for each clip, its cells separated by tabs:

| column | meaning |
|---|---|
| `clip` | a name of letters, digits, `_` and `-`; results go to `results/<clip>/` |
| `video` | path of a video, a folder of pictures, one picture, or a `.txt` that lists pictures; `asset:<name>`: see below |
| `start`, `end` | the part that is used, in seconds; blank: from the beginning, to the end |
| `fps` | frames kept per second; blank: as `frames.fps` says |
| `crop` | the square that is cut out, as `frames.crop`; blank: as that says |
| `person` | `x,y`: a point on the face that is meant, in the video's own pixels at the clip's start; blank: the only one |
| `landmarks` | path of your own landmarks, for `landmarks.detector: file`: a file, or a folder with one for each frame |
| `tracking` | path of what another program tracked, for any `tracking.source` but `solve`: see [formats.md](formats.md) |
| `focal` | the camera's focal length in pixels of the video's own upright frames, where it is known; blank: sought |
| `identity` | path of the person's identity codes, where they are known: a `tracking.npz` or codes alone; blank: sought |
| `subject` | path of a FlashAvatar subject folder, in place of a video: [inputs.md](inputs.md#a-flashavatar-subject-folder) |

`asset:<name>` is a file listed in `config/assets.yaml`. [inputs.md](inputs.md) tells more of videos, pictures, crops, persons,
landmarks, and what is known of a clip beforehand. Where the table lies is itself a setting:
"""
_TYPES = {
    int | str: "whole number or percent",
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    list: "list of texts",
    dict[str, list[str]]: "lists by name",
    dict[str, float]: "numbers by name",
}


def default_yaml() -> str:
    """Return the text of ``config/default.yaml``: every setting, a comment above each."""
    lines = [_HEAD_OF_DEFAULTS]
    for item, value in _items(Settings()):
        if is_dataclass(value):
            lines += ["", f"# {_summary(value)}", f"{item.name}:", *_yaml_lines(value, "  ")]
        elif isinstance(value, dict):  # the variants of the avatar
            lines += ["", f"# {_summary(next(iter(value.values())))} One block a variant.", f"{item.name}:"]
            for variant, part in value.items():
                lines += [f"  {variant}:", *_yaml_lines(part, "    ")]
        else:
            lines += _yaml_setting(item, value, "")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return the text of ``docs/config.md``: a heading a section, a table of its settings."""
    lines = [_HEAD_OF_DOCS]
    plain = [(item, value) for item, value in _items(Settings()) if not is_dataclass(value) and not isinstance(value, dict)]
    lines += [*_table(plain)]
    for item, value in _items(Settings()):
        part = next(iter(value.values())) if isinstance(value, dict) else value
        if is_dataclass(part):
            note = [" One block a variant: `avatar.<variant>.<setting>`."] if isinstance(value, dict) else [""]
            lines += ["", f"## {item.name}", "", _summary(part) + note[0], "", *_table(_items(part))]
    return "\n".join(lines) + "\n"


def write_texts(root: Path) -> None:
    """Write both files below the root of the repository."""
    (root / DEFAULT_FILE).write_text(default_yaml())
    (root / DOCS_FILE).write_text(settings_page())


def _items(part: Any) -> list[tuple[Field, Any]]:
    return [(item, getattr(part, item.name)) for item in fields(part)]


def _summary(part: Any) -> str:
    return (type(part).__doc__ or "").splitlines()[0]


def _yaml_lines(part: Any, indent: str) -> Iterator[str]:
    for item, value in _items(part):
        yield from _yaml_setting(item, value, indent)


def _yaml_setting(item: Field, value: Any, indent: str) -> list[str]:
    comment = item.metadata["help"] + (f" ({_limits(item)})" if _limits(item) else "")
    wrapped = textwrap.wrap(comment, 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
    if isinstance(value, dict):
        return [*wrapped, f"{indent}{item.name}:", *(f"{indent}  {name}: {_flow(part)}" for name, part in value.items())]
    return [*wrapped, f"{indent}{item.name}: {_flow(value)}"]


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")


def _table(items: list[tuple[Field, Any]]) -> Iterator[str]:
    yield from ("| setting | default | type | allowed | meaning |", "|---|---|---|---|---|")
    for item, value in items:
        kind = _TYPES.get(item.type) or _TYPES[get_origin(item.type) or item.type]
        yield f"| `{item.name}` | `{_default(value)}` | {kind} | {_limits(item)} | {item.metadata['help']} |"


def _default(value: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(part, float) for part in value.values()):
        return ", ".join(f"{name} {part:g}" for name, part in value.items())
    return ", ".join(value) if isinstance(value, (list, dict)) else value


def _limits(item: Field) -> str:
    low, high, choices = (item.metadata.get(key) for key in ("minimum", "maximum", "choices"))
    if choices == LABELS:
        return "labels of face parsing"
    if choices is not None:
        return " or ".join(f"`{choice}`" if choice else "blank" for choice in [*choices, *item.metadata.get("forms", ())])
    if low is not None and high is not None:
        return f"{low} to {high}"
    forms = "".join(f", or `{form}`" for form in item.metadata.get("forms", ()))
    return f"at least {low}{forms}" if low is not None else f"at most {high}" if high is not None else ""


if __name__ == "__main__":
    write_texts(Path.cwd())
