"""FLAME's licensed files: where they are registered for, which ones the settings name, and whether they are there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headsmith.contract.errors import UserError
from headsmith.contract.exchange import SOLVE
from headsmith.contract.settings import HeadsSettings, Settings

PAGE: Final = "https://flame.is.tue.mpg.de"
"""Where FLAME is registered for, its licence accepted, and its files downloaded."""

TITLES: Final[dict[str, str]] = {
    "flame2020": "FLAME 2020 (generic_model.pkl, or a gendered one)",
    "flame2023": "FLAME 2023 (flame2023.pkl)",
    "flame2023_open": "FLAME 2023 Open (flame2023_Open.pkl; CC BY 4.0)",
}
"""The FLAME heads (``exchange.FLAME_HEADS``) and their files, as the page calls them."""

LIDS: Final = ("l_eyelid.npy", "r_eyelid.npy")
"""Files of the folder ``heads.eyelids``: the subject's left and right."""


def missing_remedy(path: object, title: str = "FLAME 2020, 2023 or 2023 Open", *, tracked: bool = False) -> str:
    """Return what to do about a FLAME file that is not there.

    Args:
        path: Where it was looked for.
        title: Which release, of ``TITLES``.
        tracked: Whether another program's codes need this very head, so that none can stand in its place.
    """
    remedy = f"register at {PAGE}, accept the licence, download {title}, and put the model's .pkl at {path} "
    remedy += "(or name its place in the settings, section `heads`)"
    return remedy if tracked else f"{remedy}; or use the head anny, which needs no registration"


def model_file(settings: HeadsSettings, head: str) -> Path:
    """Return where the settings have the licensed file of a FLAME head."""
    return Path(getattr(settings, head))


def lid_files(settings: HeadsSettings) -> list[Path]:
    """Return the user's files of the left and the right eyelid; none where they are made, or move nothing."""
    return [] if settings.eyelids in ("made", "none") else [Path(settings.eyelids) / name for name in LIDS]


def side_files(settings: HeadsSettings) -> list[Path]:
    """Return the user's files from which the container of a FLAME head is made, beside the model."""
    named = [settings.template, settings.masks, *settings.embeddings]
    return [*lid_files(settings), *(Path(name) for name in named if name)]


def check_flame(settings: Settings) -> None:
    """Refuse settings that name a FLAME head whose files are not there; of other heads nothing is asked.

    Raises:
        UserError: A file is missing: which one, where to register for it, and where to put it.
    """
    heads = [head for head in (settings.heads.model, settings.conversion.to) if head in TITLES]
    for head in heads:
        path = model_file(settings.heads, head)
        if not path.is_file():
            what = f"the head {head} needs its licensed file, which is not there"
            tracked = settings.tracking.source != SOLVE
            raise UserError(what, file=path, remedy=missing_remedy(path, TITLES[head], tracked=tracked))
    for name, path in _named(settings.heads) if heads else ():
        if not path.is_file():
            what = f"`heads.{name}` names a file that is not there"
            raise UserError(what, file=path, remedy=f"put it there, or name its place; without `{name}`: see docs/config.md")


def _named(settings: HeadsSettings) -> Iterator[tuple[str, Path]]:
    yield from (("eyelids", path) for path in lid_files(settings))
    single = ((name, getattr(settings, name)) for name in ("template", "masks", "texture"))
    yield from ((name, Path(value)) for name, value in single if value)
    yield from (("embeddings", Path(value)) for value in settings.embeddings)
