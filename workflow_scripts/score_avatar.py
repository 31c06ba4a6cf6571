"""Score the held-out renders of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ScoresSettings
    from headsmith.stages.scores import score_avatar

    score_avatar(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.scores),
        table=Path(snakemake.output.table),
        settings=ScoresSettings(**snakemake.params.settings),
        origins=snakemake.params.origins,
    )
