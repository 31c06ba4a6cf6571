"""Draw the tracked head over every frame of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.quality_video import draw_tracking_video

    draw_tracking_video(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        video=Path(snakemake.output.video),
        threads=snakemake.threads,
    )
