"""Pickles that ask for more than data are refused with the reason, and nothing of them runs."""

import functools
import io
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from flame_files import LAYOUTS, FakeCh, dump, read_content
from scipy import sparse

from headsmith.contract.errors import UserError
from headsmith.heads.pickles_arrays import as_array, as_matrix
from headsmith.heads.pickles_values import ALLOWED


@pytest.fixture
def read(tmp_path):
    """A function that reads the bytes of a pickle."""
    return functools.partial(read_content, tmp_path)


@pytest.fixture
def nothing_runs(monkeypatch):
    """Fail if anything that hostile pickles ask for is called."""

    def run(*_):
        raise AssertionError("the pickle ran something")

    for target in ("os.system", "builtins.eval", "builtins.exec", "subprocess.Popen", "pickle.loads"):
        monkeypatch.setattr(target, run)


GLOBALS = {
    "os.system": b"cos\nsystem\n(S'true'\ntR.",
    "posix.system": b"cposix\nsystem\n(S'true'\ntR.",
    "builtins.eval": b"cbuiltins\neval\n(S'1'\ntR.",
    "__builtin__.eval": b"c__builtin__\neval\n(S'1'\ntR.",
    "builtins.getattr": b"cbuiltins\ngetattr\n(cnumpy\nndarray\nS'tofile'\ntR.",
    "subprocess.Popen": pickle.dumps(subprocess.Popen),
    "numpy.load": b"cnumpy\nload\n(S'x'\ntR.",
    "pathlib.PosixPath": pickle.dumps(Path("x")),
    "chumpy.ch.Ch.__init__": b"\x80\x04\x8c\x09chumpy.ch\x8c\x0bCh.__init__\x93.",
    "numpy.ndarray.tofile": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
    "numpy.core.multiarray._reconstruct ": b"cnumpy.core.multiarray\n_reconstruct \n.",
    "os system.numpy": b"cos system\nnumpy\n.",
    r"\\x6fs.system": b"c\\x6fs\nsystem\n.",
    "builtins.type": b"\x80\x02cbuiltins\ntype\nK\x01\x85R.",
    "os.popen": b"(S'true'\nios\npopen\n.",
    "os.execv": b"(cos\nexecv\nS'true'\no.",
    "collections.defaultdict": b"ccollections\ndefaultdict\n)R.",
    "copyreg.__newobj_ex__": b"ccopyreg\n__newobj_ex__\n.",
    "headsmith.contract.errors.UserError": b"cheadsmith.contract.errors\nUserError\n.",
    r"\u202eos.system": b"\x80\x04\x8c\x05\xe2\x80\xaeos\x8c\x06system\x93.",
}


@pytest.mark.parametrize("name", GLOBALS)
def test_globals_outside_the_list_are_refused_by_name(read, nothing_runs, name):
    with pytest.raises(UserError) as caught:
        read(GLOBALS[name])
    assert f"`{name}`" in caught.value.what
    assert caught.value.file.endswith("model.pkl")
    assert caught.value.remedy


def test_what_the_list_lets_be_named_can_be_called_by_no_name():
    dangerous = ("os", "posix", "subprocess", "sys", "importlib", "runpy", "operator", "functools", "types", "pickle", "io")
    assert not [pair for pair in ALLOWED if pair[0].split(".")[0] in dangerous or "." in pair[1]]


HIDDEN = {
    "in an array's state": lambda bad: {"x": FakeCh(np.zeros(1)), "y": {"state": [bad]}},
    "in chumpy's state": lambda bad: {"x": FakeCh(bad)},
    "in a tuple in a list": lambda bad: {"x": [(1, [(bad,)])]},
}


class Hostile:
    def __reduce__(self):
        return eval, ("1 + 1",)


@pytest.mark.parametrize("place", HIDDEN)
@pytest.mark.parametrize("protocol", range(6))
def test_hostile_values_are_refused_wherever_they_hide(read, place, protocol):
    content = dump(HIDDEN[place](Hostile()), "new", protocol)
    with pytest.raises(UserError, match=r"asks for `(__builtin__|builtins)\.eval`"):
        read(content)


class Persistent(pickle.Pickler):
    def persistent_id(self, obj):
        return "id" if obj == "outside" else None


def persistent(protocol):
    buffer = io.BytesIO()
    Persistent(buffer, protocol).dump({"x": "outside"})
    return buffer.getvalue()


