"""MTCNN: boxes and five points of all faces in a picture, by three networks, each with fewer candidates to judge.

Zhang, Zhang, Li, Qiao 2016 (see ``mtcnn_networks.py``), in the version of facenet-pytorch, whose weights it runs on: the same
pyramid, thresholds and overlaps, without torchvision.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy import ndarray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from headsmith.nets.faces import FaceBox, cap_size
from headsmith.nets.mtcnn_boxes import (
    Boxes,
    make_square,
    move_sides,
    openface_boxes,
    pixels_inside,
    sizes,
    suppress,
    windows,
)
from headsmith.nets.mtcnn_networks import OutputNetwork, ProposalNetwork, RefinementNetwork
from headsmith.nets.weights import load_weights

WINDOW = 12
"""Side of P-Net's window in pixels: what a face of the smallest size is brought to."""
PYRAMID_FACTOR = 0.709
"""From each level of the pyramid to the next, about the root of a half: the area halves."""
LEAST_PROBABILITY = (0.6, 0.7, 0.7)
"""Of a candidate to leave P-Net, R-Net and O-Net; facenet-pytorch's defaults."""
MOST_OVERLAP_IN_LEVEL = 0.5
MOST_OVERLAP = 0.7
"""Largest share that a candidate may have in common with a better one."""
SMALLEST_FACE = 40
"""Side in pixels of the smallest face looked for. facenet-pytorch has 20, which takes four times as long; the stages that use
faces want them larger than either."""
BATCH = 512
"""So many cut-outs are judged at once, which bounds the memory."""


@dataclass(frozen=True)
class Candidates:
    """What may be faces: boxes as in ``mtcnn_boxes.py``, and the probability of each."""

    boxes: Boxes
    scores: Float32[ndarray, " N"]


@dataclass(frozen=True)
class Judged:
    """Faces: boxes as in ``mtcnn_boxes.py``, the probability of each, and its five points."""

    boxes: Boxes
    scores: Float32[ndarray, " N"]
    points: Float32[ndarray, "N 5 2"]


class Mtcnn:
    """MTCNN with facenet-pytorch's weights.

    Opening one sets torch to one thread: how torch splits a sum shows in its last bits. Several, in threads, fill the cores.

    Args:
        files: ``pnet.pt``, ``rnet.pt`` and ``onet.pt``, in this order.
        smallest_face: Side of the smallest face to look for, in pixels of a picture no larger than ``LARGEST_SIDE``.
        max_faces: How many faces to return, at most: the largest.
        openface: Whether boxes are corrected as OpenFace's are, to be close about its 68 points.

    Raises:
        UserError: A file is missing or does not hold these weights.
    """

    def __init__(
        self, files: Sequence[Path], smallest_face: int = SMALLEST_FACE, max_faces: int = 1000, *, openface: bool = False
    ) -> None:
        remedy = "fetch it again (mtcnn/pnet.pt, rnet.pt and onet.pt of config/assets.yaml)"
        torch.set_num_threads(1)
        proposal, refinement, output = files
        self._proposal = load_weights(ProposalNetwork(), proposal, what="P-Net of MTCNN", remedy=remedy)
        self._refinement = load_weights(RefinementNetwork(), refinement, what="R-Net of MTCNN", remedy=remedy)
        self._output = load_weights(OutputNetwork(), output, what="O-Net of MTCNN", remedy=remedy)
        self._scale = WINDOW / smallest_face
        self._max_faces = max_faces
        self._openface = openface

    def __enter__(self) -> "Mtcnn":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """There is nothing to release."""

    def detect(self, image: UInt8[ndarray, "H W 3"]) -> list[FaceBox]:
        """Find faces.

        Args:
            image: RGB picture of any size.

        Returns:
            The faces, the largest first; empty where there is none.
        """
        return self.detect_batch([image])[0]

    @torch.inference_mode()
    def detect_batch(self, images: Sequence[UInt8[ndarray, "H W 3"]]) -> list[list[FaceBox]]:
        """Find faces in several pictures of one size: each network judges the candidates of all of them together.

        Args:
            images: RGB pictures.

        Returns:
            For each picture what ``detect`` finds.

        Raises:
            ValueError: The pictures are not of one size.
        """
        if len({image.shape for image in images}) > 1:
            raise ValueError("the pictures of a batch have several sizes")
        if not images:
            return []
        capped = [cap_size(image) for image in images]
        stack = np.stack([small for small, _ in capped]).astype(np.float32)
        pictures = torch.from_numpy(stack).permute(0, 3, 1, 2).contiguous()
        judged = self._judge(pictures, self._refine(pictures, self._propose(pictures)))
        return [self._faces(found, back) for found, (_, back) in zip(judged, capped, strict=True)]

    def _faces(self, found: "Judged", back: Float32[ndarray, "2"]) -> list[FaceBox]:
        boxes = (found.boxes - np.array((1, 1, 0, 0), np.float32)) * np.tile(back, 2)
        largest = np.argsort(-sizes(boxes, 0).prod(1), kind="stable")[: self._max_faces]
        if self._openface:
            boxes = openface_boxes(boxes)
        return [FaceBox(tuple(boxes[face].tolist()), float(found.scores[face]), found.points[face] * back) for face in largest]

    def _propose(self, pictures: Float[Tensor, "B 3 H W"]) -> list[Candidates]:
        """Return where P-Net sees faces in each picture, of all sizes, as squares."""
        height, width = pictures.shape[2:]
        levels: list[list[Proposals]] = [[EMPTY] for _ in pictures]
        for scale in pyramid(self._scale, min(height, width)):
            level = interpolate(pictures, size=(int(height * scale + 1), int(width * scale + 1)), mode="area")
            probabilities, offsets = self._proposal(normalise(level))
            for found, probability, offset in zip(levels, probabilities.numpy(), offsets.numpy(), strict=True):
                found.append(propose_in(probability, offset, scale))
        return [self._merge(found) for found in levels]

    def _merge(self, levels: "list[Proposals]") -> Candidates:
        boxes, scores, offsets = (np.concatenate(parts) for parts in zip(*levels, strict=True))
        kept = suppress(boxes, scores, MOST_OVERLAP)
        return Candidates(make_square(move_sides(boxes[kept], offsets[kept], 0)), scores[kept])

    def _refine(self, pictures: Float[Tensor, "B 3 H W"], found: list[Candidates]) -> list[Candidates]:
        """Return the candidates that R-Net agrees to, as squares."""
        cuts = [cut_out(picture[None], candidates.boxes, 24) for picture, candidates in zip(pictures, found, strict=True)]
        refined = []
        for boxes, scores, offsets in answers_of(self._refinement, cuts, ((), (4,))):
            sure = scores > LEAST_PROBABILITY[1]
            kept = suppress(boxes[sure], scores[sure], MOST_OVERLAP)
            moved = move_sides(boxes[sure][kept], offsets[sure][kept], 1)
            refined.append(Candidates(make_square(moved), scores[sure][kept]))
        return refined

    def _judge(self, pictures: Float[Tensor, "B 3 H W"], found: list[Candidates]) -> "list[Judged]":
        """Return boxes, probabilities and points of the candidates that O-Net agrees to."""
        cuts = [cut_out(picture[None], candidates.boxes, 48) for picture, candidates in zip(pictures, found, strict=True)]
        judged = []
        for boxes, scores, offsets, inside in answers_of(self._output, cuts, ((), (4,), (5, 2))):
            sure = scores > LEAST_PROBABILITY[2]
            boxes, scores, offsets, inside = boxes[sure], scores[sure], offsets[sure], inside[sure]
            points = inside * sizes(boxes, 1)[:, None] + (boxes[:, None, :2] - 1)
            boxes = move_sides(boxes, offsets, 1)
            kept = suppress(boxes, scores, MOST_OVERLAP, by_smaller=True, inclusive=1)
            judged.append(Judged(boxes[kept], scores[kept], points[kept]))
        return judged


