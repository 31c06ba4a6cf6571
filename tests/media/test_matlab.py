"""MATLAB's files are read as SciPy reads them, and crafted ones, of which some end SciPy's process, are refused."""

import contextlib
import random
import struct
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from headsmith.media import matlab
from headsmith.media.matlab import parse_matlab, read_matlab

KINDS = ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
DOUBLE, CELL, NUMBERS = 6, 1, 9


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def array(kind, sides, *parts, name=b"shape"):
    flags, shape = struct.pack("<II", kind, 0), struct.pack(f"<{len(sides)}i", *sides)
    return element(14, element(6, flags) + element(5, shape) + element(1, name) + b"".join(parts))


def packed(content):
    content = zlib.compress(content, 9)
    return struct.pack("<II", 15, len(content)) + content


def file(*parts, version=0x0100):
    return b"MATLAB 5.0".ljust(124) + struct.pack("<H", version) + b"IM" + b"".join(parts)


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_those_that_scipy_reads(tmp_path, compressed):
    chance = np.random.default_rng(0)
    content = {f"a_{kind}": (100 * chance.random((3, 1, 5))).astype(kind) for kind in KINDS}
    content |= {"a": np.array(3.5), "flat": np.arange(7.0), "none": np.zeros((0, 3)), "long_name": np.ones((1, 1))}
    others = {"text": "abc", "cells": np.array([1, "a"], object), "record": {"a": 1}, "turning": np.array([1 + 2j])}
    savemat(tmp_path / "a.mat", content | others, do_compression=compressed)
    read, expected = read_matlab(tmp_path / "a.mat"), loadmat(tmp_path / "a.mat")
    assert set(read) == set(content)
    for name, values in read.items():
        assert values.dtype == expected[name].dtype and np.array_equal(values, expected[name])


def test_big_endian_is_read():
    data = struct.pack(">II", 6, 8) + struct.pack(">II", 6, 0) + struct.pack(">II", 5, 8) + struct.pack(">ii", 1, 1)
    data += struct.pack(">I", 1 << 16 | 1) + b"a\0\0\0" + struct.pack(">II", 9, 8) + struct.pack(">d", 2.5)
    content = b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + struct.pack(">II", 14, len(data)) + data
    assert parse_matlab(content)["a"].tolist() == [[2.5]]


HOSTILE = {
    "numbers of no type": (array(DOUBLE, (1, 1), element(99, bytes(8))), "holds no numbers"),
    "more than it has": (array(DOUBLE, (10**9, 10**9), element(NUMBERS, bytes(80))), "claims the shape"),
    "a negative side": (array(DOUBLE, (-1, -1), element(NUMBERS, bytes(8))), "holds no numbers"),
    "forty axes": (array(DOUBLE, (1,) * 40, element(NUMBERS, bytes(8))), "no shape"),
    "4 GB": (array(DOUBLE, (2**29, 1), struct.pack("<II", NUMBERS, 2**32 - 1)), "cut off"),
    "a small element of 9 bytes": (struct.pack("<II", 9 << 16 | 14, 0), "cut off"),
    "broken compression": (struct.pack("<II", 15, 8) + b"x\x9c" + bytes(range(6)), "broken"),
    "no numbers": (array(DOUBLE, (1, 1)), "holds no numbers"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name):
    content, message = HOSTILE[name]
    with pytest.raises(ValueError, match=message):
        parse_matlab(file(content))


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(matlab, "MOST_BYTES", 2**20)
    bomb = packed(array(DOUBLE, (2**18, 1), element(NUMBERS, bytes(2**21))))
    assert len(bomb) < 2**13
    with pytest.raises(ValueError, match="unpacks to more"):
        parse_matlab(file(bomb))
    half = packed(array(DOUBLE, (2**16, 1), element(NUMBERS, bytes(2**19))))
    with pytest.raises(ValueError, match="unpacks to more"):
        parse_matlab(file(half, half, half))


def test_other_formats_are_told():
    with pytest.raises(ValueError, match=r"7\.3"):
        parse_matlab(file(version=0x0200))
    with pytest.raises(ValueError, match=r"no \.mat"):
        parse_matlab(struct.pack("<5i", 0, 2**30, 2**30, 0, 2) + b"a\0")
    with pytest.raises(ValueError, match=r"no \.mat"):
        parse_matlab(b"")
    assert parse_matlab(file(array(CELL, (10**9, 1)), packed(array(CELL, (10**9, 1))))) == {}


def test_damage_is_an_error_or_nothing(tmp_path):
    content = {"shape": np.ones((1, 20)), "exp": np.ones((1, 5), np.float32), "record": {"a": 1}, "text": "abc"}
    savemat(tmp_path / "a.mat", content)
    whole, chance = (tmp_path / "a.mat").read_bytes(), random.Random(0)
    for _ in range(1500):
        spoilt = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            spoilt[chance.randrange(116, len(spoilt))] = chance.choice((0, 1, 14, 15, 127, 128, 255, chance.randrange(256)))
        with contextlib.suppress(ValueError):
            assert all(values.size <= len(whole) for values in parse_matlab(bytes(spoilt)).values())
