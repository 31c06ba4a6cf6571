"""From frames to label maps of 19 classes."""


rule parse_faces:
    input:
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
        network=paths.NETWORK.format(network=PARSING_NETWORK),
    output:
        manifest=paths.PARSING_MANIFEST,
        folder=directory(paths.PARSING),
    log:
        "logs/{clip}/parsing.log",
    benchmark:
        "logs/{clip}/parsing.tsv"
    conda:
        "../envs/vision.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=fingerprint("stages.parsing", script="parse_faces"),
        settings=section(SETTINGS, "parsing"),
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/parse_faces.py"
