"""Gaussians as ``.ply`` in the layout of 3D Gaussian Splatting, which splat viewers open.

The layout is that of Kerbl et al., "3D Gaussian Splatting for Real-Time Radiance Field Rendering", 2023 (their program's
``GaussianModel.save_ply``): one row of float32 a Gaussian, opacities as logits, standard deviations as logarithms, rotations
wxyz, colours as coefficients of spherical harmonics. Normals are there and unused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float
from numpy import ndarray

CONSTANT: Final = 0.28209479177387814
"""The harmonic of degree 0, sqrt(1 / (4 pi)): a colour is 0.5 + CONSTANT * f_dc."""

CLEAREST: Final = 1e-6
"""Opacities are kept this far from 0 and 1, where the logit has no value."""

AXES: Final = {
    "viewers": "x right, y down, z away from who looks the head in the face: as 3D Gaussian Splatting's own scenes",
    "head": "the head's own: +x the subject's left, +y up, +z out of the face",
}
"""The axes that a file may have, in words for its header."""

TURNED: Final = (
    *(1.0, -1.0, -1.0, 1.0),
    *(-1.0, 1.0, 1.0, -1.0, 1.0),
    *(-1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0),
)
"""What half a turn about x makes of each harmonic up to degree 3, in the order of Kerbl et al.: 1; y, z, x; xy, yz, 2zz - xx -
yy, xz, xx - yy; y(3xx - yy), xyz, y(4zz - xx - yy), z(2zz - 3xx - 3yy), x(4zz - xx - yy), z(xx - yy), x(xx - 3yy)."""


@dataclass(frozen=True)
class SplatCloud:
    """Gaussians of one moment, in the head's axes.

    Attributes:
        means: Centres, metres.
        scales: Standard deviations along the own axes, metres.
        quats: Rotations wxyz, any length but 0.
        opacities: 0..1.
        harmonics: Coefficients of the colour as seen along a direction, K of (degree + 1)^2: 0.5 + their sum is RGB.
    """

    means: Float[ndarray, "N 3"]
    scales: Float[ndarray, "N 3"]
    quats: Float[ndarray, "N 4"]
    opacities: Float[ndarray, " N"]
    harmonics: Float[ndarray, "N K 3"]

    def turned(self) -> "SplatCloud":
        """Return the same Gaussians after half a turn about x: from the head's axes to the viewers'."""
        w, x, y, z = self.quats.T
        signs = np.array(TURNED[: self.harmonics.shape[1]])[:, None]
        quats = np.stack([-x, w, -z, y], 1)
        return SplatCloud(self.means * [1.0, -1.0, -1.0], self.scales, quats, self.opacities, self.harmonics * signs)


def flat_harmonics(colours: Float[ndarray, "N 3"]) -> Float[ndarray, "N 1 3"]:
    """Return the coefficients of colours that are the same from all sides."""
    return (colours[:, None, :] - 0.5) / CONSTANT


def write_splat_ply(path: Path, cloud: SplatCloud, remarks: tuple[str, ...] = ()) -> None:
    """Write Gaussians as binary, little-endian PLY.

    Args:
        path: The file.
        cloud: The Gaussians, already in the axes that the file is to have.
        remarks: Lines for the file's head: units, axes.
    """
    columns = {"x": 0, "y": 1, "z": 2}
    values = {name: cloud.means[:, axis] for name, axis in columns.items()}
    values |= {name: np.zeros(len(cloud.means)) for name in ("nx", "ny", "nz")}
    values |= {f"f_dc_{channel}": cloud.harmonics[:, 0, channel] for channel in range(3)}
    rest = cloud.harmonics[:, 1:].transpose(0, 2, 1).reshape(len(cloud.means), -1)
    values |= {f"f_rest_{number}": column for number, column in enumerate(rest.T)}
    opacities = cloud.opacities.astype(np.float64).clip(CLEAREST, 1 - CLEAREST)
    values |= {"opacity": np.log(opacities / (1 - opacities))}
    values |= {f"scale_{axis}": np.log(cloud.scales[:, axis]) for axis in range(3)}
    unit = cloud.quats / np.linalg.norm(cloud.quats, axis=1, keepdims=True)
    values |= {f"rot_{part}": unit[:, part] for part in range(4)}
    path.write_bytes(
        header(len(cloud.means), tuple(values), remarks) + np.stack(list(values.values()), 1).astype("<f4").tobytes()
    )


def header(count: int, names: tuple[str, ...], remarks: tuple[str, ...]) -> bytes:
    """Return the head of a file of so many Gaussians with these numbers each."""
    comments = "".join(f"comment {line}\n" for line in remarks)
    properties = "".join(f"property float {name}\n" for name in names)
    return f"ply\nformat binary_little_endian 1.0\n{comments}element vertex {count}\n{properties}end_header\n".encode()
