"""What calling an allowed name gives: plain data or an inert record, never a call of the named thing."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from headsmith.heads.pickles_values import ATOMS, Kinds, Name, Record, Refusal, to_bytes

MAX_KEYS: Final = 10_000
"""Keys of one dictionary, or members of one set."""


def call_name(target: object, args: object) -> Any:
    """Return what stands for the result of calling a name.

    Raises:
        Refusal: The target is no allowed function, or is called in a way that no writer of arrays uses.
    """
    if not isinstance(target, Name):
        raise Refusal(f"it calls a {type(target).__name__}")
    if not isinstance(args, tuple):
        raise Refusal(f"it calls `{target}` with a {type(args).__name__}")
    if target.kind not in CALLS:
        raise Refusal(f"it calls `{target}`, which is to be named only")
    return CALLS[target.kind](target, args)


def new_instance(target: object, args: object) -> Record:
    """Return the record of an object made without its constructor.

    Raises:
        Refusal: The target is no class of which objects are read.
    """
    if not isinstance(target, Name) or target.kind not in ("sparse", "chumpy"):
        what = f"`{target}`" if isinstance(target, Name) else f"a {type(target).__name__}"
        raise Refusal(f"it makes an object of {what}")
    if not isinstance(args, tuple):
        raise Refusal(f"it makes an object of `{target}` with a {type(args).__name__}")
    return Record(target, args)


def as_atoms(members: object) -> Iterable[Any]:
    """Return the members of a list or tuple of plain values, to be keys or members of a set.

    Raises:
        Refusal: It is something else, a member is nested, or there are too many.
    """
    if not isinstance(members, list | tuple) or not all(isinstance(member, ATOMS) for member in members):
        raise Refusal("it has a nested value as a key or as a member of a set")
    refuse_crowd(len(members))
    return members


def refuse_crowd(count: int) -> None:
    """Refuse more keys than a file can need: keys made to collide would take for ever.

    Raises:
        Refusal: There are more.
    """
    if count > MAX_KEYS:
        raise Refusal(f"it has {count} keys or members in one place, over {MAX_KEYS}")


def _array(target: Name, args: tuple[Any, ...]) -> Record:
    if not args or not isinstance(args[0], Name) or args[0].kind != "ndarray":
        raise Refusal(f"it calls `{target}` for something that is no plain array")
    return Record(target, args)


def _encode(target: Name, args: tuple[Any, ...]) -> bytes:
    if len(args) != 2 or not isinstance(args[0], str) or args[1] not in ("latin1", "latin-1"):
        raise Refusal(f"it calls `{target}` other than for bytes in latin1")
    return to_bytes(args[0])


def _bytes(target: Name, args: tuple[Any, ...]) -> bytes:
    if args in ((), (b"",)):
        return b""
    return args[0] if len(args) == 1 and isinstance(args[0], bytes) else _encode(target, args)


def _set(target: Name, args: tuple[Any, ...]) -> set[Any]:
    if len(args) > 1:
        raise Refusal(f"it calls `{target}` with {len(args)} values")
    return set(as_atoms(args[0])) if args else set()


def _ordered(target: Name, args: tuple[Any, ...]) -> dict[Any, Any]:
    pairs = args[0] if args else []
    if (
        len(args) > 1
        or not isinstance(pairs, list)
        or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs)
    ):
        raise Refusal(f"it calls `{target}` with something that is no list of pairs")
    as_atoms([key for key, _ in pairs])
    return dict(pairs)


def _remake(target: Name, args: tuple[Any, ...]) -> Record:
    if len(args) != 3 or not isinstance(args[1], Name) or args[1].kind != "object" or args[2] is not None:
        raise Refusal(f"it calls `{target}` other than for a plain object")
    return new_instance(args[0], ())


def _new(target: Name, args: tuple[Any, ...]) -> Record:
    if not args:
        raise Refusal(f"it calls `{target}` with nothing")
    return new_instance(args[0], args[1:])


CALLS: Final[dict[Kinds, Callable[[Name, tuple[Any, ...]], Any]]] = {
    "array": _array,
    "buffer": Record,
    "scalar": Record,
    "dtype": Record,
    "tensor": Record,
    "storage": Record,
    "encode": _encode,
    "bytes": _bytes,
    "set": _set,
    "ordered": _ordered,
    "remake": _remake,
    "new": _new,
}
"""What each kind of name does when called; kinds that are absent may be named, not called."""

COPIES: Final[tuple[Kinds, ...]] = ("encode", "bytes", "set", "ordered")
"""Kinds whose result is a copy of what they get, so that the machine counts its size."""
