"""Make the pictures of a portrait ready."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import ParsingSettings, PortraitsSettings
    from headsmith.stages.portraits_prepare import prepare_portraits

    inputs = {"landmarks": None} | paths_by_word(snakemake.input)
    prepare_portraits(
        portrait=snakemake.wildcards.portrait,
        person=snakemake.params.person,
        **inputs | {"files": dict(zip(snakemake.params.files, inputs["files"], strict=True))},
        manifest=Path(snakemake.output.manifest),
        settings=PortraitsSettings(**snakemake.params.settings),
        parsing=ParsingSettings(**snakemake.params.parsing),
        threads=snakemake.threads,
    )
