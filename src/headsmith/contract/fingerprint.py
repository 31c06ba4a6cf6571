"""A hash over the code that a stage runs, so that Snakemake re-runs a stage when, and only when, its code has changed.

It covers the syntax trees of every module of the package that the stage imports, directly or through others, without
comments, docstrings and formatting. Files that are not Python (templates) count with the modules they lie beside.
"""

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "headsmith"
SOURCE = Path(__file__).resolve().parents[2]
SCRIPTS = SOURCE.parent / "workflow_scripts"

WITHOUT_EFFECT = frozenset({f"{PACKAGE}.contract.settings", f"{PACKAGE}.contract.errors"})
"""Modules whose text reaches no result, nor what they alone import: settings are compared by value, errors only talk."""


def fingerprint(stage: str, *, script: str | None = None, source: Path = SOURCE, scripts: Path = SCRIPTS) -> str:
    """Return the hash over the code that a stage runs, 16 hexadecimal digits.

    Args:
        stage: The stage's module within the package: ``stages.masks``.
        script: The adapter in ``workflow_scripts/`` that calls it, without ``.py``; it counts too.
        source: The folder that holds the package.
        scripts: The folder that holds the adapters.

    Raises:
        FileNotFoundError: There is no such stage or script.
    """
    digest = hashlib.sha256()
    names = closure(f"{PACKAGE}.{stage}", source)
    for name in sorted(names):
        digest.update(name.encode() + _read(module_file(name, source)).hash)
    for path in sorted({path for name in names for path in _data_files(module_file(name, source).parent)}):
        digest.update(str(path.relative_to(source)).encode() + hashlib.sha256(path.read_bytes()).digest())
    if script is not None:
        digest.update(_read(scripts / f"{script}.py").hash)
    return digest.hexdigest()[:16]


@cache
def closure(name: str, source: Path = SOURCE) -> frozenset[str]:
    """Return the names of all modules of the package that ``name`` may run, itself and packages included.

    Imports inside functions count; modules without effect do not. Names are absolute (``headsmith.maths.cameras``).

    Raises:
        FileNotFoundError: ``name`` is not a module of the package.
    """
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        for part in _with_packages(module):
            if part not in found | WITHOUT_EFFECT:
                found.add(part)
                waiting.extend(imports(part, source))
    return frozenset(found)


@cache
def imports(name: str, source: Path = SOURCE) -> frozenset[str]:
    """Return the modules of the package that a module names in its import statements, wherever they stand."""
    path = module_file(name, source)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return frozenset(target for node in _read(path).imports for target in _targets(node, package, source))


def module_file(name: str, source: Path = SOURCE) -> Path:
    """Return the file of a module.

    Raises:
        FileNotFoundError: There is none.
    """
    path = _find(name, source)
    if path is None:
        raise FileNotFoundError(f"there is no module {name} in {source}")
    return path


@cache
def _find(name: str, source: Path) -> Path | None:
    base = source.joinpath(*name.split("."))
    return next((path for path in (base / "__init__.py", base.with_name(base.name + ".py")) if path.is_file()), None)


def _with_packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _targets(node: ast.AST, package: str, source: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        if base.split(".")[0] == PACKAGE:
            yield base
            inner = (f"{base}.{alias.name}" for alias in node.names)
            yield from (name for name in inner if _find(name, source) is not None)


@dataclass(frozen=True)
class _Code:
    """What a file of Python code does: a hash over its syntax tree, and its import statements."""

    hash: bytes
    imports: tuple[ast.Import | ast.ImportFrom, ...]


MEMORY = Path(".snakemake/fingerprints.json")
"""Where processes keep what they have read, in the working directory."""
_KNOWN: dict[str, list[str]] = {}
"""What was read of files, by a hash over their bytes and this Python's version: the code's hash, and its imports as text."""
_USED: set[str] = set()


def recall(memory: Path = MEMORY) -> None:
    """Take over what an earlier process has kept: each job of a cluster reads the same files, and parsing them takes longest.

    A memory that is missing or broken is none.
    """
    try:
        kept = json.loads(memory.read_text())
    except (OSError, ValueError):
        return
    _KNOWN.update(kept)


def keep(memory: Path = MEMORY) -> None:
    """Keep what this process has read, where there is a folder for it and something is new."""
    try:
        kept = set(json.loads(memory.read_text()))
    except (OSError, ValueError):
        kept = set()
    if kept >= _USED or not memory.parent.is_dir():
        return
    partial = memory.with_name(f".{memory.name}.{os.getpid()}")
    partial.write_text(json.dumps({key: _KNOWN[key] for key in sorted(_USED)}))
    partial.replace(memory)


@cache
def _read(path: Path) -> _Code:
    content = path.read_bytes()
    key = hashlib.sha256(sys.version.encode() + content).hexdigest()
    if key not in _KNOWN:
        code = _parse(content, path)
        _KNOWN[key] = [code.hash.hex(), "\n".join(map(ast.unparse, code.imports))]
    _USED.add(key)
    digest, imports = _KNOWN[key]
    return _Code(bytes.fromhex(digest), tuple(ast.parse(imports).body))


def _parse(content: bytes, path: Path) -> _Code:
    """Write the syntax tree out in preorder and hash it; several times as fast as ``ast.walk`` and ``ast.dump``."""
    words: list[str] = []
    found: list[ast.Import | ast.ImportFrom] = []
    waiting: list[Any] = [ast.parse(content, filename=str(path))]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.AST):
            words.append(repr(node))
            continue
        words.append(type(node).__name__)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.append(node)
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                value = [part for part in value if not _is_silent(part)]
                words.append(str(len(value)))
                waiting += value
            else:
                waiting.append(value)
    return _Code(hashlib.sha256("\0".join(words).encode()).digest(), tuple(found))


def _is_silent(part: Any) -> bool:
    """Tell whether a statement does nothing: a docstring or another bare text, or the package's version."""
    if isinstance(part, ast.Expr):
        return isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)
    return isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name) and part.targets[0].id == "__version__"


@cache
def _data_files(folder: Path) -> frozenset[Path]:
    """Return the files beside a module that are not Python, those in folders that are not packages included."""
    found = set()
    for path in folder.iterdir():
        if path.name == "__pycache__" or path.name.startswith("."):
            continue
        if path.is_dir() and not (path / "__init__.py").exists():
            found |= _data_files(path)
        elif path.is_file() and path.suffix not in (".py", ".pyc"):
            found.add(path)
    return frozenset(found)
