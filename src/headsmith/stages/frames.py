"""The stage *frames*: a source becomes a folder of square images around the face, all cut by one constant crop.

It is read twice, as a stream: first a frame in many is searched for faces to place the crop, then all are cut and watched. On
request each frame has a square of its own instead (``frames_aligned.py``).
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ALIGNED, FramesSettings
from headsmith.media.crops import Box, Crop, central_crop, is_outside, place_crop, sticks_out
from headsmith.media.crops_npz import CropReader, holds_crops
from headsmith.media.cuts import Frame, open_cutter
from headsmith.media.frames import FrameFolderWriter
from headsmith.media.parallel import map_in_order
from headsmith.media.pictures import PictureReader
from headsmith.media.progress import note, progress
from headsmith.media.sources import Source, open_source
from headsmith.stages.frames_aligned import details_of_squares, open_for_squares, remarks_on, write_squares
from headsmith.stages.frames_checks import check_any, check_decoded, check_faces, compare_opinions
from headsmith.stages.frames_person import Choice, choose_person
from headsmith.stages.frames_search import Lookout, search_faces
from headsmith.stages.frames_watch import Watch, tell_watched

LARGEST_CROP = 2
"""The side of a crop that the user gives may be so many times the source's longer side; the rest would repeat its edge."""
KEPT_WHOLE = "they are kept whole, because the tracker's camera fits them alone (frames.crop does not count)"


@dataclass(frozen=True)
class Placement:
    """Where the frames are cut.

    Attributes:
        crop: In pixels of the source.
        person: Median centre of the chosen face, in pixels of the source; None where the user has chosen none.
        start: The face where it is first seen, in pixels of the source; None where none was searched for.
        remarks: What the user should know, a sentence each.
    """

    crop: Crop
    person: tuple[float, float] | None = None
    start: Box | None = None
    remarks: tuple[str, ...] = ()


def extract_frames(
    *,
    clip: str,
    video: Path,
    start: float | None,
    end: float | None,
    person: str | None,
    detector: Path,
    mtcnn: list[Path],
    manifest: Path,
    settings: FramesSettings,
    threads: int,
) -> None:
    """Write the frames of a part of a video, or of pictures, cropped and resized, and their manifest.

    Args:
        clip: Name of the clip.
        video: A video, a folder of pictures, a picture, a list of pictures, or a folder of a tracker's crops.
        start: First second used; None: the beginning.
        end: Second at which to stop, not included; None: the end.
        person: ``x,y``: a point on the face that is meant, in the source's own upright pixels; None: the only one.
        detector: ``face_landmarker.task``.
        mtcnn: The weights of MTCNN's three networks, for the second opinion; empty where none is asked for.
        manifest: ``frames.json``; the images go to the folder ``frames`` beside it.
        settings: Rate, sizes, crop and limits.
        threads: How many threads cut and encode; the number changes no result.

    Raises:
        UserError: The source is missing, broken, too short for its own index, or holds no frame in the part; too many of the
            searched frames show no face, or several and none was chosen; the face is too small; two detectors disagree;
            the crop lies beside the picture; or the output cannot be written.
    """
    if settings.crop == ALIGNED and not holds_crops(video):
        source = open_for_squares(video, start, end, clip, settings)
        extract_squares(source, person, detector, mtcnn, manifest, settings, threads)
        return
    source = open_source(video, fps=settings.fps, start=start, end=end, max_side=settings.max_side, clip=clip)
    with ExitStack() as stack:
        lookout = stack.enter_context(Lookout(detector, mtcnn))
        placement = place(source, lookout, person, settings)
        watch = stack.enter_context(Watch(source, placement.crop, placement.start, lookout, detector))
        writer = stack.enter_context(FrameFolderWriter(manifest, clip, threads=threads))
        indices = write_crops(source, placement.crop, writer, watch, settings.size, threads)
        check_decoded(source, settings.min_decoded)
        watched = watch.finish()
        for remark in source.remarks:
            note(f"{clip}: {remark}")
        tell_watched(watched, clip)
        writer.details |= details_of(source, placement, settings.size)
        writer.details |= {"source_index": indices, "outside": [watched.ids[place] for place in watched.outside]}
        writer.details |= names_of(source, indices)


def extract_squares(
    source: Source,
    person: str | None,
    detector: Path,
    mtcnn: list[Path],
    manifest: Path,
    settings: FramesSettings,
    threads: int,
) -> None:
    """Write a square of each frame, turned with the face, and the manifest.

    Args:
        source: At its own rate.
        person: As ``extract_frames``; so are the others.
        detector: ``face_landmarker.task``.
        mtcnn: The weights of MTCNN's three networks.
        manifest: ``frames.json``.
        settings: Rate, sizes and limits.
        threads: How many threads detect, cut and encode; the number changes no result.

    Raises:
        UserError: As ``extract_frames``.
    """
    point = point_of(person)
    with Lookout(detector, mtcnn) as lookout:
        choice, remarks = search_person(source, lookout, point, settings)
    with FrameFolderWriter(manifest, source.clip, threads=threads) as writer:
        squares = write_squares(source, detector, writer, choice.seen[0] if point else None, settings, threads)
        check_decoded(source, settings.min_decoded)
        remarks += remarks_on(squares, source)
        for remark in (*source.remarks, *remarks):
            note(f"{source.clip}: {remark}")
        writer.details |= facts_of(source, remarks) | details_of_squares(source, squares, settings)
        writer.details |= names_of(source, squares.indices)
        if point:
            writer.details["person"] = [settings.size / 2, settings.size / 2]


