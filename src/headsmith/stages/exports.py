"""The stage *exports*: a clip's tracking as meshes, tables, or a dataset for another trainer."""

import json
from pathlib import Path
from typing import Any, Final

import cv2
import torch

from headsmith.bridges.track import Track
from headsmith.contract.digests import hash_folder
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import EXPORTS, MESHES, TABLES, TRAINERS
from headsmith.contract.manifest import folder_of
from headsmith.contract.settings import ExportsSettings
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_folder, atomic_path
from headsmith.stages.exports_meshes import write_meshes
from headsmith.stages.exports_tables import write_tables
from headsmith.stages.exports_tracker import write_tracker
from headsmith.stages.exports_trainers import write_trainer
from headsmith.stages.tracking_file import read_tracking

TRACKER: Final = "flame_head_tracker"
"""The one among the trainers' formats that is another tracker's."""


def export_clip(
    *,
    clip: str,
    export: str,
    head: Path,
    tracking: Path,
    manifest: Path,
    settings: ExportsSettings,
    threads: int,
    frames: Path | None = None,
    matte: Path | None = None,
    parsing: Path | None = None,
    head_masks: Path | None = None,
    texture: Path | None = None,
) -> None:
    """Write one export of a clip into its folder, and then its manifest.

    Args:
        clip: Name of the clip.
        export: One of ``contract.exchange.EXPORTS``.
        head: The head container.
        tracking: The clip's tracking.
        manifest: ``<export>.json`` to write; the files go into the folder beside it.
        settings: The stage's settings.
        threads: Threads that work on pictures of trainers' datasets; all else takes one.
        frames: Manifest of the frames.
        matte: Manifest of the mattes.
        parsing: Manifest of the label maps.
        head_masks: Manifest of the head masks.
        texture: ``FLAME_texture.npz``.

    Raises:
        UserError: An input cannot be read, inputs do not belong together, or the format cannot hold them.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    model = HeadModel.load(head, torch.float64)
    tracked = Track.from_arrays(read_tracking(Path(tracking), model.container, clip).arrays)
    pictures = {"frames": frames, "matte": matte, "parsing": parsing, "head_masks": head_masks}
    Path(manifest).unlink(missing_ok=True)
    with atomic_folder(folder_of(manifest)) as folder:
        shared = {"export": export, "folder": folder, "clip": clip, "tracked": tracked, "model": model}
        told = write_export(shared, pictures, texture, settings, threads)
        content = {"export": export, "clip": clip, "head": model.container.name, "head_sha256": model.sha256}
        content |= told | {"sha256": hash_folder(folder)}
    with atomic_path(manifest) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")


def write_export(
    shared: dict[str, Any], pictures: dict[str, Path | None], texture: Path | None, settings: ExportsSettings, threads: int
) -> dict[str, Any]:
    """Write an export into its folder by the part that knows its format, and return what the manifest tells of it.

    Raises:
        UserError: There is no such export, or it cannot be made.
    """
    export = shared["export"]
    if export in MESHES:
        used = {word: pictures[word] for word in ("frames", "head_masks")}
        return write_meshes(**shared, **used, texture=texture, settings=settings)
    if export in TABLES:
        return write_tables(**shared, frames=pictures["frames"])
    if export == TRACKER:
        return write_tracker(**shared, frames=pictures["frames"], parsing=pictures["parsing"])
    if export in TRAINERS:
        return write_trainer(**shared, **pictures, settings=settings, threads=threads)
    raise UserError(f"there is no export {export!r}", clip=shared["clip"], remedy=f"known: {', '.join(EXPORTS)}")
