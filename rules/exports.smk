"""A clip's tracking as other programs open it: meshes, tables, and datasets for other trainers."""


rule export_clip:
    input:
        unpack(parts_of_export),
        tracking=paths.TRACKING,
        head=HEAD,
    output:
        manifest=paths.EXPORT_MANIFEST,
        folder=directory(paths.EXPORT),
    log:
        "logs/{clip}/exports-{export}.log",
    benchmark:
        "logs/{clip}/exports-{export}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.exports", script="export_clip"),
        settings=export_settings,
    message:
        "{rule}: {wildcards.clip}, {wildcards.export}"
    script:
        "../workflow_scripts/export_clip.py"
