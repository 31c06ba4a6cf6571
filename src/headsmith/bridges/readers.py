"""Who reads what: a reader of each program's results."""

from collections.abc import Callable
from pathlib import Path

from headsmith.bridges.blendshapes import read_blendshapes
from headsmith.bridges.deca import read_deca
from headsmith.bridges.flame_head_tracker import read_flame_head_tracker
from headsmith.bridges.flashavatar_read import read_metrical_tracker
from headsmith.bridges.gaussian_avatars_read import read_gaussian_avatars
from headsmith.bridges.given import check_head, read_npz
from headsmith.bridges.pixel3dmm import read_pixel3dmm
from headsmith.bridges.sheap import read_sheap
from headsmith.bridges.smirk import read_smirk
from headsmith.bridges.sound import check_track
from headsmith.bridges.track import Track
from headsmith.bridges.vhap import read_vhap
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel


def read_headsmith(path: Path, model: HeadModel) -> Track:
    """Return the clip of a ``tracking.npz``; its ids are those of its frames.

    Raises:
        UserError: It cannot be read, lacks an array, or is of another head.
    """
    content = read_npz(path)
    try:
        track = Track.from_arrays(content)
    except KeyError as error:
        raise UserError(f"there is no {error} in it: this is no tracking.npz", file=path) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise UserError(f"its arrays are not those of a tracking.npz: {error}", file=path) from error
    check_head(track.head_sha256, model, path)
    return track


def read_vhap_or_export(path: Path, model: HeadModel) -> Track:
    """Return the clip of what VHAP tracked, or of its export for GaussianAvatars: a folder with a ``transforms.json``.

    Raises:
        UserError: It cannot be read, or holds what a track cannot.
    """
    exported = path.suffix == ".json" or (path / "transforms.json").is_file()
    return read_gaussian_avatars(path, model) if exported else read_vhap(path, model)


READERS: dict[str, Callable[[Path, HeadModel], Track]] = {
    "headsmith": read_headsmith,
    "flame_head_tracker": read_flame_head_tracker,
    "metrical_tracker": read_metrical_tracker,
    "smirk": read_smirk,
    "sheap": read_sheap,
    "vhap": read_vhap_or_export,
    "pixel3dmm": read_pixel3dmm,
    "deca": read_deca,
    "emoca": read_deca,
    "blendshapes": read_blendshapes,
}
"""By the values of ``tracking.source`` (``contract.exchange.TRACKERS``)."""


def read_track(source: str, path: Path, model: HeadModel) -> Track:
    """Return what a program tracked, as one clip.

    Args:
        source: A name of ``contract.exchange.TRACKERS``.
        path: Its results.
        model: The head that its codes are of, float64.

    Raises:
        UserError: They cannot be read, or hold what a track cannot.
    """
    return check_track(READERS[source](Path(path), model), model, Path(path))
