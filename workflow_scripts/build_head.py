"""Build the container of a head model."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import HeadsSettings
    from headsmith.stages.heads import build_head

    build_head(
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.head),
        settings=HeadsSettings(**snakemake.params.settings),
    )
