"""The head's shape, and its pose and expression in every frame: from landmarks, or from what another program tracked."""

if SETTINGS.tracking.source == SOLVE:

    rule track_head:
        input:
            unpack(known_identity),
            frames=paths.FRAMES_MANIFEST,
            landmarks=paths.LANDMARKS,
            head=HEAD,
        output:
            tracking=paths.TRACKING,
            summary=paths.TRACKING_SUMMARY,
            table=paths.TRACKING_TABLE,
        log:
            "logs/{clip}/tracking.log",
        benchmark:
            "logs/{clip}/tracking.tsv"
        conda:
            "../envs/avatar.yaml"
        threads: 4
        resources:
            mem_mb=6000,
            runtime=240,
        params:
            code=fingerprint("stages.tracking", script="track_head"),
            settings=tracking_settings("source", "neck", "smoothing", "blink"),
            focal=known_focal,
        message:
            "{rule}: {wildcards.clip}"
        script:
            "../workflow_scripts/track_head.py"

else:

    rule import_tracking:
        input:
            frames=paths.FRAMES_MANIFEST,
            landmarks=paths.LANDMARKS,
            head=HEAD,
            given=tracked_by,
        output:
            tracking=paths.TRACKING,
            summary=paths.TRACKING_SUMMARY,
            table=paths.TRACKING_TABLE,
        log:
            "logs/{clip}/tracking.log",
        benchmark:
            "logs/{clip}/tracking.tsv"
        conda:
            "../envs/avatar.yaml"
        threads: 1
        resources:
            mem_mb=6000,
            runtime=60,
        params:
            code=fingerprint("stages.imports", script="import_tracking"),
            settings=tracking_settings("iterations", "noise", "identity_weight", "expression_weight", "smoothness"),
            stamp=tracking_stamp,
        message:
            "{rule}: {wildcards.clip}, from {input.given}"
        script:
            "../workflow_scripts/import_tracking.py"
