"""A provenance states each file's sha256, and nothing that another run of the same would state otherwise."""

import hashlib
import json
from pathlib import Path

import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.surroundings import write_record
from headsmith.stages.provenance import write_provenance


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write(home: Path, **changes: object) -> dict:
    files = {"results/a/frames.json": b"frames", "resources/heads/anny.npz": b"head", "videos/a.mp4": b"v" * 3_000_000}
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    logs = home / "logs/a"
    logs.mkdir(parents=True, exist_ok=True)
    (home / "logs/heads").mkdir(exist_ok=True)
    write_record(logs / "frames.log", "extract_frames", 2)
    write_record(home / "logs/heads/anny.log", "build_head", 1)
    write_record(logs / "report.log", "write_report", 7)
    facts = {
        "clip": "a",
        "given": [home / "videos/a.mp4"],
        "made": {"frames": home / "results/a/frames.json", "heads": [home / "resources/heads/anny.npz"]},
        "codes": {"frames": {"extract_frames": "12ab"}},
        "config": {"frames": {"size": 64}, "reproduction": {"of": "x"}, "clip": {"name": "a", "video": "v", "fps": None}},
        "logs": [logs / name for name in ("frames.log", "matte.log", "report.log")] + [home / "logs/heads/anny.log"],
        "output": home / "results/a/provenance.json",
    }
    write_provenance(**facts | changes)
    return json.loads((home / "results/a/provenance.json").read_text())


def test_files_are_told_by_stage_with_their_sha256(tmp_path: Path) -> None:
    told = write(tmp_path)
    assert told["given"] == {"videos/a.mp4": sha256(b"v" * 3_000_000)}
    assert told["stages"] == {
        "frames": {"code": {"extract_frames": "12ab"}, "files": {"results/a/frames.json": sha256(b"frames")}},
        "heads": {"code": {}, "files": {"resources/heads/anny.npz": sha256(b"head")}},
    }
    assert told["settings"] == {"frames": {"size": 64}} and told["line"] == {"name": "a", "video": "v"}
    assert told["ran_on"]["threads"] == {"2": ["frames"], "1": ["heads/anny"]}
    assert list(told["ran_on"]["python"].values()) == [["frames", "heads/anny"]]


def test_two_runs_in_two_places_tell_the_same(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "another place")
    texts = {(tmp_path / name / "results/a/provenance.json").read_bytes() for name in ("one", "another place")}
    assert len(texts) == 1 and str(tmp_path).encode() not in texts.pop()


def test_a_folder_counts_by_its_files_and_a_list_by_what_it_names(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"one")
    (tmp_path / "list.txt").write_text("pictures/1.png\n")
    given = [folder, tmp_path / "list.txt"]
    before = write(tmp_path, given=given)["given"]
    assert set(before) == {"pictures", "list.txt"}
    (folder / "1.png").write_bytes(b"two")
    after = write(tmp_path, given=given)["given"]
    assert all(before[name] != after[name] for name in before)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read") as caught:
        write(tmp_path, given=[tmp_path / "gone.mp4"])
    assert caught.value.file == str(tmp_path / "gone.mp4") and caught.value.clip == "a"
