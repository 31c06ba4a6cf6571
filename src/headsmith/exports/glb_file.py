"""A GLB file as its tree of JSON and its block of bytes, taken apart, added to, and put together again.

The format: Khronos, *glTF 2.0 Specification*; the container in section 4.4, accessors in section 3.6.2.
"""

import json
import struct
from typing import Any, Final

import numpy as np
from numpy import ndarray

MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
COMPONENTS: Final = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
KINDS: Final = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
VERTICES: Final = 34962
"""The target of a view whose accessors are vertex attributes (ARRAY_BUFFER)."""


class GlbFile:
    """A GLB in memory.

    Args:
        content: The bytes of one.

    Raises:
        ValueError: They are not one.
    """

    def __init__(self, content: bytes) -> None:
        magic, version, length = struct.unpack_from("<3I", content)
        if (magic, version, length) != (MAGIC, VERSION, len(content)):
            raise ValueError("not a GLB of version 2, or cut off")
        size, kind = struct.unpack_from("<2I", content, 12)
        start = 20 + size
        stored, block = struct.unpack_from("<2I", content, start)
        if (kind, block) != (JSON_CHUNK, BINARY_CHUNK):
            raise ValueError("a GLB without its tree or its bytes")
        self.tree: dict[str, Any] = json.loads(content[20:start])
        self.binary = bytearray(content[start + 8 : start + 8 + stored])

    def add(self, values: ndarray, *, bounds: bool = False, target: int | None = None) -> int:
        """Store an array and return the number of its accessor.

        Args:
            values: A row an element: numbers, vectors of 2 to 4, or 4 x 4 matrices, which are stored by columns.
            bounds: Whether its least and largest values are stated, as positions and times must have them.
            target: What the view is for, where it is for vertices.
        """
        kind = KINDS[values.shape[1:]]
        code = next(code for code, word in COMPONENTS.items() if np.dtype(word) == values.dtype)
        stored = values.transpose(0, 2, 1) if kind == "MAT4" else values
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": values.nbytes}
        self.binary += stored.tobytes() + bytes(-values.nbytes % 4)
        self.tree["bufferViews"].append(view | ({"target": target} if target else {}))
        accessor = {"bufferView": len(self.tree["bufferViews"]) - 1, "componentType": code, "count": len(values), "type": kind}
        if bounds:
            accessor |= {word: np.atleast_1d(edge).tolist() for word, edge in (("min", values.min(0)), ("max", values.max(0)))}
        self.tree["accessors"].append(accessor)
        return len(self.tree["accessors"]) - 1

    def read(self, number: int) -> ndarray:
        """Return the array of an accessor."""
        accessor = self.tree["accessors"][number]
        view = self.tree["bufferViews"][accessor["bufferView"]]
        shape = next(shape for shape, kind in KINDS.items() if kind == accessor["type"])
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        count = accessor["count"] * int(np.prod(shape, dtype=int))
        values = np.frombuffer(self.binary, COMPONENTS[accessor["componentType"]], count, start).reshape(-1, *shape)
        return values.transpose(0, 2, 1) if accessor["type"] == "MAT4" else values

    def content(self) -> bytes:
        """Return the bytes of the file; the same tree and arrays give the same bytes."""
        self.tree["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.tree, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        length = 12 + 8 + len(text) + 8 + len(self.binary)
        start = struct.pack("<5I", MAGIC, VERSION, length, len(text), JSON_CHUNK)
        return start + text + struct.pack("<2I", len(self.binary), BINARY_CHUNK) + bytes(self.binary)
