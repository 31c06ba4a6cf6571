"""What converting a clip to another head model needs to be told, checked before anything runs."""

from headsmith.contract.errors import UserError
from headsmith.contract.exchange import HEADS
from headsmith.contract.settings import Settings


def check_conversion(settings: Settings) -> None:
    """Accept a conversion to another head than the clips are tracked with, or none.

    Raises:
        UserError: ``conversion.to`` is ``heads.model``.
    """
    if settings.conversion.to == settings.heads.model:
        what = f"conversion.to and heads.model are both {settings.heads.model}: there is nothing to convert"
        raise UserError(what, remedy=f"set conversion.to to another head model ({others(settings)}), or leave it blank")


def target_head(settings: Settings) -> str:
    """Return the head model to convert to.

    Raises:
        UserError: ``conversion.to`` is blank.
    """
    if not settings.conversion.to:
        remedy = f"set conversion.to to a head model: {others(settings)}"
        raise UserError("the head model to convert to is not named: conversion.to is blank", remedy=remedy)
    return settings.conversion.to


def others(settings: Settings) -> str:
    """Return the head models that the clips are not tracked with, in words."""
    return ", ".join(name for name in HEADS if name != settings.heads.model)
