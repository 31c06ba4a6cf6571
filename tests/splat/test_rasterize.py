import math
import threading

import pytest
import torch

from headsmith.maths.cameras import Camera
from headsmith.splat.rasterize import one_of, rasterize, rasterize_batch


def camera_of(width, height, focal=150.0, dtype=torch.float64, turn=0.0):
    cosine, sine = math.cos(turn), math.sin(turn)
    rotation = torch.tensor([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]], dtype=dtype)
    translation = torch.tensor([0.01, -0.02, 1.0], dtype=dtype)
    focal = torch.tensor([focal, 1.1 * focal], dtype=dtype)
    return Camera(rotation, translation, focal, torch.tensor([0.47 * width, 0.52 * height], dtype=dtype), (width, height))


def scene_of(count, seed, size=0.02, spread=0.3):
    """Gaussians about the origin, in float64 but exactly representable in float32."""
    random = torch.Generator().manual_seed(seed)
    means = spread * torch.randn(count, 3, generator=random)
    scales = size * torch.exp(0.6 * torch.randn(count, 3, generator=random))
    quats = torch.randn(count, 4, generator=random)
    opacities = torch.sigmoid(1.5 * torch.randn(count, generator=random))
    colours = torch.rand(count, 3, generator=random) * 1.4 - 0.2
    return [part.double() for part in (means, scales, quats, opacities, colours)]


def as_float32(camera):
    parts = (camera.rotation, camera.translation, camera.focal, camera.principal)
    return Camera(*(part.float() for part in parts), camera.size)


def draw(scene, camera, background, weights, backend, **more):
    """Image, alpha and the gradients of a random linear loss on both."""
    leaves = [part.clone().requires_grad_(True) for part in scene]
    image, alpha = rasterize(*leaves, camera, background, backend=backend, **more)
    ((image * weights[0]).sum() + (alpha * weights[1]).sum()).backward()
    return image.detach(), alpha.detach(), [leaf.grad for leaf in leaves]


