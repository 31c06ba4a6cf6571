"""Draw what was fitted to a portrait's pictures: six panels and the curves of the fit."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import PortraitsSettings
    from headsmith.stages.portraits_panels import draw_portraits

    draw_portraits(
        portrait=snakemake.wildcards.portrait,
        **paths_by_word(snakemake.input),
        manifest=Path(snakemake.output.manifest),
        settings=PortraitsSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
