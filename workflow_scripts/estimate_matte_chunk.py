"""Estimate the mattes of a chunk of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import MatteSettings
    from headsmith.stages.matte_chunk import estimate_matte_chunk

    estimate_matte_chunk(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        chunk=snakemake.wildcards.chunk,
        folder=Path(snakemake.output.chunk),
        settings=MatteSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