def test_the_reference_has_the_gradients_of_finite_differences():
    """Away from the jumps: supports reach past the image, and no pixel comes near its end."""
    scene = scene_of(4, 8, size=0.6, spread=0.1)
    scene[3] = 0.2 + 0.1 * scene[3]
    leaves = [part.requires_grad_(True) for part in scene]
    camera, plate = camera_of(6, 5, focal=8.0), torch.rand(5, 6, 3).double()

    def draw_reference(*gaussians):
        return rasterize(*gaussians, camera, plate, backend="reference")

    assert torch.autograd.gradcheck(draw_reference, leaves, eps=1e-6, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize(("backend", "dtype", "near"), [("cpu", torch.float32, 2e-6), ("reference", torch.float64, 1e-12)])
def test_one_round_gaussian_at_a_pixel_centre(backend, dtype, near):
    """Variance (f s / z)^2 + 0.3 in the image; weight o exp(-d^2 / 2 variance); nothing beyond the 1/255 contour."""
    focal, size, opacity = 100.0, 0.04, 0.7
    camera = Camera(*(part.to(dtype) for part in (torch.eye(3), torch.tensor([0.0, 0, 2.0]), torch.tensor([focal, focal]))),
                    torch.tensor([20.5, 12.5], dtype=dtype), (41, 25))  # fmt: skip
    parts = ([[0.0, 0, 0]], [[size] * 3], [[2.0, 0, 0, 0]], [opacity], [[0.9, 0.5, 0.1]])
    scene = [torch.tensor(part, dtype=dtype) for part in parts]
    image, alpha = rasterize(*scene, camera, torch.tensor([0.0, 1.0, 0.5], dtype=dtype), backend=backend)
    variance = (focal * size / 2.0) ** 2 + 0.3
    y, x = torch.meshgrid(torch.arange(25.0), torch.arange(41.0), indexing="ij")
    expected = opacity * torch.exp(-((x - 20) ** 2 + (y - 12) ** 2).double() / (2 * variance))
    expected[expected < 1 / 255] = 0
    assert float(alpha[12, 20]) == pytest.approx(opacity, abs=1e-6)
    torch.testing.assert_close(alpha.double(), expected, atol=near, rtol=0)
    colours = expected[..., None] * torch.tensor([0.9, 0.5, 0.1]).double()
    rest = (1 - expected)[..., None] * torch.tensor([0.0, 1.0, 0.5]).double()
    torch.testing.assert_close(image.double(), colours + rest, atol=max(near, 1e-7), rtol=0)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_the_nearer_of_two_lies_on_top(backend):
    camera = as_float32(camera_of(32, 32))
    scene = [part.float() for part in scene_of(2, 0)]
    scene[0] = torch.tensor([[0.0, 0, 0.2], [0.0, 0, -0.2]])
    scene[1], scene[3] = torch.full((2, 3), 1.0), torch.tensor([0.5, 0.25])
    scene[4] = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
    image, alpha = rasterize(*scene, camera, torch.tensor([0.0, 0, 1.0]), backend=backend)
    row, column = 13, 16
    near, far = image[row, column, 1], image[row, column, 0] / (1 - image[row, column, 1])
    assert float(near) == pytest.approx(0.25, abs=2e-3)
    assert float(far) == pytest.approx(0.5, abs=4e-3)
    assert float(image[row, column, 2]) == pytest.approx(1 - float(alpha[row, column]), abs=1e-6)


def test_a_pixel_stops_before_the_gaussian_that_would_use_it_up():
    """0.999, then 0.95 would leave 5e-5: it is left out, and so is all that is behind, while 0.85 (leaving 1.5e-4) is not."""
    camera = as_float32(camera_of(16, 16))
    for second, expected in ((0.95, 1e-3), (0.85, 1.5e-4)):
        scene = [torch.tensor([[0.0, 0, -0.2], [0, 0, 0], [0, 0, 0.2]]), torch.full((3, 3), 50.0)]
        scene += [torch.tensor([[1.0, 0, 0, 0]]).repeat(3, 1), torch.tensor([1.0, second, 0.5]), torch.ones(3, 3)]
        alpha = rasterize(*scene, camera, torch.zeros(3))[1]
        torch.testing.assert_close(1 - alpha, torch.full((16, 16), expected), atol=2e-6, rtol=0)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_an_opacity_held_at_its_limit_has_no_gradient(backend):
    """All pixels lie where opacity exp(-sigma) passes 0.999: neither opacity nor shape may feel them, the colour does."""
    scene = [part.float().requires_grad_(True) for part in scene_of(1, 0)]
    with torch.no_grad():
        scene[0][:], scene[1][:], scene[3][:] = 0, 50, 1
    image, alpha = rasterize(*scene, as_float32(camera_of(16, 16)), torch.zeros(3), backend=backend)
    (image.sum() + 3 * alpha.sum()).backward()
    assert not any(scene[which].grad.any() for which in range(4))
    torch.testing.assert_close(scene[4].grad, torch.full((1, 3), 256 * 0.999))


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("count", [0, 1, 9])
def test_nothing_to_see_shows_the_plate_and_gives_no_gradient(backend, count):
    scene = [part.float().requires_grad_(True) for part in scene_of(count, 1)]
    with torch.no_grad():
        scene[0][:, 2] -= 9
    plate = torch.rand(20, 37, 3)
    image, alpha = rasterize(*scene, as_float32(camera_of(37, 20)), plate, backend=backend)
    assert torch.equal(image, plate) and not alpha.any()
    if backend == "cpu":
        (image.sum() + alpha.sum()).backward()
        assert all(part.grad.shape == part.shape and not part.grad.any() for part in scene)


def test_fewer_gaussians_than_lanes_draw_the_same():
    scene = [part.float() for part in scene_of(20, 2)]
    camera = as_float32(camera_of(48, 48))
    scene[3][5:] = 0
    weights = [torch.randn(48, 48, 3), torch.randn(48, 48)]
    many = draw(scene, camera, torch.zeros(3), weights, "cpu")
    few = draw([part[:5] for part in scene], camera, torch.zeros(3), weights, "cpu")
    assert torch.equal(many[0], few[0])
    assert all(torch.equal(one[:5], other) for one, other in zip(many[2], few[2], strict=True))


def test_only_the_image_or_only_alpha_may_be_used():
    scene = [part.float() for part in scene_of(60, 2)]
    camera, nothing = as_float32(camera_of(48, 48)), torch.zeros(3)
    weights = [torch.randn(48, 48, 3), torch.randn(48, 48)]
    whole = draw(scene, camera, nothing, weights, "cpu")[2]
    parts = []
    for which in range(2):
        leaves = [part.clone().requires_grad_(True) for part in scene]
        (rasterize(*leaves, camera, nothing)[which] * weights[which]).sum().backward()
        parts.append([leaf.grad for leaf in leaves])
    for all_of, first, second in zip(whole, *parts, strict=True):
        torch.testing.assert_close(all_of, first + second, rtol=1e-3, atol=1e-3 * float(all_of.abs().max()))


def same(one, other):
    return torch.equal(one[0], other[0]) and torch.equal(one[1], other[1]) and all(map(torch.equal, one[2], other[2]))


def test_the_same_bits_run_to_run_with_shared_tiles_and_in_threads_at_once():
    camera, nothing = as_float32(camera_of(150, 117)), torch.tensor([0.3, 0.2, 0.1])
    weights = [torch.randn(117, 150, 3), torch.randn(117, 150)]
    scenes = [[part.float() for part in scene_of(900, seed)] for seed in (1, 2)]
    alone = [draw(scene, camera, nothing, weights, "cpu") for scene in scenes]
    assert same(alone[0], draw(scenes[0], camera, nothing, weights, "cpu"))
    for threads in (2, 3, 8):
        assert same(alone[0], draw(scenes[0], camera, nothing, weights, "cpu", threads=threads))
    together = [[], []]

    def work(index):
        together[index] = [draw(scenes[index], camera, nothing, weights, "cpu") for _ in range(8)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(2):
        assert len(together[index]) == 8
        assert all(same(alone[index], one) for one in together[index])


@pytest.mark.parametrize("which", range(5))
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(which, value):
    scene = [part.float() for part in scene_of(21, 1)]
    scene[which].view(-1)[-1] = value
    with pytest.raises(ValueError, match="not finite"):
        rasterize(*scene, as_float32(camera_of(16, 16)), torch.zeros(3))


def test_what_the_backend_cannot_draw_is_refused():
    scene = [part.float() for part in scene_of(21, 1)]
    camera, black = as_float32(camera_of(16, 12)), torch.zeros(3)
    with pytest.raises(ValueError, match="float32 or float64"):
        rasterize(*scene[:4], scene[4].double(), camera, black)
    with pytest.raises(ValueError, match="float32 or float64"):
        rasterize(*(part.half() for part in scene), camera, black.half())
    with pytest.raises(ValueError, match="spherical harmonics"):
        rasterize(*scene[:4], torch.rand(21, 5, 3), camera, black)
    with pytest.raises(ValueError, match="one camera"):
        rasterize(*scene, one_of(camera), black)
    with pytest.raises(ValueError, match="as many cameras"):
        rasterize_batch(*(part.expand(2, *part.shape) for part in scene), one_of(camera), black)
    with pytest.raises(ValueError, match="on cuda"):
        rasterize(*scene, camera, black, backend="cuda")
    with pytest.raises(ValueError, match="3 channels"):
        rasterize(*scene[:4], torch.rand(21, 4), camera, torch.zeros(4))
    with pytest.raises(ValueError, match="background"):
        rasterize(*scene, camera, torch.zeros(16, 12, 3))
    scene[2][3] = 0
    with pytest.raises(ValueError, match="length 0"):
        rasterize(*scene, camera, black)
