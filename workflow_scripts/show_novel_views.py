"""Show an avatar from other sides and with each expression."""

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import NovelViewsSettings
    from headsmith.stages.novel_views import show_novel_views

    show_novel_views(
        clip=snakemake.wildcards.clip,
        **({"parsing": None} | paths_by_word(snakemake.input)),
        **paths_by_word(snakemake.output),
        settings=NovelViewsSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
