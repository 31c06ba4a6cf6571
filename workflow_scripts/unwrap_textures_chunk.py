"""Unwrap a share of a texture space's pictures."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import TextureSpaceSettings
    from headsmith.stages.texture_space_chunk import unwrap_textures_chunk

    unwrap_textures_chunk(
        **paths_by_word(snakemake.input),
        chunk=snakemake.wildcards.chunk,
        texture=Path(snakemake.params.texture),
        output=Path(snakemake.output.chunk),
        settings=TextureSpaceSettings(**snakemake.params.settings),
    )
