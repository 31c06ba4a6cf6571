"""What a job ran on."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from headsmith.contract import surroundings
from headsmith.contract.surroundings import device, loaded_packages, processor, write_record


def test_a_record_lies_beside_its_log(tmp_path: Path) -> None:
    write_record(tmp_path / "frames.log", "extract_frames", 3)
    record = json.loads((tmp_path / "frames.json").read_text())
    assert (record["rule"], record["threads"]) == ("extract_frames", 3)
    assert record["python"] == sys.version.split()[0]
    assert record["packages"]["numpy"] == np.__version__ and "json" not in record["packages"]
    assert [path.name for path in tmp_path.iterdir()] == ["frames.json"]


def test_only_packages_that_tell_their_version_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "one_that_tells", SimpleNamespace(__version__="1.2"))
    monkeypatch.setitem(sys.modules, "one_that_does_not", SimpleNamespace(__version__=(1, 2)))
    monkeypatch.setitem(sys.modules, "one_that_tells.part", SimpleNamespace(__version__="3"))
    found = loaded_packages()
    assert found["one_that_tells"] == "1.2"
    assert not {"one_that_does_not", "one_that_tells.part"} & set(found)


def test_the_device_is_the_gpu_that_was_used() -> None:
    def torch(*, there: bool, used: bool) -> SimpleNamespace:
        facts = {"is_available": lambda: there, "is_initialized": lambda: used, "get_device_name": lambda: "NVIDIA X"}
        return SimpleNamespace(cuda=SimpleNamespace(**facts))

    assert device(None) == device(torch(there=True, used=False)) == device(torch(there=False, used=False)) == "cpu"
    assert device(torch(there=True, used=True)) == "NVIDIA X"


def test_the_processor_is_told_by_its_model_where_it_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "CPU_FACTS", tmp_path / "cpuinfo")
    assert processor()
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A Processor: 9\nprocessor\t: 1\nmodel name\t: Another\n")
    assert processor() == "A Processor: 9"
