"""A hash over the code that a stage runs, so that Snakemake re-runs a stage when, and only when, its code has changed.

It covers the syntax trees of every module of the package that the stage imports, directly or through others, without
comments, docstrings and formatting. Files that are not Python (templates) count with the modules they lie beside.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

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
        digest.update(name.encode() + _hash_module(module_file(name, source)))
    for path in sorted({path for name in names for path in _data_files(module_file(name, source).parent)}):
        digest.update(str(path.relative_to(source)).encode() + hashlib.sha256(path.read_bytes()).digest())
    if script is not None:
        digest.update(_hash_module(scripts / f"{script}.py"))
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
    return frozenset(target for node in ast.walk(_parse(path)) for target in _targets(node, package, source))


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


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


@cache
def _hash_module(path: Path) -> bytes:
    tree = _parse(path)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_silent(statement)]
    return hashlib.sha256(ast.dump(tree).encode()).digest()


def _is_silent(statement: ast.stmt) -> bool:
    """Tell whether a statement does nothing: a docstring or another bare text, or the package's version."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    return isinstance(statement, ast.Assign) and ast.dump(statement.targets[0]) == _VERSION


_VERSION = ast.dump(ast.parse("__version__ = ''").body[0].targets[0])  # type: ignore[attr-defined]


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
