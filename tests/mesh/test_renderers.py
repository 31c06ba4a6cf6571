import builtins
import hashlib

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.mesh.own_renderer import OwnRenderer
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.renderer_choice import open_renderer

SIZE = (40, 32)


def bowl(frames, kind=torch.float64, seed=0):
    """A wavy sheet of triangles with some lying over others, another one each frame; faces counter-clockwise to the eye."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:7, 0:8]
    depth = 1 + 0.4 * np.sin(x) * np.cos(0.7 * y)
    sheet = np.stack([4.5 * x + 2.3, 4.6 * y + 1.7, depth], -1).reshape(-1, 3)
    cell = (np.arange(6)[:, None] * 8 + np.arange(7)).ravel()
    faces = np.concatenate([np.stack([cell, cell + 8, cell + 9], -1), np.stack([cell, cell + 9, cell + 1], -1)])
    second = sheet * [0.6, 0.7, 1] + [11, 8, -0.55]
    vertices = np.concatenate([sheet, second])[None] + random.normal(0, [0.4, 0.4, 0.02], (frames, 112, 3))
    attributes = random.normal(size=(frames, 112, 5))
    return (*(torch.from_numpy(part).to(kind) for part in (vertices, attributes)), np.concatenate([faces, faces + 56]))


def plain(vertices, attributes, faces, face_ids):
    """The attributes of given faces at pixel centres in plain torch: each ray cut with the plane of its triangle in space."""
    frame, row, column = np.nonzero(face_ids.numpy() >= 0)
    corners = torch.from_numpy(faces)[face_ids[frame, row, column].long()]
    frames = torch.from_numpy(frame)[:, None]
    seen, values = vertices[frames, corners], attributes[frames, corners]
    space = torch.cat([seen[..., :2] * seen[..., 2:], seen[..., 2:]], -1)
    rays = torch.from_numpy(np.stack([column + 0.5, row + 0.5, np.ones(len(row))], -1)).to(vertices)
    weights = torch.linalg.solve(space.mT, rays[..., None])[..., 0]
    weights = weights / weights.sum(-1, keepdim=True)
    image = vertices.new_zeros(*face_ids.shape, attributes.shape[-1])
    return image.index_put(
        (torch.from_numpy(frame), torch.from_numpy(row), torch.from_numpy(column)), (weights[..., None] * values).sum(1)
    )


def gradients(draw, vertices, attributes, pull):
    inputs = [part.clone().requires_grad_() for part in (vertices, attributes)]
    image = draw(*inputs)
    return image.detach(), *torch.autograd.grad((image * pull).sum(), inputs)


def test_image_and_gradients_equal_plain_torch_in_float64():
    vertices, attributes, faces = bowl(3)
    renderer, pull = OwnRenderer(), torch.randn(3, 32, 40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    face_ids = renderer.interpolate(vertices, torch.from_numpy(faces), attributes, SIZE).face_ids
    assert {*(face_ids >= 84).unique().tolist(), *(face_ids < 0).unique().tolist()} == {False, True}
    ours = gradients(lambda v, a: renderer.interpolate(v, torch.from_numpy(faces), a, SIZE).image, vertices, attributes, pull)
    theirs = gradients(lambda v, a: plain(v, a, faces, face_ids), vertices, attributes, pull)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
        assert one.abs().max() > 0.1


def test_gradients_equal_finite_differences_while_no_pixel_changes_its_face():
    vertices, attributes, faces = bowl(1, seed=4)
    renderer, faces = OwnRenderer(), torch.from_numpy(faces)
    first = renderer.interpolate(vertices, faces, attributes, SIZE)
    pull = torch.randn(first.image.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    _, by_vertices, _ = gradients(lambda v, a: renderer.interpolate(v, faces, a, SIZE).image, vertices, attributes, pull)
    step, checked = 1e-6, 0
    for vertex in range(0, 112, 3):
        for axis in range(3):
            moved = [vertices.clone() for _ in range(2)]
            moved[0][0, vertex, axis] -= step
            moved[1][0, vertex, axis] += step
            low, high = (renderer.interpolate(part, faces, attributes, SIZE) for part in moved)
            if not (torch.equal(low.face_ids, first.face_ids) and torch.equal(high.face_ids, first.face_ids)):
                continue
            slope = ((high.image - low.image) * pull).sum() / (2 * step)
            torch.testing.assert_close(by_vertices[0, vertex, axis], slope, rtol=1e-5, atol=1e-6)
            checked += abs(slope.item()) > 1e-3
    assert checked > 50


def test_float32_follows_float64_and_finds_the_same_faces_as_the_plain_rasterizer():
    vertices, attributes, faces = bowl(2, torch.float32, seed=3)
    pull = torch.randn(2, 32, 40, 5, generator=torch.Generator().manual_seed(1))
    drawn = OwnRenderer().interpolate(vertices, torch.from_numpy(faces), attributes, SIZE)
    for frame in range(2):
        ids, weights, _ = rasterize_mesh(vertices[frame].numpy(), faces, *SIZE, True)
        np.testing.assert_array_equal(drawn.face_ids[frame], ids)
        np.testing.assert_array_equal(drawn.barycentrics[frame], weights)
    ours = gradients(
        lambda v, a: OwnRenderer().interpolate(v, torch.from_numpy(faces), a, SIZE).image, vertices, attributes, pull
    )
    exact = gradients(lambda v, a: plain(v, a, faces, drawn.face_ids), vertices.double(), attributes.double(), pull.double())
    for one, other in zip(ours, exact, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.double(), other, rtol=2e-3, atol=2e-4)


def test_the_number_of_threads_changes_no_bit():
    vertices, attributes, faces = bowl(7, torch.float32)
    pull = torch.randn(7, 32, 40, 5, generator=torch.Generator().manual_seed(1))
    found = set()
    for threads in (1, 2, 5):
        renderer = OwnRenderer(threads)
        parts = gradients(
            lambda v, a, r=renderer: r.interpolate(v, torch.from_numpy(faces), a, SIZE).image, vertices, attributes, pull
        )
        found.add(hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest())
    assert len(found) == 1


def test_faces_seen_from_behind_and_empty_pixels_show_nothing():
    vertices, attributes, faces = bowl(1)
    backwards = OwnRenderer().interpolate(vertices, torch.from_numpy(faces[:, ::-1].copy()), attributes, SIZE)
    assert not backwards.mask.any() and (backwards.image == 0).all()
    drawn = OwnRenderer().interpolate(vertices, torch.from_numpy(faces), attributes, SIZE)
    assert (drawn.image[~drawn.mask] == 0).all() and (drawn.barycentrics.sum(-1)[drawn.mask] - 1).abs().max() < 1e-12


def test_bad_meshes_are_refused():
    vertices, attributes, faces = bowl(1)
    vertices[0, 3, 0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        OwnRenderer().interpolate(vertices, torch.from_numpy(faces), attributes, SIZE)
    with pytest.raises(ValueError, match="no renderer"):
        open_renderer("mitsuba", 1)


def test_a_missing_pytorch3d_is_told_with_a_remedy(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pytorch3d"):
            raise ImportError("No module named 'pytorch3d'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match="pytorch3d cannot be imported"):
        open_renderer("pytorch3d", 1)


def test_pytorch3d_agrees_away_from_edges():
    pytest.importorskip("pytorch3d", reason="PyTorch3D is not installed: nothing to compare with")
    vertices, attributes, faces = bowl(2, torch.float32)
    faces = torch.from_numpy(faces)
    ours, theirs = (open_renderer(name, 1).interpolate(vertices, faces, attributes, SIZE) for name in ("own", "pytorch3d"))
    same = ours.face_ids == theirs.face_ids
    assert same.float().mean() > 0.98
    torch.testing.assert_close(ours.image[same], theirs.image[same], rtol=1e-3, atol=1e-3)
    pull = torch.randn(ours.image.shape, generator=torch.Generator().manual_seed(1)) * same[..., None]
    parts = [
        gradients(lambda v, a, n=name: open_renderer(n, 1).interpolate(v, faces, a, SIZE).image, vertices, attributes, pull)[1:]
        for name in ("own", "pytorch3d")
    ]
    for one, other in zip(*parts, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-2)
