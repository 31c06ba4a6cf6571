"""From label maps to masks, by label name: a rule for each set of labels, so that each is re-cut by its own name."""

for mask in SETTINGS.masks.sets:

    rule:
        name:
            f"cut_{mask}_masks"
        input:
            parsing=paths.PARSING_MANIFEST,
            parsing_folder=ancient(paths.PARSING),
            landmarks=paths.LANDMARKS,
        output:
            manifest=paths.MASKS_MANIFEST.replace("{mask}", mask),
            folder=directory(paths.MASKS.replace("{mask}", mask)),
        log:
            f"logs/{{clip}}/{mask}_masks.log",
        benchmark:
            f"logs/{{clip}}/{mask}_masks.tsv"
        wildcard_constraints:
            clip=one_of(VIDEOS if f"{mask}_masks" in SUBJECT_PICTURES else CLIPS),
        conda:
            "../envs/show.yaml"
        threads: 2
        resources:
            mem_mb=growing(2000),
            runtime=growing(30),
        params:
            code=fingerprint("stages.masks", script="cut_masks"),
            mask=mask,
            settings=mask_settings(mask),
        message:
            "{rule}: {wildcards.clip}"
        script:
            "../workflow_scripts/cut_masks.py"
