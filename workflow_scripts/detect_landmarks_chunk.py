"""Find all faces in a chunk of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import LandmarksSettings
    from headsmith.stages.landmarks_chunk import detect_landmarks_chunk

    inputs = paths_by_word(snakemake.input)
    inputs["files"] = dict(zip(snakemake.params.files, inputs["files"], strict=True))
    detect_landmarks_chunk(
        clip=snakemake.wildcards.clip,
        **inputs,
        chunk=snakemake.wildcards.chunk,
        output=Path(snakemake.output.chunk),
        settings=LandmarksSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
