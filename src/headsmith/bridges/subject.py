"""A FlashAvatar subject on disk: where its images, mattes, masks and parameters lie.

``dataset/<id>/{imgs,alpha,parsing}`` and ``metrical-tracker/output/<id>/checkpoint`` lie below one folder, from which
FlashAvatar's own code is started. Image k + 1 belongs to parameters k.
"""

from dataclasses import dataclass
from pathlib import Path

from headsmith.contract.errors import UserError

IMAGES = "imgs"
LAYOUT = "dataset/<id>/imgs with metrical-tracker/output/<id>/checkpoint beside `dataset`"


@dataclass(frozen=True)
class Subject:
    """One person's dataset.

    Attributes:
        name: The id.
        images: The folder ``dataset/<id>``.
        checkpoint: The folder of ``.frame`` files.
    """

    name: str
    images: Path
    checkpoint: Path

    def frame(self, index: int) -> Path:
        """Return the parameters of a frame, by number from 0."""
        return self.checkpoint / f"{index:05d}.frame"

    def files(self, index: int) -> dict[str, Path]:
        """Return the images of a frame by word, by the frame's number from 0: theirs is one more."""
        number = f"{index + 1:05d}"
        return {
            "image": self.images / IMAGES / f"{number}.jpg",
            "alpha": self.images / "alpha" / f"{number}.jpg",
            "neckhead": self.images / "parsing" / f"{number}_neckhead.png",
            "mouth": self.images / "parsing" / f"{number}_mouth.png",
        }

    def told(self, path: Path) -> str:
        """Return a path as messages have it: from the folder that holds both trees, where it lies there."""
        root = self.images.parent.parent
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


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
        remedy = f"name it (validation.checkpoint), or lay the folder out as FlashAvatar does: {LAYOUT}"
        raise UserError(what, file=checkpoint or places[0], remedy=remedy)
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
        raise UserError(what, file=folder, remedy=f"name one of them (validation.folder), as {found[0]}")
    remedy = f"name the folder of a subject, dataset/<id>, or the one above `dataset`; FlashAvatar's layout is {LAYOUT}"
    if not folder.is_dir():
        raise UserError("there is no such folder", file=folder, remedy=remedy)
    raise UserError("the folder is no FlashAvatar subject: it has no imgs/", file=folder, remedy=remedy)
