"""Settings of portraits: single pictures, and sets of pictures of one person."""

from dataclasses import dataclass

from headsmith.contract.photometric import OWN, RENDERERS
from headsmith.contract.portraits_fit import CAMERAS, L2, LIGHTS, PERSPECTIVE, PRIORS, SHARED, STAGES
from headsmith.contract.settings_fields import setting

SAVED: tuple[str, ...] = ("vis", "kpt", "depth", "obj", "mat", "images")
"""What DECA can be told to save, each by its option without `save`."""


def by_stage(*values: float) -> dict[str, float]:
    """Return a value for each stage."""
    return dict(zip(STAGES, values, strict=True))


@dataclass(frozen=True)
class PortraitsSettings:
    """Reconstructing heads from pictures, with DECA's files as the result."""

    table: str = setting("config/portraits.tsv", "table of portraits: portrait, pictures, person, landmarks; need not be there")
    size: int = setting(224, "side of the square crops, in pixels; DECA's is 224", minimum=64, maximum=1024)
    detector: str = setting(
        "mediapipe",
        "who finds the points of the face where no file of them lies beside the picture: 478 points, or 68 by the others",
        choices=("mediapipe", "mediapipe68", "dlib", "fan"),
    )
    faces: str = setting("mediapipe", "who shows `dlib` and `fan` where the face is", choices=("mediapipe", "mtcnn"))
    min_confidence: float = setting(0.5, "smallest detection confidence of a face", minimum=0, maximum=1)
    crop: str = setting("face", "`face`: DECA's crop around it; `none`: the whole picture", choices=("face", "none"))
    margin: float = setting(1.25, "side of that crop over 1.1 times the mean side of the points' box", minimum=1, maximum=3)
    sample_step: int = setting(10, "of a video, one frame in so many is taken", minimum=1)
    method: str = setting(
        "fit",
        "`fit`: our own, to landmarks and colours; `deca`: DECA's network, of which `network` names the file",
        choices=("fit", "deca"),
    )
    network: str = setting("", "path of `deca_model.tar`, as deca.is.tue.mpg.de has it; blank for `fit`")
    device: str = setting(
        "cpu",
        "what runs DECA's network: the processor, or an NVIDIA GPU; the fit runs on the processor",
        choices=("cpu", "cuda"),
    )
    renderer: str = setting(
        OWN, "what draws the pictures: `own`, which is DECA's `standard` without a compiler, or `pytorch3d`", choices=RENDERERS
    )
    save: list[str] = setting(["vis", "obj", "mat"], "which of DECA's files are written", choices=SAVED)
    render_orig: bool = setting(True, "whether pictures are also drawn over the whole picture, in its own pixels")
    use_texture: bool = setting(False, "whether the texture space of `heads.texture` colours the head (DECA's `useTex`)")
    extract_texture: bool = setting(True, "whether the texture is taken from the picture, where it shows the skin")
    texture_size: int = setting(
        0,
        "side of the textures that are written, in pixels; 0: DECA's 256 for FLAME's heads, 1024 for others, on whose "
        "unwrapping the face is smaller",
        minimum=0,
        maximum=4096,
    )
    identity: int = setting(100, "identity codes that are sought; at most the head's", minimum=0)
    expression: int = setting(50, "expression codes that are sought; at most the head's", minimum=0)
    neck: bool = setting(False, "whether the neck's bend is sought; else the whole head turns")
    camera: str = setting(
        PERSPECTIVE,
        "`perspective`: a pinhole, whose focal length is sought; `weak`: one scale for all, as DECA's",
        choices=CAMERAS,
    )
    light: str = setting(
        SHARED, "nine spherical harmonics, `shared` by the three colours, or `per_channel`: each has its own", choices=LIGHTS
    )
    photometric: bool = setting(True, "whether the picture's colours are fitted too; else its landmarks alone")
    noise: float = setting(1.0, "expected error of a landmark, in percent of the eye distance", minimum=0.01)
    least_confidence: float = setting(0.0, "landmarks of less confidence do not count", minimum=0, maximum=1)
    far_side: float = setting(
        57.0,
        "degrees by which a head must be turned for landmarks of the side that is turned away not to count beside colours; 90: "
        "they always do",
        minimum=0,
        maximum=90,
    )
    landmark_parts: dict[str, float] = setting(
        {"oval": 0.3, "eyes": 2.0},
        "weights of parts of the face among the landmarks; others have 1",
        minimum=0,
    )
    texture_codes: int = setting(50, "codes of the texture space that are sought; at most its own", minimum=1)
    offset: bool = setting(True, "whether the skin's colour may differ from the texture space at every texel")
    offset_size: int = setting(
        0,
        "side of the offset's picture over the head's unwrapping, in texels; 0: 512 for FLAME's heads, 1024 for others, on "
        "whose unwrapping the face is smaller",
        minimum=0,
        maximum=4096,
    )
    iterations: dict[str, float] = setting(
        by_stage(20.0, 40.0, 50.0, 60.0), "steps of each stage", minimum=0, maximum=2000, needed=STAGES
    )
    sides: dict[str, float] = setting(
        by_stage(0.25, 0.25, 0.5, 1.0), "size at which pictures are compared, of `size`", minimum=0.1, maximum=1, needed=STAGES
    )
    landmark_weight: dict[str, float] = setting(
        by_stage(1.0, 0.3, 0.02, 0.02), "weight of the landmarks' distances in each stage", minimum=0, needed=STAGES
    )
    photometric_weight: dict[str, float] = setting(
        by_stage(150.0, 150.0, 150.0, 150.0), "weight of the differences of colours in each stage", minimum=0, needed=STAGES
    )
    expression_weight: dict[str, float] = setting(
        by_stage(0.1, 0.05, 0.02, 0.02), "weight of the prior of jaw and expression in each stage", minimum=0, needed=STAGES
    )
    identity_weight: dict[str, float] = setting(
        by_stage(0.01, 0.005, 0.003, 0.003), "weight of the prior of identity in each stage", minimum=0, needed=STAGES
    )
    light_weight: float = setting(
        10.0, "weight of what light and colour change from the likeliest ones, which each stage begins with", minimum=0
    )
    texture_weight: float = setting(0.001, "weight of the prior of texture codes", minimum=0)
    offset_smooth: float = setting(4.0, "weight of the offset's differences between neighbouring texels", minimum=0)
    offset_small: float = setting(0.1, "weight of the offset itself", minimum=0)
    rates: dict[str, float] = setting(
        {
            **{"identity": 0.05, "expression": 0.05, "jaw": 0.05, "turn": 0.005, "spot": 0.002, "focal": 0.01},
            **{"texture": 0.05, "colour": 0.01, "light": 0.02, "offset": 0.01},
        },
        "how far a step goes at most, about, by what it changes; codes and joints in standard deviations",
        minimum=0,
        needed=("identity", "expression", "jaw", "turn", "spot", "focal", "texture", "colour", "light", "offset"),
    )
    prior: str = setting(
        L2, "`l2`: codes are normal, with known variances; `dposer`: what your diffusion has learned", choices=PRIORS
    )
    dposer_shape: str = setting("", "DPoser's checkpoint of shape; blank: `l2` for the identity")
    dposer_expression: str = setting("", "DPoser's checkpoint of jaw and expression; blank: `l2` for them")
    dposer_normalisers: str = setting("", "the folder of DPoser's normalisers (`face_data`); blank for `l2`")
    first_time: float = setting(0.12, "the diffusion's time at the first step", minimum=0.001, maximum=1)
    last_time: float = setting(0.08, "the diffusion's time at the last step", minimum=0.001, maximum=1)
    progress: bool = setting(False, "whether a video of the fit's progress is made")
    progress_every: int = setting(2, "steps between the frames of that video", minimum=1)
