"""A FlashAvatar subject on disk: where its images, mattes, masks and parameters lie.

``dataset/<id>/{imgs,alpha,parsing}`` and ``metrical-tracker/output/<id>/checkpoint`` lie below one folder, from which
FlashAvatar's own code is started. Image k + 1 belongs to parameters k, unless a subject's naming says otherwise.
"""

from dataclasses import dataclass, field
from pathlib import Path

from headsmith.bridges.flashavatar import FRAME_TO_IMAGE
from headsmith.contract.errors import UserError

IMAGES = "imgs"
LAYOUT = "dataset/<id>/imgs with metrical-tracker/output/<id>/checkpoint beside `dataset`"


@dataclass(frozen=True)
class Naming:
    """How images are named; as FlashAvatar's own code wants them unless told otherwise.

    Attributes:
        delta: What is added to a frame's number to get its images'.
        endings: Of images and mattes; the first that is there counts. Masks are PNG in all programs.
    """

    delta: int = FRAME_TO_IMAGE
    endings: tuple[str, ...] = (".jpg",)


@dataclass(frozen=True)
class Subject:
    """One person's dataset.

    Attributes:
        name: The id.
        images: The folder ``dataset/<id>``.
        checkpoint: The folder of ``.frame`` files.
        naming: How its images are named.
    """

    name: str
    images: Path
    checkpoint: Path
    naming: Naming = field(default_factory=Naming)

    @property
    def root(self) -> Path:
        """The folder that holds both trees."""
        return self.images.parent.parent

    def frame(self, index: int) -> Path:
        """Return the parameters of a frame, by number from 0."""
        return self.checkpoint / f"{index:05d}.frame"

    def files(self, index: int) -> dict[str, Path]:
        """Return the images of a frame by word, by the frame's number from 0: theirs is one more, or as the naming says."""
        number = f"{index + self.naming.delta:05d}"
        return {
            "image": self._existing(self.images / IMAGES / number),
            "alpha": self._existing(self.images / "alpha" / number),
            "neckhead": self.images / "parsing" / f"{number}_neckhead.png",
            "mouth": self.images / "parsing" / f"{number}_mouth.png",
        }

    def told(self, path: Path) -> str:
        """Return a path as messages have it: from the folder that holds both trees, where it lies there."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def _existing(self, stem: Path) -> Path:
        """Return the file of a name with the first ending that is there; with the first of all where none is."""
        paths = [stem.with_name(stem.name + ending) for ending in self.naming.endings]
        return next((path for path in paths if path.exists()), paths[0])


def find_subject(folder: Path, checkpoint: Path | None = None) -> Subject:
    """Return the subject that a folder means.

    Args:
        folder: ``dataset/<id>``, or the folder above ``dataset``.
        checkpoint: The folder of ``.frame`` files, where it does not lie in its place.

    Raises:
        UserError: There is none, or more than one.
    """
    images = _images(folder)
    places = [images.parent.parent / "metrical-tracker" / "output" / images.name / "checkpoint", images / "checkpoint"]
    found = [place for place in ([checkpoint] if checkpoint else places) if place.is_dir()]
    if not found:
        what = "the folder of .frame files is not there"
        remedy = "name it (validation.checkpoint; for a clip, the column `tracking`), or lay it out as FlashAvatar does: "
        raise UserError(what, file=checkpoint or places[0], remedy=remedy + LAYOUT)
    return Subject(images.name, images, found[0])


def _images(folder: Path) -> Path:
    if (folder / IMAGES).is_dir():
        return folder.absolute()
    above = folder / "dataset" if (folder / "dataset").is_dir() else folder
    found = sorted(place for place in above.glob("*") if (place / IMAGES).is_dir())
    if len(found) == 1:
        return found[0].absolute()
    if found:
        what = f"the folder holds {len(found)} subjects: {', '.join(place.name for place in found[:9])}"
        raise UserError(what, file=folder, remedy=f"name one of them, as {found[0]}")
    remedy = f"name the folder of a subject, dataset/<id>, or the one above `dataset`; FlashAvatar's layout is {LAYOUT}"
    if not folder.is_dir():
        raise UserError("there is no such folder", file=folder, remedy=remedy)
    raise UserError("the folder is no FlashAvatar subject: it has no imgs/", file=folder, remedy=remedy)
