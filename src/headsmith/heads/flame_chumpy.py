"""FLAME's own file, read by chumpy itself, for those who want its authors' own package to say what the file holds.

The file is first read by our own machine, so whatever that refuses is refused here for the same reason; then Python's unpickler
makes the objects, and may find nothing but the classes of ``pickles_values.ALLOWED``.
"""

import codecs
import collections
import copyreg
import importlib
import io
import os
import pickle
from types import ModuleType
from typing import Any, Final

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.flame import missing_remedy
from headsmith.heads.flame_source import DERIVED, REGRESSOR, SHAPES, FlameSource, derive_joints, make_source
from headsmith.heads.pickles_arrays import MAX_DEPTH, check_record
from headsmith.heads.pickles_file import REMEDY, PickleFile, read_pickle
from headsmith.heads.pickles_values import ALLOWED, Kinds, Refusal

WITHOUT: Final = "run snakemake with --use-conda, which makes the environment; or set `heads.reader: restricted`"
MODULES: Final = ("chumpy", "chumpy.ch", "chumpy.ch_ops", "chumpy.reordering", "scipy.sparse")

MAX_RECORDS: Final = 1000
"""Objects in a file; a FLAME model has some dozens."""

UNREADABLE: Final = (
    *(pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError),
    *(ArithmeticError, RecursionError, MemoryError, NotImplementedError),
)
"""What unpickling and computing values raise for a file that our own machine takes."""


def read_flame_by_chumpy(path: str | os.PathLike[str]) -> FlameSource:
    """Read FLAME 2020, 2023 or 2023 Open with chumpy; what comes out is what ``flame_source.read_flame`` gives.

    Beyond that, values are read that chumpy has to compute.

    Raises:
        UserError: chumpy is not there; or the file is missing, asks to run something, is broken, or is not FLAME.
    """
    modules = find_modules()
    file = read_pickle(path, missing_remedy(path))
    try:
        refuse_unsound(file)
        values = Unpickler(file.data, known_names(modules)).load()
    except Refusal as refusal:
        raise UserError(f"this pickle is refused: {refusal}", file=path, remedy=REMEDY) from refusal
    except UNREADABLE as error:
        raise UserError(f"chumpy cannot read this pickle: {error!r}", file=path, remedy=REMEDY) from error
    return make_source(file, compute_arrays(file, values, modules["chumpy.ch"].Ch))


def find_modules() -> dict[str, ModuleType]:
    """Return chumpy and scipy by the modules that are needed.

    Raises:
        UserError: They cannot be imported.
    """
    try:
        return {name: importlib.import_module(name) for name in MODULES}
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"the setting heads.reader asks for chumpy, which cannot be imported: {error}", remedy=WITHOUT
        ) from error


def refuse_unsound(file: PickleFile) -> None:
    """Refuse what numpy or scipy could not make without harm: a crafted type, an array or a matrix whose parts do not fit.

    Raises:
        Refusal: There is such a record, or too many.
    """
    if len(file.records) > MAX_RECORDS:
        raise Refusal(f"it has {len(file.records)} objects, over {MAX_RECORDS}")
    for record in file.records:
        check_record(record)


def known_names(modules: dict[str, ModuleType]) -> dict[tuple[str, str], Any]:
    """Return what stands behind each allowed name; functions of numpy's own are asked of its arrays, whatever their module."""
    number = np.zeros(1)
    kinds: dict[Kinds, Any] = {
        "array": number.__reduce__()[0],
        "buffer": number.__reduce_ex__(5)[0],
        "scalar": number[0].__reduce__()[0],
        "encode": codecs.encode,
        "ordered": collections.OrderedDict,
    }
    named: dict[str, Any] = {"ndarray": ndarray, "dtype": np.dtype, "object": object, "set": set, "frozenset": frozenset}
    named |= {"bytes": bytes, "bytearray": bytearray}
    named |= {"_reconstructor": copyreg._reconstructor, "__newobj__": copyreg.__newobj__}
    named |= {name: getattr(modules["scipy.sparse"], name) for (_, name), kind in ALLOWED.items() if kind == "sparse"}
    known = {pair: kinds.get(kind, named.get(pair[1])) for pair, kind in ALLOWED.items() if kind != "chumpy"}
    classes = [pair for pair, kind in ALLOWED.items() if kind == "chumpy"]
    known |= {pair: getattr(modules[pair[0]], pair[1], None) for pair in classes}
    return {pair: found for pair, found in known.items() if found is not None}


class Unpickler(pickle.Unpickler):
    """Python's own, which finds nothing but what it is given.

    Args:
        data: The pickle.
        known: What may be found, by module and name.
    """

    def __init__(self, data: bytes, known: dict[tuple[str, str], Any]) -> None:
        super().__init__(io.BytesIO(data), encoding="latin1")
        self._known = known

    def find_class(self, module: str, name: str, /) -> Any:
        """Return what is known by that name.

        Raises:
            Refusal: Nothing is.
        """
        if (module, name) not in self._known:
            raise Refusal(f"it asks for `{ascii(module)[1:-1][:80]}.{ascii(name)[1:-1][:80]}`, which no head model needs")
        return self._known[module, name]


def compute_arrays(file: PickleFile, values: dict[str, Any], wrapper: type) -> dict[str, ndarray]:
    """Return the arrays of a model by the names of FLAME's keys, as chumpy and scipy compute them.

    Args:
        file: The file, for its messages.
        values: What it holds, as objects.
        wrapper: chumpy's ``Ch``.

    Raises:
        UserError: A key is missing or holds no array.
    """
    joints = type(values.get("J"))
    derived = f"{joints.__module__}.{joints.__qualname__}" == DERIVED
    keys = [key for key in SHAPES if not (derived and key == "J")]
    arrays = {key: file.read(key, lambda _, key=key: compute(values[key], wrapper)) for key in keys}
    arrays["J_regressor"] = file.read("J_regressor", lambda _: compute_matrix(values["J_regressor"], wrapper))
    if derived:
        arrays["J"] = derive_joints(arrays["J_regressor"], arrays["v_template"])
    return arrays


def compute(value: Any, wrapper: type) -> Shaped[ndarray, "..."]:
    """Return the numbers of an array, or of what chumpy computes; native byte order.

    A plain ``Ch`` gives its array ``x`` as it is: its value ``r`` would be in 64 bits, whatever the file has.

    Raises:
        Refusal: It is something else, or chumpy cannot.
    """
    try:
        for _ in range(MAX_DEPTH):
            value = value.x if type(value) is wrapper else value
        found = value.r if isinstance(value, wrapper) else value
    except UNREADABLE as error:
        raise Refusal(f"chumpy cannot compute it: {error!r}") from error
    if not isinstance(found, ndarray | np.generic) or found.dtype.kind not in "iuf":
        raise Refusal(f"it is a {type(found).__name__}, not an array")
    return np.asarray(found).astype(found.dtype.newbyteorder("="), copy=False)


def compute_matrix(value: Any, wrapper: type) -> Shaped[ndarray, "r c"]:
    """Return the numbers of a sparse matrix, or of a plain array, of the regressor's shape.

    Raises:
        Refusal: It is something else, or has another shape.
    """
    matrix = value.toarray() if hasattr(value, "toarray") else compute(value, wrapper)
    if matrix.shape != REGRESSOR:
        raise Refusal(f"it has shape {matrix.shape}, not {REGRESSOR}")
    return matrix.astype(np.float64)
