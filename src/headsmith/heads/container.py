"""The head container: one file format for every head model, ``resources/heads/<name>.npz``.

An ``.npz`` without pickles whose bytes depend on its content alone: arrays in fixed order, stored, with a fixed date.
"""

import hashlib
import io
import os
import zipfile
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.heads.embedding_types import Contour, Embedding
from headsmith.heads.validation import find_fault

JOINTS: tuple[str, ...] = ("root", "neck", "jaw", "left_eye", "right_eye")
"""FLAME's joints, in its order."""

ARRAYS: dict[str, type] = {
    **dict.fromkeys(("template", "identity", "expression", "eyelids", "correctives", "joint_regressor"), np.float32),
    **dict.fromkeys(("weights", "uv"), np.float32),
    **dict.fromkeys(("parents", "faces", "uv_faces"), np.int32),
}
EMBEDDING = ("points", "faces", "barycentrics")
CONTOUR = ("points", "yaws", "faces", "barycentrics")
WORDS = ("name", "licence", "source_sha256")
REMEDY = "delete the file and run snakemake again: the heads stage makes it anew"


@dataclass(frozen=True)
class HeadContainer:
    """A head model as arrays. Metres, FLAME's axes: +x the subject's left, +y up, +z out of the face.

    Attributes:
        template: Vertices of the mean head at rest.
        identity: Displacements of one standard deviation of each identity code.
        expression: Displacements of each expression code at 1.
        eyelids: Displacements that close the left and the right eye at 1.
        correctives: Displacements per entry of ``R_j - I``, joints without the root; no rows where the model has none.
        joint_regressor: Weights of the shaped vertices in each joint's place.
        weights: Skinning weights; rows sum to 1.
        parents: Parent of each joint, -1 for the root.
        faces: Triangles, counter-clockwise seen from outside.
        uv: Texture coordinates in 0..1, v up.
        uv_faces: The same triangles, as indices into ``uv``.
        expression_names: Name of each expression code.
        regions: Vertex ids by name.
        embeddings: Landmarks by convention.
        contours: Landmarks that slide along the outline as the head turns, by convention.
        name: Name of the head model.
        licence: Its licence.
        source_sha256: Hash of what it was made from.
        joint_names: Names of the joints.
    """

    template: Float32[ndarray, "V 3"]
    identity: Float32[ndarray, "K V 3"]
    expression: Float32[ndarray, "E V 3"]
    eyelids: Float32[ndarray, "2 V 3"]
    correctives: Float32[ndarray, "P V 3"]
    joint_regressor: Float32[ndarray, "J V"]
    weights: Float32[ndarray, "V J"]
    parents: Int32[ndarray, " J"]
    faces: Int32[ndarray, "F 3"]
    uv: Float32[ndarray, "U 2"]
    uv_faces: Int32[ndarray, "F 3"]
    expression_names: tuple[str, ...]
    name: str
    licence: str
    source_sha256: str
    regions: dict[str, Int32[ndarray, " _"]] = field(default_factory=dict)
    embeddings: dict[str, Embedding] = field(default_factory=dict)
    contours: dict[str, Contour] = field(default_factory=dict)
    joint_names: tuple[str, ...] = JOINTS

    @cached_property
    def sha256(self) -> str:
        """Hash over names, types, shapes and bytes of the model's arrays: what other files keep as ``head_sha256``.

        Landmarks are left out: the same parameters mean the same mesh, whatever detector the head was shown to.
        """
        digest = hashlib.sha256()
        for key, array in sorted(to_arrays(replace(self, embeddings={}, contours={})).items()):
            digest.update(f"{key} {array.dtype.str} {array.shape} ".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def with_embedding(self, convention: str, embedding: Embedding) -> "HeadContainer":
        """Return a copy that holds the landmarks of one more convention."""
        return replace(self, embeddings={**self.embeddings, convention: embedding})

    def with_contour(self, convention: str, contour: Contour) -> "HeadContainer":
        """Return a copy that holds the sliding landmarks of one more convention."""
        return replace(self, contours={**self.contours, convention: contour})


def to_arrays(head: HeadContainer) -> dict[str, ndarray]:
    """Return the container as the named arrays of its file."""
    arrays: dict[str, ndarray] = {key: np.asarray(getattr(head, key), kind) for key, kind in ARRAYS.items()}
    arrays |= {key: np.array(getattr(head, key)) for key in WORDS}
    arrays |= {key: np.array(getattr(head, key), dtype=np.str_) for key in ("expression_names", "joint_names")}
    arrays |= {f"region_{name}": np.asarray(ids, np.int32) for name, ids in head.regions.items()}
    for convention, embedding in head.embeddings.items():
        arrays |= {f"embedding_{convention}_{key}": getattr(embedding, key) for key in EMBEDDING}
    for convention, contour in head.contours.items():
        arrays |= {f"contour_{convention}_{key}": getattr(contour, key) for key in CONTOUR}
    return arrays


def from_arrays(arrays: dict[str, ndarray]) -> HeadContainer:
    """Return the container that ``to_arrays`` turned into arrays.

    Raises:
        KeyError: An array is missing.
    """
    fields: dict[str, Any] = {key: arrays[key].astype(kind, casting="same_kind", copy=False) for key, kind in ARRAYS.items()}
    fields |= {key: str(arrays[key]) for key in WORDS}
    fields |= {key: tuple(arrays[key].tolist()) for key in ("expression_names", "joint_names")}
    fields["regions"] = {key.removeprefix("region_"): ids for key, ids in arrays.items() if key.startswith("region_")}
    fields["embeddings"] = {
        convention: Embedding(*(arrays[f"embedding_{convention}_{key}"] for key in EMBEDDING))
        for convention in _conventions(arrays, "embedding_")
    }
    fields["contours"] = {
        convention: Contour(*(arrays[f"contour_{convention}_{key}"] for key in CONTOUR))
        for convention in _conventions(arrays, "contour_")
    }
    return HeadContainer(**fields)


def _conventions(arrays: dict[str, ndarray], start: str) -> list[str]:
    ending = "_barycentrics"
    return [key.removeprefix(start).removesuffix(ending) for key in arrays if key.startswith(start) and key.endswith(ending)]


def save_head(head: HeadContainer, path: str | os.PathLike[str]) -> None:
    """Write a container in one step: a temporary file beside it, then a rename. Same content, same bytes.

    Raises:
        UserError: The container is not sound (see ``validation.find_fault``).
    """
    arrays = to_arrays(head)
    _refuse_faults(arrays, path)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}-{uuid4().hex[:8]}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for key, array in sorted(arrays.items()):
                archive.writestr(zipfile.ZipInfo(f"{key}.npy"), _npy_bytes(array))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _npy_bytes(array: ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array, order="C"), allow_pickle=False)
    return buffer.getvalue()


def load_head(path: str | os.PathLike[str]) -> HeadContainer:
    """Read a container and check it.

    Raises:
        UserError: The file is missing, is not a container, or holds something unsound.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        _refuse_faults(arrays, path)
        return from_arrays(arrays)
    except FileNotFoundError as error:
        raise UserError("the head is not there", file=path, remedy="run snakemake: the heads stage makes it") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"the head cannot be read: {error}", file=path, remedy=REMEDY) from error


def _refuse_faults(arrays: dict[str, ndarray], path: str | os.PathLike[str]) -> None:
    fault = find_fault(arrays)
    if fault is not None:
        raise UserError(f"the head is not sound: {fault}", file=path, remedy=REMEDY)
