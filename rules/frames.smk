"""From a video, or pictures, to frames in one constant square crop, or in a square of each frame's own."""


rule extract_frames:
    input:
        video=video_of,
        detector=DETECTOR,
        mtcnn=second_opinion,
    output:
        manifest=paths.FRAMES_MANIFEST,
        folder=directory(paths.FRAMES),
    log:
        "logs/{clip}/frames.log",
    benchmark:
        "logs/{clip}/frames.tsv"
    wildcard_constraints:
        clip=one_of(VIDEOS),
    conda:
        "../envs/vision.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.frames", script="extract_frames"),
        settings=frames_settings,
        start=lambda wildcards: CLIPS[wildcards.clip].start,
        end=lambda wildcards: CLIPS[wildcards.clip].end,
        person=lambda wildcards: CLIPS[wildcards.clip].person,
        pictures=pictures_of,
    message:
        "{rule}: {wildcards.clip}, from {input.video}"
    script:
        "../workflow_scripts/extract_frames.py"
