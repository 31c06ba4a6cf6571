"""Write the report of a clip."""

from pathlib import Path

from adapter import HOUSE, job, paths_by_word

with job(snakemake):
    from headsmith.contract.paths import ASSET_LIST
    from headsmith.contract.settings import ReportSettings
    from headsmith.stages.report import write_report

    timings = sorted(Path(snakemake.log[0]).parent.glob("*.tsv"))
    write_report(
        clip=snakemake.wildcards.clip,
        inputs=paths_by_word(snakemake.input) | {"assets": HOUSE / ASSET_LIST, "benchmarks": timings},
        config=snakemake.params.config,
        output=Path(snakemake.output.report),
        settings=ReportSettings(**snakemake.params.settings),
    )
