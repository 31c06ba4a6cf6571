"""Carry the tracking of a clip over to another head model."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ConversionSettings
    from headsmith.stages.conversion import convert_head

    convert_head(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.converted),
        summary=Path(snakemake.output.summary),
        settings=ConversionSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
