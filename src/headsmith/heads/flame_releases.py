"""Which FLAME a file is: told by its hash, else by what its authors wrote into it, else by its name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headsmith.contract.flame import PAGE

SIGNED: Final = (
    "FLAME (Li, Bolkart, Black, Li and Romero 2017; Max Planck Institute for Intelligent Systems): under the licence that was "
    f"accepted at {PAGE}; neither this file nor anything that contains the model may be passed on"
)
OPEN: Final = (
    "FLAME 2023 Open (Li, Bolkart, Black, Li and Romero 2017; Max Planck Institute for Intelligent Systems): CC BY 4.0; "
    "converted to another file format"
)

HASHES: Final[dict[str, str]] = {
    "e75a0990728ba038c7da2a420ae4396f7ddd7781366c13026066c5b24f127623": "2023 Open",
    "8fb1af0db1abb51053ead8fd1f2624a63d01c9602f4a4fb4ea23bd2c82017fa0": "2023",
    "b291fcd1": "2023 no jaw",
}
"""Releases by sha256 or by its start, as far as it is published."""

NAMES: Final[dict[str, str]] = {
    "generic_model.pkl": "2020 generic",
    "male_model.pkl": "2020 male",
    "female_model.pkl": "2020 female",
    "flame2023.pkl": "2023",
    "flame2023_no_jaw.pkl": "2023 no jaw",
}
"""Releases by the names of their files in the archives of ``PAGE``. FLAME 2017 and 2019 used the first three as well."""

UNLISTED: Final = "unlisted"

HEAD_OF: Final[dict[str, str]] = {
    **dict.fromkeys(("2020 generic", "2020 male", "2020 female"), "flame2020"),
    **dict.fromkeys(("2023", "2023 no jaw"), "flame2023"),
    "2023 Open": "flame2023_open",
}
"""The head (``contract.exchange.HEADS``) that each release is; codes of one head mean something else on another."""


@dataclass(frozen=True)
class Release:
    """Which FLAME a file is.

    Attributes:
        name: ``2020 generic``, ``2020 male``, ``2020 female``, ``2023``, ``2023 no jaw``, ``2023 Open`` or ``unlisted``.
        told_by: ``sha256``, ``metadata``, ``file name``, or ``nothing`` for a file that is unlisted.
    """

    name: str
    told_by: str

    @property
    def licence(self) -> str:
        """The terms to keep with everything made from the file; what is not known to be open is not."""
        return OPEN if self.name == "2023 Open" else f"{self.name}: {SIGNED}"


def find_mismatch(release: Release, head: str) -> str | None:
    """Return that a file is known to be another head than the one asked for, or nothing; unlisted files pass.

    Args:
        release: What the file is.
        head: One of ``contract.exchange.FLAME_HEADS``.
    """
    known = HEAD_OF.get(release.name)
    if known is None or known == head:
        return None
    return f"this is FLAME {release.name}, told by its {release.told_by}: the head {known}, not {head}"


def tell_release(sha256: str, metadata: object, path: Path) -> Release:
    """Return which FLAME a file is.

    A hash is certain. Only 2023 Open carries metadata. A name is what the user left it at, and is said to be no more than that.

    Args:
        sha256: Hash of the file's bytes.
        metadata: Its ``supr_expression_metadata``, or nothing.
        path: Its name.
    """
    listed = [name for start, name in HASHES.items() if sha256.startswith(start)]
    if listed:
        return Release(listed[0], "sha256")
    if metadata is not None:
        return Release("2023 Open", "metadata")
    name = NAMES.get(path.name)
    return Release(UNLISTED, "nothing") if name is None else Release(name, "file name")


def find_metadata_fault(metadata: Any, expressions: int) -> str | None:
    """Return what keeps us from taking the last directions of a file with metadata as its expressions, or nothing."""
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        return f"supr_expression_metadata is a {type(metadata).__name__}, not a dictionary"
    which, count = metadata.get("expr_components"), metadata.get("n_expr")
    if (which, count) == (f"last_{expressions}", expressions):
        return None
    told = ", ".join(ascii(part)[:40] if isinstance(part, str | int) else type(part).__name__ for part in (which, count))
    return f"supr_expression_metadata says that the expressions are ({told}), not (last_{expressions}, {expressions})"
