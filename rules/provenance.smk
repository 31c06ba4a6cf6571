"""What a clip was made of, by what, and the sha256 of each file that came out."""


rule write_provenance:
    input:
        unpack(made_files),
        given=given_files,
    output:
        provenance=report(
            paths.PROVENANCE,
            caption="../report/provenance.rst",
            category="Provenance",
            labels={"clip": "{clip}"},
        ),
    log:
        "logs/{clip}/provenance.log",
    benchmark:
        "logs/{clip}/provenance.tsv"
    localrule: True
    conda:
        "../envs/show.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        code=fingerprint("stages.provenance", script="write_provenance"),
        config=whole_configuration,
        codes=stage_codes,
        shared_logs=shared_logs,
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/write_provenance.py"
