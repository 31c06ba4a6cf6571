"""Fit the head, the skin's colours and the light of a portrait's pictures."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import PortraitsSettings
    from headsmith.stages.portraits_fit import fit_portraits

    fit_portraits(
        portrait=snakemake.wildcards.portrait,
        **paths_by_word(snakemake.input),
        manifest=Path(snakemake.output.manifest),
        settings=PortraitsSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
