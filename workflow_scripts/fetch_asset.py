"""Fetch a file from elsewhere and check it."""

from pathlib import Path

from adapter import HOUSE, job

with job(snakemake):
    from headsmith.contract.paths import ASSET_LIST
    from headsmith.stages.assets import fetch_asset

    fetch_asset(asset=snakemake.wildcards.asset, listing=HOUSE / ASSET_LIST, output=Path(snakemake.output.asset))
