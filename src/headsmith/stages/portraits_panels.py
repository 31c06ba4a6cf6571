"""The stage *portraits_panels*: pictures by which people judge fitted portraits; nothing is computed from them."""

import csv
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.conventions import convention_of
from headsmith.contract.errors import UserError
from headsmith.contract.settings import PortraitsSettings
from headsmith.heads.model import HeadModel
from headsmith.heads.texture import TextureModel, read_texture
from headsmith.media.atomic import atomic_folder, atomic_path
from headsmith.media.images import encode_png
from headsmith.mesh.renderer_choice import open_renderer
from headsmith.mesh.renderers import Renderer
from headsmith.show.curves import Plot, draw_plots
from headsmith.show.overlays import TRACKED_COLOUR, draw_points
from headsmith.show.sheets import Panel, headed_sheet, panel_rows
from headsmith.stages.portraits_codes import DecodedPortrait, Decoder
from headsmith.stages.portraits_drawing import Canvas, Maps, albedo_image, map_head, rendered_image, shape_image
from headsmith.stages.portraits_file import FittedPortrait, read_portrait
from headsmith.stages.portraits_fits import read_fits_manifest
from headsmith.stages.portraits_prepared import PreparedPortrait, read_prepared
from headsmith.stages.portraits_texture import Layout, albedo_map

SIDE: Final = 336
"""Of a panel, pixels."""
DETECTED: Final = (255, 214, 0)
WIDTH: Final = 3 * SIDE + 24
NOTE: Final = (
    "Landmarks: yellow as they were detected, green as the head has them. Shape, albedo and lighting are what the synthesis is "
    "made of: albedo times light. Half the brightness of the lighting panel is a light of 1."
)


@dataclass(frozen=True)
class Studio:
    """What all portraits are drawn with."""

    model: HeadModel
    decoder: Decoder
    layout: Layout
    renderer: Renderer
    texture: TextureModel | None


def draw_portraits(
    *,
    portrait: str,
    prepared: Path,
    fits: Path,
    head: Path,
    manifest: Path,
    settings: PortraitsSettings,
    threads: int,
    texture: Path | None = None,
) -> None:
    """Write ``{picture}.png``: input, landmarks, shape, albedo, lighting and synthesis, over the curves of the fit's losses.

    Args:
        portrait: Its name.
        prepared: ``prepared.json``.
        fits: ``fits.json``.
        head: The head container.
        manifest: ``panels.json``; the pictures go to the folder beside it.
        settings: Who draws.
        threads: Of the renderer.
        texture: The texture space that the fit had.

    Raises:
        UserError: An input cannot be read, or was made with another head.
    """
    torch.set_num_threads(1)
    model = HeadModel.load(head, torch.float64)
    space = None if texture is None else read_texture(texture, model.container, settings.texture_codes)
    layout = Layout.of(model.container, settings.texture_size)
    studio = Studio(model, Decoder(model), layout, open_renderer(settings.renderer, threads), space)
    told = read_fits_manifest(fits)
    with atomic_folder(manifest.with_suffix("")) as folder:
        for name in told.names:
            fitted = read_portrait(fits.with_suffix("") / f"{name}.npz", model.container)
            part = read_prepared(prepared.with_suffix(""), name)
            sheet = draw_sheet(part, fitted, studio, fits.with_suffix("") / f"{name}.csv")
            (folder / f"{name}.png").write_bytes(encode_png(sheet))
    with atomic_path(manifest) as partial:
        partial.write_text(json.dumps({"portrait": portrait, "pictures": told.names}) + "\n")


def draw_sheet(part: PreparedPortrait, fitted: FittedPortrait, studio: Studio, losses: Path) -> UInt8[ndarray, "H W 3"]:
    """Return the sheet of one picture; without curves where no losses were kept."""
    strips = panel_rows(six_panels(part, fitted, studio), 3)
    if losses.exists():
        strips.append(draw_plots(read_curves(losses), WIDTH, columns=1))
    skin = "" if math.isnan(fitted.psnr) else f", skin met to {fitted.psnr:.1f} dB"
    title = f"{fitted.name}: landmarks {fitted.landmark_error:.2f} % of the eye distance off{skin}"
    return headed_sheet(strips, title=title, note=NOTE)


def six_panels(part: PreparedPortrait, fitted: FittedPortrait, studio: Studio) -> list[Panel]:
    """Return input, landmarks, shape, albedo, lighting and synthesis."""
    scale = SIDE / fitted.size
    decoded = studio.decoder.decode(fitted)
    whole = Canvas(part.picture, np.eye(3), over=True)
    large = replace(whole.scaled(1.0), picture=enlarged(part.picture), place=np.diag([scale, scale, 1.0]))
    maps = map_head(studio.renderer, studio.layout.surface, decoded, large)
    albedo = albedo_map(fitted, studio.texture, studio.layout.size)
    black = replace(large, picture=np.zeros_like(large.picture))
    pictures = {
        "input": large.picture,
        "landmarks": landmarks_image(part, fitted, decoded, studio, large.picture, scale),
        "shape": shape_image(large, maps),
        "albedo, without light": albedo_image(black, maps, albedo),
        "lighting": lighting_image(black, maps, fitted),
        "synthesis": rendered_image(large, maps, albedo, fitted),
    }
    return [Panel(picture, caption) for caption, picture in pictures.items()]


def enlarged(picture: UInt8[ndarray, "S S 3"]) -> UInt8[ndarray, "_N _N 3"]:
    """Return a crop at the size of a panel."""
    way = cv2.INTER_AREA if len(picture) > SIDE else cv2.INTER_CUBIC
    return cv2.resize(picture, (SIDE, SIDE), interpolation=way)


def landmarks_image(
    part: PreparedPortrait,
    fitted: FittedPortrait,
    decoded: DecodedPortrait,
    studio: Studio,
    picture: UInt8[ndarray, "_N _N 3"],
    scale: float,
) -> UInt8[ndarray, "_N _N 3"]:
    """Return the picture with the landmarks as they were detected, and as the head has them."""
    embedding = studio.model.container.embeddings[convention_of(part.convention).name]
    corners = decoded.seen[studio.model.container.faces[embedding.faces]][..., :2]
    own = np.einsum("lc,lcd->ld", embedding.barycentrics.astype(np.float64), corners)
    detected = draw_points(picture, scale * part.landmarks, DETECTED, 1.6)
    return draw_points(detected, scale * own, TRACKED_COLOUR, 1.0)


def lighting_image(canvas: Canvas, maps: Maps, fitted: FittedPortrait) -> UInt8[ndarray, "_N _N 3"]:
    """Return the fitted light on white skin, at half its brightness."""
    half = np.full((2, 2, 3), 0.5, np.float32)
    return rendered_image(canvas, maps, half, fitted)


def read_curves(path: Path) -> list[Plot]:
    """Return the losses of a fit as two plots: of what is seen, and of what is believed.

    Raises:
        UserError: The table cannot be read.
    """
    try:
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        steps = np.array([int(row["step"]) for row in rows])
        names = [name for name in rows[0] if name not in ("step", "stage")]
        lines = {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        remedy = f"delete {path.parent} and run snakemake again: the pictures are fitted anew"
        raise UserError(f"the losses cannot be read: {error!r}", file=path, remedy=remedy) from error
    known = {name: np.log10(np.maximum(line, 1e-9)) for name, line in lines.items() if np.isfinite(line).any()}
    seen = {name: known.pop(name) for name in ("landmarks", "colours") if name in known}
    what = "log10 of the loss"
    return [Plot("losses of what is seen", "step", what, steps, seen), Plot("of what is believed", "step", what, steps, known)]
