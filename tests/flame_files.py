"""Files in FLAME's formats, written from a head that was made up: its numbers of vertices and triangles, nobody's face."""

import contextlib
import functools
import io
import pickle
import struct
import sys
import types
from typing import ClassVar

import numpy as np
from scipy import sparse

from headsmith.heads.pickles_file import read_pickle

RINGS, SEGMENTS = 131, 30
SKIN, BALL, VERTICES, FACES = 3931, 546, 5023, 9976
EYE_SEGMENTS, EYE_RINGS, MOUTH_RING = (3, 4, 5), (55, 56), 85
BALL_RADIUS = 0.0115
LAYOUTS = ("python2", "old", "new")
"""Python 2 with chumpy, as FLAME 2020 came; Python 3 with numpy 1 and an old scipy; Python 3 with today's."""

METADATA = {"expr_source": "FLAME", "supr_gender": "neutral", "expr_components": "last_100", "n_expr": 100}
"""What FLAME 2023 Open says of its expressions."""

LIGHT = {"shapedirs": np.zeros((5023, 3, 400), np.float16), "posedirs": np.zeros((5023, 3, 36), np.float16)}
"""Bases that are quick to write."""


@functools.cache
def flame_arrays(seed=0):
    """The arrays of a made-up head under FLAME's keys; what is returned is shared, so it is read-only."""
    chance = np.random.default_rng(seed)
    template, faces = made_up_mesh()
    regressor = np.zeros((5, VERTICES))
    for joint in range(5):
        near = chance.choice(SKIN if joint < 3 else np.arange(SKIN, VERTICES), 40, replace=False)
        regressor[joint, near] = chance.dirichlet(np.ones(40))
    arrays = {
        "v_template": template,
        "f": faces.astype(np.uint32),
        "shapedirs": 1e-3 * chance.normal(size=(VERTICES, 3, 400)),
        "posedirs": 1e-3 * chance.normal(size=(VERTICES, 3, 36)),
        "J_regressor": regressor,
        "J": regressor @ template,
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], range(5)], np.uint32),
        "weights": made_up_weights(template),
    }
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def made_up_mesh():
    """An egg of 131 rings with holes for two eyes and a mouth, open below, and two eyeballs."""
    steps = np.full(RINGS, (0.25 - 0.016) / (RINGS - 3))
    steps[[*EYE_RINGS, MOUTH_RING]] = 0.005, 0.005, 0.006
    heights = 0.12 - np.cumsum(steps)
    turns = 2 * np.pi * (np.arange(SEGMENTS) + 0.5) / SEGMENTS
    azimuth = turns - 0.75 * np.sin(turns)
    width = np.sqrt(1 - np.where(heights > 0, heights / 0.121, 0.6 * heights / 0.14) ** 2)
    ring = np.stack([0.075 * np.sin(azimuth), np.zeros(SEGMENTS), 0.095 * np.cos(azimuth)], 1)
    rings = width[:, None, None] * ring + heights[:, None, None] * [0, 1, 0]
    skin = np.concatenate([[[0, 0.12, 0]], rings.reshape(-1, 3)])
    left = rings[EYE_RINGS[0] : EYE_RINGS[1] + 2, EYE_SEGMENTS[0] : EYE_SEGMENTS[-1] + 2].mean((0, 1)) - [0, 0, 0.0115]
    ball, ball_faces = sphere(32, 17, BALL_RADIUS)
    vertices = np.concatenate([skin, ball + left, ball + left * [-1, 1, 1]])
    return vertices, np.concatenate([skin_faces(), ball_faces + SKIN, ball_faces + SKIN + BALL])


def skin_faces():
    """Triangles of the egg, counter-clockwise seen from outside."""
    holes = {(ring, segment) for ring in EYE_RINGS for segment in EYE_SEGMENTS}
    holes |= {(ring, SEGMENTS - 2 - segment) for ring, segment in holes}
    holes |= {(MOUTH_RING, segment % SEGMENTS) for segment in (-2, -1, 0)}
    faces = [(0, 1 + segment, 1 + (segment + 1) % SEGMENTS) for segment in range(SEGMENTS)]
    for ring in range(RINGS - 1):
        for segment in range(SEGMENTS):
            if (ring, segment) not in holes:
                a, b = (1 + ring * SEGMENTS + place for place in (segment, (segment + 1) % SEGMENTS))
                faces += [(a, a + SEGMENTS, b), (b, a + SEGMENTS, b + SEGMENTS)]
    return np.array(faces)


def sphere(segments, rings, radius):
    """A sphere of ``segments * rings + 2`` vertices, and its triangles."""
    turns, tilts = 2 * np.pi * np.arange(segments) / segments, np.pi * np.arange(1, rings + 1) / (rings + 1)
    ring = np.stack([np.sin(turns), np.zeros(segments), np.cos(turns)], 1)
    body = np.sin(tilts)[:, None, None] * ring + np.cos(tilts)[:, None, None] * [0, 1, 0]
    last = segments * rings + 1
    faces = [(0, 1 + i, 1 + (i + 1) % segments) for i in range(segments)]
    for start in range(1, 1 + segments * (rings - 1), segments):
        for i in range(segments):
            a, b = start + i, start + (i + 1) % segments
            faces += [(a, a + segments, b), (b, a + segments, b + segments)]
    faces += [(last, last - segments + (i + 1) % segments, last - segments + i) for i in range(segments)]
    return radius * np.concatenate([[[0, 1, 0]], body.reshape(-1, 3), [[0, -1, 0]]]), np.array(faces)


