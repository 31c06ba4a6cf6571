"""Write what a clip was made of."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.provenance import write_provenance

    made = paths_by_word(snakemake.input)
    write_provenance(
        clip=snakemake.wildcards.clip,
        given=made.pop("given"),
        made=made,
        codes=snakemake.params.codes,
        config=snakemake.params.config,
        logs=[*map(Path, snakemake.params.shared_logs), *Path(snakemake.log[0]).parent.glob("*.log")],
        output=Path(snakemake.output.provenance),
    )
