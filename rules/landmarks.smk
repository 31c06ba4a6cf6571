"""From frames to the points of the face in each, by the chosen detector or from the user's files."""


rule detect_landmarks:
    input:
        unpack(landmark_sources),
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
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
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=fingerprint("stages.landmarks", script="detect_landmarks"),
        settings=section(SETTINGS, "landmarks"),
        files=landmark_files,
        stamp=landmark_stamp,
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/detect_landmarks.py"


if CHUNKS:

    rule detect_landmarks_chunk:
        input:
            files=DETECTOR_ASSETS,
            frames=paths.FRAMES_MANIFEST,
            frames_folder=ancient(paths.FRAMES),
        output:
            chunk=temp(paths.LANDMARKS_CHUNK),
        log:
            "logs/{clip}/landmarks-{chunk}.log",
        benchmark:
            "logs/{clip}/landmarks-{chunk}.tsv"
        wildcard_constraints:
            chunk=one_of(CHUNKS),
        conda:
            "../envs/vision.yaml"
        threads: 2
        resources:
            mem_mb=growing(4000),
            runtime=growing(120),
        params:
            code=fingerprint("stages.landmarks_chunk", script="detect_landmarks_chunk"),
            settings=detection_settings(),
            files=DETECTOR_FILES,
        message:
            "{rule}: {wildcards.clip}, {wildcards.chunk}"
        script:
            "../workflow_scripts/detect_landmarks_chunk.py"
