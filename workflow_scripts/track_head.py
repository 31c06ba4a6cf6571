"""Track the head of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import TrackingSettings
    from headsmith.stages.tracking import track_head

    track_head(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.tracking),
        summary=Path(snakemake.output.summary),
        table=Path(snakemake.output.table),
        threads=snakemake.threads,
        settings=TrackingSettings(**snakemake.params.settings),
        focal=snakemake.params.focal,
    )