Proposals = tuple[Boxes, Float32[ndarray, " N"], Float32[ndarray, "N 4"]]
"""Boxes, scores and offsets."""
EMPTY: Proposals = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32))
"""Boxes, scores and offsets of a picture too small for a pyramid."""


def pyramid(scale: float, side: int) -> list[float]:
    """Return the scales at which P-Net looks, from its largest down to where the shorter side is no more than its window."""
    scales = []
    while side * scale >= WINDOW:
        scales.append(scale)
        scale *= PYRAMID_FACTOR
    return scales


def normalise(picture: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    """Return a picture of 0..255 in the networks' own range."""
    return (picture - 127.5) / 128


def cut_out(picture: Float[Tensor, "1 3 H W"], boxes: Boxes, side: int) -> tuple[Boxes, Float[Tensor, "N 3 side side"]]:
    """Return the boxes that cover any of the picture, and what they cover, brought to one size and the networks' range."""
    corners = pixels_inside(boxes, picture.shape[3], picture.shape[2])
    covers = (corners[:, 2:] > corners[:, :2]).all(1)
    parts = [picture[:, :, top:bottom, left:right] for left, top, right, bottom in corners[covers].tolist()]
    cuts = [interpolate(part, size=(side, side), mode="area") for part in parts]
    return boxes[covers], normalise(torch.cat([torch.zeros(0, 3, side, side), *cuts]))


def propose_in(probability: Float32[ndarray, "h w"], offsets: Float32[ndarray, "4 h w"], scale: float) -> Proposals:
    """Return the windows of a level that P-Net takes for faces."""
    rows, columns = np.nonzero(probability >= LEAST_PROBABILITY[0])
    boxes, scores = windows(rows, columns, scale), probability[rows, columns]
    kept = suppress(boxes, scores, MOST_OVERLAP_IN_LEVEL)
    return boxes[kept], scores[kept], offsets[:, rows[kept], columns[kept]].T


def answers_of(
    network: nn.Module,
    cuts: Sequence[tuple[Float32[ndarray, "_ 4"], Float[Tensor, "_ 3 S S"]]],
    shapes: Sequence[tuple[int, ...]],
) -> Iterator[tuple[ndarray, ...]]:
    """Yield the boxes of each picture with what a network says of them, all pictures' cut-outs judged together."""
    ends = np.cumsum([len(boxes) for boxes, _ in cuts])[:-1]
    answers = in_batches(network, torch.cat([parts for _, parts in cuts]), shapes)
    split = [np.split(answer, ends) for answer in answers]
    for (boxes, _), *told in zip(cuts, *split, strict=True):
        yield (boxes, *told)


def in_batches(network: nn.Module, cuts: Float[Tensor, "N 3 S S"], shapes: Sequence[tuple[int, ...]]) -> list[ndarray]:
    """Return what a network says of cut-outs, however many; ``shapes`` are those of its answers to one of them."""
    answers = [network(batch) for batch in cuts.split(BATCH)] if len(cuts) else []
    empty = [torch.zeros(0, *shape) for shape in shapes]
    return [torch.cat(parts).numpy() for parts in zip(empty, *answers, strict=True)]
