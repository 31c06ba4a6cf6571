"""Estimate the mattes of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import MatteSettings
    from headsmith.stages.matte import estimate_matte

    estimate_matte(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        manifest=Path(snakemake.output.manifest),
        threads=snakemake.threads,
        settings=MatteSettings(**snakemake.params.settings),
    )
