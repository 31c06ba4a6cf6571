"""Write an avatar as a file for other programs."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import SplatsSettings
    from headsmith.stages.splats import write_splats

    write_splats(
        clip=snakemake.wildcards.clip,
        variant=snakemake.wildcards.variant,
        form=snakemake.wildcards.form,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output[0]),
        settings=SplatsSettings(**snakemake.params.settings),
    )
