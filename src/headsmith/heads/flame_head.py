"""FLAME as a container: the licensed file as it is, and what it lacks from other files of the user, or made here."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.heads.container import HeadContainer
from headsmith.heads.flame_eyelids import REMEDY as LID_REMEDY
from headsmith.heads.flame_eyelids import find_swap, make_eyelids, read_eyelids
from headsmith.heads.flame_mouth import CLOSING, close_mouth
from headsmith.heads.flame_regions import find_regions, read_masks
from headsmith.heads.flame_releases import HEAD_OF
from headsmith.heads.flame_source import EXPRESSION, IDENTITY, PARENTS, VERTICES, FlameSource, read_flame
from headsmith.heads.flame_uv import has_triangles, read_uv, unwrap


@dataclass(frozen=True)
class FlameFiles:
    """The user's files, and what to do without some of them.

    Attributes:
        model: FLAME's own file, ``.pkl``.
        left_eyelid: ``l_eyelid.npy``, or nothing to have both lids made from the head.
        right_eyelid: ``r_eyelid.npy``; both or none.
        template: An ``.obj`` of FLAME's mesh with texture coordinates, or nothing for an unwrapping of our own.
        masks: ``FLAME_masks.pkl``, or nothing for the regions that the model itself tells.
        without_eyelids: Whether eyelids are to move nothing.
        closed_mouth: Whether FlashAvatar's 30 triangles between the lips are added.
        head: Name of the head (``contract.exchange.FLAME_HEADS``), or nothing for the one that the model's release is.
    """

    model: Path
    left_eyelid: Path | None = None
    right_eyelid: Path | None = None
    template: Path | None = None
    masks: Path | None = None
    without_eyelids: bool = False
    closed_mouth: bool = False
    head: str | None = None


@dataclass(frozen=True)
class FlameReport:
    """Where each part of the container comes from.

    Attributes:
        release: Which FLAME, see ``flame_releases.Release``.
        told_by: What told it.
        sha256: Hash of every file that was read, by its name in ``FlameFiles``.
        joint_miss: How far the file's own joints lie from those of its regressor, at most, metres.
        notes: What was made here because no file has it, and what is uncertain; a sentence each.
    """

    release: str
    told_by: str
    sha256: dict[str, str]
    joint_miss: float
    notes: tuple[str, ...]


def read_flame_head(files: FlameFiles) -> tuple[HeadContainer, FlameReport]:
    """Read FLAME's file, and those that go with it, and return its container without landmarks, and a report.

    Raises:
        UserError: A file is missing (the message says where to get it and where to put it), is refused, or does not fit.
    """
    return make_flame_head(read_flame(files.model), files)


def make_flame_head(source: FlameSource, files: FlameFiles) -> tuple[HeadContainer, FlameReport]:
    """Return the container of a FLAME file that was read, and a report.

    Arrays are the file's own, rounded to 32 bits.

    Raises:
        UserError: One of the other files is missing or does not fit, or an eye has no opening to close.
    """
    notes = [] if source.release.told_by in ("sha256", "metadata") else [_doubt(source)]
    eyelids, told = find_eyelids(source, files)
    notes += told
    faces, uv, uv_faces, told = find_surface(source, files)
    notes += told
    regions, told = find_all_regions(source, files, eyelids)
    notes += told
    head = compose(source, eyelids, faces, uv, uv_faces, regions, files.head)
    return head, FlameReport(
        source.release.name, source.release.told_by, hashes(source, files), source.joint_miss, tuple(notes)
    )


def compose(
    source: FlameSource,
    eyelids: Float[ndarray, "2 V 3"],
    faces: Int[ndarray, "F 3"],
    uv: Float[ndarray, "U 2"],
    uv_faces: Int[ndarray, "F 3"],
    regions: dict[str, Int[ndarray, " _"]],
    head: str | None = None,
) -> HeadContainer:
    """Return the container of all parts; bases have the code as their first axis.

    Where no head is named it is the one of the file's release, and FLAME 2020 for files of no known one.
    """
    bases = np.moveaxis(source.directions, 2, 0).astype(np.float32, order="C")
    return HeadContainer(
        template=source.template.astype(np.float32),
        identity=bases[:IDENTITY],
        expression=bases[IDENTITY:],
        eyelids=eyelids.astype(np.float32),
        correctives=np.moveaxis(source.correctives, 2, 0).astype(np.float32, order="C"),
        joint_regressor=source.joint_regressor.astype(np.float32),
        weights=source.weights.astype(np.float32),
        parents=np.array(PARENTS, np.int32),
        faces=faces.astype(np.int32),
        uv=uv.astype(np.float32),
        uv_faces=uv_faces.astype(np.int32),
        expression_names=tuple(f"expression_{number:02d}" for number in range(EXPRESSION)),
        name=head or HEAD_OF.get(source.release.name, "flame2020"),
        licence=source.release.licence,
        source_sha256=source.sha256,
        regions={name: ids.astype(np.int32) for name, ids in regions.items()},
    )


def find_eyelids(source: FlameSource, files: FlameFiles) -> tuple[Float[ndarray, "2 V 3"], list[str]]:
    """Return the eyelids' displacements, from files, made, or zeros where told so, and what to note.

    Raises:
        UserError: A file is missing or does not fit, there is one of the two, or an eye has no opening to close.
    """
    if files.without_eyelids:
        return np.zeros((2, VERTICES, 3)), ["eyelids move nothing, as the settings say: the avatar cannot blink"]
    if files.left_eyelid is None and files.right_eyelid is None:
        try:
            lids = make_eyelids(source.template.astype(np.float64), source.faces)
        except ValueError as error:
            raise UserError(f"no eyelids can be made: {error}", file=source.path, remedy=LID_REMEDY) from error
        return lids, [
            "eyelids were made from the head's geometry; metrical-tracker's codes close them much as its own, not just so"
        ]
    if files.left_eyelid is None or files.right_eyelid is None:
        raise UserError(
            "one eyelid is named, the other is not", file=files.left_eyelid or files.right_eyelid, remedy=LID_REMEDY
        )
    lids = read_eyelids(files.left_eyelid, files.right_eyelid)
    fault = find_swap(lids, source.template)
    if fault is not None:
        raise UserError(fault, file=files.left_eyelid, remedy="exchange the two files")
    return lids, []


def find_surface(
    source: FlameSource, files: FlameFiles
) -> tuple[Int[ndarray, "F 3"], Float[ndarray, "U 2"], Int[ndarray, "F 3"], list[str]]:
    """Return triangles, texture coordinates and their triangles, and what to note.

    Triangles that close the mouth keep their places in the texture where the template has them, as FlashAvatar's own does.

    Raises:
        UserError: The template is missing or does not fit, or its texture has no room for the mouth.
    """
    notes = [] if files.template else ["texture coordinates are an unwrapping of our own; FLAME's textures do not fit them"]
    uv, uv_faces = read_uv(files.template, source.faces) if files.template else unwrap(source.template, source.faces)
    if not files.closed_mouth:
        return source.faces, uv, uv_faces, notes
    closing = np.array(CLOSING)
    if files.template and has_triangles(files.template, closing):
        closed = np.concatenate([source.faces, closing])
        return closed, *read_uv(files.template, closed), [*notes, "the template's 30 triangles close the mouth"]
    try:
        return *close_mouth(source.template, source.faces, uv, uv_faces), [*notes, "30 triangles close the mouth"]
    except ValueError as error:
        raise UserError(f"the mouth cannot be closed: {error}", file=files.template, remedy="name no template") from error


def find_all_regions(
    source: FlameSource, files: FlameFiles, eyelids: Float[ndarray, "2 V 3"]
) -> tuple[dict[str, Int[ndarray, " _"]], list[str]]:
    """Return vertex ids by region, and what to note; masks of a file go before those made here, but for eyeballs and skin.

    Raises:
        UserError: The masks are missing or do not fit.
    """
    made = find_regions(source, eyelids)
    if files.masks is None:
        return made, [f"regions are those that the model tells: {', '.join(sorted(made))}"]
    masks, swapped = read_masks(files.masks, source.template)
    kept = {name: made[name] for name in ("left_eyeball", "right_eyeball", "skin")}
    notes = ["the masks' left is the subject's right: their names were exchanged"] if swapped else []
    return {**made, **masks, **kept}, notes


def hashes(source: FlameSource, files: FlameFiles) -> dict[str, str]:
    """Return the hash of every file that was read."""
    names = () if files.without_eyelids else ("left_eyelid", "right_eyelid")
    paths = {name: getattr(files, name) for name in (*names, "template", "masks")}
    read = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items() if path is not None}
    return {"model": source.sha256, **read}


def _doubt(source: FlameSource) -> str:
    told = (
        f"taken for {source.release.name} by its file's name"
        if source.release.told_by == "file name"
        else "of no known release"
    )
    return f"this FLAME (sha256 {source.sha256[:12]}) is {told}; codes of other releases do not fit it"
