"""What a share of a texture space's pictures shows, unwrapped by a job of its own."""

import json
from pathlib import Path

import torch

from headsmith.contract.chunks import share
from headsmith.contract.settings import TextureSpaceSettings
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import progress
from headsmith.stages.texture_space_pictures import LeftOut, iterate_unwrapped, list_pictures, partial_of
from headsmith.stages.texture_space_unwrap import Sheet


def unwrap_textures_chunk(
    *,
    prepared: list[Path],
    fits: list[Path],
    head: Path,
    chunk: str,
    texture: Path,
    output: Path,
    settings: TextureSpaceSettings,
) -> None:
    """Keep what each picture of a share shows, for ``learn_texture_space``.

    Args:
        prepared: Manifest of each portrait's prepared pictures.
        fits: Manifest of each portrait's fits.
        head: The head container.
        chunk: Name of the share.
        texture: The texture space that will be made; what pictures show is kept beside it.
        output: What to write at the end: which pictures were looked at.
        settings: The stage's settings.

    Raises:
        UserError: A manifest or the head cannot be read, or they do not go together.
    """
    torch.set_num_threads(1)
    sheet = Sheet.of(HeadModel.load(head, torch.float64), settings.size)
    pictures, _ = list_pictures(prepared, fits, sheet)
    own = list(share(chunk, pictures))
    found = progress(
        iterate_unwrapped(own, sheet, settings, partial_of(texture)), len(own), f"texture space: pictures, {chunk}"
    )
    done = [picture.name for picture, one in found if not isinstance(one, LeftOut)]
    with atomic_path(output) as part:
        part.write_text(json.dumps({"pictures": done}) + "\n")
