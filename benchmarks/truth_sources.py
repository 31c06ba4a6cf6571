"""Real clips from which the truth takes its motion and its textures: cut, detected, tracked, parsed and unwrapped by our tools.

Everything goes into ``<cache>/sources/<name>/`` and is made once. The tracking that motion is taken from is nearly without
smoothness in time (``SMOOTHNESS``), so that the truth's motion is not what the tracker that is judged would like best.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from headsmith.bridges.track import Track  # noqa: E402
from headsmith.contract.networks import parsing_network  # noqa: E402
from headsmith.contract.paths import ASSET, ASSET_LIST, NETWORK  # noqa: E402
from headsmith.contract.settings import Settings, TrackingSettings  # noqa: E402
from headsmith.exports.surface import Surface  # noqa: E402
from headsmith.exports.texture_bake import bake  # noqa: E402
from headsmith.exports.texture_fill import fill  # noqa: E402
from headsmith.exports.texture_layout import as_picture, lay_out  # noqa: E402
from headsmith.exports.texture_regions import COLOURS  # noqa: E402
from headsmith.heads.colours import vertex_colours  # noqa: E402
from headsmith.heads.model import HeadModel  # noqa: E402
from headsmith.media.atomic import atomic_path  # noqa: E402
from headsmith.stages.assets import fetch_asset  # noqa: E402
from headsmith.stages.exports_views import clip_views  # noqa: E402
from headsmith.stages.frames import extract_frames  # noqa: E402
from headsmith.stages.landmarks import detect_landmarks  # noqa: E402
from headsmith.stages.masks import cut_masks  # noqa: E402
from headsmith.stages.networks import convert_network  # noqa: E402
from headsmith.stages.parsing import parse_faces  # noqa: E402
from headsmith.stages.tracking import track_head  # noqa: E402

DETECTOR = "face_landmarker.task"
GRAPH = ("bisenetv2/model.json", *(f"bisenetv2/group1-shard{part}of3.bin" for part in (1, 2, 3)))
SETTINGS = Settings()
SMOOTHNESS = 0.05
TEXTURE = 2048
"""Side of a texture: Anny's face has 4 % of its area, so that the face is about 450 texels wide."""


@dataclass(frozen=True)
class Source:
    """A part of a fetched video.

    Attributes:
        asset: The video.
        start: First second.
        end: Last second; None: to the end.
    """

    asset: str
    start: float | None = None
    end: float | None = None


SOURCES: dict[str, Source] = {
    "franck": Source("franck.mp4", 0, 25),
    "franck_later": Source("franck.mp4", 120, 145),
    "cap12": Source("cap12.mp4", 0, 25),
    "pexels": Source("pexels.mp4"),
    "single_face": Source("single_face.mp4"),
    "franck_whole": Source("franck.mp4"),
    "cap12_whole": Source("cap12.mp4"),
}


def asset(name: str) -> Path:
    """Return a file of config/assets.yaml, fetched where it is not there."""
    path = ROOT / ASSET.format(asset=name)
    fetch_asset(asset=name, listing=ROOT / ASSET_LIST, output=path)
    return path


def detect(folder: Path, clip: str, threads: int) -> None:
    """Run the stage landmarks on the frames of a folder, once."""
    if not (folder / "landmarks.npz").exists():
        files = {"files": {DETECTOR: asset(DETECTOR)}, "given": None}
        outputs = {"output": folder / "landmarks.npz", "summary": folder / "landmarks.json"}
        settings = type(SETTINGS.landmarks)(max_missing=0.5)
        detect_landmarks(clip=clip, frames=folder / "frames.json", settings=settings, threads=threads, **files, **outputs)


def track(
    folder: Path,
    clip: str,
    head: Path,
    output: Path,
    settings: TrackingSettings,
    threads: int,
    landmarks: str = "landmarks.npz",
) -> None:
    """Run the stage tracking on the landmarks of a folder; ``output`` is the ``.npz``, its table and summary lie beside it."""
    outputs = {"output": output, "summary": output.with_suffix(".json"), "table": output.with_suffix(".csv")}
    inputs = {"frames": folder / "frames.json", "landmarks": folder / landmarks, "head": head}
    track_head(clip=clip, settings=settings, threads=threads, **inputs, **outputs)


def prepare_source(name: str, cache: Path, threads: int) -> Path:
    """Return the folder of a source's frames and landmarks, made where they are not there."""
    source, folder = SOURCES[name], cache / "sources" / name
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "frames.json").exists():
        part = {"start": source.start, "end": source.end, "person": None, "detector": asset(DETECTOR), "mtcnn": []}
        video, manifest = asset(source.asset), folder / "frames.json"
        extract_frames(clip=name, video=video, manifest=manifest, settings=SETTINGS.frames, threads=threads, **part)
    detect(folder, name, threads)
    return folder


def source_track(name: str, cache: Path, head: Path, threads: int) -> Track:
    """Return the motion of a source, tracked with hardly any smoothness."""
    folder = prepare_source(name, cache, threads)
    output = folder / f"motion-{head.stem}.npz"
    if not output.exists():
        track(folder, name, head, output, TrackingSettings(smoothness=SMOOTHNESS, max_bad=0.3), threads)
    return read_track(output)


def read_track(path: Path) -> Track:
    """Return the clip of a ``tracking.npz``."""
    with np.load(path) as content:
        return Track.from_arrays(dict(content))


def source_texture(name: str, cache: Path, head: Path, model: HeadModel, threads: int) -> np.ndarray:
    """Return the texture unwrapped from a source, RGB, unseen parts filled from their surroundings."""
    folder = prepare_source(name, cache, threads)
    path = folder / f"texture-{head.stem}.npy"
    if not path.exists():
        tracked = source_track(name, cache, head, threads)
        masks = cut_head_masks(name, folder, threads)
        surface = Surface.of(model.container)
        texels = lay_out(surface, TEXTURE)
        _, views = clip_views(tracked, model, folder / "frames.json", masks, name)
        colours, weights = bake(texels, surface.faces, views)
        filled = fill(texels, surface.faces, colours, weights, vertex_colours(model.container, COLOURS))
        with atomic_path(path) as partial, partial.open("wb") as stream:
            np.save(stream, as_picture(texels.picture(filled)))
    return np.load(path, allow_pickle=False)


def cut_head_masks(name: str, folder: Path, threads: int) -> Path:
    """Return the manifest of a source's head masks."""
    title = parsing_network(SETTINGS.parsing.network, SETTINGS.parsing.precision)
    network = ROOT / NETWORK.format(network=title)
    if not network.exists():
        graph, *shards = (asset(part) for part in GRAPH)
        convert_network(network=title, graph=graph, shards=shards, output=network)
    frames, parsing, masks = folder / "frames.json", folder / "parsing.json", folder / "masks/head.json"
    if not parsing.exists():
        parse_faces(clip=name, frames=frames, network=network, manifest=parsing, settings=SETTINGS.parsing, threads=threads)
    if not masks.exists():
        masks.parent.mkdir(exist_ok=True)
        landmarks, settings = folder / "landmarks.npz", SETTINGS.masks
        cut_masks(
            clip=name, mask="head", parsing=parsing, landmarks=landmarks, manifest=masks, settings=settings, threads=threads
        )
    return masks
