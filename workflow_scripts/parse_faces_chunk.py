"""Label the pixels of a chunk of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ParsingSettings
    from headsmith.stages.parsing_chunk import parse_faces_chunk

    parse_faces_chunk(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        chunk=snakemake.wildcards.chunk,
        folder=Path(snakemake.output.chunk),
        settings=ParsingSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
