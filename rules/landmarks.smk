"""From frames to 478 points and 52 blendshapes a frame."""


rule detect_landmarks:
    input:
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
        detector=DETECTOR,
    output:
        landmarks=paths.LANDMARKS,
        summary=paths.LANDMARKS_SUMMARY,
    log:
        "logs/{clip}/landmarks.log",
    benchmark:
        "logs/{clip}/landmarks.tsv"
    conda:
        "../envs/vision.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        code=fingerprint("stages.landmarks", script="detect_landmarks"),
        settings=section(SETTINGS, "landmarks"),
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/detect_landmarks.py"
