"""The stage *portraits_fit*: the head, the skin's colours and the light of prepared pictures, by analysis and synthesis."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import torch

from headsmith.contract.errors import UserError
from headsmith.contract.settings import PortraitsSettings
from headsmith.heads.model import HeadModel
from headsmith.heads.texture import TextureModel, read_texture
from headsmith.media.atomic import atomic_folder
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import note, progress
from headsmith.stages.portraits_file import FittedPortrait, write_portrait
from headsmith.stages.portraits_fits import FitFacts, FitsManifest, write_fits_manifest
from headsmith.stages.portraits_fitting import check_pictures, fit_portrait
from headsmith.stages.portraits_manifest import Refused, read_prepared_manifest, refuse_empty
from headsmith.stages.portraits_prepared import read_prepared
from headsmith.stages.portraits_priors import open_priors
from headsmith.stages.portraits_watch import Record

ONE: Final = "one"
"""What the table of portraits calls pictures that all show one person."""


def fit_portraits(
    *,
    portrait: str,
    prepared: Path,
    head: Path,
    manifest: Path,
    settings: PortraitsSettings,
    threads: int,
    texture: Path | None = None,
    dposer: list[Path] | None = None,
) -> None:
    """Write ``{picture}.npz`` and ``{picture}.csv``, the losses of each step, of a portrait's pictures, and the manifest.

    Where ``settings.progress`` asks for it, ``{picture}.mp4`` shows how the fit went on. A picture that cannot be fitted costs
    itself alone.

    Args:
        portrait: Its name.
        prepared: The manifest of its prepared pictures, which lie in the folder beside it.
        head: The head container.
        manifest: ``fits.json``; the files go to the folder beside it.
        settings: What is sought, and how; they name the diffusions' files too.
        threads: Pictures that are fitted at once; the result does not depend on them.
        texture: The head's texture space; None: plain colours and the offset.
        dposer: Those files, so that a change of one fits anew.

    Raises:
        UserError: An input cannot be read or does not go with another, or no picture can be fitted.
    """
    torch.set_num_threads(1)
    known, model = read_prepared_manifest(prepared), HeadModel.load(head)
    space = None if texture is None else read_texture(texture, model.container, settings.texture_codes)
    groups = [known.names] if known.person == ONE else [[name] for name in known.names]
    many = len(groups) > 1
    fitter = Fitter(model, settings, space, 1 if many else threads)
    fitted: list[FittedPortrait] = []
    refused: list[Refused] = []
    with atomic_folder(manifest.with_suffix("")) as folder:
        source = prepared.with_suffix("")
        results = map_in_order(lambda names: fitter.fit(source, names, folder), groups, threads if many else 1)
        for _, (found, left_out) in progress(results, len(groups), f"{portrait}: fits"):
            fitted += found
            refused += left_out
        for one in refused:
            note(f"{portrait}: {one.name} is left out: {one.reason}")
        if not fitted:
            refuse_empty(portrait, refused, prepared, "no picture can be fitted:")
    facts = tuple(FitFacts.of(part) for part in fitted)
    write_fits_manifest(
        manifest, FitsManifest(portrait, known.person, model.container.name, model.sha256, facts, tuple(refused))
    )


class Fitter:
    """What all groups of pictures are fitted with.

    Args:
        model: The head.
        settings: What is sought, and how.
        texture: The head's texture space.
        threads: Of one group; the result does not depend on them.
    """

    def __init__(self, model: HeadModel, settings: PortraitsSettings, texture: TextureModel | None, threads: int) -> None:
        self.model, self.settings, self.texture, self.threads = model, settings, texture, threads
        open_priors(settings, model.container)

    def fit(self, source: Path, names: Sequence[str], folder: Path) -> tuple[list[FittedPortrait], list[Refused]]:
        """Return the fits of one person's pictures, which it writes into a folder, and which cannot be fitted, with reasons.

        Args:
            source: The folder of the prepared pictures.
            names: Of the person's.
            folder: Where the fits go.
        """
        group = [read_prepared(source, name) for name in names]
        good, refused = check_pictures(group, self.model, self.settings)
        if not good:
            return [], refused
        priors = open_priors(self.settings, self.model.container)
        try:
            with ExitStack() as stack:
                record = Record(good, folder, self.settings, stack)
                found = fit_portrait(good, self.model, self.settings, priors, self.texture, self.threads, record)
        except UserError as error:
            return [], [*refused, *(Refused(part.name, part.name, error.what) for part in good)]
        for part in found:
            write_portrait(folder / f"{part.name}.npz", part)
        return found, refused
