"""The state of a training: what is saved so that a killed training goes on as if nothing had happened."""

import io
import os
from dataclasses import astuple, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note
from headsmith.splat.avatar import Avatar
from headsmith.stages.avatar_progress import CurveRow


@dataclass
class Training:
    """A training under way.

    Attributes:
        avatar: What is trained, on the device.
        optimiser: Its optimiser.
        step: Steps done.
        curve: Rows of the training curve.
        losses: Losses since the last row.
    """

    avatar: Avatar
    optimiser: torch.optim.Adam
    step: int = 0
    curve: list[CurveRow] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def save(self, path: Path, key: str) -> None:
        """Write a resumable state: avatar, optimiser, place in the schedule, curve and torch's random numbers."""
        state = {"key": key, "step": self.step, "curve": [astuple(row) for row in self.curve], "losses": self.losses}
        state |= {"avatar": self.avatar.state_dict(), "optimiser": self.optimiser.state_dict()}
        state["random"] = [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])]
        save_tensors(state, path)

    def resume(self, path: Path, key: str) -> bool:
        """Go on from a state of the same training, if there is one; tell whether there was."""
        state = read_state(path)
        if state is None or state["key"] != key:
            return False
        self.avatar.load_state_dict(state["avatar"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.losses = state["step"], state["losses"]
        self.curve = [CurveRow(*row) for row in state["curve"]]
        torch.set_rng_state(state["random"][0])
        if torch.cuda.is_available() and len(state["random"]) == 1 + torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["random"][1:])
        return True


def read_state(path: Path) -> dict[str, Any] | None:
    """Return a saved state, None where there is none; one that a failing machine damaged is told, and counts as none."""
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, UnpicklingError) as error:
        note(f"{path}: the saved state cannot be read ({error}), so training begins anew")
        return None


def save_tensors(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values, so that the file is whole after a power cut too.

    They are laid out in memory first: of a full disk ``torch.save`` tells no reason, and its bytes would hold the file's name.

    Raises:
        UserError: The disk is full; what was there before stays.
    """
    laid_out = io.BytesIO()
    torch.save(content, laid_out)
    with atomic_path(path) as partial, partial.open("wb") as stream:
        stream.write(laid_out.getbuffer())
        stream.flush()
        os.fsync(stream.fileno())
