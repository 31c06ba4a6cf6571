"""Train the patch experts of the constrained local model."""

from pathlib import Path

from adapter import job, paths_by_word

with job(snakemake):
    from headsmith.stages.patch_experts import train_patch_experts

    train_patch_experts(**paths_by_word(snakemake.input), output=Path(snakemake.output.experts))
