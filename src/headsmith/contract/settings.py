"""The settings of every stage: types, defaults, allowed ranges and help, in one file.

``config/default.yaml`` and ``docs/config.md`` are generated from these types; ``config.py`` checks a user's file against them.
A stage receives its own section alone, so only the settings that it uses can re-run it.
"""

from dataclasses import dataclass, field
from typing import Any

from headsmith.contract.exchange import EXPORTS, HEADS, SOLVE, TRACKERS
from headsmith.contract.labels import LABEL_ORDERS, LABELS, MASKS, NEEDED_MASKS


def setting(default: Any, text: str, **limits: Any) -> Any:
    """Declare a setting: its default, what it means, and limits.

    Limits are ``minimum``, ``maximum``, ``choices``, and ``pattern``, a regular expression that a text may match instead of
    being one of the choices; ``forms`` tells people what it looks like. For values by name, ``needed`` are the names that stay.
    """
    metadata = {"help": text, **limits}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


CROP = r"-?\d+,-?\d+,[1-9]\d*"
"""A square in the video's own, upright pixels: left, top, side."""


@dataclass(frozen=True)
class FramesSettings:
    """Reading a video: which frames, how large, and the crop around the face."""

    fps: float = setting(0.0, "frames kept per second, chosen while reading; 0 keeps all", minimum=0)
    max_side: int = setting(720, "longer side of the pictures in which faces are searched for, in pixels", minimum=64)
    crop: str = setting(
        "face",
        "`face`: one square around the face; `none`: the centred square; `x,y,size`: this square, in the video's own pixels",
        choices=("face", "none"),
        pattern=CROP,
        forms=("x,y,size",),
    )
    second_opinion: str = setting("none", "a second detector that must agree on where the face is", choices=("none", "mtcnn"))
    size: int = setting(256, "side of the square images, in pixels", minimum=64)
    margin: float = setting(1.65, "side of the crop as a multiple of the face's larger side", minimum=1)
    detect_every: int = setting(
        24, "a frame in about this many is searched for a face to place the crop; in long clips fewer", minimum=1
    )
    min_face: int = setting(48, "smallest accepted side of the face, in pixels of the capped video", minimum=16)
    min_decoded: float = setting(0.9, "smallest share of the expected frames that must decode", minimum=0, maximum=1)


@dataclass(frozen=True)
class LandmarksSettings:
    """Finding the points of the face in every frame."""

    detector: str = setting(
        "mediapipe",
        "`mediapipe`: 478 points and 52 blendshapes; the others 68 points: `mediapipe68` from those 478, `dlib`, `fan`, or "
        "`file`, what the clip's column `landmarks` names",
        choices=("mediapipe", "mediapipe68", "dlib", "fan", "file"),
    )
    faces: str = setting("mediapipe", "who shows `dlib` and `fan` where the face is", choices=("mediapipe", "mtcnn"))
    max_missing: float = setting(0.05, "largest share of frames that may lack a usable face", minimum=0, maximum=1)
    max_two_faces: float = setting(0.05, "largest share of frames that may show a second face", minimum=0, maximum=1)
    min_confidence: float = setting(0.5, "smallest detection confidence of a usable face", minimum=0, maximum=1)


@dataclass(frozen=True)
class MatteSettings:
    """Separating the person from the background."""

    network: str = setting(
        "rvm", "`rvm`: Robust Video Matting, with memory; `selfie`: MediaPipe's light one, without", choices=("rvm", "selfie")
    )
    weights: str = setting("", "path of your own RVM, ONNX or TorchScript; blank: the one that is fetched")
    precision: str = setting(
        "fast", "`fast`: the fetched RVM with its large convolutions in 8 bits; `full`: all in 32", choices=("fast", "full")
    )
    downsample: float = setting(0.75, "scale at which RVM sees the frames", minimum=0.1, maximum=1)
    enlarge: str = setting(
        "bicubic",
        "how RVM's matte comes back to the frames' size: `bicubic`, or by its own `guided` filter, made for large frames",
        choices=("bicubic", "guided"),
    )
    chunk: int = setting(0, "frames that are matted as a stream of their own, faded into the next; 0: all are one", minimum=0)
    min_overlap: float = setting(
        0.9, "a matte that shares less of its area with the frame before is flagged as a jump", minimum=0, maximum=1
    )


@dataclass(frozen=True)
class ParsingSettings:
    """Labelling each pixel with one of the 19 face-parsing classes."""

    network: str = setting(
        "bisenetv2",
        "the parsing network; all but `bisenetv2` need weights",
        choices=("bisenetv2", "bisenet_resnet18", "bisenet_resnet34", "segformer"),
    )
    weights: str = setting("", "path of the network's weights; blank for `bisenetv2`, which is fetched")
    precision: str = setting(
        "fast",
        "`fast`: the large convolutions of `bisenetv2` in 8 bits, 2.5 times the speed; `full`: all in 32 bits; the other "
        "networks are always in 32",
        choices=("fast", "full"),
    )
    label_order: str = setting(
        "", "order of the labels, where it is not the network's own; blank: its own", choices=("", *LABEL_ORDERS)
    )


