"""A stamp changes when a picture does, and only then."""

import os
from pathlib import Path

import pytest

from headsmith.contract.stamps import PICTURE_LISTS, stamp_pictures, stamp_subject
from headsmith.media.pictures_list import LISTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("a.png", "b c.png", "ü\n.png"):
        (pictures / name).write_bytes(b"picture")
        os.utime(pictures / name, ns=(10**18, 10**18))
    return pictures


def changes(folder: Path) -> dict[str, str]:
    """Return the stamp of a folder after each of some changes, each made on top of those before."""
    found = {"start": stamp_pictures(folder)}
    (folder / "a.png").write_bytes(b"another")
    found["time"] = stamp_pictures(folder)
    (folder / "a.png").write_bytes(b"longer than before")
    os.utime(folder / "a.png", ns=(10**18, 10**18))
    found["size"] = stamp_pictures(folder)
    (folder / "a.png").rename(folder / "d.png")
    found["name"] = stamp_pictures(folder)
    (folder / "d.png").unlink()
    found["gone"] = stamp_pictures(folder)
    return found


def test_a_changed_picture_changes_the_stamp(folder: Path) -> None:
    assert len(set(changes(folder).values())) == 5


def test_what_is_no_picture_of_the_folder_does_not(folder: Path) -> None:
    before = stamp_pictures(folder)
    (folder / ".hidden").write_text("")
    (folder / "inside").mkdir()
    os.utime(folder)
    assert stamp_pictures(folder) == before != ""


def test_a_list_stands_for_its_pictures(folder: Path) -> None:
    listed = folder.parent / "list.txt"
    listed.write_text("\ufeffpictures/a.png\n# no picture\npictures/b c.png\nmissing.png\n")
    before = stamp_pictures(listed)
    os.utime(folder / "ü\n.png")
    assert stamp_pictures(listed) == before != ""
    os.utime(folder / "b c.png")
    assert stamp_pictures(listed) != before


def test_a_video_stands_for_itself(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    assert stamp_pictures(tmp_path / "a.mp4") == stamp_pictures(tmp_path / "missing.txt") == ""


def test_media_knows_the_same_lists() -> None:
    assert set(PICTURE_LISTS) == LISTS


def test_a_subject_changes_with_any_of_its_folders(tmp_path):
    places = [tmp_path / f"dataset/one/{name}" for name in ("imgs", "alpha", "parsing")]
    places += [tmp_path / "metrical-tracker/output/one/checkpoint", tmp_path / "own"]
    for place in places:
        place.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "dataset/one"):
        for place in places:
            before = stamp_subject(folder, str(tmp_path / "own"))
            assert before == stamp_subject(folder, str(tmp_path / "own"))
            (place / f"{folder.name}-{place.name}").write_text("x")
            assert stamp_subject(folder, str(tmp_path / "own")) != before, place
