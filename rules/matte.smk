"""From frames to mattes: how much of each pixel is the person."""


rule estimate_matte:
    input:
        unpack(chunks_of_clip(paths.MATTE_CHUNK)),
        frames=paths.FRAMES_MANIFEST,
        frames_folder=ancient(paths.FRAMES),
        network=MATTE_FILE,
    output:
        manifest=paths.MATTE_MANIFEST,
        folder=directory(paths.MATTE),
    log:
        "logs/{clip}/matte.log",
    benchmark:
        "logs/{clip}/matte.tsv"
    wildcard_constraints:
        clip=one_of(VIDEOS),
    conda:
        "../envs/vision.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=fingerprint("stages.matte", script="estimate_matte"),
        settings=section(SETTINGS, "matte"),
    message:
        "{rule}: {wildcards.clip}"
    script:
        "../workflow_scripts/estimate_matte.py"


if CHUNKS:

    rule estimate_matte_chunk:
        input:
            frames=paths.FRAMES_MANIFEST,
            frames_folder=ancient(paths.FRAMES),
            network=MATTE_FILE,
        output:
            chunk=temp(directory(paths.MATTE_CHUNK)),
        log:
            "logs/{clip}/matte-{chunk}.log",
        benchmark:
            "logs/{clip}/matte-{chunk}.tsv"
        wildcard_constraints:
            clip=one_of(VIDEOS),
            chunk=one_of(CHUNKS),
        conda:
            "../envs/vision.yaml"
        threads: 2
        resources:
            mem_mb=growing(4000),
            runtime=growing(120),
        params:
            code=fingerprint("stages.matte_chunk", script="estimate_matte_chunk"),
            settings=section(SETTINGS, "matte"),
        message:
            "{rule}: {wildcards.clip}, {wildcards.chunk}"
        script:
            "../workflow_scripts/estimate_matte_chunk.py"