def made_up_weights(template):
    """Skinning weights that change smoothly; eyeballs follow their joints."""
    low = 1 / (1 + np.exp((template[:, 1] + 0.1) / 0.01))
    jaw = (1 - low) / (1 + np.exp((template[:, 1] + 0.05) / 0.01)) * (template[:, 2] > 0)
    weights = np.stack([low, 1 - low - jaw, jaw, *np.zeros((2, VERTICES))], 1)
    weights[SKIN:] = 0
    weights[SKIN : SKIN + BALL, 3] = weights[SKIN + BALL :, 4] = 1
    return weights


class FakeCh:
    """What chumpy's ``Ch`` leaves in a pickle: its ``__dict__`` without the caches."""

    def __init__(self, x):
        self._dirty_vars, self._itr, self._depends_on_deps, self._status = {"x"}, None, {}, "new"
        self._make_dense = self._make_sparse = False
        self.x = x


class FakeMatVecMult(FakeCh):
    """chumpy's product of a matrix and a vector."""


@contextlib.contextmanager
def pretend_chumpy():
    """Let pickle find our classes under chumpy's names, while it writes."""
    found = {name: types.ModuleType(name) for name in ("chumpy", "chumpy.ch")}
    classes = {"Ch": FakeCh, "MatVecMult": FakeMatVecMult}
    kept = {cls: (cls.__module__, cls.__qualname__, cls.__name__) for cls in classes.values()}
    for name, cls in classes.items():
        setattr(found["chumpy.ch"], name, cls)
        cls.__module__, cls.__qualname__, cls.__name__ = "chumpy.ch", name, name
    real = {name: sys.modules[name] for name in found if name in sys.modules}
    sys.modules.update(found)
    try:
        yield
    finally:
        for name in found:
            del sys.modules[name]
        sys.modules.update(real)
        for cls, (module, qualname, name) in kept.items():
            cls.__module__, cls.__qualname__, cls.__name__ = module, qualname, name


class Python2Pickler(pickle._Pickler):
    """Writes text and bytes as Python 2's one kind of string."""

    def save_string(self, value):
        content = value.encode("latin1") if isinstance(value, str) else value
        self.write(b"T" + struct.pack("<i", len(content)) + content)
        self.memoize(value)

    dispatch: ClassVar = {**pickle._Pickler.dispatch, str: save_string, bytes: save_string}


def dump(value, layout="new", protocol=None):
    """Return a pickle in one of the layouts; the older ones are what protocols up to 3 can say."""
    with pretend_chumpy():
        if layout == "new":
            return pickle.dumps(value, 4 if protocol is None else protocol)
        buffer = io.BytesIO()
        writer = Python2Pickler if layout == "python2" else pickle._Pickler
        writer(buffer, 2 if protocol is None else protocol).dump(value)
    content = buffer.getvalue()
    for new, old in ((b"cnumpy._core.", b"cnumpy.core."), (b"cscipy.sparse._cs", b"cscipy.sparse.cs")):
        content = content.replace(new, old)
    return content


def flame_values(layout="new", **changes):
    """Return what a FLAME file of one layout holds, with keys changed, or left out where the change is ``None``."""
    arrays = {**flame_arrays(), **changes}
    values = {key: value for key, value in arrays.items() if value is not None}
    if isinstance(values.get("J_regressor"), np.ndarray):
        values["J_regressor"] = sparse.csc_matrix(values["J_regressor"])
    if layout == "python2":
        wrapped = ("v_template", "shapedirs", "posedirs", "weights", "J")
        values |= {key: FakeCh(values[key]) for key in wrapped if isinstance(values.get(key), np.ndarray)}
    return values | {"bs_style": "lbs", "bs_type": "lrotmin"}


def write_flame(path, layout="new", **changes):
    """Write a FLAME file and return its path."""
    path.write_bytes(dump(flame_values(layout, **changes), layout))
    return path


def write_template(path, faces, uv, uv_faces):
    """Write an OBJ of triangles with texture coordinates."""
    lines = ["# a mesh"] + ["v 0 0 0"] * VERTICES + [f"vt {u!r} {v!r}" for u, v in uv.tolist()]
    pairs = np.stack([faces, uv_faces], -1) + 1
    lines += ["f " + " ".join(f"{vertex}/{place}" for vertex, place in face) for face in pairs.tolist()]
    path.write_text("\n".join(lines))
    return path


def read_content(folder, content):
    """Read the bytes of a pickle as a file of that folder."""
    path = folder / "model.pkl"
    path.write_bytes(content)
    return read_pickle(path, "get it")
