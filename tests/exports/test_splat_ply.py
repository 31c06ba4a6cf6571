"""Splats in 3D Gaussian Splatting's layout, read back by readers that are not ours."""

import numpy as np
import pytest
import torch
import trimesh

from headsmith.exports.splat_ply import CONSTANT, SplatCloud, flat_harmonics, write_splat_ply
from headsmith.maths.rotations import quaternion_to_matrix

GENERATOR = np.random.default_rng(0)
COUNT = 40


def cloud(bands=16):
    means, scales = GENERATOR.normal(size=(COUNT, 3)), GENERATOR.uniform(1e-4, 1e-2, (COUNT, 3))
    quats, opacities = GENERATOR.normal(size=(COUNT, 4)) * 3, GENERATOR.uniform(0, 1, COUNT)
    opacities[:2] = 0, 1
    return SplatCloud(means, scales, quats, opacities, GENERATOR.normal(size=(COUNT, bands, 3)))


def parse(path):
    """A reader of one's own: names and a row of float32 a Gaussian."""
    head, _, body = path.read_bytes().partition(b"end_header\n")
    lines = head.decode().splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    names = [line.split()[2] for line in lines if line.startswith("property float ")]
    (count,) = [int(line.split()[2]) for line in lines if line.startswith("element vertex ")]
    rows = np.frombuffer(body, "<f4").reshape(count, len(names))
    return dict(zip(names, rows.T, strict=True)), [line for line in lines if line.startswith("comment")]


def together(columns, *names):
    return np.stack([columns[name] for name in names], 1).astype(np.float64)


def test_a_reader_of_the_layout_finds_the_gaussians(tmp_path):
    shown = cloud()
    write_splat_ply(tmp_path / "a.ply", shown, ("metres", "axes"))
    columns, comments = parse(tmp_path / "a.ply")
    expected = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", *(f"f_rest_{k}" for k in range(45))]
    assert list(columns) == [*expected, "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    assert comments == ["comment metres", "comment axes"]
    np.testing.assert_allclose(together(columns, "x", "y", "z"), shown.means, rtol=1e-6)
    np.testing.assert_allclose(np.exp(together(columns, "scale_0", "scale_1", "scale_2")), shown.scales, rtol=1e-5)
    found = 1 / (1 + np.exp(-columns["opacity"].astype(np.float64)))
    np.testing.assert_allclose(found, shown.opacities, atol=2e-6)
    turns = [
        quaternion_to_matrix(torch.from_numpy(part))
        for part in (together(columns, *(f"rot_{k}" for k in range(4))), shown.quats)
    ]
    np.testing.assert_allclose(*turns, atol=1e-6)
    assert not together(columns, "nx", "ny", "nz").any()
    for channel in range(3):
        np.testing.assert_allclose(columns[f"f_dc_{channel}"], shown.harmonics[:, 0, channel], rtol=1e-6)
        for band in range(1, 16):
            name = f"f_rest_{channel * 15 + band - 1}"
            np.testing.assert_allclose(columns[name], shown.harmonics[:, band, channel], rtol=1e-6)


def test_trimesh_finds_the_centres_and_the_rest_among_the_vertices(tmp_path):
    shown = cloud(1)
    write_splat_ply(tmp_path / "a.ply", shown)
    points = trimesh.load(tmp_path / "a.ply")
    np.testing.assert_allclose(points.vertices, shown.means, rtol=1e-6)
    data = points.metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_allclose(data["f_dc_1"].ravel(), shown.harmonics[:, 0, 1], rtol=1e-6)
    assert "f_rest_0" not in data.dtype.names


def test_plain_colours_are_their_own_harmonics():
    colours = GENERATOR.uniform(0, 1, (5, 3))
    np.testing.assert_allclose(0.5 + CONSTANT * flat_harmonics(colours)[:, 0], colours, atol=1e-12)


def harmonics(d):
    """Degree 0 to 3 at directions, as Kerbl et al. order and sign them, up to a positive factor each."""
    x, y, z = d.T
    return np.stack(
        [
            *(np.ones_like(x), -y, z, -x),
            *(x * y, -y * z, 2 * z * z - x * x - y * y, -x * z, x * x - y * y),
            *(-y * (3 * x * x - y * y), x * y * z, -y * (4 * z * z - x * x - y * y)),
            *(z * (2 * z * z - 3 * x * x - 3 * y * y), -x * (4 * z * z - x * x - y * y), z * (x * x - y * y)),
            -x * (x * x - 3 * y * y),
        ],
        1,
    )


@pytest.mark.parametrize("bands", [1, 4, 9, 16])
def test_turned_gaussians_are_the_same_seen_from_a_turned_camera(bands):
    shown = cloud(bands)
    turned, half_turn = shown.turned(), np.diag([1.0, -1, -1])
    np.testing.assert_allclose(turned.means, shown.means @ half_turn, atol=1e-12)
    before, after = (quaternion_to_matrix(torch.from_numpy(part.quats)).numpy() for part in (shown, turned))
    np.testing.assert_allclose(after, half_turn @ before, atol=1e-12)
    directions = GENERATOR.normal(size=(COUNT, 3))
    colours = [
        np.einsum("nk,nkc->nc", harmonics(way)[:, :bands], part.harmonics)
        for part, way in ((shown, directions), (turned, directions @ half_turn))
    ]
    np.testing.assert_allclose(*colours, atol=1e-10)
