"""Fitted portraits as DECA writes them: meshes with textures, points, depth, arrays, and pictures to look at."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy import ndarray

from headsmith.contract.errors import UserError
from headsmith.contract.settings import PortraitsSettings
from headsmith.exports.deca import write_arrays, write_dense_mesh, write_jpeg, write_mesh, write_points
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel
from headsmith.heads.texture import TextureModel, read_texture
from headsmith.media.atomic import atomic_folder, atomic_path
from headsmith.media.progress import note, progress
from headsmith.mesh.renderer_choice import open_renderer
from headsmith.stages.portraits_codes import SHAPE, Decoder, codedict, opdict
from headsmith.stages.portraits_detail import dense_mesh, detail_normals, read_detail
from headsmith.stages.portraits_drawing import Canvas, Maps, depth_image, map_head
from headsmith.stages.portraits_file import FittedPortrait, read_portrait
from headsmith.stages.portraits_fits import read_fits_manifest
from headsmith.stages.portraits_images import Picture, Work, Workshop, open_work, write_pictures
from headsmith.stages.portraits_manifest import read_prepared_manifest
from headsmith.stages.portraits_prepared import read_prepared
from headsmith.stages.portraits_sources import iterate_sources
from headsmith.stages.portraits_texture import Layout, extract_texture, normal_map

IN_FOLDER: Final = ("kpt", "depth", "obj", "mat", "images")
"""What goes into a folder of the picture's own."""


def write_portraits(
    *,
    portrait: str,
    pictures: Path,
    prepared: Path,
    fits: Path,
    head: Path,
    texture: Path | None = None,
    manifest: Path,
    settings: PortraitsSettings,
    threads: int,
) -> None:
    """Write DECA's files of all pictures of a portrait, and a manifest of them.

    Args:
        portrait: Its name.
        pictures: Where its pictures are; they are read again in their own pixels.
        prepared: ``prepared.json``.
        fits: ``fits.json``.
        head: The head's container.
        texture: The texture space that the fit used; None: none.
        manifest: ``deca.json``; the files go to the folder beside it.
        settings: What is written, and how.
        threads: Of the renderer; the number changes no result.

    Raises:
        UserError: An input cannot be read, or was made with another head or texture space.
    """
    torch.set_num_threads(1)
    told = read_prepared_manifest(prepared)
    names = set(told.names) & set(read_fits_manifest(fits).names)
    model = HeadModel.load(head, torch.float64)
    ready = {name: read_portrait(fits.with_suffix("") / f"{name}.npz", model.container) for name in sorted(names)}
    space = read_space(texture, list(ready.values()), model.container)
    layout = Layout.of(model.container, settings.texture_size)
    workshop = Workshop(Decoder(model), layout, space, open_renderer(settings.renderer, threads), settings)
    with atomic_folder(manifest.with_suffix("")) as folder:
        written = []
        sources = (source for source in iterate_sources(pictures, settings.sample_step, portrait) if source.name in ready)
        for source in progress(sources, len(ready), f"{portrait}: files"):
            detail = read_detail(fits.with_suffix("") / f"{source.name}.detail.npz", settings)
            crop = read_prepared(prepared.with_suffix(""), source.name)
            written.append(write_one(folder, open_work(ready[source.name], crop, source.read(), detail, workshop), workshop))
    tell_notes(written, portrait)
    content = {"portrait": portrait, "head": model.container.name, "head_sha256": model.sha256, "pictures": written}
    with atomic_path(manifest) as partial:
        partial.write_text(json.dumps(content | {"refused": [vars(one) for one in told.refused]}, indent=1) + "\n")


def read_space(texture: Path | None, fitted: list[FittedPortrait], head: HeadContainer) -> TextureModel | None:
    """Return the texture space with as many components as portraits have codes of it; None where there is none.

    Raises:
        UserError: It cannot be read, or portraits were fitted without it, or with one that is not named.
    """
    spaces = {part.texture_sha256 for part in fitted}
    if (texture is None) != (spaces <= {""}):
        told = "without a texture space, and one is named" if spaces <= {""} else "with a texture space, and none is named"
        remedy = "run snakemake again: portraits are fitted anew when portraits.use_texture changes"
        raise UserError(f"the portraits were fitted {told}", file=texture, remedy=remedy)
    return None if texture is None else read_texture(texture, head, max(len(part.texture) for part in fitted))


def tell_notes(written: list[dict[str, Any]], portrait: str) -> None:
    """Say what was left out of the pictures, the same of several once."""
    kinds: dict[str, list[str]] = {}
    for one in written:
        for remark in one["notes"]:
            kinds.setdefault(remark.split(":")[0], []).append(f"{one['name']}: {remark}")
    for told in kinds.values():
        more = f" (and so of {len(told) - 1} more, see the manifest)" if len(told) > 1 else ""
        note(f"{portrait}: {told[0]}{more}")


