"""Files and folders appear whole or not at all."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.media.atomic import atomic_folder, atomic_path
from headsmith.media.video_writer import VideoWriter


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with atomic_path(target) as partial:
        partial.write_text("half")
        assert not target.exists()
        assert partial.suffix == ".txt"
    assert target.read_text() == "half"
    assert names(target.parent) == ["file.txt"]


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as partial:
        partial.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


def test_a_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "stale").write_text("")
    with atomic_folder(target) as partial:
        (partial / "fresh").write_text("")
        assert names(target) == ["stale"]
    assert names(target) == ["fresh"]
    assert names(tmp_path) == ["folder"]


def test_a_failed_folder_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with pytest.raises(RuntimeError), atomic_folder(target) as partial:
        (partial / "half").write_text("")
        raise RuntimeError
    assert names(tmp_path) == []


def test_other_errors_of_the_system_pass_through(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="slow"), atomic_path(tmp_path / "file"):
        raise OSError(errno.EIO, "slow disk")


def test_no_space_becomes_a_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="disk is full") as caught, atomic_path(tmp_path / "file"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(tmp_path / "file") in caught.value.message
    assert "remedy" in caught.value.message


def test_what_is_in_the_way_of_an_output_is_told(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file, not a folder")
    for opened in (atomic_path, atomic_folder):
        with pytest.raises(UserError, match="the output cannot be written: Not a directory") as caught:
            opened(tmp_path / "results" / "anna" / "file").__enter__()
        assert str(tmp_path / "results") in caught.value.message
        assert "remedy" in caught.value.message


def test_a_file_elsewhere_that_cannot_be_read_is_no_matter_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), atomic_path(tmp_path / "results" / "file"):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/input")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="the output cannot be written: Permission denied"), atomic_path(tmp_path / "a" / "b"):
        pass


FILLS_THE_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from headsmith.contract.errors import UserError
from headsmith.media.frames import FrameFolderWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
try:
    with FrameFolderWriter(Path(sys.argv[1]), "anna") as writer:
        writer.add(0, noise[:20, :20].repeat(10, 0).repeat(10, 1))
        writer.add(1, noise)
except UserError as error:
    print(error.message)
"""


def test_a_file_that_the_system_refuses_leaves_no_frames(tmp_path: Path) -> None:
    manifest = tmp_path / "anna" / "frames.json"
    command = [sys.executable, "-c", FILLS_THE_DISK, str(manifest)]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=path)
    assert "the disk is full" in done.stdout
    assert "anna" in done.stdout
    assert "remedy" in done.stdout
    assert names(manifest.parent) == []


def test_what_a_killed_run_left_of_a_folder_is_removed_and_nothing_else(tmp_path: Path) -> None:
    killed = (tmp_path / ".obj-0123abcd.partial", tmp_path / ".ply-0123abcd.partial", tmp_path / ".obj-mine.partial")
    for folder in killed:
        folder.mkdir()
        (folder / "half").write_text("")
    with atomic_folder(tmp_path / "obj") as partial:
        (partial / "whole").write_text("")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".obj-mine.partial", ".ply-0123abcd.partial", "obj"]


def test_what_a_killed_run_left_of_a_video_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".basis-0123abcd.partial.mp4", ".mlp-0123abcd.partial.mp4", ".basis-mine.partial.mp4"):
        (tmp_path / name).write_text("half")
    with VideoWriter(tmp_path / "basis.mp4", 25.0) as film:
        film.add(np.zeros((16, 16, 3), np.uint8))
    assert names(tmp_path) == [".basis-mine.partial.mp4", ".mlp-0123abcd.partial.mp4", "basis.mp4"]
