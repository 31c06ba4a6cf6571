"""A rasterizer of Gaussians in torch alone (tiles, padded lists, autograd): what `splat.py` measures ours beside."""

import torch

from headsmith.splat.reference import footprints

EDGE = 8  # of the tiles; 16 is slower


def tile_lists(centres, conics, depths, opacities, across, down):
    """Which Gaussians reach which tile: tile numbers in order and, within a tile, Gaussians near to far."""
    reach = (2 * torch.log(255 * opacities).clamp(min=0)[:, None] * torch.linalg.inv(conics).diagonal(dim1=1, dim2=2)).sqrt()
    low = ((centres - reach) / EDGE).floor().long().clamp(min=0)
    high = torch.minimum(((centres + reach) / EDGE).floor().long() + 1, torch.tensor([across, down]))
    extent = (high - low).clamp(min=0)
    order = torch.argsort(depths)
    counts = extent.prod(1)[order]
    who = torch.repeat_interleave(order, counts)
    nth = torch.arange(len(who)) - torch.repeat_interleave(counts.cumsum(0) - counts, counts)
    tile = (low[who, 1] + nth // extent[who, 0]) * across + low[who, 0] + nth % extent[who, 0]
    by_tile = torch.argsort(tile, stable=True)
    return tile[by_tile], who[by_tile]


def blend_torch(parts, x, y):
    """Colours (tiles, pixels, 3) and alpha of padded lists (tiles, members, 9) at pixels x, y (tiles, pixels)."""
    x, y = x[:, None] - parts[..., 0, None], y[:, None] - parts[..., 1, None]
    sigma = 0.5 * (parts[..., 2, None] * x * x + parts[..., 4, None] * y * y) + parts[..., 3, None] * x * y
    alpha = (parts[..., 5, None] * torch.exp(-sigma)).clamp(max=0.999)
    alpha = alpha * (alpha >= 1 / 255)
    through = torch.cumprod(1 - alpha, 1)
    before = torch.cat([torch.ones_like(through[:, :1]), through[:, :-1]], 1)
    weights = alpha * before * (through > 1e-4)
    return torch.einsum("tmp,tmc->tpc", weights, parts[..., 6:9]), weights.sum(1)


def rasterize_torch(means, scales, quats, opacities, colours, camera, background, group=32):
    """The same image with torch alone: tiles of 8 x 8 pixels, a group of equally full ones at a time in padded lists."""
    width, height = camera.size
    across, down = -(-width // EDGE), -(-height // EDGE)
    centres, conics, depths = footprints(means, scales, quats, camera)
    with torch.no_grad():
        tile, who = tile_lists(centres, conics, depths, opacities, across, down)
        members = torch.bincount(tile, minlength=across * down)
        begins = members.cumsum(0) - members
    parts = torch.cat([centres, conics.reshape(-1, 4)[:, [0, 1, 3]], opacities[:, None], colours], -1)
    parts = torch.cat([parts, torch.zeros(1, 9)])
    inside = torch.stack(torch.meshgrid(torch.arange(EDGE), torch.arange(EDGE), indexing="xy"), -1).reshape(-1, 2) + 0.5
    by_size = torch.argsort(members)
    drawn = []
    for tiles in by_size.split(group):
        slot = torch.arange(int(members[tiles].max()))
        lists = torch.where(slot < members[tiles, None], who[(begins[tiles, None] + slot).clamp(max=len(who) - 1)], len(means))
        x, y = (tiles % across)[:, None] * EDGE + inside[:, 0], (tiles // across)[:, None] * EDGE + inside[:, 1]
        drawn.append(blend_torch(parts.index_select(0, lists.reshape(-1)).reshape(*lists.shape, 9), x, y))
    back = torch.argsort(by_size)
    blended, covered = (torch.cat(part)[back] for part in zip(*drawn, strict=True))
    whole = torch.cat([blended + (1 - covered)[..., None] * background, covered[..., None]], -1)
    whole = whole.reshape(down, across, EDGE, EDGE, 4).permute(0, 2, 1, 3, 4).reshape(down * EDGE, across * EDGE, 4)
    return whole[:height, :width, :3], whole[:height, :width, 3]
