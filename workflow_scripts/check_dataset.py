"""Check a dataset; where it has faults, tell and draw them beside the log."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ValidationSettings
    from headsmith.stages.validation import validate_dataset

    validate_dataset(
        clip=snakemake.wildcards.get("clip"),
        **paths_by_word(snakemake.input),
        output=Path(snakemake.output.verdict),
        picture=Path(snakemake.output.picture),
        refused=Path(snakemake.log[0]).with_suffix(".json"),
        settings=ValidationSettings(**snakemake.params.settings),
        threads=snakemake.threads,
    )
