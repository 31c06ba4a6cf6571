"""Cut the mouth masks of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import MasksSettings
    from headsmith.stages.masks import cut_masks

    cut_masks(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        kind="mouth",
        manifest=Path(snakemake.output.manifest),
        settings=MasksSettings(**snakemake.params.settings),
    )
