"""The settings of every stage: types, defaults, allowed ranges and help; some are written out in ``settings_*.py``.

``config/default.yaml`` and ``docs/config.md`` are generated from these types; ``config.py`` checks a user's file against them.
A stage receives its own section alone, so only the settings that it uses can re-run it.
"""

from dataclasses import dataclass, field

from headsmith.contract.exchange import EXPORTS
from headsmith.contract.held_out import PERCENT
from headsmith.contract.settings_fields import setting
from headsmith.contract.settings_heads import ConversionSettings as ConversionSettings
from headsmith.contract.settings_heads import HeadsSettings as HeadsSettings
from headsmith.contract.settings_heads import TrackingSettings as TrackingSettings
from headsmith.contract.settings_pictures import ALIGNED as ALIGNED
from headsmith.contract.settings_pictures import FramesSettings as FramesSettings
from headsmith.contract.settings_pictures import LandmarksSettings as LandmarksSettings
from headsmith.contract.settings_pictures import MasksSettings as MasksSettings
from headsmith.contract.settings_pictures import MatteSettings as MatteSettings
from headsmith.contract.settings_pictures import ParsingSettings as ParsingSettings
from headsmith.contract.settings_portraits import PortraitsSettings as PortraitsSettings
from headsmith.contract.settings_shown import NovelViewsSettings as NovelViewsSettings
from headsmith.contract.settings_shown import ReenactmentSettings as ReenactmentSettings
from headsmith.contract.settings_texture_space import BEST as BEST
from headsmith.contract.settings_texture_space import LIGHT_SHARES as LIGHT_SHARES
from headsmith.contract.settings_texture_space import TextureSpaceSettings as TextureSpaceSettings


@dataclass(frozen=True)
class DatasetSettings:
    """FlashAvatar's own layout, from frames, mattes, masks and tracking."""

    held_out: int | str = setting(
        100,
        "frames at the end that are kept from training, for scores: how many, or which share of the usable ones",
        minimum=1,
        pattern=PERCENT,
        forms=("10%",),
    )
    background: str = setting("green", "colour behind the head in FlashAvatar's own training", choices=("green", "white"))


@dataclass(frozen=True)
class ValidationSettings:
    """Checking a FlashAvatar subject folder against what its readers take for granted."""

    folder: str = setting("", "anyone's `dataset/<id>`, or the folder above it that has both trees; blank: those of the clips")
    checkpoint: str = setting("", "the folder of its .frame files, where it does not lie in metrical-tracker's place beside it")
    known_head: bool = setting(
        False, "whether the codes in `folder` are those of `heads.model`, so that its mouth can be compared with the masks"
    )
    boundary: int = setting(500, "frames that FlashAvatar's own code holds out at the end", minimum=0)


