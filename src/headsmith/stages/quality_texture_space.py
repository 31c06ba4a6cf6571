"""The stage *quality*, a texture space to look at: its first components on a head, and what it completed."""

import json
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.exports.surface import Surface
from headsmith.heads.container import HeadContainer, load_head
from headsmith.heads.texture import TextureModel, read_texture
from headsmith.media.atomic import atomic_path
from headsmith.media.images import encode_png
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.show.sheets import Panel, headed_sheet, panel_rows

COMPONENTS: Final = 5
DEVIATIONS: Final = (-2, 2)
SIDE: Final = 220
BACKGROUND: Final = 245
VIEW: Final = 1.15
"""Height of the picture over that of the face."""


def draw_texture_space(*, texture: Path, summary: Path, examples: Path, head: Path, picture: Path) -> None:
    """Draw the mean and the first components at -2 and +2 standard deviations on the mean head, and examples of completion.

    Args:
        texture: The texture space.
        summary: What there is to tell of it.
        examples: Pictures unwrapped and completed.
        head: The head container.
        picture: The ``.png`` to write.

    Raises:
        UserError: A file cannot be read.
    """
    container, told = load_head(head), read_summary(summary)
    model = read_texture(texture, container, min(COMPONENTS, told["components"]))
    look = Look(container)
    with np.load(examples, allow_pickle=False) as content:
        names, pictures = content["names"].tolist(), [content[name] for name in ("unwrapped", "completed")]
    panels = [panel for deviation in DEVIATIONS for panel in component_panels(model, look, deviation, told)]
    seen = [
        Panel(look.draw(one), f"{name}, {title}")
        for title, part in zip(("unwrapped", "completed"), pictures, strict=True)
        for name, one in zip(names, part, strict=True)
    ]
    strips = [*panel_rows(panels, len(panels) // len(DEVIATIONS)), *panel_rows(seen, len(names))]
    with atomic_path(picture) as partial:
        partial.write_bytes(encode_png(headed_sheet(strips, title=f"texture space of {container.name}", note=words(told))))


def read_summary(path: Path) -> dict[str, Any]:
    """Return what there is to tell of a texture space.

    Raises:
        UserError: It cannot be read.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        remedy = f"delete {path} and run snakemake again"
        raise UserError(f"the texture space's summary cannot be read: {error}", file=path, remedy=remedy) from error


class Look:
    """The mean head from the front, on which textures are shown.

    Args:
        head: The head container.
    """

    def __init__(self, head: HeadContainer) -> None:
        surface = Surface.of(head)
        region = head.regions.get("face", np.arange(len(head.template)))
        low, high = head.template[region].min(0), head.template[region].max(0)
        scale = SIDE / (VIEW * (high - low)[1])
        screen = (head.template - (low + high) / 2) * [scale, -scale, -1] + [SIDE / 2, SIDE / 2, 1]
        faces, weights, _ = rasterize_mesh(screen.astype(np.float32), surface.faces, SIDE, SIDE, cull=True)
        self.covered = faces >= 0
        corners = surface.uv[surface.uv_faces[faces[self.covered]]]
        self.uv = (weights[self.covered][..., None] * corners).sum(1)

    def draw(self, texture: Float[ndarray, "S S 3"] | UInt8[ndarray, "S S 3"]) -> UInt8[ndarray, "side side 3"]:
        """Return a texture on the head."""
        size = len(texture)
        places = (self.uv * [size, -size] + [0, size] - 0.5).astype(np.float32)[None]
        found = cv2.remap(texture.astype(np.float32), places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        result = np.full((SIDE, SIDE, 3), BACKGROUND, np.uint8)
        result[self.covered] = found[0].clip(0, 255).round().astype(np.uint8)
        return result


def component_panels(model: TextureModel, look: Look, deviation: int, told: dict[str, Any]) -> list[Panel]:
    """Return the mean, and the mean with so many deviations of each of the first components."""
    panels = [Panel(look.draw(model.mean), "mean")]
    count = model.directions.shape[-1]
    for number, share in zip(range(count), told["shares_of_variance"], strict=False):
        texture = model.texture(deviation * np.eye(count)[number])
        panels.append(Panel(look.draw(texture), f"{number + 1}: {deviation:+d} sd, {100 * share:.0f} %"))
    return panels


def words(told: dict[str, Any]) -> str:
    """Return what there is to say of a texture space."""
    errors = ", ".join(f"{name} {error:.1f}" for name, error in sorted(told["errors_of_255"].items(), key=lambda item: item[1]))
    return (
        f"{len(told['pictures'])} pictures, {len(told['left_out'])} left out; {told['components']} components. Each shows "
        f"{100 * told['seen']:.0f} % of the learned texels; hidden ones are completed by: {told['completion']}"
        + (f". Errors on texels kept back, of 255: {errors}." if errors else ".")
    )
