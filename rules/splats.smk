"""A trained avatar for programs other than headsmith."""


rule write_splats:
    input:
        avatar=paths.AVATAR,
        head=HEAD,
        tracking=paths.TRACKING,
    output:
        paths.SPLATS,
    log:
        "logs/{clip}/splats-{variant}-{form}.log",
    benchmark:
        "logs/{clip}/splats-{variant}-{form}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        code=fingerprint("stages.splats", script="write_splats"),
        settings=splats_settings,
    message:
        "{rule}: {wildcards.clip}, variant {wildcards.variant}, {wildcards.form}"
    script:
        "../workflow_scripts/write_splats.py"
