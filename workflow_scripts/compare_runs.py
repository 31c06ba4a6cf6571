"""Compare a clip with the same clip of another run."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.reproduction import compare_runs

    compare_runs(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.comparison),
        table=Path(snakemake.output.table),
    )
