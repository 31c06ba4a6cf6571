"""All faces found in a chunk of a clip, written down bit for bit, so that another job can choose among them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from headsmith.contract.conventions import Convention
from headsmith.contract.errors import UserError
from headsmith.media.rows import iterate_rows
from headsmith.nets.faces import Face
from headsmith.stages.landmarks_detection import Found
from headsmith.stages.landmarks_record import open_rows, rows_of

ROWS = ("points", "blendshapes", "point_confidence")


def write_faces(path: Path, folder: Path, found: Iterable[Found], convention: Convention, *, blendshapes: bool) -> None:
    """Write the faces of frames, a row a face.

    Args:
        path: The ``.npz`` to write.
        folder: Where there is room for what is collected.
        found: Frames with their faces, in order.
        convention: What the points are.
        blendshapes: Whether the detector has any.
    """
    ids, counts, confidence = [], [], []
    with open_rows(folder, convention, blendshapes=blendshapes) as rows:
        for frame_id, faces in found:
            ids.append(frame_id)
            counts.append(len(faces))
            for face in faces:
                rows.add(rows_of(face))
                confidence.append(face.confidence)
        others = {"ids": np.array(ids, np.int64), "counts": np.array(counts, np.int64)}
        rows.save(path, others | {"confidence": np.array(confidence, np.float64)})


def read_faces(parts: list[Path], ids: tuple[int, ...], clip: str) -> Iterator[Found]:
    """Yield what the chunks of a clip hold, in order.

    Args:
        parts: Files of ``write_faces``, in the order of their frames.
        ids: The clip's frames.
        clip: Name of the clip, for messages.

    Raises:
        UserError: A part cannot be read, or they are not of these frames.
    """
    told: list[int] = []
    for part in parts:
        for frame_id, faces in _read_part(part, clip):
            told.append(frame_id)
            yield frame_id, faces
    if tuple(told) != ids:
        remedy = f"delete {', '.join(map(str, parts))} and run snakemake again: the faces are looked for anew"
        raise UserError(
            "the chunks of the landmarks are of other frames than the clip's", clip=clip, file=parts[0], remedy=remedy
        )


def _read_part(part: Path, clip: str) -> Iterator[Found]:
    how = {"clip": clip, "what": "chunk of the landmarks", "remake": "the faces are looked for anew"}
    rows = zip(*(iterate_rows(part, name, **how) for name in ROWS), strict=True)
    with np.load(part, allow_pickle=False) as arrays:
        ids, counts, confidence = (arrays[name].tolist() for name in ("ids", "counts", "confidence"))
    sure = iter(confidence)
    for frame_id, count in zip(ids, counts, strict=True):
        faces = [next(rows) for _ in range(count)]
        yield frame_id, [Face(points, blendshapes, next(sure), trust) for points, blendshapes, trust in faces]
