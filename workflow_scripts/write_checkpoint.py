"""Write an avatar as FlashAvatar's checkpoint."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.avatar_checkpoint import write_checkpoint

    write_checkpoint(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.checkpoint),
    )
