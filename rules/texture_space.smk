"""What the skins of many fitted portraits have in common: a mean and components over the head's unwrapping."""


rule learn_texture_space:
    input:
        unpack(unwrapped_chunks),
        prepared=lambda wildcards: files_of_texture_space(paths.PREPARED_MANIFEST),
        prepared_folder=lambda wildcards: ancient(files_of_texture_space(paths.PREPARED)),
        fits=lambda wildcards: files_of_texture_space(paths.FITS_MANIFEST),
        fits_folder=lambda wildcards: ancient(files_of_texture_space(paths.FITS)),
        head=HEAD,
    output:
        texture=paths.TEXTURE_SPACE,
        summary=paths.TEXTURE_SPACE_SUMMARY,
        examples=paths.TEXTURE_SPACE_EXAMPLES,
    log:
        "logs/texture_space/texture_space.log",
    benchmark:
        "logs/texture_space/texture_space.tsv"
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        code=fingerprint("stages.texture_space", script="learn_texture_space"),
        settings=section(SETTINGS, "texture_space"),
    message:
        "{rule}"
    script:
        "../workflow_scripts/learn_texture_space.py"


rule draw_texture_space:
    input:
        texture=paths.TEXTURE_SPACE,
        summary=paths.TEXTURE_SPACE_SUMMARY,
        examples=paths.TEXTURE_SPACE_EXAMPLES,
        head=HEAD,
    output:
        picture=paths.TEXTURE_SPACE_PICTURE,
    log:
        "logs/texture_space/picture.log",
    benchmark:
        "logs/texture_space/picture.tsv"
    conda:
        "../envs/show.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
    params:
        code=fingerprint("stages.quality_texture_space", script="draw_texture_space"),
    message:
        "{rule}"
    script:
        "../workflow_scripts/draw_texture_space.py"


if CHUNKS:

    rule unwrap_textures_chunk:
        input:
            prepared=lambda wildcards: files_of_texture_space(paths.PREPARED_MANIFEST),
            prepared_folder=lambda wildcards: ancient(files_of_texture_space(paths.PREPARED)),
            fits=lambda wildcards: files_of_texture_space(paths.FITS_MANIFEST),
            fits_folder=lambda wildcards: ancient(files_of_texture_space(paths.FITS)),
            head=HEAD,
        output:
            chunk=temp(paths.TEXTURE_SPACE_CHUNK),
        log:
            "logs/texture_space/unwrapped-{chunk}.log",
        benchmark:
            "logs/texture_space/unwrapped-{chunk}.tsv"
        wildcard_constraints:
            chunk=one_of(CHUNKS),
        conda:
            "../envs/avatar.yaml"
        threads: 1
        resources:
            mem_mb=growing(4000),
            runtime=growing(120),
        params:
            code=fingerprint("stages.texture_space_chunk", script="unwrap_textures_chunk"),
            settings=section(SETTINGS, "texture_space"),
            texture=paths.TEXTURE_SPACE,
        message:
            "{rule}: {wildcards.chunk}"
        script:
            "../workflow_scripts/unwrap_textures_chunk.py"