@dataclass(frozen=True)
class ExportsSettings:
    """Meshes, tables, and datasets for other trainers, from a clip's tracking."""

    formats: list[str] = setting(["obj", "glb", "csv"], "what the target `exports` makes", choices=EXPORTS)
    frames: str = setting(
        "neutral",
        "meshes: the person at rest (`neutral`), `all` tracked frames, or those of the ids `first:last:step`, the last "
        "included; a GLB always moves, with `neutral` through all of them",
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
    texture_size: int = setting(1024, "side of the texture, in pixels", minimum=16, maximum=4096)
    held_out: int | str = setting(
        350,
        "trainers' datasets: frames at the end that are for tests: how many, or which share of the usable ones",
        minimum=1,
        pattern=PERCENT,
        forms=("10%",),
    )


@dataclass(frozen=True)
class AvatarSettings:
    """Training one variant of the avatar."""

    deformation: str = setting("basis", "how expression moves Gaussians", choices=("basis", "mlp"))
    gaussians: int = setting(13000, "number of Gaussians, about", minimum=500)
    texels: int = setting(
        128, "`mlp`: texels along a side of the UV map, a Gaussian each, in place of `gaussians`", minimum=16, maximum=1024
    )
    iterations: int = setting(4000, "training images shown", minimum=10)
    bases: int = setting(16, "learned bases of the `basis` deformation", minimum=1)
    hidden: int = setting(64, "width of the network that maps expression to basis weights", minimum=8)
    mouth_weight: float = setting(10.0, "extra weight of the mouth in the loss", minimum=0)
    seed: int = setting(0, "seed of everything random", minimum=0)
    background: str = setting(
        "plate",
        "what training shows people over: the clip's own background, clothes painted over (`plate`), or, as FlashAvatar does, "
        "one colour, and what is outside of the head's mask cut off; renders are over the plate always",
        choices=("plate", "green", "white"),
    )
    batch: int = setting(2, "training images a step, as many at once as there are threads", minimum=1, maximum=64)
    device: str = setting("cpu", "what trains: the processor, or an NVIDIA GPU", choices=("cpu", "cuda"))
    precision: str = setting(
        "full", "`mixed`: the network of the `mlp` deformation in bfloat16, on a GPU alone", choices=("full", "mixed")
    )
    save_every: int = setting(1000, "training images between resumable states", minimum=1)
    preview_every: int = setting(1000, "training images between pictures of the training", minimum=1)
    perceptual: str = setting(
        "none",
        "`mlp`: distance that joins the loss after the first tenth: `lpips` (VGG-16), as FlashAvatar has it, or `stlpips`, "
        "which is fetched",
        choices=("none", "stlpips", "lpips"),
    )
    perceptual_backbone: str = setting("", "`perceptual: lpips`: path of VGG-16's weights, as torchvision publishes them")
    start_checkpoint: str = setting("", "`mlp`: a `chkpnt<it>.pth` of FlashAvatar to go on from; blank: from the beginning")


@dataclass(frozen=True)
class RendersSettings:
    """Rendering the held-out frames."""

    fps: float = setting(0.0, "frames per second of the video; 0: as the clip", minimum=0)
    background: str = setting(
        "plate",
        "behind the avatar in `cutouts/`, which are made where this or `scale` is another: the clip's own background, a plain "
        "colour, or nothing (RGBA); renders for the scores always have the plate",
        choices=("plate", "green", "white", "transparent"),
    )
    scale: float = setting(1.0, "size of the cutouts, as a multiple of the frames'", minimum=0.1, maximum=16)


@dataclass(frozen=True)
class SplatsSettings:
    """The avatar as files for splat viewers and for programs of one's own."""

    frame: int = setting(-1, "id of the frame whose moment the .ply shows; -1: the person at rest, straight ahead", minimum=-1)
    axes: str = setting(
        "viewers",
        "axes of the .ply: `viewers`: y down, z away, as splat viewers take them; `head`: the head's own, y up",
        choices=("viewers", "head"),
    )


@dataclass(frozen=True)
class ViewerSettings:
    """The page in which a person turns the avatar and moves its face."""

    motion: int = setting(1500, "frames of the clip's own motion that the page can play; 0: none", minimum=0)
    plate: bool = setting(True, "whether the clip's background is in the page; else plain colours alone")


@dataclass(frozen=True)
class ScoresSettings:
    """Comparing held-out renders with the truth."""

    perceptual: str = setting("stlpips", "a perceptual distance that is fetched", choices=("stlpips", "none"))
    lpips: str = setting(
        "none", "the network behind LPIPS, whose weights you bring; `none`: no LPIPS", choices=("none", "vgg", "alex")
    )
    lpips_backbone: str = setting("", "path of that network's weights, as torchvision publishes them; blank for `none`")


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
class ReproductionSettings:
    """Comparing a run with another of the same clip, or doing another's run again."""

    of: str = setting(
        "", "path of the other run's `provenance.json`; `{clip}` in it stands for the clip's name; blank: nothing is compared"
    )
    their_settings: bool = setting(
        False, "whether clip and settings are those that `of` tells; else they are those of this folder, as ever"
    )


@dataclass(frozen=True)
class ClusterSettings:
    """How the work at a clip is spread over the nodes of a cluster; docs/slurm.md."""

    chunks: int = setting(
        1,
        "in how many pieces landmarks, matte and parsing of a clip are made, and its photometric refinement measured, and a "
        "texture space's pictures unwrapped, each by its own job; 1: each stage is one job",
        minimum=1,
        maximum=64,
    )


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
    portraits: PortraitsSettings = field(default_factory=PortraitsSettings)
    texture_space: TextureSpaceSettings = field(default_factory=TextureSpaceSettings)
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    exports: ExportsSettings = field(default_factory=ExportsSettings)
    avatar: dict[str, AvatarSettings] = field(default_factory=lambda: {"basis": AvatarSettings()})
    renders: RendersSettings = field(default_factory=RendersSettings)
    novel_views: NovelViewsSettings = field(default_factory=NovelViewsSettings)
    reenactment: ReenactmentSettings = field(default_factory=ReenactmentSettings)
    splats: SplatsSettings = field(default_factory=SplatsSettings)
    viewer: ViewerSettings = field(default_factory=ViewerSettings)
    scores: ScoresSettings = field(default_factory=ScoresSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    reproduction: ReproductionSettings = field(default_factory=ReproductionSettings)
