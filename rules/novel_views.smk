"""The avatar from other sides, and with each expression by itself."""


rule show_novel_views:
    input:
        unpack(labels_of_hair),
        avatar=paths.AVATAR,
        head=HEAD,
        tracking=paths.TRACKING,
        dataset=paths.DATASET_MANIFEST,
        head_masks=paths.HEAD_MASKS_MANIFEST,
        head_masks_folder=ancient(paths.HEAD_MASKS),
    output:
        summary=paths.NOVEL_VIEWS,
        orbit_video=paths.ORBIT_VIDEO,
        orbit_sheet=paths.ORBIT_SHEET,
        expressions_video=paths.EXPRESSIONS_VIDEO,
        expressions_sheet=paths.EXPRESSIONS_SHEET,
    log:
        "logs/{clip}/novel_views-{variant}.log",
    benchmark:
        "logs/{clip}/novel_views-{variant}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.novel_views", script="show_novel_views"),
        settings=section(SETTINGS, "novel_views"),
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}"
    script:
        "../workflow_scripts/show_novel_views.py"
