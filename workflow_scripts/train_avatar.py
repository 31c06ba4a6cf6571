"""Train a variant of a clip's avatar."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import AvatarSettings
    from headsmith.stages.avatar import train_avatar

    train_avatar(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.avatar),
        curve=Path(snakemake.output.curve),
        threads=snakemake.threads,
        settings=AvatarSettings(**snakemake.params.settings),
    )
