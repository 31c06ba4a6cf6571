"""Turned heads: views that no frame shows, in which it is still known where a head must be, and where it cannot be."""

from dataclasses import replace
from pathlib import Path

import torch

from headsmith.splat.avatar import Silhouette, View
from headsmith.splat.binding import Binding
from headsmith.stages.avatar_views import ClipViews
from headsmith.stages.novel_views_outline import outline_of
from headsmith.stages.novel_views_poses import frames_again, heads_of, turned
from headsmith.stages.novel_views_reach import measured_ids, reach_of

COUNT = 64
"""Turned heads of a clip."""

EVERY = 8
"""One of so many training images is followed by a turned head."""

YAW, PITCH = 35.0, 18.0
"""Furthest turns to either side, and up and down, degrees: a little more than the orbit that is judged."""


def turn_heads(
    clip: str,
    views: ClipViews,
    binding: Binding,
    ids: list[int],
    head_masks: Path,
    parsing: Path | None,
    seed: int,
    device: torch.device,
) -> list[Silhouette]:
    """Return the silhouettes of heads of some frames, turned at random.

    Args:
        clip: Name of the clip.
        views: The tracked clip.
        binding: Where the Gaussians lie on the head.
        ids: Training frames.
        head_masks: Manifest of the head masks, which say how far the person lies off the mesh.
        parsing: Manifest of the label maps, which tell of hair; None where the clip has none.
        seed: Of what is random.
        device: Where training runs.

    Raises:
        UserError: A folder differs from its manifest.
    """
    reach = reach_of(clip, views, measured_ids(ids), binding, head_masks, parsing)
    random = torch.Generator().manual_seed(seed)
    chosen = [ids[place] for place in torch.randint(len(ids), (COUNT,), generator=random).tolist()]
    yaw, pitch = (torch.rand(2, COUNT, generator=random) * 2 - 1) * torch.tensor([[YAW], [PITCH]])
    again = frames_again(views, chosen)
    again = replace(again, cameras=turned(again.cameras, yaw, pitch, views.rest().mean(0)))
    conditions, cameras = again.on(device, torch.arange(COUNT))
    silhouettes = []
    for row, (view, head) in enumerate(heads_of(again, binding)):
        inside, outside = outline_of(head, views.head.container, view.camera).masks(reach)
        seen = View(view.points.to(device), conditions[row], cameras[row])
        silhouettes.append(Silhouette(seen, inside.to(device), outside.to(device)))
    return silhouettes


def silhouette_after(silhouettes: list[Silhouette], image: int) -> Silhouette | None:
    """Return the turned head that follows a training image; None after most, and where there are none."""
    due = bool(silhouettes) and image % EVERY == EVERY // 2
    return silhouettes[image // EVERY % len(silhouettes)] if due else None
