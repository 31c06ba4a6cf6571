"""A machine that reads pickles of protocols 0 to 5 as plain data.

Python's own ``Unpickler`` can be restricted in what it imports, but still calls, builds, sets attributes, hashes nested values
and lays out its memo by numbers that the file claims. This one has no such instructions: it knows lists, dictionaries, numbers,
text, bytes, and records that do nothing. What each opcode does is documented in CPython's ``pickletools``.
"""

import codecs
import io
import pickletools
from collections.abc import Callable
from typing import Any, Final

from headsmith.heads.pickles_calls import COPIES, as_atoms, call_name, new_instance, refuse_crowd
from headsmith.heads.pickles_values import Name, Record, Refusal, find_name

MAX_STEPS: Final = 200_000
"""Opcodes in a file; a FLAME model has some hundreds."""

PUSHES: Final = frozenset(
    (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    )
)
"""Opcodes whose argument is the value."""

REFUSED: Final[dict[str, str]] = {
    **dict.fromkeys(("PERSID", "BINPERSID"), "it refers to something outside itself, as torch's tensors do (a persistent id)"),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), "it asks for a global by a registered number"),
    **dict.fromkeys(("NEXT_BUFFER", "READONLY_BUFFER"), "its arrays lie outside the file (out-of-band buffers)"),
    "NEWOBJ_EX": "it makes an object with named arguments",
}


class Machine:
    """Reads one pickle; ``run`` may be called once.

    Args:
        data: The whole file.

    Attributes:
        records: Every object that was made so far.
    """

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)
        self._budget = len(data)
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self.records: list[Record] = []

    @property
    def place(self) -> int:
        """Bytes that were read: where the pickle ends, after ``run``."""
        return self._stream.tell()

    def run(self) -> Any:
        """Return the value that the pickle holds: plain data, with ``Record`` for arrays and objects.

        Raises:
            Refusal: It asks for something that is not allowed, or is broken.
        """
        for _ in range(MAX_STEPS):
            name, argument = self._next()
            if name == "STOP":
                return self._pop()
            self._do(name, argument)
        raise Refusal(f"it has more than {MAX_STEPS} steps")

    def _next(self) -> tuple[str, Any]:
        place, code = self._stream.tell(), self._stream.read(1)
        if not code:
            raise Refusal(f"it ends after {place} bytes, in the middle")
        opcode = pickletools.code2op.get(code.decode("latin1"))
        if opcode is None:
            raise Refusal(f"byte {place} is no instruction of a pickle")
        if opcode.name in REFUSED:
            raise Refusal(REFUSED[opcode.name])
        try:
            return opcode.name, self._argument(opcode)
        except ValueError as error:
            raise Refusal(f"it is broken or cut off at byte {place}: {error}") from error

    def _argument(self, opcode: pickletools.OpcodeInfo) -> Any:
        if opcode.name in ("GLOBAL", "INST"):
            return self._line(), self._line()
        if opcode.name == "STRING":
            return codecs.escape_decode(pickletools.read_stringnl(self._stream, decode=False))[0].decode("latin1")
        return None if opcode.arg is None else opcode.arg.reader(self._stream)

    def _line(self) -> str:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise ValueError("a line has no end")
        return line[:-1].decode()

    def _do(self, name: str, argument: Any) -> None:
        if name in PUSHES:
            self._stack.append(argument)
        else:
            STEPS[name](self, argument)

    def _pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise Refusal("it takes more values than it has")
        return self._stack.pop()

    def _top(self) -> Any:
        value = self._pop()
        self._stack.append(value)
        return value

    def _pop_mark(self) -> list[Any]:
        if not self._marks:
            raise Refusal("it goes back to a mark that it has not set")
        start = self._marks.pop()
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def _pop_one(self, _: None) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._pop()

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _keep(self, value: Any) -> None:
        if isinstance(value, Record):
            self.records.append(value)
        self._push(value)

    def _mark(self, _: None) -> None:
        self._marks.append(len(self._stack))

    def _tuple(self, count: int) -> None:
        self._push(tuple([self._pop() for _ in range(count)][::-1]))

    def _put(self, key: int) -> None:
        if not 0 <= key <= MAX_STEPS:
            raise Refusal(f"it keeps a value as number {key}")
        self._memo[key] = self._top()

    def _get(self, key: int) -> None:
        if key not in self._memo:
            raise Refusal(f"it recalls value {key}, which it has not kept")
        self._push(self._memo[key])

    def _append(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, list):
            raise Refusal(f"it appends to a {type(target).__name__}")
        target.extend(values)

    def _add(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, set):
            raise Refusal(f"it adds members to a {type(target).__name__}")
        target.update(as_atoms(values))
        refuse_crowd(len(target))

    def _set_items(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, dict) or len(values) % 2:
            raise Refusal(f"it sets {len(values)} keys and values of a {type(target).__name__}")
        target.update(zip(as_atoms(values[::2]), values[1::2], strict=True))
        refuse_crowd(len(target))

    def _set_item(self, _: None) -> None:
        value, key = self._pop(), self._pop()
        self._set_items([key, value])

    def _dict(self, _: None) -> None:
        values = self._pop_mark()
        self._push({})
        self._set_items(values)

    def _global(self, words: tuple[str, str]) -> None:
        self._push(find_name(*words))

    def _stack_global(self, _: None) -> None:
        name, module = self._pop(), self._pop()
        self._push(find_name(module, name))

    def _reduce(self, _: None) -> None:
        args, target = self._pop(), self._pop()
        if isinstance(target, Name) and target.kind in COPIES and isinstance(args, tuple) and args:
            self._budget -= len(args[0]) if isinstance(args[0], str | list | tuple | bytes) else 0
            if self._budget < 0:
                raise Refusal("it copies values over and over")
        self._keep(call_name(target, args))

    def _new_object(self, _: None) -> None:
        args, target = self._pop(), self._pop()
        self._keep(new_instance(target, args))

    def _instance(self, words: tuple[str, str]) -> None:
        self._keep(new_instance(find_name(*words), tuple(self._pop_mark())))

    def _object(self, _: None) -> None:
        values = self._pop_mark()
        self._keep(new_instance(values[0] if values else None, tuple(values[1:])))

    def _build(self, _: None) -> None:
        state, target = self._pop(), self._top()
        if not isinstance(target, Record):
            raise Refusal(f"it sets the state of a {type(target).__name__}")
        if target.state is not None:
            raise Refusal(f"it sets the state of `{target.name}` twice")
        target.state = state


