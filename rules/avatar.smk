"""From the dataset to a trained avatar, one for each variant."""


rule train_avatar:
    input:
        unpack(published_parts),
        unpack(labels_of_hair),
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
        lambda wildcards: {
            "cpu": "../envs/avatar.yaml",
            "cuda": "../envs/gpu.yaml",
        }[SETTINGS.avatar[wildcards.variant].device]
    threads: 8
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
        gpu=gpus_of_variant,
    params:
        code=fingerprint("stages.avatar", script="train_avatar"),
        settings=avatar_settings,
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}"
    script:
        "../workflow_scripts/train_avatar.py"


rule write_checkpoint:
    input:
        avatar=paths.AVATAR,
        head=HEAD,
        tracking=paths.TRACKING,
    output:
        checkpoint=paths.CHECKPOINT,
    log:
        "logs/{clip}/checkpoint-{variant}-{iterations}.log",
    benchmark:
        "logs/{clip}/checkpoint-{variant}-{iterations}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        code=fingerprint("stages.avatar_checkpoint", script="write_checkpoint"),
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}"
    script:
        "../workflow_scripts/write_checkpoint.py"


rule draw_test_video:
    input:
        avatar=paths.AVATAR,
        head=HEAD,
        tracking=paths.TRACKING,
        dataset=paths.DATASET_MANIFEST,
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
        matte=paths.MATTE_MANIFEST,
        matte_folder=ancient(paths.MATTE),
        head_masks=paths.HEAD_MASKS_MANIFEST,
        head_masks_folder=ancient(paths.HEAD_MASKS),
    output:
        video=paths.TEST_VIDEO,
    log:
        "logs/{clip}/test_video-{variant}.log",
    benchmark:
        "logs/{clip}/test_video-{variant}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 4
    resources:
        mem_mb=growing(6000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.avatar_test_video", script="draw_test_video"),
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}"
    script:
        "../workflow_scripts/draw_test_video.py"
