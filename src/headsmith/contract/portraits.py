"""The table of portraits: which pictures, whether they show one person, and the user's own points of the faces."""

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from headsmith.contract.clips import ASSET_PREFIX
from headsmith.contract.config import NAME, nearest, shown
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.contract.settings import Settings

COLUMNS = ("portrait", "pictures", "person", "landmarks")
ONE, EACH = PERSONS = ("one", "each")
"""What the column `person` may hold: all pictures show one person, or each its own, which a blank cell says too."""
DECA_FILE = "deca_model.tar"
DECA_PAGE = "https://deca.is.tue.mpg.de"
DECA_HEAD = "flame2020"
"""The head that the codes of DECA's network are of."""


@dataclass(frozen=True)
class Portrait:
    """A line of the table.

    Attributes:
        name: Names the folder under ``results/portraits/``.
        pictures: Path of a picture, a folder of them, a list (``.txt``), or a video; or ``asset:<name>``.
        person: ``one`` or ``each``.
        landmarks: Path of the user's own points, a file or a folder; None: those that lie beside the pictures, if any do.
    """

    name: str
    pictures: str
    person: str = EACH
    landmarks: str | None = None

    @property
    def asset(self) -> str | None:
        """Name of the asset that the pictures are, or None where they are a path."""
        return self.pictures.removeprefix(ASSET_PREFIX) if self.pictures.startswith(ASSET_PREFIX) else None


def read_portraits(table: Path) -> dict[str, Portrait]:
    """Return the portraits of a tab-separated table, by name; none where there is no such file.

    Lines that start with ``#`` and empty lines are skipped.

    Raises:
        UserError: The table cannot be read, a column is missing, unknown or there twice, a portrait stands twice, or a cell
            holds what it cannot.
    """
    if not table.exists():
        return {}
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"write it as text, with the columns {', '.join(COLUMNS)}"
        raise UserError(f"the table of portraits cannot be read: {error}", file=table, remedy=remedy) from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    if not lines:
        return {}
    header = [cell.strip() for cell in lines[0][1].split("\t")]
    _check_header(header, table)
    portraits: dict[str, Portrait] = {}
    for number, line in lines[1:]:
        portrait = _read_line(header, line, number, table)
        if portrait.name in portraits:
            remedy = "give each line a name of its own"
            raise UserError(f"line {number}: the portrait {portrait.name} stands twice", file=table, remedy=remedy)
        portraits[portrait.name] = portrait
    return portraits


def check_portraits(portraits: dict[str, Portrait], settings: Settings, assets: Collection[str], table: Path) -> None:
    """Check what can be known before a picture is opened.

    Args:
        portraits: What ``read_portraits`` returned.
        settings: For the method, and what it needs.
        assets: Names of the files in ``config/assets.yaml``.
        table: Where the portraits stand, for messages.

    Raises:
        UserError: Pictures, points or an asset do not exist, or a path holds braces; or, where there is a portrait, the
            method's network or the texture space is missing.
    """
    for portrait in portraits.values():
        for path in (portrait.pictures, portrait.landmarks or ""):
            if re.search(r"\{\s*\w", path):
                remedy = "rename the file or its folder, or name a link to it that has no braces"
                raise _told(f"the path holds a brace, which stands for a wildcard: {path}", portrait, table, remedy)
        if portrait.asset is not None and portrait.asset not in assets:
            raise _told(f"unknown asset {portrait.asset!r}", portrait, table, nearest(portrait.asset, sorted(assets)))
        wanted = [portrait.landmarks] if portrait.asset is not None else [portrait.pictures, portrait.landmarks]
        for path in wanted:
            if path is not None and not Path(path).exists():
                remedy = f"put it there or correct the path (relative paths start at {Path.cwd()})"
                raise _told(f"there is no {path}", portrait, table, remedy)
    if portraits:
        check_method(settings)


