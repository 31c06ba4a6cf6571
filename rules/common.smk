"""What the rules share: the checked configuration, and functions from wildcards to inputs."""

import re
from dataclasses import asdict
from functools import cache

from headsmith.contract.chunks import chunk_names
from headsmith.contract.clips import check_clips, read_clips, unused_columns
from headsmith.contract.cluster import cancel_lost_jobs
from headsmith.contract.config import USER_FILE, load_settings, read_yaml
from headsmith.contract.conversion import check_conversion, target_head
from headsmith.contract.detectors import CLNF_EXPERTS, CLNF_SHAPES, FINDERS, TEACHERS
from headsmith.contract.detectors import detector_files, further_files, head_detectors
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import EXPORTS, FLAME_HEADS, MESHES, SOLVE, TABLES, check_codes
from headsmith.contract.flame import check_flame, model_file, side_files
from headsmith.contract.flashavatar import MLP, check_flashavatar, training_files
from headsmith.contract.lpips import LPIPS_BACKBONES, brought_backbone
from headsmith.contract.networks import BROUGHT_PARSERS, SELFIE, brought_matting, brought_weights
from headsmith.contract.networks import matting_network, matting_view, parsing_network
from headsmith.contract.photometric import SETTINGS as OF_PHOTOMETRIC
from headsmith.contract.photometric import check_photometric, round_numbers
from headsmith.contract.reenactment import check_drivers, drivers_of
from headsmith.contract.reproduction import provenance_to_compare, their_run
from headsmith.contract.stamps import stamp_pictures, stamp_subject
from headsmith.contract.subjects import check_subjects, maker_of


def tell(text):
    """Write to the console; standard output stays free for graphs and lists."""
    print(text, file=sys.stderr, flush=True)


def read_configuration():
    """Return settings, clips and assets, all checked; a mistake in them ends the run with a message for people.

    As a module of another workflow, headsmith is given its settings by that one, whose `config/config.yaml` is not ours.
    """
    try:
        settings = load_settings(HOUSE / "config/default.yaml", None if IS_MODULE else Path(USER_FILE), config)
        if settings.reproduction.their_settings:
            settings, clips = their_run(settings, config)
        else:
            clips = read_clips(Path(settings.clips))
        assets = read_yaml(HOUSE / paths.ASSET_LIST)["assets"]
        check_clips(clips, settings, assets, Path(settings.clips))
        check_codes(settings.tracking.source, settings.heads.model)
        check_subjects(clips, Path(settings.clips))
        check_conversion(settings)
        check_photometric(settings.tracking)
        check_drivers(settings, clips)
        check_flame(settings)
        check_flashavatar(settings.avatar)
        brought_weights(settings.parsing.network, settings.parsing.weights)
        brought_matting(settings.matte.network, settings.matte.weights)
        brought_backbone(settings.scores.lpips, settings.scores.lpips_backbone)
    except UserError as error:
        tell(f"headsmith: {error.message}")
        sys.exit(1)
    return settings, clips, assets


