"""The viewer's page: one HTML file that holds everything and fetches nothing.

Arrays lie in the page as one block of bytes in base64, with a list of what lies where. Texts that others wrote (names of clips
and of face units) reach the page as JSON alone, escaped, and are shown as text.
"""

import base64
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from numpy import ndarray

SCRIPTS: Final = (
    "arrays.js",
    "rotations.js",
    "head.js",
    "gaussians.js",
    "order.js",
    "shaders.js",
    "renderer.js",
    "camera.js",
    "controls.js",
    "panel.js",
    "viewer.js",
    "desk.js",
)
"""The script's files, in the order in which they build on each other."""

HALVES: Final = ("bases", "expression", "eyelids", "correctives")
"""Arrays that the page holds in 16 bits: displacements and the like, of which 11 binary digits are enough."""

KINDS: Final = {"float16": "f2", "float32": "f4", "uint8": "u1", "uint16": "u2", "uint32": "u4"}
ALIGNMENT: Final = 4


def print_viewer(arrays: dict[str, ndarray], facts: dict[str, Any]) -> str:
    """Return the page as HTML.

    Args:
        arrays: What it draws from, by the names that its script knows; float32 or integers without a sign.
        facts: What else its script reads; plain values.
    """
    listing, content = pack(arrays)
    folder = Path(__file__).parent
    script = "".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS)
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string((folder / "page.html").read_text(encoding="utf-8")).render(
        facts=facts,
        listing=listing,
        content=Markup(base64.b64encode(content).decode()),
        style=Markup((folder / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
    )


def pack(arrays: dict[str, ndarray]) -> tuple[list[dict[str, Any]], bytes]:
    """Return where each array lies in a block of bytes (little-endian), and the block."""
    listing, content = [], bytearray()
    for name, array in arrays.items():
        stored = np.ascontiguousarray(array, np.float16 if name in HALVES else array.dtype)
        kind = KINDS[stored.dtype.name]
        listing.append({"name": name, "kind": kind, "shape": list(stored.shape), "start": len(content)})
        content += stored.astype(stored.dtype.newbyteorder("<")).tobytes() + bytes(-stored.nbytes % ALIGNMENT)
    return listing, bytes(content)