def write_one(folder: Path, work: Work, workshop: Workshop) -> dict[str, Any]:
    """Write DECA's files of one portrait and return what the manifest tells of them."""
    settings, name = workshop.settings, work.fitted.name
    own = folder / name
    if any(kind in settings.save for kind in IN_FOLDER):
        own.mkdir()
    crop = Canvas(work.prepared.picture, np.eye(3), over=False)
    maps = map_head(workshop.renderer, workshop.layout.surface, work.decoded, crop)
    texture = texture_of(work, workshop)
    if "kpt" in settings.save:
        write_points(own, name, work.decoded.flat, work.decoded.solid)
    if "depth" in settings.save:
        write_jpeg(own / f"{name}_depth.jpg", depth_image(crop, maps))
    if "obj" in settings.save:
        write_meshes(own, work, texture, workshop)
    if "mat" in settings.save:
        write_arrays(own / f"{name}.mat", arrays_of(work, texture, maps, workshop))
    write_pictures(folder, work, crop, maps, workshop)
    files = sorted(str(path.relative_to(folder)) for path in (*folder.glob(f"{name}_vis*"), *own.glob("*")))
    camera = work.decoded.camera
    return {
        "name": name,
        "files": files,
        "landmark_error_percent_iod": work.fitted.landmark_error,
        "psnr": work.fitted.psnr if np.isfinite(work.fitted.psnr) else None,
        "cam_error_pixels": {"mean": camera.mean_error, "largest": camera.largest_error},
        "notes": notes_of(work),
    }


def notes_of(work: Work) -> list[str]:
    """Return what DECA's words leave out of a portrait, a sentence each."""
    told = []
    if work.decoded.camera.largest_error > 0:
        camera = work.decoded.camera
        told.append(
            f"`cam` is the weak camera nearest to the fitted pinhole: {camera.mean_error:.2f} pixels of the crop off in the "
            f"mean, {camera.largest_error:.2f} at most; portraits.camera: weak makes it exact"
        )
    if np.abs(work.fitted.identity[SHAPE:]).any():
        told.append(f"`shape` holds the first {SHAPE} of the head's {len(work.fitted.identity)} codes; `identity` has all")
    if np.abs(work.fitted.neck).any():
        told.append("DECA's `pose` has no neck: what it bends is in `neck` alone")
    return told


def texture_of(work: Work, workshop: Workshop) -> Picture:
    """Return the texture of the mesh: taken from the picture, or the fitted albedo."""
    if workshop.settings.extract_texture or work.albedo is None:
        albedo = work.albedo if workshop.texture is not None else None
        return extract_texture(work.fitted, work.decoded, work.prepared, work.picture, workshop.layout, albedo)
    return (work.albedo * 255).clip(0, 255).round().astype(np.uint8)


def write_meshes(own: Path, work: Work, texture: Picture, workshop: Workshop) -> None:
    """Write the mesh and, where there is detail, the dense one."""
    name, layout = work.fitted.name, workshop.layout
    normals = normal_map(work.decoded.normals, layout)
    if work.detail is not None:
        normals = ((detail_normals(work.detail, work.decoded, layout) + 1) / 2 * 255).round().astype(np.uint8)
        write_dense_mesh(own / f"{name}_detail.obj", *dense_mesh(work.detail, work.decoded, layout, texture))
    write_mesh(own, name, work.decoded.vertices, layout.surface, texture, normals)


def arrays_of(work: Work, texture: Picture, maps: Maps, workshop: Workshop) -> dict[str, ndarray]:
    """Return the arrays of DECA's ``.mat``, beside them its ``codedict``."""
    found = codedict(work.fitted, work.decoded, work.prepared, workshop.decoder.model.container.name)
    found |= opdict(work.fitted, work.decoded)
    found |= {"uv_texture_gt": channels(texture / 255), "alpha_images": channels(full(maps, maps.mask[..., None], work))}
    found["normal_images"] = channels(full(maps, maps.normals, work))
    if work.albedo is not None:
        found["albedo"] = channels(work.albedo)
    if work.detail is not None:
        found |= {name: values[None] for name, values in work.detail.codes.items()}
        found["displacement_map"] = work.detail.displacement[None]
        found["uv_detail_normals"] = channels(detail_normals(work.detail, work.decoded, workshop.layout))
    return found


def channels(picture: ndarray) -> ndarray:
    """Return a picture with its channels first, float32."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)


def full(maps: Maps, values: ndarray, work: Work) -> ndarray:
    """Return the values of a window at their places in the crop, 0 around."""
    whole = np.zeros((*work.prepared.picture.shape[:2], values.shape[2]), np.float32)
    whole[maps.window] = values * maps.mask[..., None]
    return whole