SETTINGS, CLIPS, ASSETS = read_configuration()
CACHED = workflow.workflow_settings.cache is not None
PLACED = workflow.modifier.modify_path
"""Where a path of ours lies when another workflow imports this one with a prefix."""
VARIANTS = list(SETTINGS.avatar)
MOVABLE = [name for name, settings in SETTINGS.avatar.items() if settings.deformation == "basis"]
SUBJECTS = [name for name, clip in CLIPS.items() if clip.subject]
VIDEOS = [name for name in CLIPS if name not in SUBJECTS]
MATTE_VIEW = matting_view(SETTINGS.frames.size, SETTINGS.matte.downsample, SETTINGS.matte.enlarge)
MATTE_NETWORK = SELFIE if SETTINGS.matte.network == SELFIE else matting_network(*MATTE_VIEW, SETTINGS.matte.precision)
MATTE_FILE = SETTINGS.matte.weights or paths.NETWORK.format(network=MATTE_NETWORK)
PARSING_NETWORK = parsing_network(SETTINGS.parsing.network, SETTINGS.parsing.precision)
NETWORKS = [PARSING_NETWORK, MATTE_NETWORK]
CUTS_OUT = SETTINGS.renders.background != "plate" or SETTINGS.renders.scale != 1
CUTOUTS = {"cutouts": paths.CUTOUTS_MANIFEST, "cutouts_folder": directory(paths.CUTOUTS)} if CUTS_OUT else {}
CHUNKS = chunk_names(SETTINGS.cluster.chunks)
STAGE_PICTURES = ["frames", "landmarks", "matte", "parsing", "masks", "tracking"]
PICTURES = STAGE_PICTURES + [f"{kind}-{variant}" for kind in ("training", "renders") for variant in VARIANTS]
HEAD_DETECTORS = list(head_detectors(SETTINGS.landmarks.detector, SETTINGS.landmarks.faces))
DETECTOR = paths.ASSET.format(asset="face_landmarker.task")
HEAD = paths.HEAD.format(head=SETTINGS.heads.model)
OPEN_HEAD = paths.HEAD.format(head="anny")
HEADS = [head for head in dict.fromkeys((SETTINGS.heads.model, SETTINGS.conversion.to, "anny")) if head]


def one_of(names):
    """Return the regular expression of exactly these names; of none, one that nothing fits."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def growing(amount):
    """Return the function that asks for this much of a resource, and each time a job is tried again for as much more."""
    return lambda wildcards, attempt: amount * attempt


def gpus_of_variant(wildcards):
    """Return how many GPUs the training of a variant asks for."""
    return int(SETTINGS.avatar[wildcards.variant].device == "cuda")


SUBJECT_PICTURES = {
    "frames": (paths.FRAMES_MANIFEST, paths.FRAMES),
    "matte": (paths.MATTE_MANIFEST, paths.MATTE),
    "mouth_masks": (paths.MOUTH_MASKS_MANIFEST, paths.MOUTH_MASKS),
    "head_masks": (paths.HEAD_MASKS_MANIFEST, paths.HEAD_MASKS),
}
"""What a FlashAvatar subject brings beside its parameters, by word: the manifest and its folder."""


def subject_of(wildcards):
    """Return a clip's FlashAvatar folder; one that another clip of the table makes with the manifest that says when it is new."""
    clip = CLIPS[wildcards.clip]
    maker = maker_of(clip, CLIPS)
    if maker is None:
        return {"subject": ancient(clip.subject)}
    folder, manifest = (path.format(clip=maker) for path in (paths.DATASET, paths.DATASET_MANIFEST))
    return {"subject": ancient(folder), "dataset": manifest}


def checkpoint_of(wildcards):
    """Return the folder of a subject's `.frame` files; None where it lies in its place."""
    return CLIPS[wildcards.clip].tracking


def subject_stamp(wildcards):
    """Return what changes when one of a subject's files changes, but where the table makes it: its manifest says that."""
    return stamp_clip(wildcards.clip)


@cache
def stamp_clip(name):
    """Return the stamp of a clip's subject; taken once, though several rules ask: it looks at every file."""
    clip = CLIPS[name]
    return "" if maker_of(clip, CLIPS) else stamp_subject(clip.subject, clip.tracking or "")


LEAST_OVERLAP = {f"{mask}_masks": least for mask, least in SETTINGS.masks.min_overlap.items()}
LEAST_OVERLAP["matte"] = SETTINGS.matte.min_overlap


def subject_rate(word):
    """Return the function that returns a subject's frame rate, which its frames alone need."""
    return lambda wildcards: CLIPS[wildcards.clip].fps if word == "frames" else None


def pictures_to_look_at(clip):
    """Return the quality pictures of a clip; a subject has masks, and no label maps that they were cut from."""
    left_out = ("parsing",) if clip in SUBJECTS else ()
    return [paths.QUALITY.format(clip=clip, picture=picture) for picture in PICTURES if picture not in left_out]


