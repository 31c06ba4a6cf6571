"""The long stages as `kills.py` calls them: inputs from one folder, outputs into another, by the names of `results/{clip}`."""

import json
from pathlib import Path

import torch._dynamo  # noqa: F401 (the optimiser imports it late; what is imported here is there when a process forks)

from headsmith.contract.networks import matting_network, matting_view, parsing_network
from headsmith.contract.settings import AvatarSettings, DatasetSettings, RendersSettings, ScoresSettings, Settings
from headsmith.stages.avatar import train_avatar
from headsmith.stages.dataset import write_dataset
from headsmith.stages.frames import extract_frames
from headsmith.stages.landmarks import detect_landmarks
from headsmith.stages.masks import cut_masks
from headsmith.stages.matte import estimate_matte
from headsmith.stages.parsing import parse_faces
from headsmith.stages.renders import render_avatar
from headsmith.stages.scores import score_avatar
from headsmith.stages.tracking import track_head

SETTINGS = Settings()
CLIP, THREADS = "franck", 2
ORDER = (
    "frames",
    "landmarks",
    "matte",
    "parsing",
    "mouth_masks",
    "head_masks",
    "tracking",
    "dataset",
    "avatar",
    "renders",
    "scores",
)
MANIFESTS = {name: f"{name}.json" for name in ("frames", "matte", "parsing", "mouth_masks", "head_masks", "dataset", "renders")}


def run_stage(stage, inputs, outputs, options):
    """Run one stage on the clip's first seconds."""
    resources = Path(options["root"]) / "resources"
    given = {name: inputs / path for name, path in MANIFESTS.items()}
    given |= {"tracking": inputs / "tracking.npz", "landmarks": inputs / "landmarks.npz", "avatar": inputs / "avatar.pt"}
    given |= {"head": resources / "heads/anny.npz", "detector": resources / "assets/face_landmarker.task"}
    CALLS[stage](given, outputs, options, resources)


def pick(given, *names):
    """The named inputs."""
    return {name: given[name] for name in names}


def frames(given, outputs, options, resources):
    """Crop the video."""
    parts = {"video": resources / "assets/franck.mp4", "mtcnn": [], "manifest": outputs / "frames.json", "threads": THREADS}
    times = {"start": 0.0, "end": options["seconds"], "person": None}
    extract_frames(clip=CLIP, **pick(given, "detector"), **parts, **times, settings=SETTINGS.frames)


def landmarks(given, outputs, options, resources):
    """Detect landmarks."""
    parts = {"output": outputs / "landmarks.npz", "summary": outputs / "landmarks.json", "threads": THREADS}
    files = {"face_landmarker.task": given["detector"]}
    detect_landmarks(clip=CLIP, **pick(given, "frames"), files=files, given=None, **parts, settings=SETTINGS.landmarks)


def matte(given, outputs, options, resources):
    """Cut people out."""
    view = matting_view(SETTINGS.frames.size, SETTINGS.matte.downsample, SETTINGS.matte.enlarge)
    network = resources / f"networks/{matting_network(*view, SETTINGS.matte.precision)}.onnx"
    parts = {"network": network, "manifest": outputs / "matte.json", "threads": THREADS}
    estimate_matte(clip=CLIP, **pick(given, "frames"), **parts, settings=SETTINGS.matte)


def parsing(given, outputs, options, resources):
    """Label pixels."""
    network = resources / f"networks/{parsing_network(SETTINGS.parsing.network, SETTINGS.parsing.precision)}.onnx"
    parts = {"network": network, "manifest": outputs / "parsing.json", "threads": THREADS}
    parse_faces(clip=CLIP, **pick(given, "frames"), **parts, settings=SETTINGS.parsing)


def masks(name):
    """Cut one set of masks."""

    def call(given, outputs, options, resources):
        parts = {"manifest": outputs / f"{name}_masks.json", "threads": THREADS}
        cut_masks(clip=CLIP, mask=name, **pick(given, "parsing", "landmarks"), **parts, settings=SETTINGS.masks)

    return call


def tracking(given, outputs, options, resources):
    """Fit the head."""
    names = {"output": "tracking.npz", "summary": "tracking.json", "table": "tracking.csv"}
    parts = {word: outputs / name for word, name in names.items()} | {"threads": THREADS, "focal": None}
    track_head(clip=CLIP, **pick(given, "frames", "landmarks", "head"), **parts, settings=SETTINGS.tracking)


def dataset(given, outputs, options, resources):
    """Write FlashAvatar's layout."""
    names = ("frames", "matte", "mouth_masks", "head_masks", "tracking", "head")
    held_out = len(json.loads(given["frames"].read_text())["ids"]) // 5
    write_dataset(
        clip=CLIP, **pick(given, *names), manifest=outputs / "dataset.json", settings=DatasetSettings(held_out=held_out)
    )


def avatar(given, outputs, options, resources):
    """Train."""
    names = ("dataset", "frames", "matte", "mouth_masks", "head_masks", "tracking", "head")
    parts = {"output": outputs / "avatar.pt", "curve": outputs / "training.csv", "threads": THREADS}
    chosen = AvatarSettings(
        iterations=options["images"], save_every=options["images"] // 8, preview_every=options["images"] // 4
    )
    train_avatar(clip=CLIP, **pick(given, *names), **parts, settings=chosen)


def renders(given, outputs, options, resources):
    """Draw the held-out frames."""
    names = ("avatar", "head", "tracking", "dataset", "frames")
    parts = {"manifest": outputs / "renders.json", "video": outputs / "renders.mp4", "threads": THREADS}
    render_avatar(clip=CLIP, **pick(given, *names), **parts, settings=RendersSettings())


def scores(given, outputs, options, resources):
    """Score the renders."""
    names = ("renders", "frames", "mouth_masks", "head_masks", "landmarks", "dataset", "detector")
    parts = {"output": outputs / "scores.json", "table": outputs / "scores.csv"}
    parts["origins"] = {"head": "parsing", "mouth": "parsing", "eyes": "", "tracking": "own"}
    weights = {"perceptual": resources / "assets/stlpips_alex.pth"}
    score_avatar(clip=CLIP, **pick(given, *names), **parts, **weights, settings=ScoresSettings())


CALLS = dict(
    zip(
        ORDER,
        (frames, landmarks, matte, parsing, masks("mouth"), masks("head"), tracking, dataset, avatar, renders, scores),
        strict=True,
    )
)
