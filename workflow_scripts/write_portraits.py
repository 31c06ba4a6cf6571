"""Write DECA's files of a portrait."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import PortraitsSettings
    from headsmith.stages.portraits_write import write_portraits

    write_portraits(
        portrait=snakemake.wildcards.portrait,
        **paths_by_word(snakemake.input),
        manifest=Path(snakemake.output.manifest),
        settings=PortraitsSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
