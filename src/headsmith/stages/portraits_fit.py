"""The fit of portraits by analysis and synthesis: one picture, or several of one person together."""

from collections.abc import Sequence
from dataclasses import dataclass

from headsmith.contract.settings import PortraitsSettings
from headsmith.heads.model import HeadModel
from headsmith.heads.texture import TextureModel
from headsmith.maths.priors import Prior
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_prepared import PreparedPortrait
from headsmith.stages.portraits_start import start_portraits


@dataclass(frozen=True)
class Priors:
    """What is believed of codes; what is None is the head's own belief.

    Attributes:
        identity: Of the identity codes that are sought ``(1, K)``.
        expression: Of the jaw's axis-angle and the expression codes that are sought ``(B, 3 + E)``.
        texture: Of the texture codes that are sought ``(1, C)``.
    """

    identity: Prior | None = None
    expression: Prior | None = None
    texture: Prior | None = None


def fit_portrait(
    prepared: Sequence[PreparedPortrait],
    model: HeadModel,
    settings: PortraitsSettings,
    priors: Priors | None = None,
    texture: TextureModel | None = None,
    threads: int = 1,
) -> list[FittedPortrait]:
    """Return what was fitted to pictures of one person: identity, texture and offset are one for all of them.

    Args:
        prepared: The pictures; of one size and one convention.
        model: The head.
        settings: What is sought, and how.
        priors: What is believed of codes.
        texture: The head's texture space; none: a plain colour and the offset.
        threads: Threads; the result does not depend on them.

    Raises:
        UserError: The pictures do not go together, the head lacks their landmarks, or a picture shows no skin.
    """
    return start_portraits(prepared, model, settings, threads)
