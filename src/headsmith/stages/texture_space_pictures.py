"""The pictures of a texture space: which there are, what each shows, and why some are left out.

What a picture shows is kept in a file of its own below ``texture_space.partial/``, with a hash of what it was made from: a run
that was killed goes on where it was, and jobs that each work at a share of the pictures leave them for the one that learns.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.contract.settings import TextureSpaceSettings
from headsmith.media.atomic import atomic_path
from headsmith.stages.portraits_file import read_portrait
from headsmith.stages.portraits_fits import read_fits_manifest
from headsmith.stages.portraits_manifest import read_prepared_manifest
from headsmith.stages.portraits_prepared import read_prepared
from headsmith.stages.texture_space_unwrap import Sheet, Unwrapped, unwrap

KEPT: Final = ("colours", "light", "weights")
FORMAT: Final = "2"
"""Counts up where what is kept of a picture changes in meaning."""


@dataclass(frozen=True)
class SourcePicture:
    """A fitted picture.

    Attributes:
        name: Of the portrait and the picture in it.
        prepared: Folder of the prepared pictures.
        fits: Folder of the fits.
        picture: The picture's name in both.
        landmark_error: Of its fit, percent of the eye distance.
    """

    name: str
    prepared: Path
    fits: Path
    picture: str
    landmark_error: float

    def files(self) -> list[Path]:
        """Return what its texture is made from."""
        suffixes = (".png", ".labels.png", ".npz")
        return [*(self.prepared / f"{self.picture}{suffix}" for suffix in suffixes), self.fits / f"{self.picture}.npz"]


@dataclass(frozen=True)
class LeftOut:
    """A picture that does not count, and why."""

    name: str
    reason: str


def partial_of(texture: Path) -> Path:
    """Return where what pictures show is kept while a texture space is made."""
    return texture.parent / "texture_space.partial"


def list_pictures(prepared: list[Path], fits: list[Path], sheet: Sheet) -> tuple[list[SourcePicture], list[LeftOut]]:
    """Return all fitted pictures of some portraits, in order, and those that were not made ready or not fitted.

    Args:
        prepared: Manifest of each portrait's prepared pictures.
        fits: Manifest of each portrait's fits, in the same order.
        sheet: For the head, which all must be fits of.

    Raises:
        UserError: A manifest cannot be read, or its fits are another head's.
    """
    found, left_out = [], []
    for of_prepared, of_fits in zip(prepared, fits, strict=True):
        manifest = read_fits_manifest(of_fits)
        if manifest.head_sha256 != sheet.head.sha256:
            remedy = f"delete {of_fits} and run snakemake again: the portrait is fitted anew"
            raise UserError(f"portrait {manifest.portrait} was fitted with another head", file=of_fits, remedy=remedy)
        for facts in manifest.pictures:
            name = f"{manifest.portrait}-{facts.name}"
            folders = (of_prepared.with_suffix(""), of_fits.with_suffix(""))
            found.append(SourcePicture(name, *folders, facts.name, facts.landmark_error_percent_iod))
        refused = (*read_prepared_manifest(of_prepared).refused, *manifest.refused)
        left_out += [LeftOut(f"{manifest.portrait}-{one.name}", one.reason) for one in refused]
    return found, left_out


def iterate_unwrapped(
    pictures: list[SourcePicture], sheet: Sheet, settings: TextureSpaceSettings, folder: Path
) -> Iterator[tuple[SourcePicture, Unwrapped | LeftOut]]:
    """Yield what each picture shows, or why it does not count; what was kept in the folder is not made again."""
    face = face_texels(sheet)
    for picture in pictures:
        try:
            yield picture, _kept(picture, sheet, settings, folder, face)
        except UserError as error:
            yield picture, LeftOut(picture.name, error.what)


def face_texels(sheet: Sheet) -> np.ndarray:
    """Return which texels lie on the face; on all of a head that names no such region."""
    region = sheet.head.regions.get("face")
    inside = np.ones(sheet.surface.count, bool) if region is None else np.isin(np.arange(sheet.surface.count), region)
    return inside[sheet.surface.faces].all(1)[sheet.texels.faces]


def _kept(
    picture: SourcePicture, sheet: Sheet, settings: TextureSpaceSettings, folder: Path, face: np.ndarray
) -> Unwrapped | LeftOut:
    if picture.landmark_error > settings.max_landmark_error:
        limit = f"texture_space.max_landmark_error is {settings.max_landmark_error:g}"
        return LeftOut(
            picture.name, f"its landmarks are off by {picture.landmark_error:.1f} % of the eye distance, and {limit}"
        )
    path, key = folder / f"{picture.name}.npz", key_of(picture, sheet)
    found = read_unwrapped(path, key, len(sheet.texels.faces))
    if found is None:
        prepared, fitted = read_prepared(picture.prepared, picture.picture), read_portrait(picture.files()[-1], sheet.head)
        found = unwrap(sheet, prepared, fitted)
        write_unwrapped(path, key, found)
    seen = float((found.weights[face] > 0).mean())
    if seen < settings.min_seen:
        return LeftOut(
            picture.name,
            f"it shows {100 * seen:.0f} % of the face's texels, and texture_space.min_seen is {settings.min_seen:g}",
        )
    return found


def key_of(picture: SourcePicture, sheet: Sheet) -> str:
    """Return the hash of all that what a picture shows is made from.

    Raises:
        UserError: A file is missing.
    """
    digest = hashlib.sha256(f"{FORMAT} {sheet.head.sha256} {sheet.texels.covered.shape[0]}".encode())
    for path in picture.files():
        try:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise UserError(f"a file of the picture cannot be read: {error}", file=path) from error
    return digest.hexdigest()


def write_unwrapped(path: Path, key: str, unwrapped: Unwrapped) -> None:
    """Keep what a picture shows: of the seen texels alone."""
    rows = np.flatnonzero(unwrapped.weights > 0).astype(np.int32)
    with atomic_path(path) as partial, partial.open("wb") as stream:
        parts = {name: getattr(unwrapped, name)[rows] for name in KEPT}
        np.savez(stream, key=np.array(key), rows=rows, **parts)


def read_unwrapped(path: Path, key: str, count: int) -> Unwrapped | None:
    """Return what was kept of a picture; None where nothing was, or it was made from other files."""
    try:
        with np.load(path, allow_pickle=False) as content:
            if str(content["key"]) != key:
                return None
            rows, parts = content["rows"], {name: content[name] for name in KEPT}
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        return None
    result = Unwrapped(np.zeros((count, 3), np.float32), np.ones((count, 3), np.float32), np.zeros(count, np.float32))
    for name, values in parts.items():
        getattr(result, name)[rows] = values
    return result
