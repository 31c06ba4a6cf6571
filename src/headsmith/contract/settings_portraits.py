"""Settings of portraits: single pictures, and sets of pictures of one person."""

from dataclasses import dataclass

from headsmith.contract.photometric import OWN, RENDERERS
from headsmith.contract.settings_fields import setting

SAVED: tuple[str, ...] = ("vis", "kpt", "depth", "obj", "mat", "images")
"""What DECA can be told to save, each by its option without `save`."""


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
    renderer: str = setting(
        OWN, "what draws the pictures: `own`, which is DECA's `standard` without a compiler, or `pytorch3d`", choices=RENDERERS
    )
    save: list[str] = setting(["vis", "obj", "mat"], "which of DECA's files are written", choices=SAVED)
    render_orig: bool = setting(True, "whether pictures are also drawn over the whole picture, in its own pixels")
    use_texture: bool = setting(False, "whether the texture space of `heads.texture` colours the head (DECA's `useTex`)")
    extract_texture: bool = setting(True, "whether the texture is taken from the picture, where it shows the skin")
    texture_size: int = setting(
        256, "side of the textures that are written, in pixels; DECA's is 256", minimum=16, maximum=4096
    )
    # the fit
