"""Frames of pictures, of oddly named files, with crops of the user, into folders where nothing may be written."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stages.frames_clip import Extract, real_frames, write_video
from synthetic_video import write_numbered_video

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import folder_of
from headsmith.media.frames import iterate_frames

ODD_NAMES = ("a b", 'it\'s "so"', "zwei\nZeilen", "Grüße 日本", "a:b", "-i", "%05d", "$(x); `y` | *?", "a'b\\c")


@pytest.fixture
def extract(asset: Callable[[str], Path], tmp_path: Path) -> Extract:
    return Extract(asset, tmp_path)


@pytest.fixture
def pictures(asset: Callable[[str], Path], tmp_path: Path) -> Path:
    """A folder of twelve real pictures whose names sort otherwise than they count."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, image in enumerate(real_frames(asset("single_face.mp4"), 12, fps=6.0)):
        Image.fromarray(image).save(folder / f"shot {index}.png")
    return folder


def first_frame(extract: Extract) -> np.ndarray:
    return next(iterate_frames(extract.folder / "anna" / "frames.json"))[1]


def test_a_folder_of_pictures(extract: Extract, pictures: Path) -> None:
    manifest = extract(pictures, fps=6.0)
    assert manifest.details["fps"] == 6.0
    assert manifest.details["source_index"] == list(range(12))
    assert manifest.details["names"] == [f"shot {index}.png" for index in range(12)]
    assert 300 < manifest.details["crop"][2] <= 360


def test_a_list_and_a_single_picture_are_cut_as_the_folder_is(extract: Extract, pictures: Path) -> None:
    extract(pictures, crop="150,20,320")
    third = [image for _, image in iterate_frames(extract.folder / "anna" / "frames.json")][3]
    (pictures.parent / "list.txt").write_text("# two\npictures/shot 3.png\npictures/shot 10.png\n")
    assert extract(pictures.parent / "list.txt", crop="150,20,320").count == 2
    assert np.array_equal(first_frame(extract), third)
    assert extract(pictures / "shot 3.png", crop="150,20,320").ids == (0,)
    assert np.array_equal(first_frame(extract), third)


def test_a_single_picture_is_searched_for_its_face(extract: Extract, pictures: Path) -> None:
    manifest = extract(pictures / "shot 3.png")
    assert manifest.count == 1
    assert manifest.details["outside"] == []
    assert 300 < manifest.details["crop"][2] <= 360


def test_one_unreadable_picture_is_named_and_nothing_is_left(extract: Extract, pictures: Path, tmp_path: Path) -> None:
    content = (pictures / "shot 7.png").read_bytes()
    (pictures / "shot 7.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="broken or cut off") as caught:
        extract(pictures)
    assert "shot 7.png" in caught.value.message
    assert "anna" in caught.value.message
    assert not (tmp_path / "anna").exists() or list((tmp_path / "anna").iterdir()) == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_files_and_folders(extract: Extract, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    video = write_numbered_video(tmp_path / name / f"{name}.mp4", 3, width=96, height=80)
    assert Extract(extract.asset, tmp_path / name)(video, crop="none", size=64).count == 3


def test_a_crop_of_the_user_is_in_the_pixels_of_the_video(asset, extract: Extract) -> None:
    image = real_frames(asset("single_face.mp4"), 1)[0]
    manifest = extract(asset("single_face.mp4"), end=0.2, crop="151,21,319", max_side=200, size=319)
    assert manifest.details["crop"] == [151, 21, 319]
    assert manifest.details["capped_size"] == [200, 112]
    assert np.abs(first_frame(extract).astype(int) - image[21:340, 151:470]).mean() < 1


def test_a_crop_that_sticks_out_is_told(extract: Extract, asset, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = extract(asset("single_face.mp4"), end=0.2, crop="150,-40,420")
    (remark,) = [remark for remark in manifest.details["remarks"] if "sticks out" in remark]
    assert "as it was given" in remark
    assert remark in capsys.readouterr().err
    frame = first_frame(extract)
    assert np.array_equal(frame[0], frame[15])


@pytest.mark.parametrize("crop", ["640,0,100", "0,-200,200", "0,0,999999999"])
def test_a_crop_beside_the_picture_is_refused(extract: Extract, asset, crop: str) -> None:
    with pytest.raises(UserError, match="does not fit the picture of 640x360") as caught:
        extract(asset("single_face.mp4"), crop=crop)
    assert "anna" in caught.value.message


def test_a_file_in_the_place_of_the_output_folder_is_told(extract: Extract, tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", 3, width=96, height=80)
    (tmp_path / "anna").write_text("in the way")
    with pytest.raises(UserError, match="the output cannot be written") as caught:
        extract(video, crop="none", size=64)
    for words in ("anna", str(tmp_path / "anna"), "remedy"):
        assert words in caught.value.message
    assert (tmp_path / "anna").read_text() == "in the way"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(extract: Extract, tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", 3, width=96, height=80)
    (tmp_path / "anna").mkdir(mode=0o500)
    with pytest.raises(UserError, match="the output cannot be written: Permission denied"):
        extract(video, crop="none", size=64)
    assert not folder_of(tmp_path / "anna" / "frames.json").exists()


def test_three_hundred_frames_are_never_in_memory_at_once(asset, extract: Extract, tmp_path: Path, monkeypatch) -> None:
    """Each frame handed out is dropped before many more are: what is alive at a time does not grow with the clip."""
    import gc

    from headsmith.media.video_reader import VideoFrame
    from headsmith.stages import frames

    alive = []
    real = frames.FrameFolderWriter.add

    def counting(self: object, frame_id: int, image: np.ndarray) -> None:
        if frame_id % 50 == 49:
            alive.append(sum(isinstance(thing, VideoFrame) for thing in gc.get_objects()))
        real(self, frame_id, image)

    monkeypatch.setattr(frames.FrameFolderWriter, "add", counting)
    frame = real_frames(asset("single_face.mp4"), 1)[0]
    extract(write_video(tmp_path / "long.mp4", (frame for _ in range(300))), size=64, detect_every=100)
    assert max(alive) <= 12
