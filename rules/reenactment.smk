"""A clip's avatar, moved by another clip's motion."""


rule reenact_avatar:
    input:
        avatar=paths.AVATAR,
        head=HEAD,
        tracking=paths.TRACKING,
        dataset=paths.DATASET_MANIFEST,
        driver_tracking=paths.TRACKING.replace("{clip}", "{driver}"),
        driver_frames=paths.FRAMES_MANIFEST.replace("{clip}", "{driver}"),
        driver_frames_folder=ancient(paths.FRAMES.replace("{clip}", "{driver}")),
    output:
        video=paths.REENACTMENT,
        sheet=paths.REENACTMENT_SHEET,
    log:
        "logs/{clip}/reenactment-{variant}-{driver}.log",
    benchmark:
        "logs/{clip}/reenactment-{variant}-{driver}.tsv"
    wildcard_constraints:
        driver=one_of(CLIPS),
    conda:
        "../envs/avatar.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.reenactment", script="reenact_avatar"),
        settings=reenactment_settings,
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}, moved by {wildcards.driver}"
    script:
        "../workflow_scripts/reenact_avatar.py"
