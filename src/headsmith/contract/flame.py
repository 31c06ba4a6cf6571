"""FLAME's licensed files: where they are registered for, what they are called, and what to do without them."""

from typing import Final

PAGE: Final = "https://flame.is.tue.mpg.de"
"""Where FLAME is registered for, its licence accepted, and its files downloaded."""

TITLES: Final[dict[str, str]] = {
    "flame2020": "FLAME 2020 (generic_model.pkl, or a gendered one)",
    "flame2023": "FLAME 2023 (flame2023.pkl)",
    "flame2023_open": "FLAME 2023 Open (flame2023_Open.pkl; CC BY 4.0)",
}
"""The heads and their files, as the page calls them."""


def missing_remedy(path: object, title: str = "FLAME 2020, 2023 or 2023 Open") -> str:
    """Return what to do about a FLAME file that is not there.

    Args:
        path: Where it was looked for.
        title: Which release, of ``TITLES``.
    """
    return (
        f"register at {PAGE}, accept the licence, download {title}, and put the model's .pkl at {path} "
        "(or name its place in the settings, section `heads`); or use the head anny, which needs no registration"
    )