def point_of(person: str | None) -> tuple[float, float] | None:
    """Return the point that the column ``person`` names."""
    if person is None:
        return None
    x, y = person.split(",")
    return float(x), float(y)


def place(source: Source, lookout: Lookout, person: str | None, settings: FramesSettings) -> Placement:
    """Find out where to cut: search for the face where it decides the crop or was chosen, and tell what is unusual.

    Raises:
        UserError: As ``extract_frames``.
    """
    point = point_of(person)
    if isinstance(source, CropReader) and settings.crop in ("face", ALIGNED):
        placement = Placement(central_crop(source.source_size), remarks=(KEPT_WHOLE,))
    elif settings.crop == "face" or point is not None:
        placement = search_place(source, lookout, point, settings)
    else:
        placement = Placement(fixed_crop(settings.crop, source))
    crop, remarks = placement.crop, list(placement.remarks)
    if sticks_out(crop, source.source_size):
        reason = "the face moves over more than its shorter side" if settings.crop == "face" else "as it was given"
        remarks.append(f"the crop sticks out of the picture ({reason}); it repeats the picture's edge")
    for remark in remarks:
        note(f"{source.clip}: {remark}")
    return Placement(crop, placement.person, placement.start, tuple(remarks))


def search_place(source: Source, lookout: Lookout, point: tuple[float, float] | None, settings: FramesSettings) -> Placement:
    """Search a frame in many for the face.

    Raises:
        UserError: As ``extract_frames``.
    """
    choice, remarks = search_person(source, lookout, point, settings)
    found = settings.crop == "face"
    crop = (
        place_crop(np.array(choice.seen), settings.margin, source.source_size) if found else fixed_crop(settings.crop, source)
    )
    return Placement(crop, None if point is None else choice.centre, choice.seen[0], tuple(remarks))


def search_person(
    source: Source, lookout: Lookout, point: tuple[float, float] | None, settings: FramesSettings
) -> tuple[Choice, list[str]]:
    """Search a frame in many for the face that is meant, and return it with what the user should know, a sentence each.

    Raises:
        UserError: As ``extract_frames``.
    """
    looks = search_faces(source, lookout, settings.detect_every)
    check_any(source, len(looks))
    choice = choose_person(looks, point, source)
    check_faces(choice, source, settings)
    return choice, compare_opinions(looks, choice, source)


def fixed_crop(crop: str, source: Source) -> Crop:
    """Return the centred square for ``none``, else the one that ``x,y,size`` gives.

    Raises:
        UserError: It lies beside the picture, or is far larger.
    """
    if crop == "none":
        return central_crop(source.source_size)
    given = Crop(*(int(part) for part in crop.split(",")))
    if is_outside(given, source.source_size) or given.size > LARGEST_CROP * max(source.source_size):
        what = "the crop {} does not fit the picture of {}x{} pixels".format(crop, *source.source_size)
        remedy = "give left, top and side in the video's own upright pixels (frames.crop, or the column `crop`)"
        raise UserError(what, clip=source.clip, file=source.path, remedy=remedy)
    return given


def write_crops(source: Source, crop: Crop, writer: FrameFolderWriter, watch: Watch, size: int, threads: int) -> list[int]:
    """Cut each frame, hand it to the writer and the watch, and return the frames' places in the source.

    Decoding, cutting, watching and encoding overlap; a few frames are under way at a time.
    """
    cut = open_cutter(source, crop, size)
    indices = []
    frames: Iterator[tuple[int, Frame]] = enumerate(progress(source, source.expected, f"{source.clip}: frames"))
    for (frame_id, frame), image in map_in_order(lambda item: cut(item[1]), frames, threads):
        writer.add(frame_id, image)
        watch.add(frame_id, frame, image)
        indices.append(frame.source_index)
    return indices


def details_of(source: Source, placement: Placement, size: int) -> dict[str, object]:
    """Return what the manifest says of the frames' origin; ``person`` is in pixels of the frames."""
    crop, scale = placement.crop, size / placement.crop.size
    details = facts_of(source, list(placement.remarks)) | {"crop": [crop.x, crop.y, crop.size], "scale": scale}
    if placement.person is None:
        return details
    x, y = placement.person
    return details | {"person": [round((x - crop.x) * scale, 2), round((y - crop.y) * scale, 2)]}


def facts_of(source: Source, remarks: list[str]) -> dict[str, object]:
    """Return what the manifest says of a source, after an iteration; ``remarks`` come after the source's own."""
    return {
        "fps": source.fps,
        "source_size": source.source_size,
        "capped_size": source.size,
        "decoded": source.decoded,
        "expected": source.expected_decoded,
        "broken_packets": source.broken,
        "remarks": [*source.remarks, *remarks],
    }


def names_of(source: Source, indices: list[int]) -> dict[str, object]:
    """Return the names of the pictures that frames were made of, where they were."""
    return {"names": [source.files[index][1].name for index in indices]} if isinstance(source, PictureReader) else {}
