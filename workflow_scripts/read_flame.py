"""Read the licensed file of a FLAME head."""

from pathlib import Path

from adapter import job

with job(snakemake):
    from headsmith.contract.settings import HeadsSettings
    from headsmith.stages.flame import read_flame

    read_flame(
        head=snakemake.wildcards.head,
        model=Path(snakemake.input.model),
        output=Path(snakemake.output.flame),
        settings=HeadsSettings(**snakemake.params.settings),
    )
