"""Files from elsewhere: videos and networks, checked against config/assets.yaml and turned into what is run.

What workflows may share through Snakemake's cache (`--cache`) has no benchmark: Snakemake refuses both together.

What is fetched is settled by its hash, not by the code that fetches: so that rule carries the hash instead of a fingerprint.
"""


rule fetch_asset:
    output:
        asset=paths.ASSET,
    log:
        "logs/assets/{asset}.log",
    cache: "omit-software" if CACHED else False
    localrule: True
    conda:
        "../envs/fetch.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        sha256=lambda wildcards: ASSETS[wildcards.asset]["sha256"],
    message:
        "{rule}: {wildcards.asset}"
    script:
        "../workflow_scripts/fetch_asset.py"


rule convert_network:
    input:
        unpack(parts_of_network),
    output:
        network=paths.NETWORK,
    log:
        "logs/networks/{network}.log",
    cache: CACHED and PARSING_NETWORK not in BROUGHT_PARSERS
    conda:
        "../envs/vision.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=fingerprint("stages.networks", script="convert_network"),
        network="{network}",
    message:
        "{rule}: {wildcards.network}, to ONNX"
    script:
        "../workflow_scripts/convert_network.py"
