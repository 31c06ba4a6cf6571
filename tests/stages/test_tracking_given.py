"""A known focal length and a known person are kept, and what cannot be used is refused with a remedy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stages.test_tracking import FOCAL, FRAMES, SIZE, clip  # noqa: F401 (the fixture)
from synthetic_head import synthetic_head

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import Manifest
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages.tracking import track_head
from headsmith.stages.tracking_given import Given, read_given

HEAD, CODES = synthetic_head(), np.array([0.5, -0.5, 0.3, 0.2])
FRAMES_FILE = Path("results/someone/frames.json")


def manifest(**details):
    return Manifest((SIZE, SIZE), tuple(range(FRAMES)), "", details=details)


def given(path=None, focal=None, **details):
    return read_given("someone", manifest(**details), FRAMES_FILE, HEAD, focal=focal, identity=path)


def refusal(*arguments, **details):
    with pytest.raises(UserError) as caught:
        given(*arguments, **details)
    assert caught.value.clip == "someone" and caught.value.remedy and caught.value.file
    return caught.value.what


def test_nothing_is_given_where_nothing_is_named():
    assert given() == Given(None, None)


def test_a_focal_length_is_told_in_the_pixels_of_the_frames():
    assert given(focal=1900.0, scale=0.25).focal == 475.0


@pytest.mark.parametrize(
    ("details", "words"), [({"aligned": "ffhq"}, "crop `aligned`"), ({}, "do not say"), ({"scale": 0}, "do not")]
)
def test_a_focal_length_of_frames_without_one_scale_is_refused(details, words):
    assert words in refusal(focal=1900.0, **details)


def test_codes_are_read_from_an_array_an_archive_and_a_tracking(tmp_path):
    np.save(tmp_path / "codes.npy", CODES.astype(np.float32))
    np.savez(tmp_path / "codes.npz", identity=CODES)
    np.savez(tmp_path / "tracking.npz", identity=CODES, head_sha256=np.array(HEAD.sha256), expression=np.zeros((3, 6)))
    for name in ("codes.npy", "codes.npz", "tracking.npz"):
        assert np.allclose(given(tmp_path / name).identity, CODES, atol=1e-7)


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (CODES[:3], "has 4 codes"),
        (CODES[None], "has 4 codes"),
        (np.array([0, 0, 0, np.nan]), "not finite"),
        (np.array([0, 0, 0, 1e3]), "beyond 20 standard deviations"),
        (np.array(["a", "b", "c", "d"]), "has 4 codes"),
        (np.array([1, 2, 3, {}], object), "cannot be read"),
    ],
)
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_codes_of_no_person_are_refused(tmp_path, codes, words, ending):
    path = tmp_path / f"codes.{ending}"
    np.save(path, codes) if ending == "npy" else np.savez(path, identity=codes)
    assert words in refusal(path)


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")
    (tmp_path / "bomb.npy").write_bytes(
        b"\x93NUMPY\x01\x00v\x00" + f"{'{'}'descr': '<f8', 'fortran_order': False, 'shape': (10**11,)".encode()
    )
    np.savez(tmp_path / "other.npz", expression=CODES)
    for name in ("none.npy", "text.npz", "bomb.npy", "other.npz"):
        assert "the identity cannot be read" in refusal(tmp_path / name)
    assert "cannot be read" in refusal(tmp_path)


def test_codes_of_another_head_are_refused(tmp_path):
    np.savez(tmp_path / "tracking.npz", identity=CODES, head_sha256=np.array("f" * 64))
    assert f"of another head (ffffffffffff) than synthetic ({HEAD.sha256[:12]})" in refusal(tmp_path / "tracking.npz")


def test_a_clip_keeps_what_is_given(clip, tmp_path):  # noqa: F811
    with FrameFolderWriter(clip["frames"]) as writer:
        writer.details |= {"scale": 0.5}
        for frame_id in range(FRAMES):
            writer.add(frame_id, np.zeros((SIZE, SIZE, 3), np.uint8))
    np.save(tmp_path / "codes.npy", CODES + 0.2)
    settings = replace(clip["settings"], max_residual=50.0)
    track_head(**{**clip, "settings": settings, "focal": 2.2 * FOCAL, "identity": tmp_path / "codes.npy"})
    with np.load(clip["output"]) as arrays:
        assert arrays["focal"] == pytest.approx(1.1 * FOCAL, rel=1e-3)
        assert np.abs(arrays["identity"] - CODES - 0.2).max() < 5e-3


def test_the_tracking_of_a_clip_is_another_clips_identity(clip, tmp_path):  # noqa: F811
    track_head(**clip)
    outputs = {name: tmp_path / "second" / clip[name].name for name in ("output", "summary", "table")}
    (tmp_path / "second").mkdir()
    track_head(**{**clip, **outputs, "identity": clip["output"]})
    with np.load(clip["output"]) as first, np.load(outputs["output"]) as second:
        assert np.abs(first["identity"] - second["identity"]).max() < 2e-3
