"""The pictures that DECA makes of a portrait, beside each other and one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.contract.settings import PortraitsSettings
from headsmith.exports.deca import write_jpeg
from headsmith.heads.texture import TextureModel
from headsmith.mesh.renderers import Renderer
from headsmith.stages.portraits_codes import DecodedPortrait, Decoder
from headsmith.stages.portraits_detail import Detail, detail_normals
from headsmith.stages.portraits_drawing import (
    Canvas,
    Maps,
    albedo_image,
    beside,
    depth_image,
    look_up,
    map_head,
    points_image,
    rendered_image,
    shape_image,
)
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_prepared import PreparedPortrait
from headsmith.stages.portraits_texture import Layout, albedo_map

VIS_HEIGHT: Final = 224
"""Of `_vis.jpg`, pixels, as DECA has it."""
ALONE: Final = frozenset(("albedo_images", "depth_images"))
"""Pictures that stand by themselves; the depth stands in `_vis.jpg` too where it is written."""
LARGEST_HEIGHT: Final = 720
"""Of `_vis_original_size.jpg`, which DECA shrinks to 224."""

Picture = UInt8[ndarray, "_ _ 3"]


@dataclass(frozen=True)
class Workshop:
    """What all portraits of a run share.

    Attributes:
        decoder: Of the head.
        layout: Of the textures.
        texture: The texture space; None: none was asked for.
        renderer: Draws.
        settings: What is written.
    """

    decoder: Decoder
    layout: Layout
    texture: TextureModel | None
    renderer: Renderer
    settings: PortraitsSettings


@dataclass(frozen=True)
class Work:
    """One portrait.

    Attributes:
        fitted: Its parameters.
        decoded: Its head.
        prepared: Its crop.
        picture: The whole picture, upright.
        albedo: What was fitted of its colours; None where they were not.
        detail: What DECA's network tells of wrinkles; None without it.
    """

    fitted: FittedPortrait
    decoded: DecodedPortrait
    prepared: PreparedPortrait
    picture: Picture
    albedo: ndarray | None
    detail: Detail | None


def open_work(
    fitted: FittedPortrait, prepared: PreparedPortrait, picture: Picture, detail: Detail | None, workshop: Workshop
) -> Work:
    """Return what is known of one portrait."""
    coloured = bool(np.isfinite(fitted.psnr)) or workshop.texture is not None
    albedo = albedo_map(fitted, workshop.texture, workshop.layout.size) if coloured else None
    return Work(fitted, workshop.decoder.decode(fitted), prepared, picture, albedo, detail)


def write_pictures(folder: Path, work: Work, crop: Canvas, maps: Maps, workshop: Workshop) -> None:
    """Write `_vis`, `_vis_original_size`, and the pictures they are made of, as the settings ask."""
    settings, name = workshop.settings, work.fitted.name
    shown = dict(images_of(work, crop, maps, workshop))
    if "vis" in settings.save:
        write_jpeg(folder / f"{name}_vis.jpg", beside(in_vis(shown, settings), VIS_HEIGHT))
    if "images" in settings.save:
        for word, image in shown.items():
            if word not in ("landmarks3d", "depth_images"):
                write_jpeg(folder / name / f"{name}_{word}.jpg", image)
    if not settings.render_orig:
        return
    back = np.linalg.inv(work.prepared.crop)
    if "vis" in settings.save:
        canvas = smaller(Canvas(work.picture, back, over=True))
        seen = map_head(workshop.renderer, workshop.layout.surface, work.decoded, canvas)
        images = [image for word, image in images_of(work, canvas, seen, workshop) if word not in ALONE]
        write_jpeg(folder / f"{name}_vis_original_size.jpg", beside(images, canvas.picture.shape[0]))
    if "images" in settings.save:
        canvas = Canvas(work.picture, back, over=True)
        seen = map_head(workshop.renderer, workshop.layout.surface, work.decoded, canvas)
        for word, image in images_of(work, canvas, seen, workshop):
            if word not in ("landmarks3d", "depth_images"):
                write_jpeg(folder / name / f"orig_{name}_{word}.jpg", image)


def in_vis(shown: dict[str, Picture], settings: PortraitsSettings) -> list[Picture]:
    """Return the pictures that stand in `_vis`, in DECA's order: depth where it is written, colours where they are known."""
    left_out = ALONE - ({"depth_images"} if "depth" in settings.save else set())
    return [image for word, image in shown.items() if word not in left_out]


def images_of(work: Work, canvas: Canvas, maps: Maps, workshop: Workshop) -> Iterator[tuple[str, Picture]]:
    """Yield DECA's pictures by its names."""
    size = work.prepared.picture.shape[0]
    yield "inputs", canvas.picture
    yield "landmarks2d", points_image(canvas, work.decoded.flat, size)
    yield "landmarks3d", points_image(canvas, work.decoded.solid, size)
    yield "shape_images", shape_image(canvas, maps)
    if work.detail is not None:
        normals = look_up(detail_normals(work.detail, work.decoded, workshop.layout), maps.uv)
        yield "shape_detail_images", shape_image(canvas, maps, normals)
    if work.albedo is not None:
        yield "rendered_images", rendered_image(canvas, maps, work.albedo, work.fitted)
        yield "albedo_images", albedo_image(canvas, maps, work.albedo)
    yield "depth_images", depth_image(canvas, maps)


def smaller(canvas: Canvas) -> Canvas:
    """Return a canvas of at most ``LARGEST_HEIGHT``."""
    scale = min(1.0, LARGEST_HEIGHT / canvas.picture.shape[0])
    return canvas if scale == 1 else canvas.scaled(scale)
