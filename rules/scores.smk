"""How near the held-out renders come to the truth."""


rule score_avatar:
    input:
        unpack(parts_of_scores),
        renders=paths.RENDERS_MANIFEST,
        renders_folder=ancient(paths.RENDERS),
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
        mouth_masks=paths.MOUTH_MASKS_MANIFEST,
        mouth_masks_folder=ancient(paths.MOUTH_MASKS),
        head_masks=paths.HEAD_MASKS_MANIFEST,
        head_masks_folder=ancient(paths.HEAD_MASKS),
        landmarks=paths.LANDMARKS,
        dataset=paths.DATASET_MANIFEST,
        detector=DETECTOR,
    output:
        scores=report(
            paths.SCORES,
            caption="../report/scores.rst",
            category="Scores",
            labels={"clip": "{clip}", "variant": "{variant}", "what": "means"},
        ),
        table=report(
            paths.SCORES_TABLE,
            caption="../report/scores.rst",
            category="Scores",
            labels={"clip": "{clip}", "variant": "{variant}", "what": "each frame"},
        ),
    log:
        "logs/{clip}/scores-{variant}.log",
    benchmark:
        "logs/{clip}/scores-{variant}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        code=fingerprint("stages.scores", script="score_avatar"),
        settings=section(SETTINGS, "scores"),
        origins=score_origins,
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}"
    script:
        "../workflow_scripts/score_avatar.py"
