"""Mattes of a real clip: whichever network, the same bytes on any number of threads, jumps flagged, what does not fit told."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import MatteSettings
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.stages.matte import estimate_matte
from headsmith.stages.networks import convert_network

SIDE = 128
CUT = 5
"""The frame after which the clip goes on mirrored, the head at the other side."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory, asset) -> Path:
    """A folder with eight frames of franck of 128 pixels under ``frames``; from the sixth they are mirrored."""
    folder = tmp_path_factory.mktemp("clip")
    video = cv2.VideoCapture(str(asset("franck.mp4")))
    with FrameFolderWriter(folder / "frames.json") as writer:
        for frame_id in range(8):
            read, frame = video.read()
            assert read
            square = cv2.cvtColor(
                cv2.resize(frame[24:284, 20:280], (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB
            )
            writer.add(frame_id, square if frame_id < CUT else square[:, ::-1].copy())
    return folder


@pytest.fixture(scope="module")
def converted(tmp_path_factory, asset):
    """Return a function from a network's name to its ONNX file, made once."""
    folder = tmp_path_factory.mktemp("networks")

    def of(network: str) -> Path:
        output = folder / f"{network}.onnx"
        if not output.exists():
            name = network.split("-")[0]
            parts = {"graph": asset(f"{name}/{name}.json"), "shards": [asset(f"{name}/{name}.bin")]}
            convert_network(network=network, output=output, **parts)
        return output

    return of


def matte(clip: Path, file: Path, name: str, *, threads: int = 1, **settings) -> dict[int, np.ndarray]:
    manifest = clip / f"{name}.json"
    options = {"network": file, "settings": MatteSettings(**settings), "threads": threads}
    estimate_matte(clip="franck", frames=clip / "frames.json", manifest=manifest, **options)
    return dict(iterate_frames(manifest, grey=True))


@pytest.mark.parametrize(("network", "settings"), [("rvm-96", {}), ("rvm-96-fast", {}), ("selfie", {"network": "selfie"})])
def test_mattes_of_a_clip(clip, converted, network, settings):
    pictures = matte(clip, converted(network), network, **settings)
    assert list(pictures) == list(range(8))
    for frame_id, picture in pictures.items():
        plain = picture if frame_id < CUT else picture[:, ::-1]
        assert plain.shape == (SIDE, SIDE)
        assert plain[55:85, 75:100].min() > 245
        assert plain[:20, :20].max() < 10
    first = (clip / f"{network}.json").read_bytes()
    for threads in (2, 3):
        matte(clip, converted(network), network, threads=threads, **settings)
        assert (clip / f"{network}.json").read_bytes() == first


def test_settings_choose_how_rvm_sees_the_frames(clip, converted):
    whole = matte(clip, converted("rvm-128"), "whole", downsample=1.0)
    for name, settings in (("rvm-96", {}), ("rvm-128-at-75", {"enlarge": "guided"})):
        other = matte(clip, converted(name), "other", **settings)
        difference = np.mean([np.abs(whole[index].astype(int) - other[index]).mean() for index in range(CUT)])
        assert 0 < difference < 8


def test_a_jump_is_flagged_and_told(clip, converted, capsys):
    matte(clip, converted("selfie"), "jumps", network="selfie", min_overlap=0.8)
    ((frame_id, overlap),) = read_manifest(clip / "jumps.json").details["jumps"]
    assert frame_id == CUT
    pictures = [picture > 127 for _, picture in iterate_frames(clip / "jumps.json", grey=True)]
    assert overlap == round((pictures[4] & pictures[5]).sum() / (pictures[4] | pictures[5]).sum(), 4)
    assert "1 frames differ much from the one before (5)" in capsys.readouterr().err
    matte(clip, converted("selfie"), "calm", network="selfie", min_overlap=0.0)
    assert read_manifest(clip / "calm.json").details["jumps"] == []


def test_network_that_does_not_fit_is_refused(clip, converted):
    with pytest.raises(UserError, match=r"made for 128 pixels at scale 1\.0, not 96 at scale 1\.0") as caught:
        matte(clip, converted("rvm-128"), "unfit")
    assert caught.value.clip == "franck"
    assert caught.value.file.endswith("rvm-128.onnx")
    with pytest.raises(UserError, match="not a matting network"):
        matte(clip, converted("selfie"), "unfit")
    with pytest.raises(UserError, match="not the selfie segmentation"):
        matte(clip, converted("rvm-96"), "unfit", network="selfie")
    own = converted("rvm-96")
    with pytest.raises(UserError, match="not an RVM in ONNX") as caught:
        matte(clip, own, "unfit", weights=str(own))
    assert "(releases)" in caught.value.remedy
    with pytest.raises(UserError, match=r"matte\.chunk is 20") as caught:
        matte(clip, own, "unfit", chunk=20)
    assert "or to 96 or more" in caught.value.remedy
    assert not list(clip.glob("*unfit*"))


def test_folder_that_differs_leaves_no_mattes(clip, converted, tmp_path):
    with FrameFolderWriter(tmp_path / "frames.json") as writer:
        for frame_id, image in iterate_frames(clip / "frames.json"):
            writer.add(frame_id, image)
    (tmp_path / "frames" / "00003.png").write_bytes((tmp_path / "frames" / "00002.png").read_bytes())
    with pytest.raises(UserError, match="differs from its manifest"):
        matte(tmp_path, converted("rvm-96"), "matte")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames", "frames.json"]
