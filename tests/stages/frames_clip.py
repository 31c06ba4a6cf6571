"""What the tests of the stage *frames* share: running it into a folder, and videos made of real faces."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from headsmith.contract.detectors import MTCNN_WEIGHTS
from headsmith.contract.manifest import Manifest, read_manifest
from headsmith.contract.settings import FramesSettings
from headsmith.media.sources import SourceFrame
from headsmith.media.video import VideoReader, VideoWriter
from headsmith.stages.frames import extract_frames

BLANK = np.full((288, 360, 3), 90, np.uint8)


@dataclass(frozen=True)
class Extract:
    """Runs the stage into ``folder/anna`` and returns the manifest."""

    asset: Callable[[str], Path]
    folder: Path

    def __call__(
        self,
        video: Path,
        start: float | None = None,
        end: float | None = None,
        person: str | None = None,
        threads: int = 2,
        **settings: object,
    ) -> Manifest:
        manifest = self.folder / "anna" / "frames.json"
        extract_frames(
            clip="anna",
            video=video,
            start=start,
            end=end,
            person=person,
            detector=self.asset("face_landmarker.task"),
            mtcnn=[self.asset(name) for name in MTCNN_WEIGHTS] if settings.get("second_opinion") == "mtcnn" else [],
            manifest=manifest,
            settings=replace(FramesSettings(), **settings),
            threads=threads,
        )
        return read_manifest(manifest, clip="anna")


@dataclass
class StandIn:
    """A source without frames, for messages and sizes."""

    path: Path = Path("anna.mp4")
    clip: str | None = "anna"
    source_size: tuple[int, int] = (1000, 600)
    size: tuple[int, int] = (1000, 600)
    fps: float = 24.0
    decoded: int = 0
    broken: int = 0
    remarks: list[str] = field(default_factory=list)
    expected: int = 0
    expected_decoded: int = 0

    def __iter__(self) -> Iterator[SourceFrame]:
        return iter(())

    def sample(self, every: int) -> Iterator[SourceFrame]:
        return iter(())


def real_frames(video: Path, count: int, fps: float = 2.0) -> list[np.ndarray]:
    """Return some frames of a real video."""
    return [frame.image for frame, _ in zip(VideoReader(video, fps=fps), range(count), strict=False)]


def write_video(path: Path, images: Iterable[np.ndarray], fps: float = 24.0) -> Path:
    """Write a video, all of whose frames decode by themselves in a sparse search too."""
    with VideoWriter(path, fps) as writer:
        for image in images:
            writer.add(image)
    return path


def laid_over(background: np.ndarray, image: np.ndarray, left: int, top: int) -> np.ndarray:
    """Return the background with an image on it, cut off at the background's edges."""
    result = background.copy()
    x, y = max(left, 0), max(top, 0)
    part = image[y - top : background.shape[0] - top, x - left : background.shape[1] - left]
    result[y : y + part.shape[0], x : x + part.shape[1]] = part
    return result
