"""Detect the landmarks of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import LandmarksSettings
    from headsmith.stages.landmarks import detect_landmarks

    detect_landmarks(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.landmarks),
        summary=Path(snakemake.output.summary),
        settings=LandmarksSettings(**snakemake.params.settings),
    )
