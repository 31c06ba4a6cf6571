"""Write what a clip was made of."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.provenance import write_provenance

    made, logs = paths_by_word(snakemake.input), Path(snakemake.log[0]).parent
    write_provenance(
        clip=snakemake.wildcards.clip,
        given=made.pop("given"),
        made=made,
        codes=snakemake.params.codes,
        config=snakemake.params.config,
        logs=[*(logs.parent / name for name in snakemake.params.shared_logs), *logs.glob("*.log")],
        output=Path(snakemake.output.provenance),
    )
