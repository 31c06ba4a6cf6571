"""What a pickle may name, and the inert values that stand for what it names.

Nothing here is ever called or imported: a name of the list becomes a ``Name``, an object made through it a ``Record`` that
keeps what the pickle said of it. ``pickles_arrays`` reads arrays out of records.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal[
    "array", "buffer", "scalar", "dtype", "ndarray", "sparse", "chumpy", "encode", "remake", "new", "object", "bytes"
]
Kinds = Kind | Literal["set", "ordered", "tensor", "storage"]

MODULES: Final[dict[str, tuple[tuple[str, ...], dict[str, Kinds]]]] = {
    "numpy": (("numpy",), {"ndarray": "ndarray", "dtype": "dtype"}),
    "numpy, both layouts": (
        ("numpy.core.multiarray", "numpy._core.multiarray"),
        {"_reconstruct": "array", "scalar": "scalar"},
    ),
    "numpy, protocol 5": (("numpy.core.numeric", "numpy._core.numeric"), {"_frombuffer": "buffer"}),
    "scipy, columns": (
        ("scipy.sparse.csc", "scipy.sparse._csc"),
        {"csc_matrix": "sparse", "csc_array": "sparse"},
    ),
    "scipy, rows": (
        ("scipy.sparse.csr", "scipy.sparse._csr"),
        {"csr_matrix": "sparse", "csr_array": "sparse"},
    ),
    "builtins": (
        ("builtins", "__builtin__"),
        {"object": "object", "set": "set", "frozenset": "set", "bytes": "bytes", "bytearray": "bytes"},
    ),
    "collections": (("collections",), {"OrderedDict": "ordered"}),
    "copyreg": (("copyreg", "copy_reg"), {"_reconstructor": "remake", "__newobj__": "new"}),
    "codecs": (("_codecs",), {"encode": "encode"}),
    "torch": (("torch._utils",), {"_rebuild_tensor_v2": "tensor"}),
    "torch, storages": (("torch.storage",), {"_load_from_bytes": "storage"}),
}
"""Families of modules, old and new, and what each name of theirs is here.

``numpy``'s own are those of its ``ndarray.__reduce__``, ``ndarray.__reduce_ex__(5)``, ``dtype.__reduce__`` and ``generic``;
``torch``'s are those of its ``Tensor.__reduce_ex__`` and ``TypedStorage.__reduce__``, read by ``pickles_tensors``;
``_codecs.encode`` is how Python 3 writes bytes in protocols 0 to 2, ``copyreg`` how protocols 0 and 1 make objects.
"""

CHUMPY: Final[dict[str, str]] = {
    "chumpy.ch": "Ch MatVecMult ChHandle ChLambda ChGroup",
    "chumpy.reordering": "Permute Reorder Sort Tile Diag DiagFlat Repeat transpose rollaxis swapaxes Roll Rot90 Reshape Select "
    "AtleastNd Concatenate",
    "chumpy.ch_ops": "add subtract multiply divide power dot sum mean negative",
}
"""Classes of chumpy 0.70 that hold or pass on an array. Only ``Ch`` holds one; see ``pickles_arrays.as_array``."""

ALLOWED: Final[dict[tuple[str, str], Kinds]] = {
    **{(module, name): kind for modules, names in MODULES.values() for module in modules for name, kind in names.items()},
    **{(module, name): "chumpy" for module, names in CHUMPY.items() for name in names.split()},
}
"""Everything that a pickle may name, exactly."""

ATOMS: Final = (str, bytes, int, float, type(None))
"""What may be a key or a member of a set: hashing anything nested could exhaust the stack."""


class Refusal(ValueError):
    """Why a pickle is not read; ``pickles_file`` adds the file and the remedy."""


class ForeignName(Refusal):
    """It asks for what is on no list.

    Attributes:
        name: What it asks for.
    """

    def __init__(self, module: str, name: str) -> None:
        self.name = f"{ascii(module)[1:-1][:80]}.{ascii(name)[1:-1][:80]}"
        super().__init__(f"it asks for `{self.name}`, which no head model needs")


@dataclass(frozen=True, eq=False, slots=True)
class Name:
    """A global that the pickle names and the list allows.

    Attributes:
        module: Its module, as the pickle has it.
        name: Its name there.
        kind: What it is here.
    """

    module: str
    name: str
    kind: Kinds

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class Record:
    """An object that the pickle makes: what it was called with, and the state it was given. Inert.

    Attributes:
        name: The class or function.
        args: What it was called with.
        state: What ``BUILD`` gave it, once.
    """

    name: Name
    args: tuple[Any, ...]
    state: Any = None


def to_bytes(text: str) -> bytes:
    """Return the bytes that Python 2, or ``_codecs.encode``, wrote as text in latin1.

    Raises:
        Refusal: It has other characters.
    """
    try:
        return text.encode("latin1")
    except UnicodeEncodeError as error:
        raise Refusal("it has text in the place of bytes") from error


def find_name(module: object, name: object) -> Name:
    """Return the allowed global of that exact name.

    Raises:
        ForeignName: It is not on the list.
        Refusal: It is not named by text.
    """
    if not isinstance(module, str) or not isinstance(name, str):
        raise Refusal(f"it names a global by a {type(module).__name__} and a {type(name).__name__}")
    kind = ALLOWED.get((module, name))
    if kind is None:
        raise ForeignName(module, name)
    return Name(module, name, kind)
