"""Take frames, mattes or masks of a FlashAvatar subject."""

from pathlib import Path

from adapter import job

with job(snakemake):
    from headsmith.stages.subject_pictures import import_pictures

    import_pictures(
        clip=snakemake.wildcards.clip,
        word=snakemake.params.word,
        subject=Path(snakemake.input.subject),
        checkpoint=Path(snakemake.params.checkpoint) if snakemake.params.checkpoint else None,
        verdict=Path(snakemake.input.verdict),
        manifest=Path(snakemake.output.manifest),
        fps=snakemake.params.fps,
        min_overlap=snakemake.params.min_overlap,
        threads=snakemake.threads,
    )
