"""``prepared.json``: which pictures of a portrait were made ready, and why the others were not."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headsmith.contract.errors import UserError
from headsmith.media.atomic import atomic_path

MOST_TOLD = 5
"""Reasons that a message lists."""


@dataclass(frozen=True)
class PictureFacts:
    """A picture that was made ready.

    Attributes:
        name: Names its files.
        source: The file that it is from.
        index: Its frame in a video; None for a picture.
        size: Width and height, upright, in its own pixels.
        remarks: What the user should know, a sentence each.
    """

    name: str
    source: str
    index: int | None
    size: tuple[int, int]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A picture that was not, with the reason."""

    name: str
    source: str
    reason: str


@dataclass(frozen=True)
class PreparedManifest:
    """All pictures of a portrait.

    Attributes:
        portrait: Its name.
        person: ``one``: all show one person; ``each``: each its own.
        size: Side of the crops, pixels.
        pictures: Those that are ready, in order.
        refused: The others.
    """

    portrait: str
    person: str
    size: int
    pictures: tuple[PictureFacts, ...]
    refused: tuple[Refused, ...]

    @property
    def names(self) -> list[str]:
        """Names of the pictures that are ready."""
        return [picture.name for picture in self.pictures]


def write_prepared_manifest(path: Path, manifest: PreparedManifest) -> None:
    """Write the manifest, in one step."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(asdict(manifest), indent=1) + "\n")


def read_prepared_manifest(path: Path) -> PreparedManifest:
    """Return a manifest.

    Raises:
        UserError: It is missing or broken.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        pictures = [PictureFacts(**_listed(entry)) for entry in content.pop("pictures")]
        refused = [Refused(**entry) for entry in content.pop("refused")]
        return PreparedManifest(**content, pictures=tuple(pictures), refused=tuple(refused))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = f"delete {path} and run snakemake again: the pictures are prepared anew"
        raise UserError(f"the prepared pictures cannot be read: {error!r}", file=path, remedy=remedy) from error


def _listed(entry: dict[str, Any]) -> dict[str, Any]:
    width, height = entry["size"]
    return entry | {"size": (int(width), int(height)), "remarks": tuple(entry["remarks"])}


def refuse_empty(portrait: str, refused: list[Refused], file: Path, what: str) -> None:
    """Stop where no picture is left.

    Raises:
        UserError: There is none; it tells the first reasons.
    """
    reasons = "".join(f"\n  {one.name}: {one.reason}" for one in refused[:MOST_TOLD])
    more = f"\n  and {len(refused) - MOST_TOLD} more" if len(refused) > MOST_TOLD else ""
    remedy = "give pictures in which a face is seen whole and upright; docs/portraits.md tells what can be read"
    raise UserError(f"portrait {portrait}: {what}{reasons}{more}", file=file, remedy=remedy)