def check_method(settings: Settings) -> None:
    """Accept what the settings ask of portraits.

    Raises:
        UserError: DECA's network is asked for and not there, or its head is not the chosen one; it is named and not asked for;
            or a texture space is asked for and none is named.
    """
    chosen, head = settings.portraits, settings.heads.model
    if chosen.method == "deca":
        if not chosen.network or not Path(chosen.network).is_file():
            what = f"portraits.method is `deca`, and its network is not there: {chosen.network or 'portraits.network is blank'}"
            remedy = f"register at {DECA_PAGE}, download {DECA_FILE} and name its path in portraits.network"
            raise UserError(what, remedy=f"{remedy}; or set portraits.method to fit, which needs no network")
        if head != DECA_HEAD:
            what = f"the codes of DECA's network are of the head {DECA_HEAD}, and heads.model is {head}"
            remedy = f"set heads.model to {DECA_HEAD} (docs/heads.md tells where its file is from), or portraits.method to fit"
            raise UserError(what, remedy=remedy)
        if not settings.heads.template:
            remedy = "name head_template_mesh.obj in heads.template: the network's displacements are over its unwrapping"
            raise UserError("portraits.method is `deca`, which needs FLAME's own unwrapping", remedy=remedy)
        if chosen.size != 224 or chosen.use_texture:
            wrong = "portraits.use_texture is on" if chosen.use_texture else f"portraits.size is {chosen.size}"
            what = f"{wrong}: DECA's network takes 224 pixels, and its texture codes are of the BFM's space, which is not read"
            remedy = "leave portraits.size at 224 and portraits.use_texture off, or set portraits.method to fit"
            raise UserError(what, remedy=remedy)
    elif chosen.network:
        remedy = "set portraits.method to deca, or leave portraits.network blank"
        raise UserError("portraits.network is named, and portraits.method is `fit`", file=chosen.network, remedy=remedy)
    if chosen.use_texture and not settings.heads.texture:
        remedy = "name FLAME_texture.npz, or what `snakemake texture_space` has made, in heads.texture"
        raise UserError("portraits.use_texture is on, and heads.texture names no texture space", remedy=remedy)
    if settings.heads.texture and head in FLAME_HEADS and not settings.heads.template and chosen.use_texture:
        remedy = "name head_template_mesh.obj in heads.template: the texture space is over its unwrapping"
        raise UserError("portraits.use_texture needs FLAME's own unwrapping", remedy=remedy)


def _told(what: str, portrait: Portrait, table: Path, remedy: str) -> UserError:
    return UserError(f"portrait {portrait.name}: {what}", file=table, remedy=remedy)


def _check_header(header: list[str], table: Path) -> None:
    for name in header:
        if name not in COLUMNS:
            raise UserError(f"unknown column {name!r}", file=table, remedy=nearest(name, list(COLUMNS)))
    for name in COLUMNS[:2]:
        if name not in header:
            remedy = f"the first line names the columns, separated by tabs: {', '.join(COLUMNS)}"
            raise UserError(f"the column {name!r} is missing", file=table, remedy=remedy)
    if len(set(header)) < len(header):
        raise UserError("a column stands twice", file=table, remedy=f"name each once: {', '.join(COLUMNS)}")


def _read_line(header: list[str], line: str, number: int, table: Path) -> Portrait:
    cells = [cell.strip() for cell in next(csv.reader([line], delimiter="\t"))]
    if len(cells) > len(header):
        what = f"line {number}: {len(cells)} cells for {len(header)} columns: {shown(line)}"
        raise UserError(what, file=table, remedy="separate the cells by one tab each")
    row = dict(zip(header, cells, strict=False))
    name, person = row["portrait"], row.get("person") or EACH
    if not NAME.fullmatch(name):
        what = f"line {number}: {name!r} cannot name a portrait"
        raise UserError(what, file=table, remedy="use letters, digits, `_` and `-`: the name becomes a folder")
    if not row.get("pictures"):
        remedy = "write a path or asset:<name> in the column `pictures`, after a tab"
        raise UserError(f"line {number}: no pictures are named", file=table, remedy=remedy)
    if person not in PERSONS:
        remedy = "write `one` where all pictures show one person, `each` or nothing where they do not"
        raise UserError(f"line {number}: person is {person!r}", file=table, remedy=remedy)
    return Portrait(name, row["pictures"], person, row.get("landmarks") or None)