def video_of(wildcards):
    """Return the path of a clip's video: the user's own, or a fetched asset. A folder's own time says nothing: see below."""
    clip = CLIPS[wildcards.clip]
    path = clip.video if clip.asset is None else paths.ASSET.format(asset=clip.asset)
    return ancient(path) if Path(path).is_dir() else path


def pictures_of(wildcards):
    """Return what changes when one of the pictures changes that a clip's folder or list stands for."""
    clip = CLIPS[wildcards.clip]
    return stamp_pictures(clip.video) if clip.asset is None else ""


def reader_settings(wildcards):
    """Return who reads FLAME's file; what it holds depends on no other setting."""
    return {"reader": SETTINGS.heads.reader}


def head_settings(wildcards):
    """Return the section `heads` as one head needs it: what it is not made from re-runs nothing of it."""
    settings = section(SETTINGS, "heads")
    flame = ("eyelids", "template", "masks", "closed_mouth", "embeddings", wildcards.head)
    own = flame if wildcards.head in FLAME_HEADS else ("identity_samples", "identity_components")
    return {"model": wildcards.head} | {name: settings[name] for name in own}


def parts_of_head(wildcards):
    """Return what a FLAME head is made from: what was read of its file, and the user's other files."""
    if wildcards.head not in FLAME_HEADS:
        return {}
    return {"flame": paths.FLAME, "given": [str(path) for path in side_files(SETTINGS.heads)]}


def converted_files(wildcards):
    """Return the files of all clips on the other head; where none is named, the run ends with a message for people."""
    try:
        head = target_head(SETTINGS)
    except UserError as error:
        tell(f"headsmith: {error.message}")
        sys.exit(1)
    return expand([paths.CONVERTED, paths.CONVERTED_SUMMARY], clip=CLIPS, head=head)


def second_opinion(wildcards):
    """Return the weights of the detector that is asked for a second opinion, nothing where none is."""
    names = [] if SETTINGS.frames.second_opinion == "none" else FINDERS[SETTINGS.frames.second_opinion]
    return [paths.ASSET.format(asset=name) for name in names]


def frames_settings(wildcards):
    """Return the section `frames`, with the clip's own frame rate and crop where the table of clips gives them."""
    clip = CLIPS[wildcards.clip]
    own = {name: getattr(clip, name) for name in ("fps", "crop")}
    return section(SETTINGS, "frames") | {name: value for name, value in own.items() if value is not None}


LOOKED_FOR = SETTINGS.landmarks.detector != "file"
DETECTOR_FILES = list(detector_files(SETTINGS.landmarks.detector, SETTINGS.landmarks.faces)) if LOOKED_FOR else []
DETECTOR_ASSETS = [paths.ASSET.format(asset=name) for name in DETECTOR_FILES]
LOCAL_MODEL = {
    CLNF_SHAPES: SETTINGS.landmarks.shapes or paths.POINT_DISTRIBUTION,
    CLNF_EXPERTS: SETTINGS.landmarks.experts or paths.PATCH_EXPERTS,
}
DETECTOR_FILES += further_files(SETTINGS.landmarks.detector)
DETECTOR_ASSETS += [
    ancient(LOCAL_MODEL[name]) if Path(LOCAL_MODEL[name]).is_dir() else LOCAL_MODEL[name]
    for name in further_files(SETTINGS.landmarks.detector)
]
"""The files that the detector of landmarks opens, by name and by place. A folder's own time says nothing."""


def landmark_files(wildcards):
    """Return the names of the assets that the job opens which writes landmarks; none where faces are already found."""
    return [] if CHUNKS else DETECTOR_FILES


def chunks_of_clip(path):
    """Return the function that returns the files of a clip's chunks, from their path; none where a clip is one piece."""
    return lambda wildcards: {"chunks": expand(path, clip=wildcards.clip, chunk=CHUNKS)} if CHUNKS else {}


def detection_settings():
    """Return what of the section `landmarks` says which faces are found; the rest chooses among them."""
    names = ("detector", "faces", "follow", "shapes", "experts", "openface")
    return {name: section(SETTINGS, "landmarks")[name] for name in names}


