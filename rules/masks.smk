"""From label maps to the masks of mouth and head, by label name."""


rule cut_mouth_masks:
    input:
        parsing=paths.PARSING_MANIFEST,
        parsing_folder=ancient(paths.PARSING),
        landmarks=paths.LANDMARKS,
    output:
        manifest=paths.MOUTH_MASKS_MANIFEST,
        folder=directory(paths.MOUTH_MASKS),
    log:
        "logs/{clip}/mouth_masks.log",
    benchmark:
        "logs/{clip}/mouth_masks.tsv"
    conda:
        "../envs/vision.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=fingerprint("stages.masks", script="cut_mouth_masks"),
        settings=section(SETTINGS, "masks"),
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/cut_mouth_masks.py"


rule cut_head_masks:
    input:
        parsing=paths.PARSING_MANIFEST,
        parsing_folder=ancient(paths.PARSING),
        landmarks=paths.LANDMARKS,
    output:
        manifest=paths.HEAD_MASKS_MANIFEST,
        folder=directory(paths.HEAD_MASKS),
    log:
        "logs/{clip}/head_masks.log",
    benchmark:
        "logs/{clip}/head_masks.tsv"
    conda:
        "../envs/vision.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=fingerprint("stages.masks", script="cut_head_masks"),
        settings=section(SETTINGS, "masks"),
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/cut_head_masks.py"
