"""Where the parameters of a FlashAvatar subject put the head in its image, and whether the masks move with it."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray

from headsmith.bridges.flashavatar_read import angles_of
from headsmith.bridges.subject_frames import FrameNumbers
from headsmith.contract.conventions import CONVENTIONS
from headsmith.heads.landmark_model import LandmarkModel
from headsmith.heads.model import HeadModel

NO_POINTS = np.zeros((0, 2))
FARTHEST = 3
"""Frames by which images are tried to be shifted in time."""
FEWEST = 40
"""Frames that tell of a shift in time."""
LEAST_MOTION = 0.002
"""Root mean square motion from frame to frame, in image widths, from which on a shift shows."""
CLEARER = 0.6
"""A shift is told where it leaves less than this share of the motion that no shift leaves unexplained."""


@dataclass(frozen=True)
class SeenHead:
    """Points of the head in an image, pixels from its upper left corner.

    Attributes:
        points: All of them; the origin of the head's axes, which lies in the head, where the head model is not known.
        lips: Those on the lips; none where the head model is not known.
        nose: Those on the nose's bridge and tip.
        nearest: Smallest depth of the points, metres.
        middle: Where the mouth is; the origin where the head model is not known.
    """

    points: Float[ndarray, "L 2"]
    lips: Float[ndarray, "n 2"]
    nose: Float[ndarray, "m 2"]
    nearest: float
    middle: Float[ndarray, "2"]


class HeadSight:
    """Projects the head as FlashAvatar does: by the focal lengths in pixels, the principal point at the image's centre.

    Args:
        model: The head that the codes are of, float64, or None where that is not known.
        centred: Whether the principal point is the centre; else it is where K has it.
    """

    def __init__(self, model: HeadModel | None, *, centred: bool = True) -> None:
        self.centred = centred
        self._model = model
        self._landmarks: LandmarkModel | None = None
        if model is None:
            return
        self._codes = {"shape": len(model.identity), "exp": len(model.expression)}
        name = max(CONVENTIONS, key=lambda name: len(getattr(model.container.embeddings.get(name), "points", ())))
        embedding, facts = model.container.embeddings[name], CONVENTIONS[name]
        self._lips = np.isin(embedding.points, facts.lips)
        self._nose = np.isin(embedding.points, (*facts.nose_bridge, facts.nose_tip))
        faces, weights = torch.as_tensor(embedding.faces.astype(np.int64)), torch.as_tensor(embedding.barycentrics).double()
        self._landmarks = LandmarkModel.from_head(model, faces, weights)

    def beyond(self, frame: FrameNumbers) -> tuple[str, ...]:
        """Return which codes the frame has more of than the head."""
        if self._model is None:
            return ()
        return tuple(name for name, count in self._codes.items() if frame.numbers[name][count:].any())

    def see(self, frame: FrameNumbers, size: tuple[int, int]) -> SeenHead:
        """Return where the head of a frame lies in an image of a size."""
        places = self._places(frame)
        seen = places @ frame.numbers["R"].T + frame.numbers["t"]
        focal = frame.numbers["K"][[0, 1], [0, 1]]
        depth = np.where(np.abs(seen[:, 2:]) > 1e-9, seen[:, 2:], np.nan)
        principal = np.array(size) / 2 if self.centred else frame.numbers["K"][:2, 2]
        pixels = focal * seen[:, :2] / depth + principal
        if self._landmarks is None:
            return SeenHead(pixels, NO_POINTS, NO_POINTS, float(seen[0, 2]), pixels[0])
        lips = pixels[self._lips]
        return SeenHead(pixels, lips, pixels[self._nose], float(seen[:, 2].min()), lips.mean(0))

    def _places(self, frame: FrameNumbers) -> Float[ndarray, "L 3"]:
        if self._landmarks is None or self._model is None:
            return np.zeros((1, 3))
        numbers = frame.numbers
        angles = angles_of(np.concatenate([numbers["jaw"], numbers["eyes"]]).reshape(3, 6)).ravel()
        own = numbers["exp"][: self._codes["exp"]]
        codes = torch.from_numpy(np.concatenate([own, numbers["eyelids"], angles]))[None]
        person = torch.from_numpy(numbers["shape"][: self._codes["shape"]])
        return self._landmarks.points(person, codes)[0].numpy()


class TimeWatch:
    """Compares how the head moves by its parameters with how its masks move, to see whether images are those of other frames.

    Args:
        count: Number of frames.
    """

    def __init__(self, count: int) -> None:
        self._places = {name: np.full((count, 2), np.nan) for name in ("head", "mouth", "neckhead")}

    def add(self, row: int, head: Float[ndarray, "2"] | None, middles: dict[str, Float[ndarray, "2"]]) -> None:
        """Take a frame: where the parameters put it, and the middles of its masks."""
        if head is not None:
            self._places["head"][row] = head
        for name, middle in middles.items():
            self._places[name][row] = middle

    def moves(self, width: int) -> bool:
        """Tell whether the head moves enough for a shift to show.

        Args:
            width: Of the images, pixels.
        """
        motion = np.diff(self._places["head"], axis=0)
        known = motion[np.isfinite(motion).all(1)]
        return len(known) >= FEWEST and bool(np.sqrt((known**2).sum(1).mean()) >= LEAST_MOTION * width)

    def shift(self, width: int) -> tuple[int, float] | None:
        """Return of which frame, counted from its own, a frame's images are, and the share of motion left; None where in step.

        A shift counts where it explains the motion from frame to frame of a mask much better than none does.

        Args:
            width: Of the images, pixels.
        """
        if not self.moves(width):
            return None
        for name in ("mouth", "neckhead"):
            head, mask = (np.diff(self._places[word], axis=0) for word in ("head", name))
            missed = {shift: _left(head, mask, shift) for shift in range(-FARTHEST, FARTHEST + 1)}
            best = min(missed, key=lambda shift: (missed[shift], abs(shift)))
            if best and missed[best] < CLEARER * missed[0]:
                return best, missed[best] / missed[0]
        return None


def _left(head: Float[ndarray, "n 2"], mask: Float[ndarray, "n 2"], shift: int) -> float:
    """Return the mean squared difference of motions when the mask's frame k + shift is put beside the head's frame k."""
    first = head[max(0, -shift) : len(head) - max(0, shift)]
    second = mask[max(0, shift) : len(mask) - max(0, -shift)]
    squared = ((first - second) ** 2).sum(1)
    known: Bool[ndarray, " n"] = np.isfinite(squared)
    return float(np.sort(squared[known])[: int(0.9 * known.sum())].mean()) if known.sum() >= FEWEST else np.inf
