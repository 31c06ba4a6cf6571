"""FlashAvatar's checkpoints: nested tuples of tensors and plain values, to and from a ``FlashAvatar`` and its optimiser.

The layout is that of `Deform_Model.capture` (`src/deform_model.py`), `GaussianModel.capture` (`scene/gaussian_model.py`) and
`train.py`; groups of Adam have the keys of torch 1.12.1, the version of FlashAvatar's environment, which later ones add to.
"""

import math
from collections import OrderedDict
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn

from headsmith.splat.flashavatar import DEGREE, RATES, FlashAvatar
from headsmith.splat.flashavatar_network import LAYERS

MEMBERS: Final = ("active_sh_degree", "xyz", "f_dc", "f_rest", "scaling", "rotation", "opacity")
BOOKKEEPING: Final = ("max_radii2D", "xyz_gradient_accum", "denom", "optimizer", "spatial_lr_scale")
"""The twelve parts of FlashAvatar's Gaussians. Only densification, which it never does, would use the bookkeeping."""

MOMENTS: Final = ("exp_avg", "exp_avg_sq")
PLAIN: Final = {"amsgrad": False, "maximize": False, "foreach": None, "capturable": False, "weight_decay": 0}
"""Options of Adam that FlashAvatar leaves alone."""

LAST_ITERATION: Final = 10**9

Content = tuple[tuple[dict[str, Tensor], dict[str, Any]], tuple[Any, ...], int]


def network_names() -> list[str]:
    """Return the names of the network's tensors in a checkpoint, in the order of our own network's."""
    layers = [*(f"fcs.{layer}" for layer in range(LAYERS)), "output_linear"]
    return [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]


def write_content(avatar: FlashAvatar, optimiser_state: dict[str, Any], iteration: int) -> Content:
    """Return a checkpoint's content, of copies.

    Args:
        avatar: The avatar.
        optimiser_state: ``state_dict`` of the optimiser that ``avatar.optimiser()`` returned.
        iteration: Images shown so far.
    """
    own = {name: parameter.detach().cpu().clone() for name, parameter in avatar.gaussians.items()}
    count = len(own["f_dc"])
    points = avatar.deformation.encoding[:, :3].detach().cpu().clone()
    network = [parameter.detach().cpu().clone() for parameter in avatar.deformation.parameters()]
    learned = {name: nn.Parameter(value) for name, value in own.items()}
    gaussians = (
        *(avatar.degree, points),
        *(learned[name] for name in MEMBERS[2:]),
        *(torch.zeros(count), torch.zeros(count, 1), torch.zeros(count, 1)),
        *(_part_of_state(optimiser_state, range(len(RATES)), named=True), 0),
    )
    network_state = _part_of_state(optimiser_state, range(len(RATES), len(RATES) + 1), named=False)
    return (OrderedDict(zip(network_names(), network, strict=True)), network_state), gaussians, iteration


def _part_of_state(state: dict[str, Any], rows: range, named: bool) -> dict[str, Any]:
    """Return the state of some groups as an optimiser of theirs alone would have it."""
    groups, kept = [], {}
    for row in rows:
        group = state["param_groups"][row]
        first = sum(len(group["params"]) for group in groups)
        params = list(range(first, first + len(group["params"])))
        kept |= {new: state["state"][old] for new, old in zip(params, group["params"], strict=True) if old in state["state"]}
        facts = {"lr": float(group["lr"]), "betas": tuple(map(float, group["betas"])), "eps": float(group["eps"])}
        groups.append({**facts, **PLAIN, **({"name": group["name"]} if named else {}), "params": params})
    return {"state": {row: _copied(entry) for row, entry in kept.items()}, "param_groups": groups}


def _copied(entry: dict[str, Any]) -> dict[str, Tensor]:
    step = torch.as_tensor(entry["step"]).detach().cpu().float().clone()
    return {"step": step, **{name: entry[name].detach().cpu().clone() for name in MOMENTS}}


def read_content(content: Any, avatar: FlashAvatar, optimiser: torch.optim.Adam) -> int:
    """Go on from a checkpoint: the avatar and its optimiser become what the checkpoint holds.

    The learning rates are the checkpoint's. Positions are not read: they follow from the head and the network.

    Args:
        content: What ``torch.load`` returned.
        avatar: An avatar of the same number of Gaussians, in FlashAvatar's order.
        optimiser: From ``avatar.optimiser()``.

    Returns:
        Images shown so far.

    Raises:
        ValueError: The content is laid out otherwise, has other sizes, or holds numbers that are not finite.
    """
    (network, network_state), gaussians, iteration = _unpack(content)
    names = network_names()
    if not isinstance(network, dict) or set(network) != set(names):
        raise ValueError("its network is not FlashAvatar's: six hidden layers and a last one")
    learned = dict(zip(MEMBERS, gaussians, strict=False))
    targets = [(name, learned[name], own) for name, own in avatar.gaussians.items()]
    own_network = list(avatar.deformation.parameters())
    targets += [(name, network[name], own) for name, own in zip(names, own_network, strict=True)]
    for name, value, own in targets:
        _check_tensor(name, value, own)
    entries = _read_adam(gaussians[10], [avatar.gaussians[name] for name in RATES], [*RATES])
    entries += _read_adam(network_state, own_network, [None])
    degree = learned["active_sh_degree"]
    if not isinstance(degree, int) or not 0 <= degree <= DEGREE:
        raise ValueError(f"its degree of colour is {ascii(degree)[:20]}, not 0 to {DEGREE}")
    with torch.no_grad():
        for _, value, own in targets:
            own.copy_(value)
    avatar.degree = degree
    _take_adam(optimiser, entries)
    return iteration