def brought_landmarks(wildcards):
    """Return what landmarks come from that no job makes but by fetching: the detector's files, or the clip's own landmarks."""
    return {"files": DETECTOR_ASSETS} if LOOKED_FOR else {"given": CLIPS[wildcards.clip].landmarks}


def landmark_sources(wildcards):
    """Return what landmarks are made from: the detector's files, or the faces it found in chunks, or the clip's own landmarks."""
    cut = LOOKED_FOR and CHUNKS
    return chunks_of_clip(paths.LANDMARKS_CHUNK)(wildcards) if cut else brought_landmarks(wildcards)


def landmark_stamp(wildcards):
    """Return what changes when one of the files changes that a folder of landmarks stands for."""
    given = CLIPS[wildcards.clip].landmarks
    return stamp_pictures(given) if SETTINGS.landmarks.detector == "file" and Path(given).is_dir() else ""


OF_IMPORTS = ("source", "neck", "smoothing", "blink")
LAST = {"tracking": paths.TRACKING, "summary": paths.TRACKING_SUMMARY, "table": paths.TRACKING_TABLE}
BEFORE = {
    "tracking": paths.LANDMARK_TRACKING,
    "summary": paths.LANDMARK_TRACKING_SUMMARY,
    "table": paths.LANDMARK_TRACKING_TABLE,
}
SOLVED = BEFORE if SETTINGS.tracking.photometric else LAST
ROUNDS = round_numbers(SETTINGS.tracking, SETTINGS.frames.size)


def tracking_settings(*names):
    """Return the section `tracking` without what the others of its rules alone use."""
    return {name: value for name, value in section(SETTINGS, "tracking").items() if name not in names}


def round_before(wildcards):
    """Return the round before a job's, and what its chunks told; of a job that has none the last; nothing before the first."""
    number = int(wildcards.get("round", len(ROUNDS))) - 1
    if number < 0 or not CHUNKS:
        return {}
    shifts = expand(paths.SHIFTS_CHUNK, clip=wildcards.clip, round=number, chunk=CHUNKS)
    return {"last": paths.ROUND.format(clip=wildcards.clip, round=number), "shifts": shifts}


def tracked_by(wildcards):
    """Return what another program tracked of a clip. A folder's own time says nothing: see below."""
    given = CLIPS[wildcards.clip].tracking
    return ancient(given) if Path(given).is_dir() else given


def texture_space(wildcards):
    """Return FLAME's texture space, where the settings name one and the head is FLAME's."""
    flame = SETTINGS.heads.texture and SETTINGS.heads.model in FLAME_HEADS
    return {"texture": SETTINGS.heads.texture} if flame else {}


def known_identity(wildcards):
    """Return the file of the person's codes, where the table of clips names one."""
    identity = CLIPS[wildcards.clip].identity
    return {"identity": identity} if identity else {}


def known_focal(wildcards):
    """Return the camera's focal length in the video's pixels, None where the table of clips gives none."""
    return CLIPS[wildcards.clip].focal


def tracking_stamp(wildcards):
    """Return what changes when a file changes in a folder of another program's results, or in a folder inside it."""
    given = Path(CLIPS[wildcards.clip].tracking)
    folders = [given, *sorted(place for place in given.iterdir() if place.is_dir())] if given.is_dir() else []
    return " ".join(map(stamp_pictures, folders))


def mask_settings(mask):
    """Return the section `masks` as a set needs it: its own labels and its own limit, so that others re-run nothing of it."""
    settings = section(SETTINGS, "masks")
    own = {key: {name: value for name, value in settings[key].items() if name == mask} for key in ("sets", "min_overlap")}
    return settings | own


