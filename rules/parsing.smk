"""From frames to label maps of 19 classes."""


rule parse_faces:
    input:
        unpack(chunks_of_clip(paths.PARSING_CHUNK)),
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


if CHUNKS:

    rule parse_faces_chunk:
        input:
            frames=paths.FRAMES_MANIFEST,
            frames_folder=ancient(paths.FRAMES),
            network=paths.NETWORK.format(network=PARSING_NETWORK),
        output:
            chunk=temp(directory(paths.PARSING_CHUNK)),
        log:
            "logs/{clip}/parsing-{chunk}.log",
        benchmark:
            "logs/{clip}/parsing-{chunk}.tsv"
        wildcard_constraints:
            chunk=one_of(CHUNKS),
        conda:
            "../envs/vision.yaml"
        threads: 2
        resources:
            mem_mb=growing(4000),
            runtime=growing(120),
        params:
            code=fingerprint("stages.parsing_chunk", script="parse_faces_chunk"),
            settings=section(SETTINGS, "parsing"),
        message:
            "{rule}: {wildcards.clip}, {wildcards.chunk}"
        script:
            "../workflow_scripts/parse_faces_chunk.py"
