from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from stages.photometric_clip import FRAMES, LIGHT, SIZE, draw, paint, painted_head, true_track, write_clip

from headsmith.heads.model import HeadModel
from headsmith.heads.photometric_anchors import choose_anchors
from headsmith.heads.texture import TextureModel
from headsmith.maths.harmonics import harmonics
from headsmith.mesh.own_renderer import OwnRenderer
from headsmith.mesh.shading import vertex_normals
from headsmith.mesh.texture import TextureFrame
from headsmith.stages.photometric_pictures import Pictures, open_pictures
from headsmith.stages.photometric_shifts import gather, measure, screen_slopes
from headsmith.stages.photometric_skin import bake_skin, fit_light, plain_skin, spread_evenly, with_lights
from headsmith.stages.photometric_texture import cut_space, within_space
from headsmith.stages.photometric_views import Surface, look_at, smooth_normals


@pytest.fixture(scope="module")
def scene():
    """The true track, its surface, and the pictures of its frames."""
    model = HeadModel.from_container(painted_head(), torch.float64)
    track = true_track(model.container)
    parts = [np.dstack([picture, labels == 1]) for picture, labels in draw(track, model)]
    return track, Surface(model.to(torch.float32), OwnRenderer()), Pictures(np.stack(parts).astype(np.uint8))


@pytest.fixture(scope="module")
def skin(scene):
    """The skin that the true track gives, under the true light."""
    track, surface, pictures = scene
    lit = with_lights(plain_skin(surface, track, SIZE), ((place, LIGHT) for place in range(FRAMES)))
    return bake_skin(lit, lambda place: look_at(surface, track, place, pictures, SIZE), list(range(FRAMES)), 2)


def moved(track, x, y):
    """The track with its head moved by pixels."""
    by = np.array([x, y, 0]) * track.translation[:, 2:] / track.focal
    return replace(track, translation=track.translation + by)


def test_baked_skin_is_the_paint_without_the_light(skin):
    baked, weights = skin
    grid = torch.stack(torch.meshgrid(torch.linspace(0.3, 0.7, 20), torch.linspace(0.3, 0.7, 20), indexing="ij"), -1).reshape(
        -1, 2
    )
    seen = baked.frame.look_up((weights > 0.3)[None].float(), grid)[:, 0] == 1
    apart = baked.frame.look_up(baked.texture, grid)[seen] - paint(grid)[seen]
    assert seen.sum() > 200 and apart.abs().mean() < 0.02


@pytest.mark.parametrize(("x", "y"), [(0.4, 0.0), (0.0, -0.4), (-0.3, 0.3)])
def test_measured_shifts_lead_back_to_the_pictures(scene, skin, x, y):
    """A face drawn beside its place: the shifts, weighed by what they tell, point back; they never go too far."""
    track, surface, pictures = scene
    anchors = choose_anchors(surface.head, "face", 30)
    found = measure(look_at(surface, moved(track, x, y), 2, pictures, SIZE), skin[0], surface, anchors, 0.02)
    mean = (found.weights[:, None] * found.shifts).sum(0) / found.weights.sum()
    back = torch.tensor([-x, -y])
    assert 0.3 < float(mean @ back) / float(back @ back) < 1.1
    still = measure(look_at(surface, track, 2, pictures, SIZE), skin[0], surface, anchors, 0.02)
    assert float((still.weights * still.shifts.norm(dim=-1)).sum() / still.weights.sum()) < 0.1
    torch.testing.assert_close(still.light, LIGHT, atol=0.05, rtol=0.05)


def test_a_step_along_the_shifts_lowers_the_loss(scene, skin):
    track, surface, pictures = scene
    anchors = choose_anchors(surface.head, "face", 30)
    for place in range(0, FRAMES, 4):
        before, after = (
            measure(look_at(surface, moved(track, x, 0.2), place, pictures, SIZE), skin[0], surface, anchors, 0.02)
            for x in (0.6, 0.3)
        )
        assert after.squares < before.squares
        assert float((before.weights * before.shifts[:, 0]).sum()) < 0


def test_a_frame_with_hardly_any_skin_tells_nothing(scene, skin):
    track, surface, pictures = scene
    bare = Pictures(pictures.content * np.array([1, 1, 1, 0], np.uint8))
    anchors = choose_anchors(surface.head, "face", 30)
    assert measure(look_at(surface, track, 0, bare, SIZE), skin[0], surface, anchors, 0.02) is None


def test_slopes_over_a_triangle_are_those_of_its_affine_map():
    screen = torch.tensor([[3.0, 4.0, 1.0], [9.0, 5.0, 1.2], [4.0, 11.0, 0.8], [5.0, 5.0, 1.0]])
    matrix = torch.tensor([[0.02, -0.01], [0.03, 0.05]])  # rows x and y, columns u and v
    uv = screen[:, :2] @ matrix
    slopes = screen_slopes(screen, uv, torch.tensor([[0, 1, 2], [0, 0, 3]]))
    torch.testing.assert_close(slopes[0], matrix)
    assert (slopes[1] == 0).all()


