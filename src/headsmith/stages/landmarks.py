"""The points of a face in every frame, from the detector that the user chose, and an account of the frames that have none.

Detectors see each frame by itself. Several work side by side while the next frames are decoded; the number of threads changes
no result.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from headsmith.contract.conventions import IBUG68, convention_of
from headsmith.contract.detectors import BLENDSHAPE_DETECTORS, CONVENTION_OF
from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import Manifest, folder_of, read_manifest
from headsmith.contract.settings import LandmarksSettings
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note, progress
from headsmith.nets.faces import Face
from headsmith.stages.landmarks_choice import Chooser
from headsmith.stages.landmarks_detection import detected_stream, most_faces
from headsmith.stages.landmarks_faces import read_faces
from headsmith.stages.landmarks_files import read_given_faces
from headsmith.stages.landmarks_record import Record, open_rows, save_landmarks, summarise

FROM_FILES = "file"
MOST_TOLD = 5
"""So many frames are listed on the console."""


def detect_landmarks(
    *,
    clip: str,
    frames: Path,
    files: dict[str, Path],
    given: Path | None,
    output: Path,
    summary: Path,
    settings: LandmarksSettings,
    threads: int,
    chunks: list[Path] | None = None,
) -> None:
    """Find the landmarks of every frame.

    Where the frames' manifest knows a ``person``, the face nearest to where that person was last seen counts.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        files: The detector's files, by the names of ``contract.detectors.detector_files``.
        given: The user's own landmarks, for the detector ``file``; a file or a folder.
        output: The ``.npz`` to write (see docs/outputs.md); frames that are not ok hold NaN.
        summary: The ``.json`` to write: counts per status, and the frames that are not ok.
        settings: The stage's settings.
        threads: How many detectors work side by side; the number changes no result.
        chunks: What ``detect_landmarks_chunk`` has found in the clip's chunks, in order; None: faces are looked for here.

    Raises:
        UserError: The frames, the detector or the user's landmarks cannot be read, or more frames than allowed lack a usable
            face or, where nobody was chosen, show a second one.
    """
    manifest = read_manifest(frames, clip=clip, verify=False)
    person = manifest.details.get("person")
    convention = convention_of(CONVENTION_OF.get(settings.detector, IBUG68.name))
    chooser = Chooser(manifest.size, settings.min_confidence, None if person is None else tuple(person))
    blendshapes = settings.detector in BLENDSHAPE_DETECTORS
    with open_rows(output.parent, convention, blendshapes=blendshapes) as rows:
        record = Record(manifest.size, rows)
        if settings.detector == FROM_FILES:
            stream = given_stream(given, manifest, frames, clip)
        elif chunks:
            stream = read_faces(chunks, manifest.ids, clip)
        else:
            stream = detected_stream(frames, clip, files, settings, most_faces(manifest), threads)
        for frame_id, faces in progress(stream, manifest.count, f"{clip}: landmarks"):
            record.add(frame_id, faces, chooser.choose(faces))
        if person is None:
            check_second_faces(record, clip, frames, settings)
        check_missing(record, clip, frames, settings)
        tell_edges(record, clip)
        with atomic_path(output) as partial:
            save_landmarks(partial, record, convention, settings.detector, blendshapes=blendshapes)
    with atomic_path(summary) as partial:
        partial.write_text(json.dumps(summarise(record, convention, settings.detector), indent=1) + "\n")


def given_stream(given: Path | None, manifest: Manifest, frames: Path, clip: str) -> Iterator[tuple[int, list[Face]]]:
    """Return each frame's id and the faces that the user's files tell.

    Raises:
        UserError: None were given, or they cannot be read.
    """
    if given is None:
        remedy = "name a file or a folder in the column `landmarks`, or choose another landmarks.detector"
        raise UserError("landmarks.detector is `file`, and none is named", clip=clip, remedy=remedy)
    return read_given_faces(given, manifest, frames, clip)


def check_missing(record: Record, clip: str, frames: Path, settings: LandmarksSettings) -> None:
    """Accept a clip by the share of frames without a usable face.

    Raises:
        UserError: It is above ``settings.max_missing``.
    """
    bad = record.bad
    if len(bad) > settings.max_missing * len(record.ids):
        counts = ", ".join(f"{count} {status}" for status, count in sorted(Counter(status for _, status in bad).items()))
        what = (
            f"{len(bad)} of {len(record.ids)} frames have no usable face ({counts}); "
            f"at most {settings.max_missing:.0%} may lack one; the first is frame {bad[0][0]} ({bad[0][1]})"
        )
        remedy = "cut the clip by start and end in the table of clips to where the face is seen, or raise landmarks.max_missing"
        raise UserError(what, clip=clip, file=folder_of(frames) / frame_name(bad[0][0]), remedy=remedy)


def check_second_faces(record: Record, clip: str, frames: Path, settings: LandmarksSettings) -> None:
    """Accept a clip by the share of frames that show a second face.

    Raises:
        UserError: It is above ``settings.max_two_faces``.
    """
    if len(record.second) > settings.max_two_faces * len(record.ids):
        what = (
            f"{len(record.second)} of {len(record.ids)} frames show a second face; "
            f"at most {settings.max_two_faces:.0%} may; the first is frame {record.second[0]}"
        )
        remedy = (
            "name the face that is meant in the column `person` of the table of clips, cut the clip by start and end to where "
        )
        remedy += "one person is seen, crop the video, or raise landmarks.max_two_faces"
        raise UserError(what, clip=clip, file=folder_of(frames) / frame_name(record.second[0]), remedy=remedy)


def tell_edges(record: Record, clip: str) -> None:
    """Say in how many frames the face touches the edge, and in which."""
    ids = record.at_edge
    if ids:
        told = ", ".join(map(str, ids[:MOST_TOLD])) + (", ..." if len(ids) > MOST_TOLD else "")
        where = f"the face touches the frame's edge in {len(ids)} of {len(record.ids)} frames ({told})"
        note(f"{clip}: {where}: raise frames.margin, unless the video itself ends there")
