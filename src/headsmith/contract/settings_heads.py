"""Settings of head models, and of the stages that have a head's parameters as their result."""

from dataclasses import dataclass

from headsmith.contract.exchange import HEADS, SOLVE, TRACKERS
from headsmith.contract.photometric import OWN, RENDERERS
from headsmith.contract.settings_fields import setting


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
        "",
        "a texture space: FLAME_texture.npz, which needs `template`, whose texture coordinates it uses, or what `snakemake "
        "texture_space` has made of this head; blank: none",
    )
    closed_mouth: bool = setting(True, "whether FLAME gets FlashAvatar's 30 triangles between the lips")
    embeddings: list[str] = setting(
        [],
        "official embeddings of landmarks on FLAME, `landmark_embedding.npy` or `mediapipe_landmark_embedding.npz`; what they "
        "hold is used; of what they lack, irises and the 68 points are measured",
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
    learned_priors: bool = setting(True, "how far and how fast expressions go is estimated from the clip itself")
    smoothness: float = setting(1.0, "weight of smoothness in time; 1 as measured on a real clip", minimum=0.001)
    max_residual: float = setting(5.0, "a frame with a larger error, in percent of the eye distance, is an outlier", minimum=0)
    max_deviation: float = setting(
        2.0,
        "a frame whose landmarks are known with a larger standard deviation, in percent of the eye distance, is uncertain",
        minimum=0,
    )
    max_bad: float = setting(0.1, "largest share of frames that may be missing, outliers or uncertain", minimum=0, maximum=1)
    photometric: bool = setting(
        False, "whether tracking is refined by the pictures: skin as the clip shows it against what the tracked head would show"
    )
    photometric_size: int = setting(256, "pixels on a side at which skin is compared at last; at half of it first", minimum=32)
    photometric_iterations: int = setting(4, "times that skin is compared and the clip fitted, at each size", minimum=1)
    photometric_weight: float = setting(
        0.1, "weight of the pictures against the landmarks; 1: as if the errors of pixels were independent", minimum=0
    )
    renderer: str = setting(
        OWN,
        "what draws the head for that: `own`, compiled for the CPU; `pytorch3d`, where the package is installed",
        choices=RENDERERS,
    )


@dataclass(frozen=True)
class ConversionSettings:
    """Carrying a clip's tracking over to another head model, by fitting its vertices."""

    to: str = setting("", "the head model to convert to; blank: none", choices=("", *HEADS))
    ridge: float = setting(1e-4, "weight of the codes' own prior against the vertices, which are in millimetres", minimum=0)
    max_residual: float = setting(5.0, "largest accepted mean distance between the two heads, in millimetres", minimum=0)
