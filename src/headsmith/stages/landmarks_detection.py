"""All faces that a detector finds in frames, before any is chosen."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from headsmith.contract.detectors import CLNF, OPENFACE
from headsmith.contract.manifest import Manifest
from headsmith.contract.settings import LandmarksSettings
from headsmith.media.frames import iterate_frames
from headsmith.media.parallel import map_in_order
from headsmith.nets.detectors import open_detector
from headsmith.nets.faces import Face
from headsmith.stages.landmarks_streams import special_stream

MOST_FACES, MOST_FACES_AROUND = 2, 5
"""How many faces are looked for in a frame; more where one person among several was chosen, who may not stand out."""

Found = tuple[int, list[Face]]
"""A frame's id, and the faces in it."""


def most_faces(manifest: Manifest) -> int:
    """Return how many faces are looked for in each frame of a clip."""
    return MOST_FACES if manifest.details.get("person") is None else MOST_FACES_AROUND


def detected_stream(
    frames: Path,
    clip: str,
    files: dict[str, Path],
    settings: LandmarksSettings,
    most: int,
    threads: int,
    *,
    ids: Sequence[int] | None = None,
    verify: bool = True,
) -> Iterator[Found]:
    """Yield each frame's id and the faces that the detector finds in it, at most ``most``; of all frames, or of some.

    Raises:
        UserError: The frames or the detector's files cannot be read.
    """
    if settings.detector in (CLNF, OPENFACE):
        images = iterate_frames(frames, clip, ids=ids, verify=verify)
        special = special_stream(images, clip, files, settings, most)
        if special is not None:
            with closing(special) as stream:
                yield from stream
            return
    team = threads + 1 if threads > 1 else 1
    with open_detector(settings.detector, files, faces=settings.faces, max_faces=most, threads=team) as detector:
        images = iterate_frames(frames, clip, ids=ids, verify=verify)
        found = map_in_order(lambda item: detector.detect(item[1]), images, team)
        with closing(found) as stream:
            yield from ((frame_id, faces) for (frame_id, _), faces in stream)
