import torch

from headsmith.mesh.texture import TextureFrame, fill_unseen

FRAME = TextureFrame((0.2, 0.4), (0.6, 0.9), 8, 5)


def texel_centres():
    u = 0.2 + (torch.arange(8, dtype=torch.float64) + 0.5) / 8 * 0.4
    v = 0.9 - (torch.arange(5, dtype=torch.float64) + 0.5) / 5 * 0.5
    return torch.stack([u.repeat(5), v.repeat_interleave(8)], -1)


def inner_places(count, seed=0):
    share = torch.rand(count, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return torch.tensor([0.23, 0.46], dtype=torch.float64) + share * torch.tensor([0.34, 0.38], dtype=torch.float64)


def test_texels_are_found_at_their_centres():
    texture = torch.rand(3, 5, 8, dtype=torch.float64)
    torch.testing.assert_close(FRAME.look_up(texture, texel_centres()).mT.reshape(3, 5, 8), texture)


def test_a_plane_is_looked_up_and_its_slopes_are_known():
    centres = texel_centres()
    texture = (3 * centres[:, 0] - 2 * centres[:, 1]).reshape(1, 5, 8)
    uv = inner_places(50).requires_grad_()
    found = FRAME.look_up(texture, uv)
    torch.testing.assert_close(found[:, 0], 3 * uv[:, 0] - 2 * uv[:, 1])
    (slope,) = torch.autograd.grad(found.sum(), uv)
    torch.testing.assert_close(slope, torch.tensor([3.0, -2.0], dtype=torch.float64).expand(50, 2))
    slopes = FRAME.slopes(texture)[:, 1:-1, 1:-1]
    torch.testing.assert_close(slopes, torch.tensor([3.0, -2.0], dtype=torch.float64)[:, None, None].expand_as(slopes))


def test_spreading_is_the_transpose_of_looking_up():
    texture, uv = torch.rand(2, 5, 8, dtype=torch.float64), inner_places(40, 1)
    values = torch.rand(40, 2, dtype=torch.float64)
    forward = (FRAME.look_up(texture, uv) * values).sum()
    torch.testing.assert_close((FRAME.spread(uv, values) * texture).sum(), forward)


def test_unseen_texels_take_the_mean_beside_them_ring_by_ring():
    seen = torch.zeros(5, 8, dtype=torch.bool)
    seen[2, 2:4] = True
    texture = torch.full((1, 5, 8), 9.0)
    texture[0, 2, 2], texture[0, 2, 3] = 1, 3
    filled = fill_unseen(texture, seen, 1)
    assert filled[0, 2, 2] == 1 and filled[0, 1, 1] == 1 and filled[0, 1, 2] == 2 and filled[0, 3, 4] == 3
    assert filled[0, 2, 5] == 0 and fill_unseen(texture, seen, 2)[0, 2, 5] == 3
