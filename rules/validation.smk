"""FlashAvatar subject folders, checked against what their readers take for granted: the clips', or the one that is brought."""

for name, own in validations().items():

    rule:
        name:
            name
        input:
            **own["input"],
        output:
            verdict=own["verdict"],
            picture=own["picture"],
        log:
            own["log"],
        benchmark:
            own["log"].replace(".log", ".tsv")
        conda:
            "../envs/avatar.yaml"
        threads: 2
        resources:
            mem_mb=growing(3000),
            runtime=growing(120),
        params:
            code=fingerprint("stages.validation", script="check_dataset"),
            settings=validation_settings(name),
            stamp=validation_stamp(name),
        message:
            "{rule}"
        script:
            "../workflow_scripts/check_dataset.py"
