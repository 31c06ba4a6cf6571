"""The codes of DECA (Feng et al., SIGGRAPH 2021) and EMOCA (Danecek et al., CVPR 2022), a file a frame.

Neither writes them whole: DECA's ``demo_reconstruct.py --saveMat`` keeps what it decoded, EMOCA's ``save_codes`` leaves out the
camera. These lines after ``codedict = deca.encode(images)`` save them, with ``i`` counted up from 0 at every frame::

    values = {key: value.cpu().numpy() for key, value in codedict.items() if key != "images"}
    height, width = testdata[i]["original_image"].shape[-2:]
    np.savez(f"{savefolder}/{i:05d}.npz", tform=testdata[i]["tform"], width=width, height=height, **values)

In EMOCA the same goes for ``vals`` of ``test(emoca, batch)``, which calls them ``shapecode``, ``expcode`` and ``posecode``; its
``TestData`` computes ``tform`` and does not return it. ``scipy.io.savemat`` with the same names does as well.

FLAME 2020 with 100 and 50 codes, the first of FLAME's 300 and 100; no eyes, lids or neck. ``pose`` is the axis-angle of the
root, then that of the jaw (field guide 6.3, 6.4). Texture, light, detail and image are left aside.
"""

from pathlib import Path
from typing import Any

from headsmith.bridges.columns import read_columns
from headsmith.bridges.crops import TFORM_SHAPES
from headsmith.bridges.given import numbered_files, read_npz
from headsmith.bridges.track import Track
from headsmith.bridges.weak_perspective import WeakFrames, pinhole_track
from headsmith.contract.errors import UserError
from headsmith.heads.model import HeadModel
from headsmith.media.matlab import read_matlab

SHAPES: dict[str, tuple[int, ...]] = {"shape": (-1,), "exp": (-1,), "pose": (6,), "cam": (3,)}
"""What ``DECA.encode`` returns: 100 and 50 codes; the axis-angles of root and jaw; s, tx, ty."""
EMOCA_NAMES = {"shapecode": "shape", "expcode": "exp", "posecode": "pose"}


def read_deca(path: Path, model: HeadModel) -> Track:
    """Return the clip of a folder of ``<number>.npz`` or ``<number>.mat``, one frame's codes of DECA or EMOCA each.

    Args:
        path: The folder.
        model: The head that the codes are of, float64.

    Raises:
        UserError: A file cannot be read, lacks an array or has one of another shape, or the crop is not known.
    """
    files = numbered_files(path, ".npz", ".mat")
    columns = read_columns(files, read_codedict, SHAPES, TFORM_SHAPES)
    pose = columns["pose"]
    found = WeakFrames(columns["cam"], pose[:, :3], pose[:, 3:], columns["shape"], columns["exp"])
    return pinhole_track(found, columns, [number for number, _ in files], model, path)


def read_codedict(path: Path) -> dict[str, Any]:
    """Return the arrays of a file under DECA's names.

    Raises:
        UserError: The file cannot be read.
    """
    content = read_mat(path) if path.suffix == ".mat" else read_npz(path)
    return {EMOCA_NAMES.get(key, key): value for key, value in content.items()}


def read_mat(path: Path) -> dict[str, Any]:
    """Return the arrays of a MATLAB file.

    Raises:
        UserError: The file is missing or broken, or is of MATLAB 7.3, which is another format.
    """
    try:
        return dict(read_matlab(path))
    except (OSError, ValueError) as error:
        remedy = "write it with scipy.io.savemat, or as .npz"
        raise UserError(f"the file cannot be read: {error}", file=path, remedy=remedy) from error
