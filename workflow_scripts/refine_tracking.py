"""Refine the tracking of a clip by its pictures."""

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import TrackingSettings
    from headsmith.stages.photometric import refine_tracking

    made = paths_by_word(snakemake.output)
    refine_tracking(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=made["tracking"],
        summary=made["summary"],
        table=made["table"],
        picture=paths_by_word(snakemake.log)["picture"],
        threads=snakemake.threads,
        settings=TrackingSettings(**snakemake.params.settings),
        focal=snakemake.params.focal,
    )
