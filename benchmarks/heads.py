"""How fast the head model is, beside the bytes it must move and beside FLAME as it is usually written: the last line is JSON.

usage: python benchmarks/heads.py resources/heads/anny.npz

Milliseconds of processor time a frame on one thread (which other work on the machine disturbs less), float32, the best of
several runs, for several numbers of frames at once; ``forward``, and ``both``: forward and backward, the gradient of all
parameters.

``full``: all vertices, every frame with an identity of its own. ``one_person``: all vertices, one identity for all frames.
``landmarks``: MediaPipe's 478 points, as ``full`` but from the vertices that carry them. ``plain``: all vertices, by one
product of shapes, one of pose correctives and one 4 x 4 matrix a vertex, as the field's PyTorch code has it. ``floor``: the
time in which a copy moves as many bytes as ``full`` must: the bases once and each frame's vertices; twice for ``both``.
``product``: that of the one matrix product of codes and bases by itself, and of that for the gradient of the codes; many frames
are bound by its arithmetic. The head ``flame`` has FLAME's sizes and random numbers.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from headsmith.heads.container import HeadContainer, load_head
from headsmith.heads.embedding_model import EmbeddedModel
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.rotations import axis_angle_to_matrix

BATCHES = (1, 8, 32, 128)
CONVENTION = "mediapipe478"
REPEATS = 9
VERTICES, FACES, IDENTITY, EXPRESSION = 5023, 9976, 300, 100


def flame_sized() -> HeadContainer:
    """Return a head of FLAME's sizes: random numbers, some joints' weights, random landmarks."""
    chance = np.random.default_rng(0)
    sizes = {"identity": IDENTITY, "expression": EXPRESSION, "eyelids": 2, "correctives": 36}
    bases = {name: 1e-3 * chance.standard_normal((count, VERTICES, 3)) for name, count in sizes.items()}
    weights = chance.dirichlet(np.ones(5), VERTICES)
    regressor = chance.dirichlet(np.ones(VERTICES), 5)
    arrays = {**bases, "weights": weights, "joint_regressor": regressor, "uv": np.zeros((VERTICES, 2))}
    arrays["template"] = 0.1 * chance.standard_normal((VERTICES, 3))
    faces = chance.integers(0, VERTICES, (FACES, 3)).astype(np.int32)
    points = Embedding(
        np.arange(478, dtype=np.int32),
        chance.choice(FACES, 478, replace=False).astype(np.int32),
        chance.dirichlet(np.ones(3), 478).astype(np.float32),
    )
    return HeadContainer(
        **{name: array.astype(np.float32) for name, array in arrays.items()},
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        faces=faces,
        uv_faces=faces,
        expression_names=tuple(map(str, range(EXPRESSION))),
        name="flame",
        licence="none",
        source_sha256="",
        embeddings={CONVENTION: points},
    )


class PlainHead:
    """The same head as the field's PyTorch code computes it: einsum over shapes, a 4 x 4 matrix for every vertex."""

    def __init__(self, model: HeadModel) -> None:
        bases = torch.cat([model.identity, model.expression, model.eyelids])
        self.directions = bases.permute(1, 2, 0).contiguous()
        self.correctives = model.correctives.flatten(1)
        self.template, self.weights, self.parents = model.template, model.weights, model.parents.tolist()
        self.regressor = torch.as_tensor(model.container.joint_regressor)

    def __call__(self, p: HeadParameters) -> Tensor:
        """Return the vertices."""
        frames = len(p.expression)
        codes = torch.cat([p.identity, p.expression, p.eyelids], 1)
        shaped = self.template + torch.einsum("bl,mkl->bmk", codes, self.directions)
        joints = torch.einsum("bik,ji->bjk", shaped, self.regressor)
        vectors = torch.cat([torch.zeros_like(p.neck)[:, None], p.neck[:, None], p.jaw[:, None], p.eyes], 1)
        turns = axis_angle_to_matrix(vectors)
        features = (turns[:, 1:] - torch.eye(3)).flatten(1)
        posed = shaped + (features @ self.correctives).view(frames, -1, 3)
        blended = torch.matmul(self.weights.expand(frames, -1, -1), self.chain(turns, joints).flatten(2)).view(frames, -1, 4, 4)
        homogeneous = torch.cat([posed, torch.ones_like(posed[..., :1])], 2)
        return torch.matmul(blended, homogeneous[..., None])[:, :, :3, 0]

    def chain(self, turns: Tensor, joints: Tensor) -> Tensor:
        """Return the joints' 4 x 4 transforms of points at rest."""
        offsets = torch.cat([joints[:, :1], joints[:, 1:] - joints[:, self.parents[1:]]], 1)
        local = torch.nn.functional.pad(torch.cat([turns, offsets[..., None]], -1), (0, 0, 0, 1))
        local[..., 3, 3] = 1
        chained = [local[:, 0]]
        for joint, parent in enumerate(self.parents[1:], 1):
            chained.append(chained[parent] @ local[:, joint])
        world = torch.stack(chained, 1)
        moved = world @ torch.nn.functional.pad(joints, (0, 1))[..., None]
        return world - torch.nn.functional.pad(moved, (3, 0))


