"""Draw a quality picture of a clip."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import QualitySettings
    from headsmith.stages.quality import draw_quality

    draw_quality(
        clip=snakemake.wildcards.clip,
        picture=snakemake.wildcards.picture,
        inputs=paths_by_word(snakemake.input),
        output=Path(snakemake.output.picture),
        settings=QualitySettings(**snakemake.params.settings),
    )
