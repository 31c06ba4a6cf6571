"""What a clip's provenance is made of: functions from wildcards to files, fingerprints and logs."""

from types import SimpleNamespace

STAGE_RULES = {
    "subject": ["check_subject"],
    "frames": ["extract_frames"],
    "landmarks": ["detect_landmarks"],
    "matte": ["estimate_matte"],
    "parsing": ["parse_faces"],
    "masks": [f"cut_{mask}_masks" for mask in ("mouth", "head", "eyes") if mask in SETTINGS.masks.sets],
    "networks": ["convert_network"],
    "heads": ["read_flame", "build_head"] if SETTINGS.heads.model in FLAME_HEADS else ["build_head"],
    "tracking": ["track_head", "refine_tracking"] if SETTINGS.tracking.photometric else ["track_head"],
    "dataset": ["write_dataset"],
    "avatar": ["train_avatar"],
    "renders": ["render_avatar"],
    "scores": ["score_avatar"],
    "quality": ["draw_quality", "draw_tracking_video"],
}
if SETTINGS.tracking.source != SOLVE:
    STAGE_RULES["tracking"] = ["import_tracking"]
TAUGHT = {paths.POINT_DISTRIBUTION: "build_point_distribution", paths.PATCH_EXPERTS: "train_patch_experts"}
TAUGHT = {path: name for path, name in TAUGHT.items() if path in DETECTOR_ASSETS}
STAGE_RULES["landmarks"] = [*TAUGHT.values(), *STAGE_RULES["landmarks"]]
"""What the detector `clnf` opens is made by rules of its own, from videos that are fetched."""
SUBJECT_RULES = STAGE_RULES | {
    "frames": ["import_frames"],
    "matte": ["import_matte"],
    "masks": ["import_mouth_masks", "import_head_masks", *(["cut_eyes_masks"] if "eyes" in SETTINGS.masks.sets else [])],
    "tracking": ["import_parameters"],
}
"""Rules by the stage that they belong to, of a clip that is a video and of one that is a FlashAvatar subject."""


def made_files(wildcards):
    """Return the files of a clip's stages by stage, in order; of a folder its manifest. What the report shows is all there is."""
    subject, eyes = wildcards.clip in SUBJECTS, "eyes" in SETTINGS.masks.sets
    found = {
        "subject": [paths.SUBJECT] if subject else [],
        "frames": [paths.FRAMES_MANIFEST],
        "landmarks": [paths.LANDMARKS, paths.LANDMARKS_SUMMARY],
        "matte": [paths.MATTE_MANIFEST],
        "parsing": [] if subject and not eyes else [paths.PARSING_MANIFEST],
        "masks": [paths.MOUTH_MASKS_MANIFEST, paths.HEAD_MASKS_MANIFEST, *([paths.EYES_MASKS_MANIFEST] if eyes else [])],
        "networks": [paths.NETWORK.format(network=name) for name in networks_of(wildcards)],
        "heads": [HEAD],
        "tracking": [*(SOLVED.values() if SOLVED is BEFORE and not subject else []), *LAST.values()],
        "dataset": [paths.DATASET_MANIFEST],
        "avatar": expand([paths.AVATAR, paths.AVATAR_CURVE], variant=VARIANTS, allow_missing=True),
        "renders": expand([paths.RENDERS_MANIFEST, paths.RENDERS_VIDEO], variant=VARIANTS, allow_missing=True),
        "scores": expand([paths.SCORES, paths.SCORES_TABLE], variant=VARIANTS, allow_missing=True),
        "quality": [*pictures_to_look_at(wildcards.clip), paths.TRACKING_VIDEO],
    }
    return {stage: [path.format(clip=wildcards.clip) for path in files] for stage, files in found.items() if files}


def networks_of(wildcards):
    """Return the names of the networks that were converted to look at a clip's frames; of a subject they find the eyes at most."""
    if wildcards.clip in SUBJECTS:
        return [PARSING_NETWORK] if "eyes" in SETTINGS.masks.sets else []
    return [PARSING_NETWORK] if SETTINGS.matte.weights else [PARSING_NETWORK, MATTE_NETWORK]


MADE = ("dataset", "flame", "eyes_masks", "eyes_masks_folder")
"""Inputs, by word, that do not come from outside."""


def given_files(wildcards):
    """Return what came from outside into a clip: its video or folder, weights, and the user's other files."""
    clip, video = CLIPS[wildcards.clip], wildcards.clip not in SUBJECTS
    head = SimpleNamespace(head=SETTINGS.heads.model)
    found = [video_of(wildcards), DETECTOR, second_opinion(wildcards)] if video else [subject_of(wildcards), clip.tracking]
    found += [parts_of_network(SimpleNamespace(network=name)) for name in networks_of(wildcards)]
    found += [SETTINGS.matte.weights if video else "", brought_landmarks(wildcards), texture_space(wildcards)]
    found += [known_identity(wildcards)] if SETTINGS.tracking.source == SOLVE or not video else [tracked_by(wildcards)]
    found += [parts_of_head(head), [paths.ASSET.format(asset=name) for name in HEAD_DETECTORS]]
    found += [str(model_file(SETTINGS.heads, head.head))] if head.head in FLAME_HEADS else []
    found += [published_parts(SimpleNamespace(variant=name)) for name in VARIANTS]
    found += [[paths.ASSET.format(asset=name) for name in TEACHERS] if paths.PATCH_EXPERTS in TAUGHT else []]
    return [path for path in dict.fromkeys(flat([*found, parts_of_scores(wildcards)])) if path not in TAUGHT]


def flat(value):
    """Return the paths in lists, and in mappings by word, as one list; what was made by a stage and blanks are left out."""
    if isinstance(value, dict):
        value = [part for word, part in value.items() if word not in MADE]
    if isinstance(value, list):
        return [path for part in value for path in flat(part)]
    return [value] if value else []


def stage_codes(wildcards):
    """Return the fingerprints of the rules that make a clip, by stage."""
    chosen = SUBJECT_RULES if wildcards.clip in SUBJECTS else STAGE_RULES
    return {stage: {name: getattr(rules, name).params.code for name in chosen[stage]} for stage in made_files(wildcards)}


def shared_logs(wildcards):
    """Return the logs of what a clip shares with others, its head and its networks, from the folder of all logs on."""
    return [f"heads/{SETTINGS.heads.model}.log", *(f"networks/{name}.log" for name in networks_of(wildcards))]


def compared_with(wildcards):
    """Return the provenance of another run that the settings name; where they name none, the run ends with a message."""
    try:
        return provenance_to_compare(SETTINGS, wildcards.clip)
    except UserError as error:
        tell(f"headsmith: {error.message}")
        sys.exit(1)
