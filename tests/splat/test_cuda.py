"""gsplat behind `rasterize`: the call against gsplat's own signature and an emulation, and on the GPU where there is one.

On a machine with a GPU: python -m pytest tests/splat/test_cuda.py -rs
"""

import importlib.util
import inspect
import sys
import types

import pytest
import torch

from headsmith.maths.cameras import Camera
from headsmith.splat.cuda import rasterize_cuda
from headsmith.splat.rasterize import rasterize, rasterize_batch
from headsmith.splat.reference import rasterize_reference
from tests.splat.scenes import make_scene, single

PARAMETERS = {
    "means": ..., "quats": ..., "scales": ..., "opacities": ..., "colors": ..., "viewmats": ..., "Ks": ..., "width": ...,
    "height": ..., "near_plane": 0.01, "far_plane": 1e10, "radius_clip": 0.0, "eps2d": 0.3, "sh_degree": None, "packed": True,
    "tile_size": 16, "backgrounds": None, "render_mode": "RGB", "sparse_grad": False, "absgrad": False,
    "rasterize_mode": "classic", "channel_chunk": 32, "distributed": False, "camera_model": "pinhole", "segmented": False,
    "covars": None, "with_ut": False, "with_eval3d": False, "radial_coeffs": None, "tangential_coeffs": None,
    "thin_prism_coeffs": None, "ftheta_coeffs": None, "rolling_shutter": None, "viewmats_rs": None,
}  # fmt: skip
"""Names and defaults of `gsplat.rasterization` 1.5.3, in order; `...` where there is none, and an enumeration's is left out."""

SIGNATURE = inspect.Signature(
    [
        inspect.Parameter(
            name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=inspect.Parameter.empty if default is ... else default
        )
        for name, default in PARAMETERS.items()
    ]
)


def emulated(*positional, **named):
    """What gsplat's documentation says of the call: leading axes, cameras (C) a batch, wxyz, world to camera, no background."""
    bound = SIGNATURE.bind(*positional, **named)
    bound.apply_defaults()
    call = bound.arguments
    means, cameras = call["means"], call["viewmats"].shape[-3]
    batch, count = means.shape[:-2], means.shape[-2]
    assert call["quats"].shape == (*batch, count, 4) and call["scales"].shape == (*batch, count, 3)
    assert call["opacities"].shape == (*batch, count)
    assert call["viewmats"].shape == (*batch, cameras, 4, 4) and call["Ks"].shape == (*batch, cameras, 3, 3)
    assert call["colors"].shape[: len(batch) + 1] == (*batch, count)
    if call["sh_degree"] is None:
        assert call["colors"].ndim == len(batch) + 2
    else:
        assert call["colors"].shape[len(batch) + 1 :] == ((call["sh_degree"] + 1) ** 2, 3)
    assert (call["near_plane"], call["eps2d"], call["backgrounds"]) == (0.01, 0.3, None)
    assert call["viewmats"].dtype == call["Ks"].dtype == means.dtype
    images, alphas = [], []
    for frame in range(len(means)):
        for matrix, inner in zip(call["viewmats"][frame], call["Ks"][frame], strict=True):
            assert matrix[3].tolist() == [0, 0, 0, 1]
            assert inner[2].tolist() == [0, 0, 1] and not inner[0, 1] and not inner[1, 0]
            focal, size = torch.stack([inner[0, 0], inner[1, 1]]), (call["width"], call["height"])
            camera = Camera(matrix[:3, :3], matrix[:3, 3], focal, inner[:2, 2], size)
            parts = [call[name][frame] for name in ("means", "scales", "quats", "opacities", "colors")]
            image, alpha = rasterize_reference(*parts, camera, torch.zeros(3).to(means))
            images.append(image)
            alphas.append(alpha[..., None])
    shape = (len(means), cameras, call["height"], call["width"])
    return torch.stack(images).view(*shape, 3), torch.stack(alphas).view(*shape, 1), {}


@pytest.fixture
def gsplat(monkeypatch):
    module = types.ModuleType("gsplat")
    module.rasterization = emulated
    monkeypatch.setitem(sys.modules, "gsplat", module)