def validations():
    """Return what is checked against FlashAvatar's contract: by rule, its inputs, outputs and log."""
    folder = {"dataset": paths.DATASET_MANIFEST, "dataset_folder": ancient(paths.DATASET), "head": HEAD}
    outputs = (paths.VALIDATION, paths.VALIDATION_PICTURE, "logs/{clip}/validation.log")
    found = {"check_dataset": (folder, *outputs)}
    if SETTINGS.validation.folder:
        outputs = (paths.BROUGHT_VALIDATION, paths.BROUGHT_VALIDATION_PICTURE, "logs/validate_dataset/validation.log")
        found["check_brought_dataset"] = ({"head": HEAD} if SETTINGS.validation.known_head else {}, *outputs)
    names = ("input", "verdict", "picture", "log")
    return {rule: dict(zip(names, parts, strict=True)) for rule, parts in found.items()}


def validation_settings(name):
    """Return the section `validation` for a job; the folder that is brought re-runs nothing of the clips'."""
    own = {} if name == "check_brought_dataset" else {"folder": "", "checkpoint": "", "known_head": False}
    return section(SETTINGS, "validation") | own


def validation_stamp(name):
    """Return what changes when one of the files of the folder that is brought changes."""
    brought = name == "check_brought_dataset"
    return stamp_subject(SETTINGS.validation.folder, SETTINGS.validation.checkpoint) if brought else ""


def validated_files():
    """Return the verdicts that the target `validate_dataset` makes: of the folder that is brought, else of the clips."""
    if SETTINGS.validation.folder:
        return [paths.BROUGHT_VALIDATION, paths.BROUGHT_VALIDATION_PICTURE]
    return expand([paths.VALIDATION, paths.VALIDATION_PICTURE], clip=CLIPS)


def avatar_settings(wildcards):
    """Return the settings of a variant."""
    return section(SETTINGS, "avatar", wildcards.variant)


def splats_settings(wildcards):
    """Return the section `splats` where a file uses it: an .npz holds all moments."""
    return section(SETTINGS, "splats") if wildcards.form == "ply" else {}


def labels_of_hair(wildcards):
    """Return the label maps of a clip, which tell where its hair is; a subject has none."""
    labels = {"parsing": paths.PARSING_MANIFEST, "parsing_folder": ancient(paths.PARSING)}
    return {} if wildcards.clip in SUBJECTS else labels


def reenactment_settings(wildcards):
    """Return the section `reenactment` without the list of drivers: another one re-runs nothing of those before."""
    return section(SETTINGS, "reenactment") | {"drivers": []}


def reenacted_files(wildcards):
    """Return the videos of all avatars moved by all drivers; where none is named, the run ends with a message for people."""
    try:
        drivers = drivers_of(SETTINGS)
    except UserError as error:
        tell(f"headsmith: {error.message}")
        sys.exit(1)
    return expand([paths.REENACTMENT, paths.REENACTMENT_SHEET], clip=CLIPS, variant=VARIANTS, driver=drivers)


def shown_beside(wildcards):
    """Return what the report shows where somebody has asked for it before; from then on it is kept as new as the report."""
    views = (paths.ORBIT_VIDEO, paths.EXPRESSIONS_VIDEO, paths.ORBIT_SHEET, paths.EXPRESSIONS_SHEET)
    moved = (paths.REENACTMENT, paths.REENACTMENT_SHEET)
    found = {
        "novel_views": expand(views, clip=wildcards.clip, variant=VARIANTS),
        "viewers": expand(paths.VIEWER, clip=wildcards.clip, variant=VARIANTS),
        "reenactments": expand(moved, clip=wildcards.clip, variant=VARIANTS, driver=SETTINGS.reenactment.drivers),
    }
    made = {word: [path for path in files if Path(PLACED(path)).exists()] for word, files in found.items()}
    return {word: files for word, files in made.items() if files}


def published_parts(wildcards):
    """Return what a variant's perceptual distance needs, and the checkpoint that it starts from; nothing for most."""
    asset, brought = training_files(SETTINGS.avatar[wildcards.variant])
    return brought | ({} if asset is None else {"perceptual": paths.ASSET.format(asset=asset)})