def test_what_vertices_feel_is_gathered_without_loss(scene):
    track, surface, pictures = scene
    look = look_at(surface, track, 1, pictures, SIZE)
    anchors = choose_anchors(surface.head, "face", 12)
    tensors = torch.rand(len(look.uv), 2, 2)
    force = torch.zeros(len(surface.uv), 2)
    force[torch.from_numpy(anchors.nearest)[surface.vertex_of] >= 0] = 1.0
    forces, sums = gather(look, surface, anchors, force, tensors)
    torch.testing.assert_close(forces.sum(0), force.sum(0))
    torch.testing.assert_close(sums.sum(0), tensors.sum(0), rtol=1e-4, atol=1e-3)


def test_light_is_found_from_colours():
    normals = torch.nn.functional.normalize(torch.randn(400, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    albedo = torch.rand(400, 3, generator=torch.Generator().manual_seed(1)) + 0.2
    light = torch.randn(9, 3, generator=torch.Generator().manual_seed(2))
    colours = albedo * (harmonics(normals) @ light)
    torch.testing.assert_close(fit_light(albedo, normals, colours, light), light, atol=1e-4, rtol=1e-4)
    drawn = fit_light(albedo, normals, colours, torch.zeros(9, 3))
    assert 0.8 < float(drawn.norm() / light.norm()) < 1


def test_normals_are_those_of_the_plain_shading(scene):
    _, surface, _ = scene
    vertices, faces = surface.head.template.astype(np.float64), surface.head.faces
    found = smooth_normals(torch.from_numpy(vertices), torch.from_numpy(faces).long())
    np.testing.assert_allclose(found, vertex_normals(vertices, faces), atol=1e-9)


def test_skin_keeps_away_from_its_border_at_every_size(scene):
    _, _, pictures = scene
    whole = pictures.content[3, ..., 3] > 0
    for size in (SIZE, SIZE // 2):
        picture, skin = pictures.at(3, size)
        assert picture.shape == (size, size, 3) and picture.max() <= 1 and skin.any()
        every = SIZE // size
        cells = whole.reshape(size, every, size, every).all((1, 3)).astype(np.uint8)
        assert not (skin & ~(cv2.erode(cells, np.ones((3, 3), np.uint8), borderValue=0) > 0)).any()


def test_pictures_lie_on_disk_only_while_they_are_used(tmp_path):
    paths, *_ = write_clip(tmp_path)
    with open_pictures(paths["frames"], paths["parsing"], 48, tmp_path / "tracking.npz", "someone") as pictures:
        assert pictures.content.shape == (FRAMES, 48, 48, 4) and isinstance(pictures.content, np.memmap)
        assert list(tmp_path.glob(".tracking.npz.*"))
    assert not list(tmp_path.glob(".tracking.npz.*"))


def test_places_are_spread_evenly():
    assert spread_evenly([3, 5, 8], 5) == [3, 5, 8]
    assert spread_evenly(list(range(100)), 4) == [0, 33, 66, 99]


def texture_model(components=4, side=64):
    """A mean and a few smooth directions over the whole unwrapping."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    waves = [
        np.stack([np.sin((k + 2) * 3 * x + k + c) * np.cos((k + 1) * 4 * y) for c in range(3)], -1) for k in range(components)
    ]
    mean = 120 + 40 * np.stack([np.sin(9 * x), np.cos(7 * y), np.sin(5 * x + 5 * y)], -1)
    return TextureModel(mean.astype(np.float32), 20 * np.stack(waves, -1).astype(np.float32))


def test_the_nearest_texture_of_the_space_is_found_under_spots(skin):
    baked, weights = skin
    model, codes = texture_model(), torch.tensor([1.5, -1.0, 0.5, 0.8])
    space = cut_space(model, baked.frame)
    true = space.mean + torch.einsum("n,nchw->chw", codes, space.directions)
    spots = 0.05 * torch.randn(true.shape, generator=torch.Generator().manual_seed(0))
    found = within_space(replace(baked, texture=true + spots), weights, space)
    seen = weights > 0.3
    assert (found.texture - true)[:, seen].abs().mean() < 0.01
    torch.testing.assert_close(found.slopes, baked.frame.slopes(found.texture))


def test_the_space_is_cut_where_the_skin_lies(skin):
    frame = skin[0].frame
    model = texture_model()
    cut = cut_space(model, frame).mean
    uv = torch.tensor([[0.4, 0.6], [0.55, 0.35]])
    whole = torch.from_numpy(model.mean / 255).permute(2, 0, 1)
    expected = TextureFrame((0.0, 0.0), (1.0, 1.0), 64, 64).look_up(whole, uv)
    torch.testing.assert_close(frame.look_up(cut, uv), expected, atol=0.01, rtol=0)
