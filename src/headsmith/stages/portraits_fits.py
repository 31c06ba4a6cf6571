"""``fits.json``: which pictures of a portrait were fitted, how well, and why the others were not."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headsmith.contract.errors import UserError
from headsmith.media.atomic import atomic_path
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_manifest import Refused


@dataclass(frozen=True)
class FitFacts:
    """How well a picture was fitted.

    Attributes:
        name: Names its files.
        landmark_error_percent_iod: Mean distance of the landmarks without the outline, percent of the eye distance.
        psnr: dB over the skin that was compared; None where colours were not fitted.
    """

    name: str
    landmark_error_percent_iod: float
    psnr: float | None

    @classmethod
    def of(cls, portrait: FittedPortrait) -> "FitFacts":
        """Return the facts of a fitted portrait."""
        return cls(portrait.name, portrait.landmark_error, None if math.isnan(portrait.psnr) else portrait.psnr)


@dataclass(frozen=True)
class FitsManifest:
    """All pictures of a portrait.

    Attributes:
        portrait: Its name.
        person: ``one``: all were fitted together; ``each``: each by itself.
        head: Name of the head.
        head_sha256: Its hash.
        pictures: Those that were fitted, in order.
        refused: The others.
    """

    portrait: str
    person: str
    head: str
    head_sha256: str
    pictures: tuple[FitFacts, ...]
    refused: tuple[Refused, ...]

    @property
    def names(self) -> list[str]:
        """Names of the pictures that were fitted."""
        return [picture.name for picture in self.pictures]


def write_fits_manifest(path: Path, manifest: FitsManifest) -> None:
    """Write the manifest, in one step."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(asdict(manifest), indent=1) + "\n")


def read_fits_manifest(path: Path) -> FitsManifest:
    """Return a manifest.

    Raises:
        UserError: It is missing or broken.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        pictures = tuple(FitFacts(**entry) for entry in content.pop("pictures"))
        refused = tuple(Refused(**entry) for entry in content.pop("refused"))
        return FitsManifest(**content, pictures=pictures, refused=refused)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = f"delete {path} and run snakemake again: the pictures are fitted anew"
        raise UserError(f"the fitted pictures cannot be read: {error!r}", file=path, remedy=remedy) from error
