"""From the dataset to a trained avatar, one for each variant."""


rule train_avatar:
    input:
        dataset=paths.DATASET_MANIFEST,
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
        avatar=paths.AVATAR,
        curve=paths.AVATAR_CURVE,
    log:
        "logs/{clip}/avatar-{variant}.log",
    benchmark:
        "logs/{clip}/avatar-{variant}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=720,
    params:
        code=fingerprint("stages.avatar", script="train_avatar"),
        settings=avatar_settings,
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}"
    script:
        "../workflow_scripts/train_avatar.py"
