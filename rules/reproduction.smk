"""A clip beside the same clip of another run: which files are the same bit by bit, and how far the others are apart."""


rule compare_runs:
    input:
        own=paths.PROVENANCE,
        theirs=compared_with,
    output:
        comparison=paths.REPRODUCTION,
        table=paths.REPRODUCTION_TABLE,
    log:
        "logs/{clip}/reproduction.log",
    benchmark:
        "logs/{clip}/reproduction.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=fingerprint("stages.reproduction", script="compare_runs"),
    message:
        "{rule}: {wildcards.clip}, with {input.theirs}"
    script:
        "../workflow_scripts/compare_runs.py"
