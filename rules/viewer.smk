"""A page for each avatar, in which a person turns the head and moves its face."""


rule write_viewer:
    input:
        avatar=paths.AVATAR,
        head=HEAD,
        tracking=paths.TRACKING,
        frames=paths.FRAMES_MANIFEST,
    output:
        report(
            paths.VIEWER,
            caption="../report/viewer.rst",
            category="Viewers",
            labels={"clip": "{clip}", "variant": "{variant}"},
        ),
    log:
        "logs/{clip}/viewer-{variant}.log",
    benchmark:
        "logs/{clip}/viewer-{variant}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        code=fingerprint("stages.viewer", script="write_viewer"),
        settings=section(SETTINGS, "viewer"),
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}"
    script:
        "../workflow_scripts/write_viewer.py"
