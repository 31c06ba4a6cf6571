"""Extract the frames of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import FramesSettings
    from headsmith.stages.frames import extract_frames

    extract_frames(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        start=snakemake.params.start,
        end=snakemake.params.end,
        person=snakemake.params.person,
        manifest=Path(snakemake.output.manifest),
        settings=FramesSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
