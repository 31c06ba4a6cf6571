"""From a FlashAvatar subject folder to a clip's frames, matte, masks and tracking: looked through first, then taken as it is."""


rule check_subject:
    input:
        unpack(subject_of),
        head=HEAD,
    output:
        verdict=paths.SUBJECT,
        picture=paths.SUBJECT_PICTURE,
    log:
        "logs/{clip}/subject.log",
    benchmark:
        "logs/{clip}/subject.tsv"
    wildcard_constraints:
        clip=one_of(SUBJECTS),
    conda:
        "../envs/avatar.yaml"
    threads: 2
    resources:
        mem_mb=growing(3000),
        runtime=growing(120),
    params:
        code=fingerprint("stages.subject", script="check_subject"),
        checkpoint=checkpoint_of,
        known_head=SETTINGS.validation.known_head,
        stamp=subject_stamp,
    message:
        "{rule}: {wildcards.clip}, {input.subject}"
    script:
        "../workflow_scripts/check_subject.py"


for word, (manifest, folder) in SUBJECT_PICTURES.items():

    rule:
        name:
            f"import_{word}"
        input:
            unpack(subject_of),
            verdict=paths.SUBJECT,
        output:
            manifest=manifest,
            folder=directory(folder),
        log:
            f"logs/{{clip}}/{word}.log",
        benchmark:
            f"logs/{{clip}}/{word}.tsv"
        wildcard_constraints:
            clip=one_of(SUBJECTS),
        conda:
            "../envs/show.yaml"
        threads: 2
        resources:
            mem_mb=growing(2000),
            runtime=growing(60),
        params:
            code=fingerprint("stages.subject_pictures", script="import_pictures"),
            word=word,
            fps=subject_rate(word),
            min_overlap=LEAST_OVERLAP.get(word, 0.0),
            checkpoint=checkpoint_of,
            stamp=subject_stamp,
        message:
            "{rule}: {wildcards.clip}, from {input.subject}"
        script:
            "../workflow_scripts/import_pictures.py"


rule import_parameters:
    input:
        unpack(subject_of),
        verdict=paths.SUBJECT,
        head=HEAD,
    output:
        tracking=paths.TRACKING,
        summary=paths.TRACKING_SUMMARY,
        table=paths.TRACKING_TABLE,
    log:
        "logs/{clip}/tracking.log",
    benchmark:
        "logs/{clip}/tracking.tsv"
    wildcard_constraints:
        clip=one_of(SUBJECTS),
    conda:
        "../envs/avatar.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=fingerprint("stages.subject_tracking", script="import_parameters"),
        checkpoint=checkpoint_of,
        stamp=subject_stamp,
    message:
        "{rule}: {wildcards.clip}, from {input.subject}"
    script:
        "../workflow_scripts/import_parameters.py"
