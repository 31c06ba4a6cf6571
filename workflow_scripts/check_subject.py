"""Look through a FlashAvatar subject folder that a clip is made of; where it has faults, tell and draw them beside the log."""

from pathlib import Path

from adapter import job

with job(snakemake):
    from headsmith.stages.subject import accept_subject

    accept_subject(
        clip=snakemake.wildcards.clip,
        subject=Path(snakemake.input.subject),
        checkpoint=Path(snakemake.params.checkpoint) if snakemake.params.checkpoint else None,
        head=Path(snakemake.input.head),
        known_head=snakemake.params.known_head,
        output=Path(snakemake.output.verdict),
        picture=Path(snakemake.output.picture),
        refused=Path(snakemake.log[0]).with_suffix(".json"),
        threads=snakemake.threads,
    )
