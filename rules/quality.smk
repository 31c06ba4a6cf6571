"""One picture a stage, and a video of the tracking, so that a person sees what each has made."""


rule draw_quality:
    input:
        unpack(parts_of_picture),
    output:
        picture=report(
            paths.QUALITY,
            caption="../report/quality.rst",
            category="Quality",
            subcategory="{clip}",
            labels={"clip": "{clip}", "stage": "{picture}"},
        ),
    log:
        "logs/{clip}/quality-{picture}.log",
    benchmark:
        "logs/{clip}/quality-{picture}.tsv"
    conda:
        "../envs/show.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=fingerprint("stages.quality", script="draw_quality"),
        settings=section(SETTINGS, "quality"),
    message:
        "{rule}: {wildcards.clip}, {wildcards.picture}"
    script:
        "../workflow_scripts/draw_quality.py"


rule draw_tracking_video:
    input:
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
        landmarks=paths.LANDMARKS,
        tracking=paths.TRACKING,
        tracking_summary=paths.TRACKING_SUMMARY,
        head=HEAD,
    output:
        video=paths.TRACKING_VIDEO,
    log:
        "logs/{clip}/tracking_video.log",
    benchmark:
        "logs/{clip}/tracking_video.tsv"
    conda:
        "../envs/show.yaml"
    threads: 2
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.quality_video", script="draw_tracking_video"),
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/draw_tracking_video.py"