def checkpoints():
    """Return the checkpoints of all clips and of the variants that can have one; where none can, the run ends with a message."""
    mlp = [name for name in VARIANTS if SETTINGS.avatar[name].deformation == MLP]
    if not mlp:
        tell("headsmith: no variant has a checkpoint of FlashAvatar's; set avatar.<variant>.deformation to mlp")
        sys.exit(1)
    names = [(name, SETTINGS.avatar[name].iterations) for name in mlp]
    return [
        paths.CHECKPOINT.format(clip=clip, variant=name, iterations=iterations) for clip in CLIPS for name, iterations in names
    ]


def whole_configuration(wildcards):
    """Return all settings that a result can depend on, and the clip's line of the table, for report and provenance to state."""
    settings = {name: value for name, value in asdict(SETTINGS).items() if name != "reproduction"}
    return settings | {"clip": asdict(CLIPS[wildcards.clip])}


def parts_of_network(wildcards):
    """Return what a network is made from: the user's file, or the graph and the weight shards that the assets list."""
    if wildcards.network in BROUGHT_PARSERS:
        return brought_parts(wildcards.network)
    folder = wildcards.network.split("-")[0]
    names = [name for name in ASSETS if name.startswith(f"{folder}/")]
    files = {
        suffix: [paths.ASSET.format(asset=name) for name in names if name.endswith(suffix)] for suffix in (".json", ".bin")
    }
    return {"graph": files[".json"][0], "shards": files[".bin"]}


def brought_parts(network):
    """Return the user's weights of a parser, and the file that names its labels where one lies beside an ONNX file."""
    weights = brought_weights(network, SETTINGS.parsing.weights)
    beside = [folder / "config.json" for folder in (weights.parent, weights.parent.parent)]
    config = [path for path in beside if weights.suffix == ".onnx" and path.is_file()]
    return {"weights": str(weights)} | ({"config": str(config[0])} if config else {})


def parts_of_scores(wildcards):
    """Return what scores need beside renders and truth, as the settings have it: masks of the eyes, and weights."""
    parts, chosen = {}, SETTINGS.scores
    if "eyes" in SETTINGS.masks.sets:
        parts |= {"eyes_masks": paths.EYES_MASKS_MANIFEST, "eyes_masks_folder": ancient(paths.EYES_MASKS)}
    if chosen.perceptual != "none":
        parts["perceptual"] = paths.ASSET.format(asset="stlpips_alex.pth")
    if backbone := brought_backbone(chosen.lpips, chosen.lpips_backbone):
        heads = paths.ASSET.format(asset=LPIPS_BACKBONES[chosen.lpips].heads)
        parts |= {"lpips_heads": heads, "lpips_backbone": str(backbone)}
    return parts


def score_origins(wildcards):
    """Return in words what the masks of the scores were cut from and how the frames were tracked; of the eyes, "" for no masks."""
    told = {mask: ", ".join(SETTINGS.masks.sets.get(mask, [])) for mask in ("head", "mouth", "eyes")}
    solved = "person, camera and likely motions are estimated from all frames at once"
    refined = ", and refined by the pictures of all of them" if SETTINGS.tracking.photometric else ""
    source = SETTINGS.tracking.source
    told["tracking"] = solved + refined if source == SOLVE else f"as {source} did it"
    if wildcards.clip in SUBJECTS:
        told |= dict.fromkeys(("head", "mouth", "tracking"), "as the FlashAvatar folder has it")
    return told


