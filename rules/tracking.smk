"""From landmarks to the head's shape, and its pose and expression in every frame."""


rule track_head:
    input:
        frames=paths.FRAMES_MANIFEST,
        landmarks=paths.LANDMARKS,
        head=HEAD,
    output:
        tracking=paths.TRACKING,
        summary=paths.TRACKING_SUMMARY,
        table=paths.TRACKING_TABLE,
    log:
        "logs/{clip}/tracking.log",
    benchmark:
        "logs/{clip}/tracking.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 4
    resources:
        mem_mb=6000,
        runtime=240,
    params:
        code=fingerprint("stages.tracking", script="track_head"),
        settings=section(SETTINGS, "tracking"),
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/track_head.py"
