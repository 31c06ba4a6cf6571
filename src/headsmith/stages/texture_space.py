"""The stage *texture_space*: what the skins of many fitted pictures have in common, as a mean and principal components.

The recipe is that of FLAME's texture space (github.com/HavenFeng/photometric_optimization, README): fit, unwrap, complete what
is hidden, PCA; without its first step, which begins with the Basel face model, whose licence all that follows then has.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.settings import TextureSpaceSettings
from headsmith.heads.model import HeadModel
from headsmith.media.atomic import atomic_path
from headsmith.media.progress import note, progress
from headsmith.stages.texture_space_file import write_examples, write_texture
from headsmith.stages.texture_space_learning import Seen, TextureSpace, learn_space
from headsmith.stages.texture_space_pictures import LeftOut, iterate_unwrapped, list_pictures, partial_of
from headsmith.stages.texture_space_unwrap import Sheet, Unwrapped

LEAST: Final = 3
"""Pictures without which there is nothing to compare."""
TOLD: Final = 5


def learn_texture_space(
    *,
    prepared: list[Path],
    fits: list[Path],
    chunks: list[Path] | None,
    head: Path,
    texture: Path,
    summary: Path,
    examples: Path,
    settings: TextureSpaceSettings,
) -> None:
    """Write a texture space in the form of ``FLAME_texture.npz``, a summary, and some of its pictures.

    A picture that cannot be used costs itself alone; the summary tells why. What was unwrapped is kept until all is done in
    ``texture_space.partial/`` beside the texture.

    Args:
        prepared: Manifest of each portrait's prepared pictures.
        fits: Manifest of each portrait's fits, in the same order.
        chunks: What jobs wrote that each unwrapped a share of the pictures; None: this one does.
        head: The head container.
        texture: The ``.npz`` to write.
        summary: The ``.json`` to write.
        examples: Pictures to look at, ``.npz``.
        settings: The stage's settings.

    Raises:
        UserError: A manifest or the head cannot be read, they do not go together, or too few pictures can be used.
    """
    torch.set_num_threads(1)
    sheet, partial = Sheet.of(HeadModel.load(head, torch.float64), settings.size), partial_of(texture)
    pictures, left_out = list_pictures(prepared, fits, sheet)
    found: dict[str, Unwrapped] = {}
    told = "texture space: pictures" if chunks is None else "texture space: pictures of all chunks"
    for picture, one in progress(iterate_unwrapped(pictures, sheet, settings, partial), len(pictures), told):
        if isinstance(one, LeftOut):
            left_out.append(one)
        else:
            found[picture.name] = one
    _tell(left_out)
    if len(found) < LEAST:
        raise too_few(len(found), left_out)
    seen = Seen.of(found.values())
    space = learn_space(seen, sheet, settings)
    write_texture(texture, space.mean, space.components, sheet)
    write_examples(examples, list(found), seen, space, sheet)
    with atomic_path(summary) as part:
        part.write_text(json.dumps(summarise(space, list(found), left_out, seen, sheet), indent=1) + "\n")
    shutil.rmtree(partial, ignore_errors=True)


def too_few(count: int, left_out: list[LeftOut]) -> UserError:
    """Return what to tell where too few pictures can be used."""
    reasons = "".join(f"\n  {one.name}: {one.reason}" for one in left_out[:TOLD])
    remedy = "add pictures to the table of portraits, of many people; docs/portraits.md tells how many are of use"
    return UserError(f"a texture space needs {LEAST} pictures, and {count} can be used{reasons}", remedy=remedy)


def _tell(left_out: list[LeftOut]) -> None:
    for one in left_out:
        note(f"texture space: {one.name} is left out: {one.reason}")


def summarise(space: TextureSpace, names: list[str], left_out: list[LeftOut], seen: Seen, sheet: Sheet) -> dict[str, Any]:
    """Return what there is to tell of a texture space."""
    strength = np.square(space.components[space.rows].astype(np.float64)).sum((0, 1))
    return {
        "head": sheet.head.name,
        "head_sha256": sheet.head.sha256,
        "size": int(sheet.texels.covered.shape[0]),
        "pictures": names,
        "left_out": [{"name": one.name, "reason": one.reason} for one in left_out],
        "light": space.light,
        "errors_of_light_of_255": space.light_errors,
        "completion": space.method,
        "errors_of_255": space.errors,
        "components": int(space.components.shape[2]),
        "shares_of_variance": (strength / max(strength.sum(), 1e-12)).tolist(),
        "learned_texels": len(space.rows),
        "texels": len(sheet.texels.faces),
        "seen": float((seen.weights[:, space.rows] > 0).mean()),
    }