@dataclass(frozen=True)
class MasksSettings:
    """Cutting masks from label maps, by label name."""

    sets: dict[str, list[str]] = setting(
        {name: list(labels) for name, labels in MASKS.items()},
        "the masks and their labels; name others, or switch one off by null",
        choices=LABELS,
        needed=NEEDED_MASKS,
    )
    min_lips_inside: float = setting(
        0.5,
        "smallest share of detected lip points that must lie in masks that hold the lips, over the clip",
        minimum=0,
        maximum=1,
    )
    min_overlap: dict[str, float] = setting(
        {"mouth": 0.5, "head": 0.85, "hair": 0.5, "skin": 0.75, "eyes": 0.0},
        "smallest overlap of a mask with the one before (intersection over union) that is not flagged as a jump, by set; 0.5 "
        "for sets of your own",
        minimum=0,
        maximum=1,
    )


@dataclass(frozen=True)
class HeadsSettings:
    """The head model and how its container is made."""

    model: str = setting("anny", "the head model; those of FLAME need the licensed file", choices=HEADS)
    reader: str = setting(
        "restricted",
        "who reads FLAME's file: `restricted`: our own, which runs nothing in it; `chumpy`: the package, in Python 3.10; "
        "`patched`: the package, patched for Python 3.11; all give the same bytes",
        choices=("restricted", "chumpy", "patched"),
    )
    flame2020: str = setting("resources/flame/generic_model.pkl", "FLAME 2020's file; a gendered model where that is named")
    flame2023: str = setting("resources/flame/flame2023.pkl", "FLAME 2023's file")
    flame2023_open: str = setting("resources/flame/flame2023_Open.pkl", "FLAME 2023 Open's file")
    eyelids: str = setting(
        "made",
        "FLAME has none: `made` from the geometry of its head; `none`; or the folder of `l_eyelid.npy` and `r_eyelid.npy`",
        choices=("made", "none"),
        pattern=r".*[/.].*",
        forms=("path/of/folder",),
    )
    template: str = setting("", "an .obj of FLAME's mesh with texture coordinates; blank: an unwrapping of our own")
    masks: str = setting("", "FLAME_masks.pkl; blank: regions that the model itself tells")
    texture: str = setting(
        "", "FLAME_texture.npz, for exports; needs `template`, whose texture coordinates it uses; blank: none"
    )
    closed_mouth: bool = setting(True, "whether FLAME gets FlashAvatar's 30 triangles between the lips")
    embeddings: list[str] = setting(
        [],
        "official embeddings of landmarks on FLAME, `landmark_embedding.npy` or `mediapipe_landmark_embedding.npz`; what they "
        "hold is used, what they lack is measured",
    )
    identity_samples: int = setting(600, "identities sampled for Anny's principal components", minimum=100)
    identity_components: int = setting(150, "identity components of Anny that are kept", minimum=5)


@dataclass(frozen=True)
class TrackingSettings:
    """Fitting the head to the landmarks of the whole clip at once, or taking what another program fitted."""

    source: str = setting(
        SOLVE,
        "`solve`: our own; else the program that made what the clip's column `tracking` names",
        choices=(SOLVE, *TRACKERS),
    )
    neck: str = setting(
        "fold",
        "a neck that another program bent: `fold` turns the head instead, exact for what moves with the head; `keep`",
        choices=("fold", "keep"),
    )
    smoothing: float = setting(
        0.0, "Hz above which another program's pose and expression count as jitter; 0: as they are", minimum=0
    )
    blink: str = setting(
        "calibrated",
        "eyelids from blink scores: `calibrated` to the person's own open and closed; `raw`",
        choices=("calibrated", "raw"),
    )
    iterations: int = setting(25, "most Levenberg-Marquardt steps of a fit", minimum=3)
    noise: float = setting(1.0, "expected error of a landmark, in percent of the eye distance", minimum=0.01)
    identity_weight: float = setting(1.0, "weight of the identity prior", minimum=0)
    expression_weight: float = setting(1.0, "weight of the prior of expression, jaw, eyes and lids", minimum=0.001)
    smoothness: float = setting(1.0, "weight of smoothness in time; 1 as measured on a real clip", minimum=0.001)
    max_residual: float = setting(5.0, "a frame with a larger error, in percent of the eye distance, is an outlier", minimum=0)
    max_bad: float = setting(0.1, "largest share of frames that may be missing or outliers", minimum=0, maximum=1)


