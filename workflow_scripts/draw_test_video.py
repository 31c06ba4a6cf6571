"""Draw the held-out frames of a clip as FlashAvatar's test.py does."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.avatar_test_video import draw_test_video

    draw_test_video(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.video),
        threads=snakemake.threads,
    )
