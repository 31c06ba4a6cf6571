"""Render the held-out frames of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import RendersSettings
    from headsmith.stages.renders import render_avatar

    render_avatar(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        manifest=Path(snakemake.output.manifest),
        video=Path(snakemake.output.video),
        cutouts=paths_by_word(snakemake.output).get("cutouts"),
        threads=snakemake.threads,
        settings=RendersSettings(**snakemake.params.settings),
    )
