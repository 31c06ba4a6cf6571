"""Build the container of a head model."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import HeadsSettings
    from headsmith.stages.heads import build_head

    inputs = paths_by_word(snakemake.input)
    inputs.pop("given", None)  # the settings name these files; as inputs they make an exchanged file run again
    inputs["detectors"] = dict(zip(snakemake.params.detectors, inputs["detectors"], strict=True))
    build_head(
        **inputs,
        output=Path(snakemake.output.head),
        settings=HeadsSettings(**snakemake.params.settings),
    )
