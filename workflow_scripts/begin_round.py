"""Begin a round of the refinement: fit the clip to what the round before told, and bake its skin."""

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.contract.settings import TrackingSettings
    from headsmith.stages.photometric_round import begin_round

    begin_round(
        clip=snakemake.wildcards.clip,
        **paths_by_word(snakemake.input),
        output=paths_by_word(snakemake.output)["begun"],
        threads=snakemake.threads,
        settings=TrackingSettings(**snakemake.params.settings),
        focal=snakemake.params.focal,
    )
