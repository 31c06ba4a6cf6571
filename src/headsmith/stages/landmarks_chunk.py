"""All faces in a chunk of a clip, found by a job of its own; which of them count is said when all chunks are there."""

from pathlib import Path

from headsmith.contract.chunks import is_first, share
from headsmith.contract.conventions import convention_of
from headsmith.contract.detectors import BLENDSHAPE_DETECTORS, CONVENTION_OF
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import LandmarksSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import progress
from headsmith.stages.landmarks_detection import detected_stream, most_faces
from headsmith.stages.landmarks_faces import write_faces


def detect_landmarks_chunk(
    *, clip: str, frames: Path, files: dict[str, Path], chunk: str, output: Path, settings: LandmarksSettings, threads: int
) -> None:
    """Find all faces in a chunk's frames. Detectors see each frame by itself: where a clip is cut changes nothing.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames of the whole clip; the first chunk checks its folder.
        files: The detector's files, by the names of ``contract.detectors.detector_files``.
        chunk: Name of the chunk.
        output: The ``.npz`` to write, for ``detect_landmarks``.
        settings: The stage's settings: which detector.
        threads: How many detectors work side by side; the number changes no result.

    Raises:
        UserError: The frames or the detector's files cannot be read.
    """
    manifest = read_manifest(frames, clip=clip, verify=False)
    ids = share(chunk, manifest.ids)
    how = {"ids": ids, "verify": is_first(chunk)}
    found = detected_stream(frames, clip, files, settings, most_faces(manifest), threads, **how)
    stream = progress(found, len(ids), f"{clip}: landmarks, {chunk}")
    convention, blendshapes = convention_of(CONVENTION_OF[settings.detector]), settings.detector in BLENDSHAPE_DETECTORS
    with atomic_path(output) as partial:
        write_faces(partial, output.parent, stream, convention, blendshapes=blendshapes)