def random_parameters(model: HeadModel, frames: int) -> HeadParameters:
    """Return parameters of so many frames, of different people."""
    generator, zero = torch.Generator().manual_seed(frames), model.neutral(frames)
    values = [0.3 * torch.randn(getattr(zero, item.name).shape, generator=generator) for item in fields(zero)]
    return HeadParameters(*values)


def fastest(function: Callable[[], object]) -> float:
    """Return the processor's seconds of the fastest of several runs, after one that is not counted."""
    function()
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        function()
        seconds.append(time.process_time() - began)
    return min(seconds)


def both_ways(head: Callable[[HeadParameters], Tensor], parameters: HeadParameters) -> Callable[[], object]:
    """Return a function that computes the vertices, and the gradient of all parameters by a fixed weight of each number."""
    inputs = [getattr(parameters, item.name).clone().requires_grad_() for item in fields(parameters)]
    weights = torch.randn(head(parameters).shape, generator=torch.Generator().manual_seed(0))
    return lambda: torch.autograd.grad(head(HeadParameters(*inputs)), inputs, weights)


def copied_bytes_a_second() -> float:
    """Return how many bytes are read and written a second by a copy that no cache holds."""
    source = torch.zeros(2**26)
    target = torch.empty_like(source)
    return 2 * 4 * len(source) / fastest(lambda: target.copy_(source))


def time_product(model: HeadModel, frames: int) -> dict[str, float]:
    """Return the seconds of the product of codes and bases, and of that and the one for the codes' gradient."""
    bases = model.basis.flatten(1)
    codes, gradient = torch.randn(frames, len(bases)), torch.randn(frames, bases.shape[1])
    forward = fastest(lambda: codes @ bases)
    return {"forward": forward, "both": forward + fastest(lambda: gradient @ bases.T)}


def time_head(model: HeadModel, bandwidth: float) -> dict[str, dict[str, dict[str, float]]]:
    """Return milliseconds a frame, by way and number of frames."""
    plain, landmarks = PlainHead(model), EmbeddedModel.from_head(model, CONVENTION)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for frames in BATCHES:
        own = random_parameters(model, frames)
        one = replace(own, identity=own.identity[0])
        miss = (plain(own) - model(own)).abs().max()
        assert miss < 1e-4, f"the plain model differs by {miss} m"
        moved = 4 * (model.basis.numel() + frames * model.template.numel())
        ways = {"full": (model, own), "one_person": (model, one), "landmarks": (landmarks, own), "plain": (plain, own)}
        figures = {"floor": {"forward": moved / bandwidth, "both": 2 * moved / bandwidth}}
        figures["product"] = time_product(model, frames)
        for way, (head, parameters) in ways.items():
            forward = fastest(lambda head=head, parameters=parameters: head(parameters))
            figures[way] = {"forward": forward, "both": fastest(both_ways(head, parameters))}
        for way, seconds in figures.items():
            found.setdefault(way, {})[str(frames)] = {key: round(1000 * value / frames, 4) for key, value in seconds.items()}
    return found


def main() -> None:
    """Time both heads."""
    torch.set_num_threads(1)
    bandwidth = copied_bytes_a_second()
    heads = {"anny": load_head(Path(sys.argv[1])), "flame": flame_sized()}
    figures = {name: time_head(HeadModel.from_container(head), bandwidth) for name, head in heads.items()}
    for name, ways in figures.items():
        sizes = heads[name].template.shape[0], len(heads[name].identity), len(heads[name].expression)
        print(f"{name}: {sizes[0]} vertices, {sizes[1]} identity and {sizes[2]} expression codes; ms a frame")
        for way, rows in ways.items():
            told = "  ".join(f"{count:>4s}: {row['forward']:7.3f} {row['both']:7.3f}" for count, row in rows.items())
            print(f"  {way:10s} {told}")
    print(json.dumps({"copy_gb_s": bandwidth / 1e9, "ms_per_frame": figures}))


if __name__ == "__main__":
    main()
