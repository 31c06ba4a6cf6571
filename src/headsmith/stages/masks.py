"""Masks cut from label maps by label name, and checked against the detected face before they count."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.labels import LABELS, label_ids
from headsmith.contract.manifest import folder_of
from headsmith.contract.settings import MasksSettings
from headsmith.maths.jumps import JumpWatch
from headsmith.media.frames import FrameFolderWriter, iterate_frames
from headsmith.stages.masks_check import Evidence, MasksRefused, MaskWatch
from headsmith.stages.masks_faces import FacesInStep
from headsmith.stages.masks_labels import label_runs, where_labelled

LEAST_OVERLAP = 0.5
"""For sets that ``min_overlap`` does not name."""


def cut_masks(
    *, clip: str, mask: str, parsing: Path, landmarks: Path, manifest: Path, settings: MasksSettings, threads: int
) -> None:
    """Write a mask (0 or 255) for every label map.

    The manifest's details tell what a person should look at: ``jumps`` (id and overlap of frames that differ much from the one
    before) and ``flagged`` (id and reason of frames in which the mask is empty or does not fit the face).

    Args:
        clip: Name of the clip.
        mask: Name of a set in ``settings.sets``.
        parsing: Manifest of the label maps.
        landmarks: The clip's landmarks, of any convention.
        manifest: Manifest to write; the masks go into its folder.
        settings: The stage's settings.
        threads: For decoding, and as many for encoding.

    Raises:
        MasksRefused: The masks do not fit the faces of the clip.
        UserError: The set or a label name is unknown, an input cannot be read, or a map holds an unknown label.
    """
    labels = labels_of(mask, settings)
    watch = MaskWatch(mask, labels, settings.min_lips_inside)
    jumps = JumpWatch(settings.min_overlap.get(mask, LEAST_OVERLAP))
    faces = FacesInStep(landmarks, clip)
    runs = label_runs(label_ids(labels))
    with FrameFolderWriter(manifest, clip, threads=threads, flat=True) as writer:
        for frame_id, label_map in read_label_maps(parsing, clip, threads):
            inside = where_labelled(label_map, runs)
            writer.add(frame_id, np.negative(inside.view(np.uint8)))
            jumps.add(frame_id, inside)
            watch.add(frame_id, inside, label_map, faces.at(frame_id))
        if watch.wrong:
            what = f"the {mask} masks do not fit the faces: {'; '.join(watch.wrong)}"
            evidence = Evidence(mask, labels, parsing, landmarks, watch.faults)
            raise MasksRefused(what, clip=clip, file=folder_of(manifest), evidence=evidence)
        writer.details |= {"jumps": jumps.jumps, "flagged": watch.flagged}


def labels_of(mask: str, settings: MasksSettings) -> tuple[str, ...]:
    """Return the label names of a set.

    Raises:
        UserError: There is no such set.
    """
    if mask not in settings.sets:
        raise UserError(f"there is no mask {mask!r}", remedy=f"use one of: {', '.join(settings.sets)} (masks.sets)")
    return tuple(settings.sets[mask])


def read_label_maps(parsing: Path, clip: str, threads: int) -> Iterator[tuple[int, UInt8[ndarray, "H W"]]]:
    """Yield the label maps by frame id.

    Raises:
        UserError: A map cannot be read, or holds a label that does not exist.
    """
    for frame_id, labels in iterate_frames(parsing, clip, grey=True, threads=threads):
        largest = int(labels.max())
        if largest >= len(LABELS):
            what = f"the label map holds label {largest}; there are {len(LABELS)}"
            remedy = "delete the manifest of the parsing and run again: the maps are made anew"
            raise UserError(what, clip=clip, file=folder_of(parsing) / frame_name(frame_id), remedy=remedy)
        yield frame_id, labels
