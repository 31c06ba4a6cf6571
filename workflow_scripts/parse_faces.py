"""Label the pixels of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ParsingSettings
    from headsmith.stages.parsing import parse_faces

    parse_faces(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        manifest=Path(snakemake.output.manifest),
        threads=snakemake.threads,
        settings=ParsingSettings(**snakemake.params.settings),
    )
