"""Draw a texture space: its first components, and how hidden texels were completed."""

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.quality_texture_space import draw_texture_space

    draw_texture_space(**paths_by_word(snakemake.input), **paths_by_word(snakemake.output))
