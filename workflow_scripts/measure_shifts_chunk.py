"""Measure how far the face has to shift in a chunk of a clip."""

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import TrackingSettings
    from headsmith.stages.photometric_chunk import measure_shifts_chunk

    measure_shifts_chunk(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        chunk=snakemake.wildcards.chunk,
        output=paths_by_word(snakemake.output)["chunk"],
        threads=snakemake.threads,
        settings=TrackingSettings(**snakemake.params.settings),
    )
