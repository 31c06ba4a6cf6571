"""The head's shape, and its pose and expression in every frame: from landmarks, or from what another program tracked."""

if SETTINGS.tracking.source == SOLVE:

    rule track_head:
        input:
            unpack(known_identity),
            frames=paths.FRAMES_MANIFEST,
            landmarks=paths.LANDMARKS,
            head=HEAD,
        output:
            tracking=SOLVED["tracking"],
            summary=SOLVED["summary"],
            table=SOLVED["table"],
        log:
            "logs/{clip}/tracking.log",
        benchmark:
            "logs/{clip}/tracking.tsv"
        wildcard_constraints:
            clip=one_of(VIDEOS),
        conda:
            "../envs/avatar.yaml"
        threads: 4
        resources:
            mem_mb=growing(6000),
            runtime=growing(240),
        params:
            code=fingerprint("stages.tracking", script="track_head"),
            settings=tracking_settings(*OF_IMPORTS, *OF_PHOTOMETRIC),
            focal=known_focal,
        message:
            "{rule}: {wildcards.clip}"
        script:
            "../workflow_scripts/track_head.py"

    if SETTINGS.tracking.photometric:

        rule refine_tracking:
            input:
                unpack(known_identity),
                unpack(texture_space),
                unpack(round_before),
                frames=paths.FRAMES_MANIFEST,
                frames_folder=ancient(paths.FRAMES),
                parsing=paths.PARSING_MANIFEST,
                parsing_folder=ancient(paths.PARSING),
                landmarks=paths.LANDMARKS,
                head=HEAD,
                tracking=paths.LANDMARK_TRACKING,
                tracking_summary=paths.LANDMARK_TRACKING_SUMMARY,
            output:
                tracking=paths.TRACKING,
                summary=paths.TRACKING_SUMMARY,
                table=paths.TRACKING_TABLE,
            log:
                "logs/{clip}/photometric.log",
                picture="logs/{clip}/photometric.png",
            benchmark:
                "logs/{clip}/photometric.tsv"
            wildcard_constraints:
                clip=one_of(VIDEOS),
            conda:
                {
                    "own": "../envs/avatar.yaml",
                    "pytorch3d": "../envs/gpu.yaml",
                }[SETTINGS.tracking.renderer]
            threads: 4
            resources:
                mem_mb=growing(6000),
                runtime=growing(240),
            params:
                code=fingerprint("stages.photometric", script="refine_tracking"),
                settings=tracking_settings(*OF_IMPORTS),
                focal=known_focal,
            message:
                "{rule}: {wildcards.clip}"
            script:
                "../workflow_scripts/refine_tracking.py"

        if CHUNKS:

            rule begin_round:
                input:
                    unpack(known_identity),
                    unpack(texture_space),
                    unpack(round_before),
                    frames=paths.FRAMES_MANIFEST,
                    frames_folder=ancient(paths.FRAMES),
                    parsing=paths.PARSING_MANIFEST,
                    parsing_folder=ancient(paths.PARSING),
                    landmarks=paths.LANDMARKS,
                    head=HEAD,
                    tracking=paths.LANDMARK_TRACKING,
                output:
                    begun=temp(paths.ROUND),
                log:
                    "logs/{clip}/photometric-{round}.log",
                benchmark:
                    "logs/{clip}/photometric-{round}.tsv"
                wildcard_constraints:
                    clip=one_of(VIDEOS),
                    round=one_of(map(str, ROUNDS)),
                conda:
                    {
                        "own": "../envs/avatar.yaml",
                        "pytorch3d": "../envs/gpu.yaml",
                    }[SETTINGS.tracking.renderer]
                threads: 4
                resources:
                    mem_mb=growing(6000),
                    runtime=growing(120),
                params:
                    code=fingerprint("stages.photometric_round", script="begin_round"),
                    settings=tracking_settings(*OF_IMPORTS),
                    focal=known_focal,
                message:
                    "{rule}: {wildcards.clip}, round {wildcards.round}"
                script:
                    "../workflow_scripts/begin_round.py"

            rule measure_shifts_chunk:
                input:
                    frames=paths.FRAMES_MANIFEST,
                    frames_folder=ancient(paths.FRAMES),
                    parsing=paths.PARSING_MANIFEST,
                    parsing_folder=ancient(paths.PARSING),
                    head=HEAD,
                    begun=paths.ROUND,
                output:
                    chunk=temp(paths.SHIFTS_CHUNK),
                log:
                    "logs/{clip}/photometric-{round}-{chunk}.log",
                benchmark:
                    "logs/{clip}/photometric-{round}-{chunk}.tsv"
                wildcard_constraints:
                    clip=one_of(VIDEOS),
                    round=one_of(map(str, ROUNDS)),
                    chunk=one_of(CHUNKS),
                conda:
                    {
                        "own": "../envs/avatar.yaml",
                        "pytorch3d": "../envs/gpu.yaml",
                    }[SETTINGS.tracking.renderer]
                threads: 4
                resources:
                    mem_mb=growing(4000),
                    runtime=growing(60),
                params:
                    code=fingerprint("stages.photometric_chunk", script="measure_shifts_chunk"),
                    settings=tracking_settings(*OF_IMPORTS),
                message:
                    "{rule}: {wildcards.clip}, round {wildcards.round}, {wildcards.chunk}"
                script:
                    "../workflow_scripts/measure_shifts_chunk.py"

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
        wildcard_constraints:
            clip=one_of(VIDEOS),
        conda:
            "../envs/avatar.yaml"
        threads: 1
        resources:
            mem_mb=growing(6000),
            runtime=growing(60),
        params:
            code=fingerprint("stages.imports", script="import_tracking"),
            settings=tracking_settings(
                "iterations",
                "noise",
                "identity_weight",
                "expression_weight",
                "learned_priors",
                "smoothness",
                "max_deviation",
                *OF_PHOTOMETRIC,
            ),
            stamp=tracking_stamp,
        message:
            "{rule}: {wildcards.clip}, from {input.given}"
        script:
            "../workflow_scripts/import_tracking.py"