def _unpack(content: Any) -> tuple[tuple[Any, Any], tuple[Any, ...], int]:
    try:
        (network, state), gaussians, iteration = content
        gaussians = tuple(gaussians)
    except (TypeError, ValueError) as error:
        raise ValueError("it is not the tuple of network, Gaussians and iteration that FlashAvatar writes") from error
    if len(gaussians) != len(MEMBERS) + len(BOOKKEEPING):
        raise ValueError(f"its Gaussians have {len(gaussians)} parts, not {len(MEMBERS) + len(BOOKKEEPING)}")
    if type(iteration) is not int or not 0 <= iteration < LAST_ITERATION:
        raise ValueError(f"its iteration is {ascii(iteration)[:20]}")
    return (network, state), gaussians, iteration


def _check_tensor(name: str, value: Any, own: Tensor) -> None:
    plain = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
    if not plain or not value.is_floating_point():
        raise ValueError(f"`{name}` is no tensor of numbers")
    if value.shape != own.shape:
        told = f"`{name}` is {tuple(value.shape)}, and this head needs {tuple(own.shape)}"
        raise ValueError(f"{told}: another head, another UV map, or another number of texels")
    if not value.isfinite().all():
        raise ValueError(f"`{name}` holds numbers that are not finite")


def _read_adam(state: Any, parameters: list[Tensor], names: list[str | None]) -> list[tuple[dict[str, Any], list[Any]]]:
    """Return, for each group, its rates and its parameters' entries; an optimiser that has done no step has none."""
    try:
        groups, entries = state["param_groups"], state["state"]
        counts = [len(group["params"]) for group in groups]
        found = [group.get("name") for group in groups]
        facts = [{"lr": float(g["lr"]), "betas": tuple(map(float, g["betas"])), "eps": float(g["eps"])} for g in groups]
        flat = [key for group in groups for key in group["params"]]
        unusual = any(group.get(name) for group in groups for name in ("amsgrad", "maximize", "weight_decay"))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ValueError("one of its optimisers is no state of torch's Adam") from error
    if found != names or sum(counts) != len(parameters) or (len(names) > 1 and set(counts) != {1}):
        raise ValueError("its optimisers have other groups than FlashAvatar's")
    numbers = [number for fact in facts for number in (fact["lr"], fact["eps"], *fact["betas"])]
    if unusual or not all(math.isfinite(number) and 0 <= number <= 1 for number in numbers):
        raise ValueError("its optimisers decay weights, or have rates beyond 0 to 1")
    moments = [_read_moments(entries, key, own) for key, own in zip(flat, parameters, strict=True)]
    edges = [0, *(sum(counts[: row + 1]) for row in range(len(counts)))]
    return [(fact, moments[first:last]) for fact, (first, last) in zip(facts, pairwise(edges), strict=True)]


def _read_moments(entries: Any, key: Any, own: Tensor) -> dict[str, Tensor] | None:
    if not isinstance(entries, dict) or not isinstance(key, int):
        raise ValueError("one of its optimisers is no state of torch's Adam")
    if key not in entries:
        return None
    entry = entries[key]
    if not isinstance(entry, dict) or not {"step", *MOMENTS} <= set(entry):
        raise ValueError("one of its optimisers is no state of torch's Adam")
    for name in MOMENTS:
        _check_tensor(name, entry[name], own)
    step = entry["step"]
    number = step.item() if isinstance(step, Tensor) and step.numel() == 1 and step.device.type == "cpu" else step
    if not isinstance(number, int | float) or not 0 <= number < LAST_ITERATION or bool((entry["exp_avg_sq"] < 0).any()):
        raise ValueError("one of its optimisers has a negative count or square")
    return {"step": torch.tensor(float(number)), **{name: entry[name].detach().clone() for name in MOMENTS}}


def _take_adam(optimiser: torch.optim.Adam, entries: list[tuple[dict[str, Any], list[Any]]]) -> None:
    state = optimiser.state_dict()
    for group, (facts, moments) in zip(state["param_groups"], entries, strict=True):
        group |= facts
        for key, entry in zip(group["params"], moments, strict=True):
            state["state"].pop(key, None)
            if entry is not None:
                state["state"][key] = entry
    optimiser.load_state_dict(state)
