"""One picture a stage, so that a person sees what each has made."""


rule draw_quality:
    input:
        unpack(parts_of_picture),
    output:
        picture=paths.QUALITY,
    log:
        "logs/{clip}/quality-{picture}.log",
    benchmark:
        "logs/{clip}/quality-{picture}.tsv"
    conda:
        "../envs/show.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        code=fingerprint("stages.quality", script="draw_quality"),
        settings=section(SETTINGS, "quality"),
    message:
        "{rule}: {wildcards.clip}, {wildcards.picture}"
    script:
        "../workflow_scripts/draw_quality.py"
