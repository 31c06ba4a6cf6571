"""The fingerprint changes with the code that a stage reaches, and with nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from headsmith.contract import fingerprint as module
from headsmith.contract.fingerprint import closure, fingerprint

FILES = {
    "__init__.py": '"""The package."""\n__version__ = "1"\n',
    "contract/__init__.py": "",
    "contract/settings.py": "from headsmith.contract import labels\nA = 1\n",
    "contract/labels.py": "",
    "maths/__init__.py": "",
    "maths/cameras.py": "def project(x):\n    '''Project.'''\n    return x + 1  # one\n",
    "maths/deep.py": "B = 2\n",
    "nets/__init__.py": "from .inner import run\n",
    "nets/inner.py": "def run():\n    from ..maths import deep\n    return deep.B\n",
    "show/__init__.py": "",
    "show/page.py": "C = 3\n",
    "show/templates/page.html": "<p>\n",
    "stages/__init__.py": "",
    "stages/one.py": "from headsmith.contract.settings import A\nfrom headsmith.maths import cameras\n",
    "stages/two.py": "import headsmith.nets\nimport numpy, os.path\n",
    "stages/three.py": "from ..show.page import C\nfrom . import one\n",
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write_file(name: str, text: str) -> Path:
        path = tmp_path / "src/headsmith" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for cached in (module._find, module._read, module._data_files, closure, module.imports):
            cached.cache_clear()
        return path

    for name, text in FILES.items():
        write_file(name, text)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "do_one.py").write_text("run(1)\n")
    return write_file


def prints(tmp_path: Path) -> dict[str, str]:
    return {
        stage: fingerprint(f"stages.{stage}", source=tmp_path / "src", scripts=tmp_path / "scripts")
        for stage in ("one", "two", "three")
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {stage for stage in before if before[stage] != after[stage]}


def test_the_closure_follows_every_form_of_import(tmp_path: Path, write: Callable) -> None:
    source = tmp_path / "src"
    packages = {"headsmith", "headsmith.stages"}
    maths = {"headsmith.maths", "headsmith.maths.cameras"}
    contract = {"headsmith.contract"}
    assert closure("headsmith.stages.one", source) == packages | maths | contract | {"headsmith.stages.one"}
    nets = {"headsmith.nets", "headsmith.nets.inner", "headsmith.maths", "headsmith.maths.deep"}
    assert closure("headsmith.stages.two", source) == packages | nets | {"headsmith.stages.two"}
    assert {"headsmith.show.page", "headsmith.stages.one"} < closure("headsmith.stages.three", source)


@pytest.mark.parametrize(
    ("name", "text", "stages"),
    [
        ("maths/cameras.py", FILES["maths/cameras.py"].replace("x + 1", "x + 2"), {"one", "three"}),
        ("maths/cameras.py", FILES["maths/cameras.py"].replace("# one", "# two\n\n"), set()),
        ("maths/cameras.py", FILES["maths/cameras.py"].replace("'''Project.'''", "'''Other.'''"), set()),
        ("maths/cameras.py", FILES["maths/cameras.py"].replace("x + 1", "(x  +  1)"), set()),
        ("maths/cameras.py", FILES["maths/cameras.py"].replace("x + 1", "x + 1.0"), {"one", "three"}),
        ("maths/cameras.py", FILES["maths/cameras.py"].replace("x + 1", "1 + x"), {"one", "three"}),
        ("maths/deep.py", "B = 3\n", {"two"}),
        ("nets/__init__.py", "from .inner import run\nD = 1\n", {"two"}),
        ("show/page.py", "C = 4\n", {"three"}),
        ("show/templates/page.html", "<div>\n", {"three"}),
        ("contract/settings.py", "A = 2\n", set()),
        ("contract/labels.py", "F = 1\n", set()),
        ("__init__.py", FILES["__init__.py"].replace('"1"', '"2"'), set()),
        ("stages/__init__.py", "X = 1\n", {"one", "two", "three"}),
        ("maths/unused.py", "E = 1\n", set()),
    ],
)
def test_only_reached_code_counts(tmp_path: Path, write: Callable, name: str, text: str, stages: set[str]) -> None:
    before = prints(tmp_path)
    write(name, text)
    assert changed(before, prints(tmp_path)) == stages


def test_the_script_counts(tmp_path: Path, write: Callable) -> None:
    places = {"source": tmp_path / "src", "scripts": tmp_path / "scripts"}
    before = fingerprint("stages.one", script="do_one", **places)
    assert before != fingerprint("stages.one", **places)
    (tmp_path / "scripts/do_one.py").write_text("run(2)\n")
    write("maths/unused.py", "")
    assert before != fingerprint("stages.one", script="do_one", **places)


def test_an_unknown_stage_is_an_error(tmp_path: Path, write: Callable) -> None:
    with pytest.raises(FileNotFoundError, match=r"stages\.none"):
        fingerprint("stages.none", source=tmp_path / "src")


def test_what_an_earlier_process_has_read_is_taken_over(tmp_path, monkeypatch):
    folder = tmp_path / "src/headsmith/stages"
    folder.mkdir(parents=True)
    for name in ("headsmith/__init__.py", "headsmith/stages/__init__.py"):
        (tmp_path / "src" / name).write_text("")
    (folder / "masks.py").write_text("from headsmith.stages import other\nVALUE = 1\n")
    (folder / "other.py").write_text("VALUE = 2\n")
    memory = tmp_path / "memory.json"

    def process(*, parses: bool) -> str:
        for known in (module._KNOWN, module._USED):
            known.clear()
        for cached in (module._read, module.closure, module.imports, module._find, module._data_files):
            cached.cache_clear()
        real, parsed = module._parse, []
        monkeypatch.setattr(module, "_parse", lambda *given: parsed.append(given) or real(*given))
        module.recall(memory)
        found = module.fingerprint("stages.masks", source=tmp_path / "src")
        module.keep(memory)
        monkeypatch.setattr(module, "_parse", real)
        assert bool(parsed) == parses
        return found

    first = process(parses=True)
    assert process(parses=False) == first
    (folder / "other.py").write_text("VALUE = 3\n")
    second = process(parses=True)
    assert second != first and process(parses=False) == second
    memory.write_text("{")
    assert process(parses=True) == second
    for cached in (module._read, module.closure, module.imports, module._find, module._data_files):
        cached.cache_clear()