STEPS: Final[dict[str, Callable[[Machine, Any], None]]] = {
    "PROTO": lambda machine, number: None,
    "FRAME": lambda machine, size: None,
    "NONE": lambda machine, _: machine._push(None),
    "NEWTRUE": lambda machine, _: machine._push(True),
    "NEWFALSE": lambda machine, _: machine._push(False),
    "BYTEARRAY8": lambda machine, content: machine._push(bytes(content)),
    "MARK": Machine._mark,
    "POP": Machine._pop_one,
    "POP_MARK": lambda machine, _: machine._pop_mark(),
    "DUP": lambda machine, _: machine._push(machine._top()),
    "EMPTY_LIST": lambda machine, _: machine._push([]),
    "EMPTY_DICT": lambda machine, _: machine._push({}),
    "EMPTY_SET": lambda machine, _: machine._push(set()),
    "EMPTY_TUPLE": lambda machine, _: machine._push(()),
    "TUPLE1": lambda machine, _: machine._tuple(1),
    "TUPLE2": lambda machine, _: machine._tuple(2),
    "TUPLE3": lambda machine, _: machine._tuple(3),
    "TUPLE": lambda machine, _: machine._push(tuple(machine._pop_mark())),
    "LIST": lambda machine, _: machine._push(machine._pop_mark()),
    "FROZENSET": lambda machine, _: machine._push(set(as_atoms(machine._pop_mark()))),
    "DICT": Machine._dict,
    "APPEND": lambda machine, _: machine._append([machine._pop()]),
    "APPENDS": lambda machine, _: machine._append(machine._pop_mark()),
    "ADDITEMS": lambda machine, _: machine._add(machine._pop_mark()),
    "SETITEM": Machine._set_item,
    "SETITEMS": lambda machine, _: machine._set_items(machine._pop_mark()),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine._get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), Machine._put),
    "MEMOIZE": lambda machine, _: machine._put(len(machine._memo)),
    "GLOBAL": Machine._global,
    "STACK_GLOBAL": Machine._stack_global,
    "REDUCE": Machine._reduce,
    "NEWOBJ": Machine._new_object,
    "INST": Machine._instance,
    "OBJ": Machine._object,
    "BUILD": Machine._build,
}
"""What each opcode does that neither pushes its argument nor is refused."""
