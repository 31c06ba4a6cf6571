"""The stage *assets*: a listed file, fetched and checked."""

from pathlib import Path

from headsmith.media.fetching import fetch_file


def fetch_asset(*, asset: str, listing: Path, output: Path) -> None:
    """Put the asset at ``output``, checked against the sha256 of the list.

    Args:
        asset: Its name in the list, for example ``bisenetv2/model.json``.
        listing: ``config/assets.yaml``.
        output: ``resources/assets/<asset>``.

    Raises:
        UserError: It is in none of its places; the message lists what to download and where to put it. Or a file in
            place, or of the user's, is not the listed one.
    """
    fetch_file(asset, Path(listing), Path(output))
