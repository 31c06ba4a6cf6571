"""The stage *viewer*: an avatar in one HTML page that opens without a network, to be turned and moved by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import ViewerSettings
from headsmith.exports.viewer.page import print_viewer
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_views import load_views
from headsmith.stages.splats_arrays import MOTION, Arrays, avatar_arrays

TRACKED = tuple(f"tracked_{name}" for name in (*MOTION, "rotation", "translation"))
DRAWN = (
    *("vertices", "expression", "eyelids", "correctives", "skinning", "joints", "joints_expression", "barycentrics"),
    *("offset", "log_scale", "rotation", "opacity", "colour", "bases"),
    *("condition_low", "condition_high", "condition_mean", "condition_scale"),
)
"""Arrays that go into the page as they are."""


def write_viewer(
    *,
    clip: str,
    variant: str,
    avatar: Path,
    head: Path,
    tracking: Path,
    frames: Path,
    output: Path,
    settings: ViewerSettings,
) -> None:
    """Write the page of an avatar.

    Args:
        clip: Name of the clip.
        variant: Name of the variant.
        avatar: ``avatar.pt``.
        head: The head container.
        tracking: ``tracking.npz``.
        frames: Manifest of the frames, for the clip's rate.
        output: The page to write.
        settings: How much of the clip goes into the page.

    Raises:
        UserError: An input is broken, or the avatar is of a kind that a browser does not move.
    """
    torch.set_num_threads(1)
    views = load_views(clip=clip, tracking=tracking, head=head)
    arrays = avatar_arrays(read_avatar(avatar, views, clip), views, clip, variant)
    rate = float(read_manifest(frames, clip=clip, verify=False).details["fps"])
    page = print_viewer(page_arrays(arrays, settings), page_facts(arrays, rate))
    with atomic_path(output) as partial:
        partial.write_text(page, encoding="utf-8")
    note(f"{clip}: {output} has {len(page.encode()) / 1e6:.1f} MB")


def page_arrays(arrays: Arrays, settings: ViewerSettings) -> Arrays:
    """Return the arrays that the page holds."""
    layers = [name for name in arrays if name.startswith(("weights_", "biases_"))]
    motion = {name: arrays[name][: settings.motion] for name in TRACKED}
    plate = {"plate": arrays["plate"]} if settings.plate else {}
    numbers = {"parents": arrays["parents"] + 1, "corners": arrays["corners"]}
    numbers |= {"tracked_ids": arrays["ids"][: settings.motion]}
    whole = {name: values.astype(np.uint32) for name, values in numbers.items()}
    return {name: arrays[name] for name in (*DRAWN, *layers)} | whole | motion | plate


def page_facts(arrays: Arrays, rate: float) -> dict[str, Any]:
    """Return what the page's script reads beside arrays: names, the clip's camera, and how far its sliders go."""
    names = ("clip", "variant", "head", "licence", "activation")
    codes = arrays["tracked_expression"]
    low, high = np.minimum(codes.min(0), 0), np.maximum(codes.max(0), 1)
    return {name: str(arrays[name]) for name in names} | {
        "expression_names": arrays["expression_names"].tolist(),
        "expression_low": low.tolist(),
        "expression_high": high.tolist(),
        "focal": arrays["focal"].tolist(),
        "principal": arrays["principal"].tolist(),
        "size": arrays["size"].tolist(),
        "farthest": float(arrays["farthest"]),
        "largest": float(arrays["largest"]),
        "rate": rate,
        **middle_of(arrays),
    }


def middle_of(arrays: Arrays) -> dict[str, Any]:
    """Return the middle of the head at rest, and where it is mostly seen: the median over the clip in the camera's axes."""
    middle = arrays["vertices"].mean(0)
    seen = np.median(arrays["tracked_rotation"] @ middle + arrays["tracked_translation"], 0)
    return {"middle": middle.tolist(), "seen": seen.tolist()}
