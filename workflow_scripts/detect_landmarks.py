"""Detect the landmarks of a clip, or read the user's own."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import LandmarksSettings
    from headsmith.stages.landmarks import detect_landmarks

    inputs = {"files": [], "given": None, "chunks": None} | paths_by_word(snakemake.input)
    inputs["files"] = dict(zip(snakemake.params.files, inputs["files"], strict=True))
    detect_landmarks(
        clip=snakemake.wildcards.clip,
        **inputs,
        output=Path(snakemake.output.landmarks),
        summary=Path(snakemake.output.summary),
        settings=LandmarksSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
