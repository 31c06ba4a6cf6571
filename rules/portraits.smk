"""From single pictures to heads: made ready, fitted (or read by DECA's network), and written as DECA writes them."""


rule prepare_portraits:
    input:
        unpack(portrait_points),
        pictures=portrait_pictures,
        files=[paths.ASSET.format(asset=name) for name in PORTRAIT_FILES],
        network=paths.NETWORK.format(network=PARSING_NETWORK),
    output:
        manifest=paths.PREPARED_MANIFEST,
        folder=directory(paths.PREPARED),
    log:
        "logs/portraits/{portrait}/prepared.log",
    benchmark:
        "logs/portraits/{portrait}/prepared.tsv"
    conda:
        "../envs/vision.yaml"
    threads: 2
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=fingerprint("stages.portraits_prepare", script="prepare_portraits"),
        settings=portrait_settings(*OF_PREPARED),
        parsing=section(SETTINGS, "parsing"),
        files=PORTRAIT_FILES,
        person=portrait_person,
        stamp=portrait_stamp,
    message:
        "{rule}: {wildcards.portrait}"
    script:
        "../workflow_scripts/prepare_portraits.py"


if SETTINGS.portraits.method == "fit":

    rule fit_portraits:
        input:
            unpack(parts_of_fit),
            prepared=paths.PREPARED_MANIFEST,
            prepared_folder=ancient(paths.PREPARED),
            head=HEAD,
        output:
            manifest=paths.FITS_MANIFEST,
            folder=directory(paths.FITS),
        log:
            "logs/portraits/{portrait}/fits.log",
        benchmark:
            "logs/portraits/{portrait}/fits.tsv"
        conda:
            "../envs/gpu.yaml" if SETTINGS.portraits.renderer == "pytorch3d" else "../envs/avatar.yaml"
        threads: 2
        resources:
            mem_mb=growing(6000),
            runtime=growing(240),
        params:
            code=fingerprint("stages.portraits_fit", script="fit_portraits"),
            settings=fit_settings(),
        message:
            "{rule}: {wildcards.portrait}"
        script:
            "../workflow_scripts/fit_portraits.py"

else:

    rule encode_portraits:
        input:
            prepared=paths.PREPARED_MANIFEST,
            prepared_folder=ancient(paths.PREPARED),
            head=HEAD,
            network=SETTINGS.portraits.network,
        output:
            manifest=paths.FITS_MANIFEST,
            folder=directory(paths.FITS),
        log:
            "logs/portraits/{portrait}/fits.log",
        benchmark:
            "logs/portraits/{portrait}/fits.tsv"
        conda:
            "../envs/avatar.yaml"
        threads: 2
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            code=fingerprint("stages.portraits_encode", script="encode_portraits"),
            settings=portrait_settings("method", "device"),
        message:
            "{rule}: {wildcards.portrait}"
        script:
            "../workflow_scripts/encode_portraits.py"


rule write_portraits:
    input:
        unpack(portrait_texture),
        pictures=portrait_pictures,
        prepared=paths.PREPARED_MANIFEST,
        prepared_folder=ancient(paths.PREPARED),
        fits=paths.FITS_MANIFEST,
        fits_folder=ancient(paths.FITS),
        head=HEAD,
    output:
        manifest=paths.DECA_MANIFEST,
        folder=directory(paths.DECA_FILES),
    log:
        "logs/portraits/{portrait}/deca.log",
    benchmark:
        "logs/portraits/{portrait}/deca.tsv"
    conda:
        "../envs/gpu.yaml" if SETTINGS.portraits.renderer == "pytorch3d" else "../envs/avatar.yaml"
    threads: 2
    resources:
        mem_mb=growing(6000),
        runtime=growing(120),
    params:
        code=fingerprint("stages.portraits_write", script="write_portraits"),
        settings=portrait_settings(*OF_WRITTEN),
    message:
        "{rule}: {wildcards.portrait}"
    script:
        "../workflow_scripts/write_portraits.py"


rule draw_portraits:
    input:
        unpack(portrait_texture),
        prepared=paths.PREPARED_MANIFEST,
        prepared_folder=ancient(paths.PREPARED),
        fits=paths.FITS_MANIFEST,
        fits_folder=ancient(paths.FITS),
        head=HEAD,
    output:
        manifest=paths.PANELS_MANIFEST,
        folder=directory(paths.PANELS),
    log:
        "logs/portraits/{portrait}/panels.log",
    benchmark:
        "logs/portraits/{portrait}/panels.tsv"
    conda:
        "../envs/gpu.yaml" if SETTINGS.portraits.renderer == "pytorch3d" else "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.portraits_panels", script="draw_portraits"),
        settings=portrait_settings(*OF_PANELS),
    message:
        "{rule}: {wildcards.portrait}"
    script:
        "../workflow_scripts/draw_portraits.py"
