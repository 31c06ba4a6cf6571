"""Chunks of a clip: their borders, the mattes against one stream of known memory, no seam, whoever computes them."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from headsmith.contract.chunks import chunk_names
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import MatteSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.stages.matte import estimate_matte, estimate_part, merge_parts, part_manifest
from headsmith.stages.matte_chunk import estimate_matte_chunk
from headsmith.stages.matte_chunks import FADE, HALO, Chunk, chunks_of, fade, streams_of

COUNT, SIDE = 310, 8
RATE = 1 / 64


class Slow(torch.nn.Module):
    """Called as RVM is; its matte follows the frame's red channel slowly: 1/64 of the way in each frame."""

    def forward(
        self,
        src: Tensor,
        r1: Tensor | None = None,
        r2: Tensor | None = None,
        r3: Tensor | None = None,
        r4: Tensor | None = None,
        downsample_ratio: float = 1.0,
    ) -> list[Tensor]:
        before = torch.zeros_like(src[:, :1]) if r1 is None else r1
        matte = before + (src[:, :1] - before) / 64
        return [src, matte, matte, matte, matte, matte]


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A folder with 310 frames of 8 pixels, ids 3, 6, 9, ...: a dark beginning, then light; and the slow network."""
    folder = tmp_path_factory.mktemp("clip")
    with FrameFolderWriter(folder / "frames.json") as writer:
        for place in range(COUNT):
            writer.add(3 * place + 3, np.full((SIDE, SIDE, 3), brightness(place), np.uint8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(Slow()).save(str(folder / "rvm.torchscript"))
    return folder


def brightness(place: int) -> int:
    return 40 if place < 100 else 240


def stream(begin: int, last: int) -> np.ndarray:
    """What the slow network gives for frames from ``begin`` on, 0..255."""
    value, values = 0.0, []
    for place in range(begin, last):
        value += (brightness(place) - value) * RATE
        values.append(value)
    return np.array(values)


def settings_of(clip: Path, chunk: int) -> MatteSettings:
    return MatteSettings(weights=str(clip / "rvm.torchscript"), downsample=1.0, chunk=chunk)


def job(clip: Path, chunk: int) -> dict:
    settings = settings_of(clip, chunk)
    return {
        "clip": "slow",
        "frames": clip / "frames.json",
        "network": Path(settings.weights),
        "settings": settings,
        "threads": 1,
    }


def values_of(manifest: Path) -> np.ndarray:
    pictures = np.array([picture for _, picture in iterate_frames(manifest, grey=True)])
    assert (pictures == pictures[:, :1, :1]).all()
    return pictures[:, 0, 0].astype(float)


def test_chunks_cover_the_clip():
    assert chunks_of(310, 0) == [Chunk(0, 310)]
    assert chunks_of(310, 1000) == [Chunk(0, 310)]
    assert chunks_of(310, 100) == [Chunk(0, 103), Chunk(103, 206), Chunk(206, 310)]
    assert [(chunk.begin, chunk.shown) for chunk in chunks_of(310, 100)] == [(0, 0), (7, 55), (110, 158)]
    for count in (1, 95, 96, 143, 144, 145, 1003):
        chunks = chunks_of(count, HALO)
        lengths = [chunk.last - chunk.first for chunk in chunks]
        assert [chunk.first for chunk in chunks] == [0, *(chunk.last for chunk in chunks[:-1])]
        assert chunks[-1].last == count
        assert max(lengths) - min(lengths) <= 1
        assert len(chunks) == 1 or min(lengths) > FADE
    with pytest.raises(UserError, match=r"matte\.chunk is 95"):
        chunks_of(310, HALO - 1)


def test_one_stream_is_as_its_closed_form(clip):
    estimate_matte(**job(clip, 0), manifest=clip / "whole.json")
    assert np.abs(values_of(clip / "whole.json") - stream(0, COUNT)).max() < 0.51


def test_chunks_fade_into_each_other(clip):
    estimate_matte(**job(clip, 100), manifest=clip / "chunked.json")
    got, expected = values_of(clip / "chunked.json"), stream(0, COUNT)
    for chunk in chunks_of(COUNT, 100)[1:]:
        own = stream(chunk.begin, chunk.last)
        shares = np.arange(1, FADE + 1) / (FADE + 1)
        faded = own[chunk.shown - chunk.begin : chunk.first - chunk.begin]
        expected[chunk.shown : chunk.first] = (1 - shares) * expected[chunk.shown : chunk.first] + shares * faded
        expected[chunk.first : chunk.last] = own[chunk.first - chunk.begin :]
    assert np.abs(got - expected).max() < 1.1
    assert np.abs(got - stream(0, COUNT)).max() > 5
    assert np.abs(np.diff(got)).max() < 240 * RATE + 1
    assert read_manifest(clip / "chunked.json").ids == read_manifest(clip / "frames.json").ids
    assert not [path for path in clip.iterdir() if "parts" in path.name]


def test_parts_of_several_machines_merge_to_the_same_bytes(clip, tmp_path):
    estimate_matte(**job(clip, 100), manifest=clip / "chunked.json")
    for chunk in reversed(chunks_of(COUNT, 100)):
        estimate_part(**job(clip, 100), manifest=part_manifest(tmp_path, chunk), chunk=chunk)
    merged = {"clip": "slow", "frames": clip / "frames.json", "settings": settings_of(clip, 100), "parts": tmp_path}
    merge_parts(**merged, manifest=clip / "merged.json")
    assert (clip / "merged.json").read_bytes() == (clip / "chunked.json").read_bytes()


@pytest.mark.parametrize(("length", "jobs"), [(100, 2), (100, 3), (100, 7), (0, 3), (0, 64)])
def test_jobs_of_their_own_make_the_same_bytes(clip, tmp_path, length, jobs):
    estimate_matte(**job(clip, 100), manifest=clip / "chunked.json")
    folders = [tmp_path / f"matte-{name}" for name in chunk_names(jobs)]
    for name, folder in reversed(list(zip(chunk_names(jobs), folders, strict=True))):
        estimate_matte_chunk(**job(clip, length), chunk=name, folder=folder)
    estimate_matte(**job(clip, length), manifest=clip / "spread.json", chunks=folders)
    assert (clip / "spread.json").read_bytes() == (clip / "chunked.json").read_bytes()


def test_no_stream_is_shorter_than_its_halo():
    assert streams_of(191, 0, 8) == [Chunk(0, 191)]
    assert streams_of(192, 0, 8) == [Chunk(0, 96), Chunk(96, 192)]
    assert streams_of(310, 100, 8) == chunks_of(310, 100)


def test_a_part_of_other_frames_is_refused(clip, tmp_path):
    chunks = chunks_of(COUNT, 100)
    for chunk, made in zip(chunks, (chunks[0], chunks[2], chunks[2]), strict=True):
        estimate_part(**job(clip, 100), manifest=part_manifest(tmp_path, chunk), chunk=made)
    merged = {"clip": "slow", "frames": clip / "frames.json", "settings": settings_of(clip, 100), "parts": tmp_path}
    with pytest.raises(UserError, match="does not hold the frames of its chunk") as caught:
        merge_parts(**merged, manifest=clip / "unfit.json")
    assert caught.value.file.endswith("000103.json")
    part_manifest(tmp_path, chunks[1]).unlink()
    with pytest.raises(UserError, match="manifest cannot be read"):
        merge_parts(**merged, manifest=clip / "unfit.json")
    assert not list(clip.glob("*unfit*"))


def test_fade_is_the_weighted_mean():
    before, after = (np.full((2, 2), value, np.uint8) for value in (10, 250))
    assert fade(before, after, 0.25).tolist() == [[70, 70], [70, 70]]
    assert fade(before, after, 1.0).tolist() == after.tolist()
