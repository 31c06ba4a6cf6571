"""A clip's tracking on another head model, by fitting its vertices."""


rule convert_clip:
    input:
        tracking=paths.TRACKING,
        source_head=HEAD,
        target_head=paths.HEAD,
    output:
        converted=paths.CONVERTED,
        summary=paths.CONVERTED_SUMMARY,
    log:
        "logs/{clip}/conversion-{head}.log",
    benchmark:
        "logs/{clip}/conversion-{head}.tsv"
    wildcard_constraints:
        head=one_of([SETTINGS.conversion.to or "none"]),
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.conversion", script="convert_clip"),
        settings=section(SETTINGS, "conversion"),
    message:
        "{rule}: {wildcards.clip}, to {wildcards.head}"
    script:
        "../workflow_scripts/convert_clip.py"
