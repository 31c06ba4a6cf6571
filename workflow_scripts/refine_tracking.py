"""Refine the tracking of a clip by its pictures."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import TrackingSettings
    from headsmith.stages.photometric import refine_tracking

    refine_tracking(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.tracking),
        **{word: Path(snakemake.output[word]) for word in ("summary", "table")},
        picture=Path(snakemake.log.picture),
        threads=snakemake.threads,
        settings=TrackingSettings(**snakemake.params.settings),
        focal=snakemake.params.focal,
    )
