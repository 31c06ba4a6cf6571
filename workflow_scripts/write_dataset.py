"""Write the dataset of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import DatasetSettings
    from headsmith.stages.dataset import write_dataset

    write_dataset(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        manifest=Path(snakemake.output.manifest),
        settings=DatasetSettings(**snakemake.params.settings),
    )
