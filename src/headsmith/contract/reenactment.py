"""What moving avatars by other clips needs to be told, checked before anything runs."""

from collections.abc import Iterable

from headsmith.contract.config import nearest
from headsmith.contract.errors import UserError
from headsmith.contract.settings import Settings


def check_drivers(settings: Settings, clips: Iterable[str]) -> None:
    """Accept drivers that are clips.

    Raises:
        UserError: One of ``reenactment.drivers`` is not in the table of clips.
    """
    known = list(clips)
    for driver in settings.reenactment.drivers:
        if driver not in known:
            what = f"reenactment.drivers names {driver!r}, which is no clip of {settings.clips}"
            raise UserError(what, remedy=f"give it a line there, or name another; {nearest(driver, known)}")


def drivers_of(settings: Settings) -> list[str]:
    """Return the clips that avatars are moved by.

    Raises:
        UserError: None is named.
    """
    if not settings.reenactment.drivers:
        remedy = "set reenactment.drivers to a list of clips of the table; a clip may drive its own avatar"
        raise UserError("no clip is named to move the avatars: reenactment.drivers is empty", remedy=remedy)
    return list(dict.fromkeys(settings.reenactment.drivers))
