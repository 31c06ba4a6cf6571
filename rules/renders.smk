"""The held-out frames as the avatar shows them."""


rule render_avatar:
    input:
        avatar=paths.AVATAR,
        head=HEAD,
        tracking=paths.TRACKING,
        dataset=paths.DATASET_MANIFEST,
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
    output:
        **CUTOUTS,
        manifest=paths.RENDERS_MANIFEST,
        folder=directory(paths.RENDERS),
        video=paths.RENDERS_VIDEO,
    log:
        "logs/{clip}/renders-{variant}.log",
    benchmark:
        "logs/{clip}/renders-{variant}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 4
    resources:
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        code=fingerprint("stages.renders", script="render_avatar"),
        settings=section(SETTINGS, "renders"),
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}"
    script:
        "../workflow_scripts/render_avatar.py"
