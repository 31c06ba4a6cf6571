"""Learn a texture space from fitted portraits."""

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import TextureSpaceSettings
    from headsmith.stages.texture_space import learn_texture_space

    learn_texture_space(
        **{"chunks": None} | paths_by_word(snakemake.input),
        **paths_by_word(snakemake.output),
        settings=TextureSpaceSettings(**snakemake.params.settings),
    )
