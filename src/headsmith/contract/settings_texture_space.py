"""Settings of texture spaces: what the skins of many fitted pictures have in common."""

from dataclasses import dataclass

from headsmith.contract.settings_fields import setting

BEST = "best"
COMPLETIONS = (
    "mean",
    "mirror",
    "surface",
    "telea",
    "biharmonic",
    "low_rank",
    "mirrored_low_rank",
    "low_rank_surface",
    "network",
)
"""How hidden texels can be completed; ``stages.texture_space_completion`` tells what each does."""

LIGHT_SHARES = {"none": 0.0, "half": 0.5, "whole": 1.0}
"""How much of what a fitted light differs by direction is divided out of a picture; its level and colour always are."""


@dataclass(frozen=True)
class TextureSpaceSettings:
    """A texture space from the fits of portraits."""

    portraits: list[str] = setting([], "rows of the table of portraits whose pictures count; none named: all")
    size: int = setting(512, "side of its textures, in texels; FLAME's is 512", minimum=32, maximum=2048)
    components: int = setting(50, "principal components at most; fewer where there are few pictures", minimum=1, maximum=400)
    completion: str = setting(
        BEST,
        "how texels that a picture hides are completed: `best`: as does best, of `compared`, on texels that were kept back",
        choices=(BEST, *COMPLETIONS),
    )
    compared: list[str] = setting(
        ["mean", "mirror", "surface", "low_rank", "low_rank_surface"],
        "the ways that are compared; the others take longer, or are hardly ever better",
        choices=COMPLETIONS,
    )
    light: str = setting(
        BEST,
        "how much of a fit's light from one side or another is divided out of its picture: fits take some of the skin's own "
        "shades for light; `best`: as predicts best texels that were kept back",
        choices=(BEST, *LIGHT_SHARES),
    )
    align_light: bool = setting(
        False, "whether light that fits left in the textures is found against the others and divided out"
    )
    max_landmark_error: float = setting(
        6.0, "pictures whose landmarks were fitted worse are left out, percent of the eye distance", minimum=0
    )
    min_seen: float = setting(
        0.2, "pictures that show less of the face's texels are left out, as a share", minimum=0, maximum=1
    )
    seed: int = setting(0, "seed of everything random", minimum=0)
