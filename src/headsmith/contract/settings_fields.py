"""How a setting is declared: with its default, what it means, and its limits."""

from dataclasses import field
from typing import Any


def setting(default: Any, text: str, **limits: Any) -> Any:
    """Declare a setting: its default, what it means, and limits.

    Limits are ``minimum``, ``maximum``, ``choices``, and ``pattern``, a regular expression that a text may match instead of
    being one of the choices; ``forms`` tells people what it looks like. For values by name, ``needed`` are the names that stay.
    """
    metadata = {"help": text, **limits}
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)
