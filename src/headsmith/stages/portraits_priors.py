"""The priors that the settings ask for: the head's own beliefs, or what a user's diffusions have learned."""

from pathlib import Path

from headsmith.contract.errors import UserError
from headsmith.contract.portraits_fit import DPOSER
from headsmith.contract.settings import PortraitsSettings
from headsmith.heads.container import HeadContainer
from headsmith.maths.priors_diffusion import DiffusionPrior
from headsmith.nets.dposer_files import open_dposer
from headsmith.stages.portraits_losses import Priors

JAW = 3
"""Numbers of the jaw before those of expression."""


def open_priors(settings: PortraitsSettings, head: HeadContainer, seed: int = 0) -> Priors:
    """Return the priors of the settings; what no checkpoint is named for is the head's own belief.

    Args:
        settings: Their names, and how many codes are sought.
        head: The head.
        seed: Of the diffusions' noise.

    Raises:
        UserError: A checkpoint is broken, is named in vain, or is of another number of codes than is sought.
    """
    named = {"portraits.dposer_shape": settings.dposer_shape, "portraits.dposer_expression": settings.dposer_expression}
    if settings.prior != DPOSER:
        return Priors()
    if not any(named.values()):
        raise UserError("portraits.prior is `dposer`, and no checkpoint is named", remedy=f"name one in {' or '.join(named)}")
    shape, expression = named.values()
    sought = (min(settings.identity, len(head.identity)), min(settings.expression, len(head.expression)) + JAW)
    folder = Path(settings.dposer_normalisers)
    opened = (
        open_dposer(kind, Path(path), folder, seed) if path else None
        for kind, path in (("shape", shape), ("pose_expression", expression))
    )
    return Priors(*(checked(*item) for item in zip(opened, sought, ("identity", "expression"), strict=True)))


def checked(prior: DiffusionPrior | None, sought: int, name: str) -> DiffusionPrior | None:
    """Return a prior of as many codes as are sought.

    Raises:
        UserError: It is of others.
    """
    if prior is None or len(prior.mean) == sought:
        return prior
    known = len(prior.mean) - (JAW if name == "expression" else 0)
    what = f"the diffusion knows {len(prior.mean)} codes, and {sought} are sought"
    raise UserError(what, remedy=f"set portraits.{name} to {known}; diffusions of FLAME's codes are of no use for another head")
