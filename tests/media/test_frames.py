"""Folders of frames are written and read as streams, whole or not at all."""

import errno
from pathlib import Path

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import folder_of, hash_frames, read_manifest
from headsmith.media import frames as module
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.media.images import encode_png, read_image, write_image


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def picture(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape or (12, 17, 3), dtype=np.uint8)


def write(manifest: Path, ids: list[int], threads: int = 1) -> None:
    with FrameFolderWriter(manifest, "anna", details={"fps": 25.0}, threads=threads) as writer:
        for frame_id in ids:
            writer.add(frame_id, picture(frame_id))
        writer.drop(max(ids) + 1, "blurred")


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7), (1, 1, 3), (1, 1)])
def test_an_image_returns_as_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = picture(3, *shape)
    write_image(tmp_path / "image.png", image)
    assert np.array_equal(read_image(tmp_path / "image.png", grey=len(shape) == 2), image)


def test_red_comes_first(tmp_path: Path) -> None:
    skimage = pytest.importorskip("skimage.io")
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    write_image(tmp_path / "red.png", red)
    assert np.array_equal(skimage.imread(tmp_path / "red.png"), red)


@pytest.mark.parametrize("content", [None, b"", b"not an image", b"\x89PNG\r\n\x1a\n"])
def test_a_broken_image_names_file_clip_and_remedy(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "image.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_image(path, clip="anna")
    for part in ("image.png", "anna", "remedy"):
        assert part in caught.value.message


def test_frames_return_in_order_with_their_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "frames.json"
    ids = [0, 1, 2, 4, 7, 8, 9, 12, 13]
    write(manifest, ids)
    content = read_manifest(manifest)
    assert content.ids == tuple(ids)
    assert content.size == (17, 12)
    assert content.details == {"fps": 25.0}
    assert [(item.id, item.reason) for item in content.dropped] == [(14, "blurred")]
    assert content.sha256 == hash_frames(folder_of(manifest), content.ids)
    read = list(iterate_frames(manifest))
    assert [frame_id for frame_id, _ in read] == ids
    assert all(np.array_equal(image, picture(frame_id)) for frame_id, image in read)


def test_chosen_frames_and_grey(tmp_path: Path) -> None:
    write(tmp_path / "frames.json", [0, 1, 2, 3])
    chosen = list(iterate_frames(tmp_path / "frames.json", ids=[3, 1], grey=True, threads=2))
    assert [frame_id for frame_id, _ in chosen] == [3, 1]
    assert chosen[0][1].shape == (12, 17)


def test_an_unknown_frame_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "frames.json", [0, 1])
    with pytest.raises(UserError, match=r"\[5\]"):
        list(iterate_frames(tmp_path / "frames.json", "anna", ids=[0, 5]))


def test_threads_and_a_redo_change_no_byte(tmp_path: Path) -> None:
    for name, threads in (("one", 1), ("four", 4)):
        write(tmp_path / name / "frames.json", list(range(40)), threads)
        write(tmp_path / name / "frames.json", list(range(40)), threads)
    one, four = ({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")} for name in ("one", "four"))
    assert len(one) == 41
    assert one == four


@pytest.mark.parametrize("ids", [None, [0, 2]])
def test_a_folder_that_differs_is_noticed_however_it_is_read(tmp_path: Path, ids: list[int] | None) -> None:
    write(tmp_path / "frames.json", [0, 1, 2])
    write_image(tmp_path / "frames" / "00001.png", picture(9))
    with pytest.raises(UserError, match="differs from its manifest") as caught:
        list(iterate_frames(tmp_path / "frames.json", "anna", ids=ids, threads=2))
    assert "anna" in caught.value.message
    assert len(list(iterate_frames(tmp_path / "frames.json", ids=ids, verify=False))) == len(ids or [0, 1, 2])


def test_what_is_made_from_a_folder_that_differs_is_not_committed(tmp_path: Path) -> None:
    write(tmp_path / "frames.json", [0, 1, 2])
    write_image(tmp_path / "frames" / "00002.png", picture(9))
    with pytest.raises(UserError, match="differs"), FrameFolderWriter(tmp_path / "copies.json") as writer:
        for frame_id, image in iterate_frames(tmp_path / "frames.json"):
            writer.add(frame_id, image)
    assert names(tmp_path) == ["frames", "frames.json"]


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\n"])
def test_a_missing_or_broken_frame_is_named(tmp_path: Path, content: bytes | None) -> None:
    write(tmp_path / "frames.json", [0, 1, 2])
    path = tmp_path / "frames" / "00001.png"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        list(iterate_frames(tmp_path / "frames.json", "anna"))
    assert caught.value.file == str(path)
    assert "remedy: delete" in caught.value.message


def test_flat_images_return_as_written_and_hash_the_same_with_any_threads(tmp_path: Path) -> None:
    masks = [np.where(picture(seed, 33, 21) > 127, 255, 0).astype(np.uint8) for seed in range(9)]
    hashes = set()
    for threads in (1, 3):
        with FrameFolderWriter(tmp_path / "masks.json", flat=True, threads=threads) as writer:
            for frame_id, mask in enumerate(masks):
                writer.add(frame_id, mask)
        hashes.add(read_manifest(tmp_path / "masks.json").sha256)
    assert len(hashes) == 1
    read = iterate_frames(tmp_path / "masks.json", grey=True, threads=3)
    assert all(np.array_equal(image, mask) for (_, image), mask in zip(read, masks, strict=True))


def test_a_flat_image_is_eight_bits_deep(tmp_path: Path) -> None:
    header = encode_png(np.full((4, 4), 255, np.uint8), flat=True)[:33]
    assert header[24:26] == b"\x08\x00"


def test_a_failure_leaves_nothing_not_even_what_was_there(tmp_path: Path) -> None:
    manifest = tmp_path / "frames.json"
    write(manifest, [0, 1])
    with pytest.raises(RuntimeError), FrameFolderWriter(manifest, "anna") as writer:
        writer.add(0, picture(0))
        raise RuntimeError
    assert names(tmp_path) == []


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    manifest = tmp_path / "frames.json"
    killed = FrameFolderWriter(manifest, "anna")
    killed.add(0, picture(0))
    killed._pool.shutdown(wait=True)
    write(manifest, [1])
    assert sorted(names(tmp_path)) == ["frames", "frames.json"]
    assert names(tmp_path / "frames") == ["00001.png"]


def test_a_full_disk_names_the_clip_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(path: Path, image: np.ndarray, flat: bool) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_save", no_space)
    with pytest.raises(UserError, match="disk is full") as caught:
        write(tmp_path / "frames.json", [0])
    assert "anna" in caught.value.message
    assert names(tmp_path) == []


def test_no_frames_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no frame is left") as caught, FrameFolderWriter(tmp_path / "frames.json") as writer:
        writer.drop(0, "no_face")
    assert "no_face" in caught.value.message
    assert names(tmp_path) == []


def test_mixed_sizes_and_wrong_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the ones before"), FrameFolderWriter(tmp_path / "frames.json") as writer:
        writer.add(0, picture(0))
        writer.add(1, picture(0, 4, 4, 3))
    with pytest.raises(ValueError, match="after frame"), FrameFolderWriter(tmp_path / "frames.json") as writer:
        writer.add(1, picture(0))
        writer.add(1, picture(0))