@dataclass(frozen=True)
class ConversionSettings:
    """Carrying a clip's tracking over to another head model, by fitting its vertices."""

    to: str = setting("", "the head model to convert to; blank: none", choices=("", *HEADS))
    ridge: float = setting(1e-4, "weight of the codes' own prior against the vertices, which are in millimetres", minimum=0)
    max_residual: float = setting(5.0, "largest accepted mean distance between the two heads, in millimetres", minimum=0)


@dataclass(frozen=True)
class DatasetSettings:
    """FlashAvatar's own layout, from frames, mattes, masks and tracking."""

    held_out: int = setting(100, "frames at the end that are kept from training, for scores", minimum=1)
    background: str = setting("green", "colour behind the head in FlashAvatar's own training", choices=("green", "white"))


@dataclass(frozen=True)
class ValidationSettings:
    """Checking a FlashAvatar subject folder against what its readers take for granted."""

    folder: str = setting("", "anyone's `dataset/<id>`, or the folder above it that has both trees; blank: those of the clips")
    checkpoint: str = setting("", "the folder of its .frame files, where it does not lie in metrical-tracker's place beside it")
    boundary: int = setting(500, "frames that FlashAvatar's own code holds out at the end", minimum=0)


@dataclass(frozen=True)
class ExportsSettings:
    """Meshes, tables, and datasets for other trainers, from a clip's tracking."""

    formats: list[str] = setting(["obj", "glb", "csv"], "what the target `exports` makes", choices=EXPORTS)
    frames: str = setting(
        "neutral",
        "meshes: the person at rest (`neutral`), `all` tracked frames, or some, as `first:last:step`",
        choices=("neutral", "all"),
        pattern=r"\d*:\d*(:[1-9]\d*)?",
        forms=("first:last:step",),
    )
    pose: bool = setting(False, "meshes: whether they are turned as the camera saw them; else the head's own axes")
    texture: str = setting(
        "clip",
        "meshes: `clip`: baked from the clip's frames; `regions`: plain colours; `model`: the mean of `heads.texture`",
        choices=("clip", "regions", "model"),
    )
    texture_size: int = setting(1024, "side of the texture, in pixels", minimum=16, maximum=8192)
    held_out: int = setting(350, "trainers' datasets: frames at the end that are for tests", minimum=1)


@dataclass(frozen=True)
class AvatarSettings:
    """Training one variant of the avatar."""

    deformation: str = setting("basis", "how expression moves Gaussians", choices=("basis", "mlp"))
    gaussians: int = setting(13000, "number of Gaussians, about", minimum=500)
    iterations: int = setting(8000, "training images shown", minimum=10)
    bases: int = setting(16, "learned bases of the `basis` deformation", minimum=1)
    hidden: int = setting(64, "width of the network that maps expression to basis weights", minimum=8)
    mouth_weight: float = setting(10.0, "extra weight of the mouth in the loss", minimum=0)
    seed: int = setting(0, "seed of everything random", minimum=0)
    save_every: int = setting(1000, "iterations between resumable states", minimum=1)


@dataclass(frozen=True)
class RendersSettings:
    """Rendering the held-out frames."""

    fps: float = setting(0.0, "frames per second of the video; 0: as the clip", minimum=0)


@dataclass(frozen=True)
class ScoresSettings:
    """Comparing held-out renders with the truth."""

    perceptual: str = setting("stlpips", "perceptual metric", choices=("stlpips", "none"))


@dataclass(frozen=True)
class QualitySettings:
    """One picture a stage."""

    columns: int = setting(6, "frames in a contact sheet's row", minimum=1)
    frames: int = setting(12, "frames shown in a contact sheet", minimum=1)


@dataclass(frozen=True)
class ReportSettings:
    """The page that shows everything."""

    title: str = setting("headsmith", "title of the page")


@dataclass(frozen=True)
class Settings:
    """All sections; ``avatar`` holds one ``AvatarSettings`` a variant."""

    clips: str = setting("config/clips.tsv", "table of clips: clip, video, start, end, fps")
    frames: FramesSettings = field(default_factory=FramesSettings)
    landmarks: LandmarksSettings = field(default_factory=LandmarksSettings)
    matte: MatteSettings = field(default_factory=MatteSettings)
    parsing: ParsingSettings = field(default_factory=ParsingSettings)
    masks: MasksSettings = field(default_factory=MasksSettings)
    heads: HeadsSettings = field(default_factory=HeadsSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    conversion: ConversionSettings = field(default_factory=ConversionSettings)
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    exports: ExportsSettings = field(default_factory=ExportsSettings)
    avatar: dict[str, AvatarSettings] = field(default_factory=lambda: {"basis": AvatarSettings()})
    renders: RendersSettings = field(default_factory=RendersSettings)
    scores: ScoresSettings = field(default_factory=ScoresSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    report: ReportSettings = field(default_factory=ReportSettings)
