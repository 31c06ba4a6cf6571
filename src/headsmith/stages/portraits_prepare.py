"""Pictures made ready for a fit: read, turned upright, the face found, cut out, and its pixels labelled.

A picture that cannot be used costs itself alone, and the manifest says why; the stage stops only where none is left.
"""

from pathlib import Path

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ParsingSettings, PortraitsSettings
from headsmith.media.atomic import atomic_folder
from headsmith.media.progress import note, progress
from headsmith.nets.detectors import open_detector
from headsmith.nets.faces import Detector
from headsmith.nets.parsers import Parser
from headsmith.stages.portraits_crop import Similarity, beyond, cut, face_crop, moved, quarter_turn, whole_crop
from headsmith.stages.portraits_faces import FoundFace, find_face, shown
from headsmith.stages.portraits_manifest import PictureFacts, PreparedManifest, Refused, refuse_empty, write_prepared_manifest
from headsmith.stages.portraits_points import points_file, read_points
from headsmith.stages.portraits_prepared import PreparedPortrait, write_prepared
from headsmith.stages.portraits_sources import Picture, SourcePicture, iterate_sources

MOST_FACES = 5
"""Faces that are looked for in a picture."""
SMALLEST_FACE = 24.0
"""Pixels of the picture that the points of a face must span: in fewer there is nothing to fit."""
PARSED_SIDE = 512
"""Side of the pictures that the parser sees, pixels, about its own."""
AROUND = 1.5
"""It sees so many times the crop: it was trained on whole heads, and DECA's crop ends at the chin and the brow."""


def prepare_portraits(
    *,
    portrait: str,
    person: str,
    pictures: Path,
    landmarks: Path | None,
    files: dict[str, Path],
    network: Path,
    manifest: Path,
    settings: PortraitsSettings,
    parsing: ParsingSettings,
    threads: int,
) -> None:
    """Write the crops of a portrait's pictures with labels and points, and the manifest.

    Args:
        portrait: Its name.
        person: ``one`` or ``each``, which the manifest hands on.
        pictures: A picture, a folder of them, a list file, or a video.
        landmarks: The user's points, a file or a folder; None: those beside the pictures, where there are any.
        files: The detector's files, by the names of ``contract.detectors.detector_files``.
        network: The parser.
        manifest: ``prepared.json``; the files go to the folder beside it.
        settings: Detector, crop and size.
        parsing: For the order of the parser's labels.
        threads: Of the parser.

    Raises:
        UserError: There are no pictures, none of them can be used, or the detector's or parser's files cannot be read.
    """
    parser = Parser(network, threads, order=parsing.label_order)
    ready: list[PictureFacts] = []
    refused: list[Refused] = []
    with (
        open_detector(settings.detector, files, faces=settings.faces, max_faces=MOST_FACES) as detector,
        atomic_folder(manifest.with_suffix("")) as folder,
    ):
        sources = iterate_sources(pictures, settings.sample_step, portrait)
        for source in progress(sources, None, f"{portrait}: pictures"):
            try:
                ready.append(prepare_picture(source, folder, detector, parser, landmarks, settings, portrait))
            except UserError as error:
                refused.append(Refused(source.name, str(source.file), error.what))
                note(f"{portrait}: {source.name} is left out: {error.what}")
        if not ready:
            refuse_empty(portrait, refused, pictures, "no picture can be used:")
        for facts in ready:
            for remark in facts.remarks:
                note(f"{portrait}: {facts.name}: {remark}")
    write_prepared_manifest(manifest, PreparedManifest(portrait, person, settings.size, tuple(ready), tuple(refused)))


def prepare_picture(
    source: SourcePicture,
    folder: Path,
    detector: Detector,
    parser: Parser,
    landmarks: Path | None,
    settings: PortraitsSettings,
    portrait: str,
) -> PictureFacts:
    """Write one picture made ready, and return what there is to tell of it.

    Raises:
        UserError: It cannot be read, shows no face, or one that is too small.
    """
    remarks, picture = source.remarks(), source.read()
    size = (picture.shape[1], picture.shape[0])
    given = points_file(source, landmarks)
    face = (
        find_face(picture, detector, settings.min_confidence) if given is None else read_points(given, source, size, portrait)
    )
    extent = float(np.ptp(face.points, axis=0).max())
    if extent < SMALLEST_FACE:
        raise UserError(
            f"the face is {extent:.0f} pixels large, and {SMALLEST_FACE:.0f} are needed", remedy="give a larger picture"
        )
    crop = crop_of(face, size, settings)
    prepared = PreparedPortrait(
        name=source.name,
        picture=cut(picture, crop, settings.size),
        labels=labels_of(picture, crop, settings.size, parser),
        landmarks=moved(face.points, crop),
        confidence=face.confidence,
        convention=face.convention,
        crop=crop,
        size=size,
    )
    write_prepared(folder, prepared)
    return PictureFacts(source.name, str(source.file), source.index, size, (*remarks, *face.remarks))


def crop_of(face: FoundFace, size: tuple[int, int], settings: PortraitsSettings) -> Similarity:
    """Return the crop of a face, or that of the whole picture, in which the face is upright."""
    turn = quarter_turn(size, face.quarters)
    if settings.crop == "none":
        return whole_crop(shown(size, face.quarters), settings.size) @ turn
    return face_crop(moved(face.points, turn), settings.margin, settings.size) @ turn


def labels_of(picture: Picture, crop: Similarity, size: int, parser: Parser) -> np.ndarray:
    """Return the labels of a crop's pixels, (size, size); background beyond the picture.

    The parser sees more of the picture than the crop has, at its own size; each pixel of the crop takes the label at its place.
    """
    scale = PARSED_SIDE / (AROUND * size)
    shift = PARSED_SIDE / 2 * (1 - 1 / AROUND)
    around = np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])
    labels = parser.parse(cut(picture, around @ crop, PARSED_SIDE))
    place = np.clip((shift + scale * (np.arange(size) + 0.5)).astype(int), 0, PARSED_SIDE - 1)
    own = labels[place][:, place]
    own[beyond((picture.shape[1], picture.shape[0]), crop, size)] = 0
    return np.ascontiguousarray(own)
