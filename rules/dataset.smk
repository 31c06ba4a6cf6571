"""From frames, mattes, masks and tracking to FlashAvatar's own layout."""


rule write_dataset:
    input:
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
        matte=paths.MATTE_MANIFEST,
        matte_folder=ancient(paths.MATTE),
        mouth_masks=paths.MOUTH_MASKS_MANIFEST,
        mouth_masks_folder=ancient(paths.MOUTH_MASKS),
        head_masks=paths.HEAD_MASKS_MANIFEST,
        head_masks_folder=ancient(paths.HEAD_MASKS),
        tracking=paths.TRACKING,
        head=HEAD,
    output:
        manifest=paths.DATASET_MANIFEST,
        folder=directory(paths.DATASET),
    log:
        "logs/{clip}/dataset.log",
    benchmark:
        "logs/{clip}/dataset.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.dataset", script="write_dataset"),
        settings=section(SETTINGS, "dataset"),
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/write_dataset.py"
