"""Each environment imports what the stages of its rules import, alone: nothing comes from another, nor from the user's own."""

import ast
import json
from pathlib import Path

import pytest
from environments.kit import MADE, Kit, conda_kit  # noqa: F401 (a fixture)
from workflow.test_envs import BROUGHT, stages_by_env

from headsmith.contract.fingerprint import closure, module_file

IMPORT = """
import importlib, json, sys
modules, own = json.loads(sys.argv[1]), sys.prefix
for name in modules:
    importlib.import_module(name)
tops = {name: getattr(module, "__file__", None) for name, module in sys.modules.items() if "." not in name}
print(json.dumps({name: path for name, path in tops.items() if path and not path.startswith(own)}))
"""


def imported(stage: str) -> set[str]:
    """Return the modules that a stage imports, ours and others', at its head or within its functions."""
    names = {f"headsmith.stages.{stage}"}
    for module in closure(f"headsmith.stages.{stage}"):
        for node in ast.walk(ast.parse(module_file(module).read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module))
    return {name for name in names if name.split(".")[0] not in BROUGHT and "pytorch3d" not in name}


@pytest.mark.parametrize("env", MADE)
def test_an_environment_imports_what_its_stages_import(conda_kit: Kit, env: str, tmp_path: Path) -> None:  # noqa: F811
    if env not in conda_kit.environments():
        pytest.skip("there is no CPython for it on this machine")
    chumpy = {"chumpy"} if env.startswith("flame") else set()
    names = set().union(*(imported(stage) for name, stage in stages_by_env() if name == env)) | chumpy
    assert names
    trap = tmp_path / "lib" / f"python{conda_kit.minor(env)}" / "site-packages"
    trap.mkdir(parents=True)
    for name in ("yaml", "numpy", "torch", "tqdm"):
        (trap / f"{name}.py").write_text("raise ImportError('this is not of the environment')")
    done = conda_kit.python(env, "-c", IMPORT, json.dumps(sorted(names)), PYTHONUSERBASE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    elsewhere = json.loads(done.stdout)
    assert {name for name in elsewhere if name != "headsmith"} == set(), elsewhere
