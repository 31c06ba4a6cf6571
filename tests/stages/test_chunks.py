"""Landmarks and label maps made in chunks by jobs of their own are those of one job, byte for byte."""

from pathlib import Path

import numpy as np
import pytest

from headsmith.contract.chunks import chunk_names, share
from headsmith.contract.errors import UserError
from headsmith.contract.manifest import hash_frames
from headsmith.contract.settings import LandmarksSettings, ParsingSettings
from headsmith.media.frames import FrameFolderWriter
from headsmith.nets.faces import Face
from headsmith.nets.parsers import Parser
from headsmith.stages import landmarks_detection, parsing_maps
from headsmith.stages.landmarks import detect_landmarks
from headsmith.stages.landmarks_chunk import detect_landmarks_chunk
from headsmith.stages.parsing import parse_faces
from headsmith.stages.parsing_chunk import parse_faces_chunk

COUNT, SIDE = 23, 64
CHUNKS = (2, 5, 30)


class Detector:
    """Finds up to three faces in a frame, as its first pixel says."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def detect(self, image):
        random = np.random.default_rng(int(image[0, 0, 0]))
        return [self.face(random) for _ in range(random.integers(0, 4))]

    def face(self, random):
        points = (random.uniform(10, 50, 2) + random.normal(0, 5, (478, 2))).astype(np.float32)
        points = np.concatenate([points, random.normal(size=(478, 1))], 1).astype(np.float32)
        blendshapes, trust = random.uniform(size=52).astype(np.float32), random.uniform(size=478).astype(np.float32)
        return Face(points, blendshapes, float(random.uniform(0.3, 1)), trust)


class Stripes(Parser):
    """Labels that a frame's first channel and the column say."""

    def __init__(self, network, *, order):
        self.order = "celeba"

    def parse(self, image):
        return ((image[..., 0] + np.arange(SIDE)) // 16 % 19).astype(np.uint8)


@pytest.fixture(params=[None, (30.0, 30.0)], ids=["anyone", "one person"])
def frames(request, tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(landmarks_detection, "open_detector", lambda *given, **asked: Detector())
    details = {} if request.param is None else {"person": request.param}
    with FrameFolderWriter(tmp_path / "frames.json", details=details) as writer:
        for place in range(COUNT):
            writer.add(2 * place + 1, np.full((SIDE, SIDE, 3), 7 * place, np.uint8))
    return tmp_path / "frames.json"


def test_every_frame_is_in_one_chunk():
    for count in (1, 2, 3, 7, 64):
        names = chunk_names(count)
        assert len(names) == (count if count > 1 else 0)
        assert not names or [item for name in names for item in share(name, range(10))] == list(range(10))


@pytest.mark.parametrize("count", CHUNKS)
def test_landmarks(frames, count):
    settings = LandmarksSettings(max_missing=1.0, max_two_faces=1.0)
    common = {"clip": "anna", "frames": frames, "settings": settings, "threads": 2}
    folder = frames.parent
    detect_landmarks(**common, files={}, given=None, output=folder / "whole.npz", summary=folder / "whole.json")
    parts = [folder / f"part-{name}.npz" for name in chunk_names(count)]
    for name, part in zip(chunk_names(count), parts, strict=True):
        detect_landmarks_chunk(**common, files={}, chunk=name, output=part)
    merged = {"files": {}, "given": None, "chunks": parts}
    detect_landmarks(**common, **merged, output=folder / "merged.npz", summary=folder / "merged.json")
    for ending in ("npz", "json"):
        assert (folder / f"merged.{ending}").read_bytes() == (folder / f"whole.{ending}").read_bytes()
    with np.load(folder / "whole.npz") as found:
        assert len(set(found["status"].tolist())) > 1
    merged["chunks"] = parts[:-1]
    with pytest.raises(UserError, match="other frames than the clip's"):
        detect_landmarks(**common, **merged, output=folder / "unfit.npz", summary=folder / "unfit.json")
    assert not (folder / "unfit.npz").exists()


@pytest.mark.parametrize("count", CHUNKS)
def test_label_maps(frames, monkeypatch, count):
    monkeypatch.setattr(parsing_maps, "Parser", Stripes)
    common = {"clip": "anna", "frames": frames, "network": Path("net.onnx"), "settings": ParsingSettings(), "threads": 2}
    folder = frames.parent
    parse_faces(**common, manifest=folder / "whole.json")
    parts = [folder / f"part-{name}" for name in chunk_names(count)]
    for name, part in zip(chunk_names(count), parts, strict=True):
        parse_faces_chunk(**common, chunk=name, folder=part)
    parse_faces(**common, manifest=folder / "merged.json", chunks=parts)
    assert (folder / "merged.json").read_bytes() == (folder / "whole.json").read_bytes()
    ids = tuple(range(1, 2 * COUNT, 2))
    assert hash_frames(folder / "merged", ids) == hash_frames(folder / "whole", ids)
    with pytest.raises(UserError, match="other frames than the clip's"):
        parse_faces(**common, manifest=folder / "unfit.json", chunks=parts[:-1])
    assert not (folder / "unfit.json").exists()
