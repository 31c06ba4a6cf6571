"""Turn a network's graph into ONNX."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.networks import convert_network

    convert_network(
        **paths_by_word(snakemake.input),
        network=snakemake.wildcards.network,
        output=Path(snakemake.output.network),
    )
