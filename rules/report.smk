"""The page that shows a clip's pictures, players, tables and where all of it came from."""


rule write_report:
    input:
        unpack(shown_beside),
        frames=paths.FRAMES_MANIFEST,
        landmarks=paths.LANDMARKS_SUMMARY,
        tracking=paths.TRACKING_SUMMARY,
        tracking_table=paths.TRACKING_TABLE,
        tracking_video=paths.TRACKING_VIDEO,
        dataset=paths.DATASET_MANIFEST,
        curves=expand(paths.AVATAR_CURVE, variant=VARIANTS, allow_missing=True),
        videos=expand(paths.RENDERS_VIDEO, variant=VARIANTS, allow_missing=True),
        scores=expand(paths.SCORES, variant=VARIANTS, allow_missing=True),
        score_tables=expand(paths.SCORES_TABLE, variant=VARIANTS, allow_missing=True),
        pictures=lambda wildcards: pictures_to_look_at(wildcards.clip),
        provenance=paths.PROVENANCE,
    output:
        report=paths.REPORT,
        media=directory(paths.REPORT_MEDIA),
    log:
        "logs/{clip}/report.log",
    benchmark:
        "logs/{clip}/report.tsv"
    conda:
        "../envs/show.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        code=fingerprint("stages.report", script="write_report"),
        settings=section(SETTINGS, "report"),
        config=whole_configuration,
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/write_report.py"
