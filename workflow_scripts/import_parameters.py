"""Take the parameters of a FlashAvatar subject for a clip's tracking."""

from pathlib import Path

from adapter import job

with job(snakemake):
    from headsmith.stages.subject_tracking import import_parameters

    import_parameters(
        clip=snakemake.wildcards.clip,
        subject=Path(snakemake.input.subject),
        checkpoint=Path(snakemake.params.checkpoint) if snakemake.params.checkpoint else None,
        verdict=Path(snakemake.input.verdict),
        head=Path(snakemake.input.head),
        output=Path(snakemake.output.tracking),
        summary=Path(snakemake.output.summary),
        table=Path(snakemake.output.table),
    )
