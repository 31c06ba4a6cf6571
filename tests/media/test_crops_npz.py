import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.media.crops import Crop
from headsmith.media.crops_npz import CropReader, holds_crops
from headsmith.media.cuts import open_cutter
from headsmith.media.sources import Source, SourceFrame, open_source

SIDE = 48
NUMBERS = (0, 2, 10, 11)


def crop(number):
    return np.random.default_rng(number).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """A tracker's results: crops with a gap, numbers that are not padded, and its pictures for people beside them."""
    for number in NUMBERS:
        np.savez_compressed(
            tmp_path / f"{number}.npz", img_aligned=crop(number)[None], img=crop(99)[None], exp=np.zeros((1, 100))
        )
        (tmp_path / f"{number}_compare.jpg").write_bytes(b"no picture")
    return tmp_path


def test_crops_are_read_in_the_order_of_their_numbers(folder):
    source = open_source(folder, fps=5.0)
    assert isinstance(source, CropReader) and isinstance(source, Source) and holds_crops(folder)
    for _ in range(2):
        frames = list(source)
        assert [frame.source_index for frame in frames] == list(NUMBERS) and source.decoded == source.expected == 4
        assert all(isinstance(frame, SourceFrame) and np.array_equal(frame.image, crop(frame.source_index)) for frame in frames)
    assert frames[2].seconds == 2.0 and source.size == source.source_size == (SIDE, SIDE)
    assert any("8 numbers" in remark for remark in source.remarks)
    assert [frame.source_index for frame in source.sample(3)] == [0, 11]


def test_a_part_and_a_cap(folder):
    source = open_source(folder, fps=5.0, start=0.4, end=2.2, max_side=24)
    assert [(frame.source_index, frame.image.shape) for frame in source] == [(2, (24, 24, 3)), (10, (24, 24, 3))]


def test_the_cutter_cuts_from_the_crop_itself(folder):
    source = open_source(folder, max_side=24)
    cut = open_cutter(source, Crop(0, 0, SIDE), SIDE)
    assert all(np.array_equal(cut(frame), crop(frame.source_index)) for frame in source)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"exp": np.zeros((1, 100))}, "no picture"),
        ({"img": np.zeros((1, SIDE, SIDE, 3))}, "bytes"),
        ({"img": np.zeros((2, SIDE, SIDE, 3), np.uint8)}, "bytes"),
        ({"img": np.zeros((1, 64, 64, 3), np.uint8)}, "several sizes"),
        ({"img": np.array([{}], object)}, "Python objects"),
    ],
)
def test_what_is_no_crop_is_refused(folder, arrays, message):
    np.savez(folder / "2.npz", **arrays)
    with pytest.raises(UserError, match=message) as caught:
        open_source(folder)
    assert "tracker" in caught.value.remedy


def test_broken_files_are_refused(folder):
    (folder / "10.npz").write_bytes((folder / "10.npz").read_bytes()[:-300])
    with pytest.raises(UserError, match="cannot be read"):
        open_source(folder)
    np.savez(folder / "10.npz", img=crop(10))
    raw = bytearray((folder / "10.npz").read_bytes())
    raw[500:600] = bytes(100)
    (folder / "10.npz").write_bytes(raw)
    with pytest.raises(UserError, match="cannot be read"):
        [frame.image for frame in open_source(folder)]


def test_pictures_with_npz_beside_them_stay_pictures(folder):
    (folder / "0001.png").write_bytes(b"no picture")
    assert not holds_crops(folder)


def test_one_number_twice(folder):
    np.savez(folder / "02.npz", img=crop(2))
    with pytest.raises(UserError, match="two files"):
        open_source(folder)