CH = b"cchumpy.ch\nCh\n"
TRICKS = {
    "a persistent id in text": (persistent(0), "persistent id"),
    "a persistent id": (persistent(4), "persistent id"),
    "a registered number": (b"\x82\x01.", "registered number"),
    "buffers outside": (pickle.dumps({"x": np.arange(9)}, 5, buffer_callback=[].append), "outside the file"),
    "named arguments": (b"\x80\x04" + CH + b")}\x92.", "named arguments"),
    "calling a class": (CH + b")R.", "to be named only"),
    "calling a record": (CH + b")\x81)R.", "calls a Record"),
    "calling text": (b"S'x'\n)R.", "calls a str"),
    "arguments that are none": (b"c_codecs\nencode\nS'x'\nR.", "with a str"),
    "state for a class": (CH + b"}b.", "state of a Name"),
    "state for a list": (b"]}b.", "state of a list"),
    "state twice": (CH + b")\x81}b}b.", "twice"),
    "an object of a function": (b"c_codecs\nencode\n)\x81.", "makes an object of `_codecs.encode`"),
    "an object of an array class": (b"cnumpy\nndarray\n)\x81.", "makes an object of `numpy.ndarray`"),
    "an object of text": (b"S'x'\n)\x81.", "makes an object of a str"),
    "a subclass of an array": (b"cnumpy.core.multiarray\n_reconstruct\n(" + CH + b"(I0\ntS'b'\ntR.", "no plain array"),
    "an object of a dictionary": (b"ccopy_reg\n_reconstructor\n(" + CH + b"c__builtin__\nobject\n}tR.", "plain object"),
    "another encoding": (b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.", "other than for bytes"),
    "a nested key": (b"}))\x86S'x'\ns.", "nested value as a key"),
    "a nested member": (b"c__builtin__\nset\n(((K\x01lltR.", "nested value"),
    "items of a list": (b"]K\x01K\x02s.", "of a list"),
    "a member of a list": (b"\x80\x04](K\x01\x90.", "members to a list"),
    "appending to a dictionary": (b"}K\x01a.", "appends to a dict"),
    "odd items": (b"}(K\x01u.", "1 keys and values"),
    "an empty stack": (b"0.", "more values than it has"),
    "nothing": (b".", "more values than it has"),
    "below a mark": (b"K\x01(a.", "more values than it has"),
    "a mark that is not set": (b"t.", "mark"),
    "a value that is not kept": (b"h\x05.", "recalls value 5"),
    "a name that is a number": (b"\x80\x04K\x01K\x02\x93.", "by a int and a int"),
    "no instruction": (b"\xfe.", "no instruction"),
    "no bytes": (b"", "ends after 0 bytes"),
    "a claim of 2^60 bytes": (b"\x80\x04\x8e" + (2**60).to_bytes(8, "little") + b"abc.", "cut off"),
    "a claim of 4 GB of text": (b"X\xff\xff\xff\xffabc.", "cut off"),
    "a text number of 5,000 digits": (b"L" + b"9" * 5000 + b"L\n.", "broken"),
    "no dictionary": (b"]." , "holds a list"),
    "a memo of 4 thousand million": (b"Nr\xff\xff\xff\xff.", "as number 4294967295"),
    "a tuple 20,000 deep": (b")" + b"\x85" * 20_000 + b".", "holds a tuple"),
    "a key 20,000 deep": (b"})" + b"\x85" * 20_000 + b"Ns.", "nested value as a key"),
    "a list 20,000 deep": (b"]" * 20_000 + b"a" * 19_999 + b".", "holds a list"),
    "copies over and over": (b"c_codecs\nencode\nq\x000X\xe8\x03\x00\x00" + b"a" * 1000 + b"q\x01S'latin1'\nq\x0200"
                             + b"h\x00h\x01h\x02\x86R" * 1000 + b".", "over and over"),
    "crowded keys": (b"}(" + b"".join(b"J" + n.to_bytes(4, "little") + b"N" for n in range(10_001)) + b"u.", "10001 keys"),
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_are_refused_with_the_reason(read, nothing_runs, trick):
    content, reason = TRICKS[trick]
    with pytest.raises(UserError) as caught:
        read(content)
    assert reason in caught.value.what
    assert ("broken" in caught.value.what) == (reason in ("broken", "cut off"))


def test_endless_files_are_refused(read, monkeypatch):
    monkeypatch.setattr("headsmith.heads.pickles_machine.MAX_STEPS", 100)
    with pytest.raises(UserError, match="more than 100 steps"):
        read(b"N0" * 51)


SMALL = {"x": FakeCh(np.arange(3.0)), "J": sparse.csc_matrix(np.eye(2)), "f": np.arange(3, dtype=np.uint32), "s": "lbs"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_cut_off_anywhere_is_refused(read, layout):
    content = dump(SMALL, layout)
    for end in range(LAYOUTS.index(layout), len(content), 5):
        with pytest.raises(UserError, match=r"ends after|cut off"):
            read(content[:end])


def look(file):
    """Read all that a reader of models would."""
    for key, value in file.values.items():
        if isinstance(key, str) and isinstance(value, str | int | float | bytes | None):
            continue
        file.read(key, as_array if key != "J" else lambda value: as_matrix(value, (2, 2)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_spoiled_bytes_give_a_reason_or_arrays_but_never_a_crash(read, nothing_runs, layout):
    content = dump(SMALL, layout)
    chance, refused = np.random.default_rng(11), 0
    for _ in range(150):
        spoiled = bytearray(content)
        for place in chance.integers(len(content), size=chance.integers(1, 4)):
            spoiled[place] = chance.integers(256)
        try:
            look(read(bytes(spoiled)))
        except UserError:
            refused += 1
    assert refused > 30