def parts_of_picture(wildcards):
    """Return what a quality picture is drawn from: manifests and tables by word, and their folders."""
    frames = {"frames": paths.FRAMES_MANIFEST, "frames_folder": ancient(paths.FRAMES)}
    matte = {"matte": paths.MATTE_MANIFEST, "matte_folder": ancient(paths.MATTE)}
    parsing = {"parsing": paths.PARSING_MANIFEST, "parsing_folder": ancient(paths.PARSING)}
    masks = {
        "mouth_masks": paths.MOUTH_MASKS_MANIFEST,
        "mouth_masks_folder": ancient(paths.MOUTH_MASKS),
        "head_masks": paths.HEAD_MASKS_MANIFEST,
        "head_masks_folder": ancient(paths.HEAD_MASKS),
    }
    own = {
        "frames": {},
        "landmarks": {"landmarks": paths.LANDMARKS},
        "matte": matte,
        "parsing": parsing,
        "masks": masks,
        "tracking": {
            "tracking": paths.TRACKING,
            "tracking_summary": paths.TRACKING_SUMMARY,
            "landmarks": paths.LANDMARKS,
            "head": HEAD,
        },
    }
    if wildcards.picture in own:
        return frames | own[wildcards.picture]
    kind, _, variant = wildcards.picture.partition("-")
    if kind == "training":
        return {"curve": paths.AVATAR_CURVE.replace("{variant}", variant)}
    manifest, folder = (path.replace("{variant}", variant) for path in (paths.RENDERS_MANIFEST, paths.RENDERS))
    return frames | {"renders": manifest, "renders_folder": ancient(folder)}


def parts_of_export(wildcards):
    """Return what an export is made from beside the tracking and the head: only what its format and the settings need."""
    chosen = SETTINGS.exports
    frames = {"frames": paths.FRAMES_MANIFEST}
    frames_folder = {"frames_folder": ancient(paths.FRAMES)}
    head_masks = {"head_masks": paths.HEAD_MASKS_MANIFEST, "head_masks_folder": ancient(paths.HEAD_MASKS)}
    if wildcards.export in TABLES:
        return frames
    if wildcards.export in MESHES:
        moving = frames if wildcards.export == "glb" else {}
        model = {"texture": SETTINGS.heads.texture} if SETTINGS.heads.texture else {}
        texture = {"clip": frames | frames_folder | head_masks, "model": model, "regions": {}}
        return moving | texture[chosen.texture]
    parsing = {"parsing": paths.PARSING_MANIFEST, "parsing_folder": ancient(paths.PARSING)}
    if wildcards.export == "flame_head_tracker":
        return frames | frames_folder | parsing
    matte = {"matte": paths.MATTE_MANIFEST, "matte_folder": ancient(paths.MATTE)}
    return frames | frames_folder | head_masks | parsing | matte


def export_settings(wildcards):
    """Return what an export uses of the section `exports`, so that the rest re-runs nothing of it."""
    names = {
        **dict.fromkeys(MESHES, ("frames", "pose", "texture", "texture_size")),
        **dict.fromkeys((*TABLES, "flame_head_tracker"), ()),
    }
    settings = section(SETTINGS, "exports")
    return {name: settings[name] for name in names.get(wildcards.export, ("held_out",))}


def starting():
    """Return the banner of a run: what is made, and where it goes."""
    banner = f"headsmith: clips {', '.join(CLIPS)}; variants {', '.join(VARIANTS)}; results below results/, logs below logs/"
    return "\n".join([banner, *unused_columns(CLIPS, SETTINGS)])


def end_lost_jobs(workflow):
    """Cancel what a killed run left on a cluster; whoever holds the folder's lock knows that no other run is at work there."""
    if not workflow.execution_settings.lock:
        return
    try:
        cancel_lost_jobs(Path.cwd(), needed=workflow.executor_plugin.name == "slurm", say=tell)
    except UserError as error:
        tell(f"headsmith: {error.message}")
        sys.exit(1)


def finished():
    """Return the banner of a finished run: which reports, and pictures of portraits, there are to open."""
    shown = [
        *(paths.REPORT.format(clip=clip) for clip in CLIPS),
        *(paths.PANELS.format(portrait=portrait) for portrait in PORTRAITS),
        paths.TEXTURE_SPACE_PICTURE,
    ]
    found = [f"  open {path.resolve()}" for path in map(Path, shown) if path.exists()]
    return "\n".join(["headsmith: done", *found])


def failed(log):
    """Return the banner of a failed run."""
    logs = log if isinstance(log, str) else ", ".join(map(str, log))
    return f"headsmith: stopped by an error, told above; the log of the run: {logs}; what may help: docs/troubleshooting.md"
