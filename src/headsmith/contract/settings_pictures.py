"""Settings of the stages from a video to masks."""

from dataclasses import dataclass

from headsmith.contract.labels import LABEL_ORDERS, LABELS, MASKS, NEEDED_MASKS
from headsmith.contract.settings_fields import setting

CROP = r"-?\d+,-?\d+,[1-9]\d*"
"""A square in the video's own, upright pixels: left, top, side."""
ALIGNED = "aligned"
"""A square for each frame, turned with the face, as flame-head-tracker cuts them."""


@dataclass(frozen=True)
class FramesSettings:
    """Reading a video: which frames, how large, and the crop around the face."""

    fps: float = setting(0.0, "frames kept per second, chosen while reading; 0 keeps all", minimum=0)
    max_side: int = setting(720, "longer side of the pictures in which faces are searched for, in pixels", minimum=64)
    crop: str = setting(
        "face",
        "`face`: one square around the face; `none`: the centred square; `x,y,size`: this square, in the video's own pixels; "
        "`aligned`: a square for each frame, turned with the face, for results of flame-head-tracker whose pictures are gone",
        choices=("face", "none", ALIGNED),
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
        "`mediapipe`: 478 points and 52 blendshapes; the others 68 points: `mediapipe68` from those 478, `dlib`, `fan`, "
        "`clnf` (a constrained local model), `openface` (OpenFace's own programs), or `file`, what the clip's column "
        "`landmarks` names",
        choices=("mediapipe", "mediapipe68", "dlib", "fan", "clnf", "openface", "file"),
    )
    faces: str = setting("mediapipe", "who shows `dlib`, `fan` and `clnf` where the face is", choices=("mediapipe", "mtcnn"))
    follow: bool = setting(
        False,
        "`clnf`: whether each fit begins at the one of the frame before, which is faster, and of one face alone; else frames "
        "are seen one by one",
    )
    shapes: str = setting("", "`clnf`: your own PDM_68.txt of OpenFace; blank: the one that is made from the head `anny`")
    experts: str = setting("", "`clnf`: your own folder of OpenFace's patch experts; blank: those that are trained here")
    openface: str = setting("", "`openface`: the folder that has OpenFace's programs FaceLandmarkImg and FeatureExtraction")
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
