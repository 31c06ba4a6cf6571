"""Imports point down only, and never sideways: the table of docs/architecture.md, read from the code by syntax tree."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src/headsmith"

MAY_IMPORT = {
    "contract": set(),
    "maths": set(),
    "media": {"contract"},
    "heads": {"maths", "contract"},
    "nets": {"maths", "media", "contract"},
    "splat": {"maths"},
    "mesh": {"maths", "contract"},
    "show": {"maths", "media", "contract"},
    "bridges": {"maths", "media", "heads", "contract"},
    "exports": {"maths", "media", "heads", "mesh", "contract"},
    "stages": {"maths", "media", "heads", "nets", "splat", "mesh", "bridges", "exports", "contract"},
    "commands": {"stages", "contract"},
}
"""Rooms that a room may import, besides itself."""

MAY_SHOW = ("quality", "report", "novel_views", "reenactment", "portraits_panels")
"""Stages that may draw, because nothing is computed from what they make: they, and their parts."""

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)
SCRIPTS = sorted((ROOT / "workflow_scripts").glob("*.py"))
WIRING = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]


def imported(text: str, package: str = "") -> set[str]:
    """Return the full names of everything that is imported; relative forms start at ``package``."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def rooms(names: set[str]) -> set[str]:
    """Return the rooms among imported names; what stands in none of them counts by its own name."""
    return {name.split(".")[1] for name in names if name.startswith("headsmith.") and name.count(".") >= 1}


def package_of(path: Path) -> str:
    return ".".join(["headsmith", *path.relative_to(PACKAGE).parts[:-1]])


def test_every_room_is_known() -> None:
    found = {path.relative_to(PACKAGE).parts[0] for path in MODULES}
    assert found <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    allowed = MAY_IMPORT[room] | ({room} if room != "stages" else set())
    if room == "stages":
        allowed |= {"show"} if f"{path.stem}_".startswith(tuple(f"{stage}_" for stage in MAY_SHOW)) else set()
    names = imported(path.read_text(), package_of(path))
    assert rooms(names) - allowed <= ({"stages"} if room == "stages" else set())
    if room == "stages":
        siblings = {name.split(".")[2] for name in names if name.startswith("headsmith.stages.")}
        assert not siblings & stage_names(), "a stage does not import another stage"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_settings_come_from_where_their_text_has_no_effect(path: Path) -> None:
    if path.parent.name != "contract":
        assert not [name for name in imported(path.read_text(), package_of(path)) if ".contract.settings_" in name]


def stage_names() -> set[str]:
    """Return the stages that rules run."""
    texts = "".join(path.read_text() for path in WIRING)
    return {path.stem for path in (PACKAGE / "stages").glob("*.py") if f'fingerprint("stages.{path.stem}"' in texts}


@pytest.mark.parametrize("path", sorted((PACKAGE / "contract").glob("*.py")), ids=lambda path: path.stem)
def test_the_contract_is_light(path: Path) -> None:
    tops = {name.split(".")[0] for name in imported(path.read_text(), package_of(path))}
    assert tops <= set(sys.stdlib_module_names) | {"yaml", "headsmith"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_translate(path: Path) -> None:
    names = imported(path.read_text())
    assert rooms(names) <= {"stages", "contract"}
    if path.stem != "adapter":
        assert {name.split(".")[0] for name in names} <= {"headsmith", "adapter", "pathlib"}
        assert len(path.read_text().splitlines()) <= 20


@pytest.mark.parametrize("path", WIRING, ids=lambda path: path.name)
def test_rules_wire(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
    names = imported("\n".join(lines))
    assert rooms(names) <= {"contract"}
    assert {name.split(".")[0] for name in names} <= {"headsmith", "snakemake", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=lambda path: path.stem)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_the_reader_sees_every_form_of_import() -> None:
    text = "import headsmith.a.b\ndef f():\n    from ..c import d\n    from . import e\n    from headsmith.g import h\n"
    assert rooms(imported(text, "headsmith.room")) == {"a", "c", "room", "g"}
