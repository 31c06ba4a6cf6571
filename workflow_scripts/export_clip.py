"""Write one export of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ExportsSettings
    from headsmith.stages.exports import export_clip

    export_clip(
        clip=snakemake.wildcards.clip,
        export=snakemake.wildcards.export,
        **paths_by_word(snakemake.input),
        manifest=Path(snakemake.output.manifest),
        settings=ExportsSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
