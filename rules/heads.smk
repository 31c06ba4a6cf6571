"""The head model, converted once into the container that all later code reads."""


rule build_head:
    input:
        detectors=[paths.ASSET.format(asset=name) for name in HEAD_DETECTORS],
    output:
        head=paths.HEAD,
    log:
        "logs/heads/{head}.log",
    benchmark:
        "logs/heads/{head}.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 2
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        code=fingerprint("stages.heads", script="build_head"),
        settings=section(SETTINGS, "heads"),
        detectors=HEAD_DETECTORS,
    message:
        "{rule}: {wildcards.head}"
    script:
        "../workflow_scripts/build_head.py"