def frames_of(seed, count=2):
    """A batch of frames of one scene, seen from several places."""
    scene = make_scene(seed)
    parts = (scene.camera.rotation, scene.camera.translation, scene.camera.focal, scene.camera.principal)
    camera = Camera(*(torch.stack([part] * count) for part in parts), scene.camera.size)
    camera.translation[:, 0] += 0.05 * torch.arange(count)
    return [torch.stack([part] * count) for part in scene.gaussians], camera, scene.background


def outcome(draw, gaussians, weights):
    leaves = [part.clone().requires_grad_(True) for part in gaussians]
    image, alpha = draw(leaves)
    ((image * weights[0]).sum() + (alpha * weights[1]).sum()).backward()
    return image.detach(), alpha.detach(), *(leaf.grad for leaf in leaves)


@pytest.mark.parametrize("seed", [0, 11, 2, 3, 4, 15])
def test_the_call_means_to_gsplat_what_rasterize_means(gsplat, seed):
    gaussians, camera, background = frames_of(seed)
    width, height = camera.size
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randn(2, height, width, 3, generator=generator), torch.randn(2, height, width, generator=generator)]
    found = outcome(lambda leaves: rasterize_cuda(*leaves, camera, background), gaussians, weights)
    expected = outcome(lambda leaves: rasterize_batch(*leaves, camera, background, backend="reference"), gaussians, weights)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-9)


def test_backgrounds_of_each_frame_lie_behind(gsplat):
    gaussians, camera, _ = frames_of(4)
    width, height = camera.size
    for shape in ((3,), (2, 3), (height, width, 3), (2, height, width, 3)):
        background = torch.rand(shape).double()
        image, _ = rasterize_cuda(*gaussians, camera, background)
        expected, _ = rasterize_batch(*gaussians, camera, background, backend="reference")
        torch.testing.assert_close(image, expected, atol=1e-12, rtol=0)


def test_no_gaussian_shows_the_background_without_gsplat():
    gaussians, camera, background = frames_of(10)
    leaves = [part.requires_grad_(True) for part in gaussians]
    image, alpha = rasterize_cuda(*leaves, camera, background)
    assert not alpha.any() and torch.equal(image, background.expand_as(image))
    (image.sum() + alpha.sum()).backward()


def test_without_gsplat_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "gsplat", None)
    gaussians, camera, background = frames_of(0)
    with pytest.raises(RuntimeError, match=r"pip install .*gsplat\.lock"):
        rasterize_cuda(*gaussians, camera, background)


@pytest.mark.skipif(importlib.util.find_spec("gsplat") is None, reason="gsplat is not installed")
def test_gsplat_has_the_signature_that_is_emulated():
    from gsplat import rasterization

    found = {
        name: ... if parameter.default is inspect.Parameter.empty else parameter.default
        for name, parameter in inspect.signature(rasterization).parameters.items()
    }
    assert list(found) == list(PARAMETERS)
    found["rolling_shutter"] = None
    assert found == PARAMETERS


needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available() or importlib.util.find_spec("gsplat") is None, reason="needs a CUDA device and gsplat"
)


@needs_gpu
@pytest.mark.parametrize("seed", range(44))
def test_a_gpu_draws_what_the_reference_draws(seed):
    """Images to 1e-4, gradients to 1e-3; pixels at jumps, which either rounding may take, are left out."""
    from tests.splat.scenes import near_jumps

    scene = make_scene(seed)
    clear = ~near_jumps(scene, 1e-3)
    weights = [scene.weights[0] * clear[..., None], scene.weights[1] * clear]
    place = Camera(*(part.float().cuda() for part in vars(scene.camera).values() if torch.is_tensor(part)), scene.camera.size)
    found = outcome(
        lambda leaves: rasterize(*leaves, place, scene.background.float().cuda()),
        [part.cuda() for part in single(scene.gaussians)],
        [part.float().cuda() for part in weights],
    )
    expected = outcome(
        lambda leaves: rasterize(*leaves, scene.camera, scene.background, backend="reference"), scene.gaussians, weights
    )
    for one, other in zip(found[:2], expected[:2], strict=True):
        torch.testing.assert_close(one.cpu().double()[clear], other[clear], atol=1e-4, rtol=0)
    for one, other in zip(found[2:], expected[2:], strict=True):
        apart = float((one.cpu().double() - other).norm())
        assert apart <= 1e-3 * float(other.norm())
