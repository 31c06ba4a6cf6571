"""Build the point distribution model of a head's landmarks."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.point_distribution import build_point_distribution

    build_point_distribution(**paths_by_word(snakemake.input), output=Path(snakemake.output.model))
