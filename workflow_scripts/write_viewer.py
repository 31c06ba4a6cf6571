"""Write the page in which a person turns an avatar and moves its face."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ViewerSettings
    from headsmith.stages.viewer import write_viewer

    write_viewer(
        clip=snakemake.wildcards.clip,
        variant=snakemake.wildcards.variant,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output[0]),
        settings=ViewerSettings(**snakemake.params.settings),
    )
