"""The arithmetic that a step of the clip's fit cannot do without, and how fast this machine multiplies.

Counted for each frame of a step, a multiplication and an addition as two, lower orders left out. Symmetric matrices count once.
R rows of landmarks (x and y of each), P unknowns of the frame, S shared ones; N of both are codes, which move points in
straight lines (all but the pose's 6, the joints' 9, and the focal length):

* derivatives: each landmark's x and y by each code, a product of three numbers: ``6 R N``;
* equations: ``J'J`` of the frame's own unknowns, and against the shared ones: ``R P (P + 1) + 2 R P S``. The shared ones' own
  block is left out, because it can be summed over frames before it is multiplied out;
* elimination, one frame after the other: the block's Cholesky factor, the inverse that its tie to the next frame needs, and
  that tie's square, all triangular: ``P^3``; the shared columns solved and carried on: ``2 P^2 S``; what they leave:
  ``P S (S + 1)``.
"""

import time
from dataclasses import dataclass

import torch

BENT = 16
"""Unknowns that are no codes."""
SIDE, ROUNDS = 1024, 15
"""Of the matrices that are multiplied to measure the rate, and how often."""


@dataclass(frozen=True)
class Work:
    """One fit: frames, landmarks, unknowns of a frame, shared unknowns, steps."""

    frames: int
    landmarks: int
    own: int
    shared: int
    steps: int

    def landmark_operations(self) -> float:
        """Return the operations of derivatives and equations, all frames and steps."""
        rows, codes = 2 * self.landmarks, self.own + self.shared - BENT
        each = 6 * rows * codes + rows * self.own * (self.own + 1) + 2 * rows * self.own * self.shared
        return float(each * self.frames * self.steps)

    def band_operations(self) -> float:
        """Return the operations of the elimination, all frames and steps."""
        own, shared = self.own, self.shared
        each = own**3 + 2 * own**2 * shared + own * shared * (shared + 1)
        return float(each * self.frames * self.steps)


def measure_rate(kind: torch.dtype, threads: int) -> float:
    """Return the operations a second of a product of large matrices, the best of several rounds."""
    torch.set_num_threads(threads)
    one, other = (torch.randn(SIDE, SIDE, dtype=kind) for _ in range(2))
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        one @ other
        best = min(best, time.perf_counter() - began)
    torch.set_num_threads(1)
    return 2 * SIDE**3 / best


def floor_seconds(works: list[Work], single: float, double: float) -> float:
    """Return the least time of some fits: landmarks in single precision, elimination in double, both at the measured rates."""
    return sum(work.landmark_operations() / single + work.band_operations() / double for work in works)
