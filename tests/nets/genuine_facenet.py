"""facenet-pytorch itself, where it is installed: it wants a torchvision that often does not load, for two small functions."""

import sys
from importlib.util import find_spec
from types import ModuleType

import pytest
import torch


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, most: float) -> torch.Tensor:
    """Return which boxes remain, best first, when none may overlap a better one of its group by more than a share."""
    kept: list[int] = []
    for index in scores.argsort(descending=True).tolist():
        x = boxes[index]
        others = [other for other in kept if groups[other] == groups[index]]
        shares = []
        for other in others:
            y = boxes[other]
            wide, high = (torch.minimum(x[2 + a], y[2 + a]) - torch.maximum(x[a], y[a]) for a in (0, 1))
            common = wide.clamp_min(0) * high.clamp_min(0)
            areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (x, y)]
            shares.append(float(common / (areas[0] + areas[1] - common)))
        if max(shares, default=0) <= most:
            kept.append(index)
    return torch.tensor(kept, dtype=torch.long)


SHIELDED = (
    *("torchvision", "torchvision.ops", "torchvision.ops.boxes", "torchvision.transforms", "torchvision.transforms.functional"),
    *("torchvision.datasets", "torchvision.models", "requests", "requests.adapters"),
)


def open_genuine(smallest_face: int) -> object:
    """Return facenet-pytorch's MTCNN; the test is skipped where the package is not."""
    if find_spec("facenet_pytorch") is None:
        pytest.skip("facenet-pytorch is not installed")
    before = {name: sys.modules.get(name) for name in SHIELDED}
    parts = {name: ModuleType(name) for name in SHIELDED}
    parts["torchvision"].transforms = parts["torchvision.transforms"]
    parts["torchvision.transforms"].functional = parts["torchvision.transforms.functional"]
    parts["torchvision.ops.boxes"].batched_nms = batched_nms
    parts["requests.adapters"].HTTPAdapter = object
    sys.modules.update(parts)
    try:
        from facenet_pytorch.models.mtcnn import MTCNN

        return MTCNN(keep_all=True, min_face_size=smallest_face, device="cpu")
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
