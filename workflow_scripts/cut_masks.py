"""Cut a set of masks of a clip; where they do not fit the faces, draw why."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import MasksSettings
    from headsmith.stages.masks import cut_masks
    from headsmith.stages.quality_refused import refusal_drawn

    with refusal_drawn(Path(snakemake.log[0]).with_suffix(".png")):
        cut_masks(
            clip=snakemake.wildcards.clip,
            mask=snakemake.params.mask,
            **paths_by_word(snakemake.input),
            manifest=Path(snakemake.output.manifest),
            settings=MasksSettings(**snakemake.params.settings),
            threads=snakemake.threads,
        )
