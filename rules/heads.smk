"""The head model, converted once into the container that all later code reads; FLAME's licensed file is read before.

A head may go into a cache that everyone on the machine can read (`--cache`), but not where a licensed one is among the heads.
"""


rule read_flame:
    input:
        model=lambda wildcards: str(model_file(SETTINGS.heads, wildcards.head)),
    output:
        flame=paths.FLAME,
    log:
        "logs/heads/{head}-read.log",
    benchmark:
        "logs/heads/{head}-read.tsv"
    wildcard_constraints:
        head=one_of(FLAME_HEADS),
    conda:
        {
            "restricted": "../envs/avatar.yaml",
            "chumpy": "../envs/flame.yaml",
            "patched": "../envs/flame_patched.yaml",
        }[SETTINGS.heads.reader]
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=fingerprint("stages.flame", script="read_flame"),
        settings=reader_settings,
    message:
        "{rule}: {wildcards.head}"
    script:
        "../workflow_scripts/read_flame.py"


rule build_head:
    input:
        unpack(parts_of_head),
        detectors=[paths.ASSET.format(asset=name) for name in HEAD_DETECTORS],
    output:
        head=paths.HEAD,
    log:
        "logs/heads/{head}.log",
    cache: CACHED and not any(head in FLAME_HEADS for head in HEADS)
    conda:
        "../envs/avatar.yaml"
    threads: 2
    resources:
        mem_mb=growing(6000),
        runtime=growing(30),
    params:
        code=fingerprint("stages.heads", script="build_head"),
        settings=head_settings,
        detectors=HEAD_DETECTORS,
    message:
        "{rule}: {wildcards.head}"
    script:
        "../workflow_scripts/build_head.py"
