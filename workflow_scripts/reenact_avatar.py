"""Move a clip's avatar by another clip's motion."""

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ReenactmentSettings
    from headsmith.stages.reenactment import reenact_avatar

    reenact_avatar(
        clip=snakemake.wildcards.clip,
        driver=snakemake.wildcards.driver,
        **paths_by_word(snakemake.input),
        **paths_by_word(snakemake.output),
        settings=ReenactmentSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
