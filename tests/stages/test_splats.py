"""An avatar's files for others: what they hold is what headsmith draws."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.settings import SplatsSettings
from headsmith.heads.container import load_head
from headsmith.maths.cameras import Camera
from headsmith.splat.harmonics import shade
from headsmith.splat.rasterize import rasterize
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_views import load_views
from headsmith.stages.splats import write_splats
from tests.exports.test_splat_ply import parse, together
from tests.stages.movable_avatar import write_movable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    return write_movable(tmp_path_factory.mktemp("movable"))


def write(avatar, output, variant="basis", **settings):
    form = output.suffix[1:]
    write_splats(**avatar, variant=variant, form=form, output=output, settings=SplatsSettings(**settings))
    return output


def seen(avatar, frame):
    """What headsmith draws of a frame: the avatar, its view and its Gaussians."""
    views = load_views(clip="toy", tracking=avatar["tracking"], head=avatar["head"])
    trained = read_avatar(avatar["avatar"], views, "toy")
    view = next(views.views([frame], trained.binding))
    with torch.no_grad():
        return trained, view, trained.avatar.splats(view)


def test_the_npz_is_enough_for_the_forty_lines_of_the_docs(avatar, tmp_path):
    write(avatar, tmp_path / "basis.npz")
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/viewer.md").read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 50
    for row in (0, 4):
        own = code.replace("results/franck/splats/basis.npz", str(tmp_path / "basis.npz")).replace("][12]", f"][{row}]")
        names = {}
        exec(compile(own, "docs/viewer.md", "exec"), names)
        drawn = seen(avatar, 10 + row)[2]
        for name in ("means", "scales", "quats", "opacities", "colours"):
            np.testing.assert_allclose(names[name], getattr(drawn, name).detach().numpy(), atol=1e-5, err_msg=name)


def test_the_npz_needs_no_pickles_and_tells_where_it_comes_from(avatar, tmp_path):
    with np.load(write(avatar, tmp_path / "basis.npz"), allow_pickle=False) as content:
        arrays = dict(content)
    head = load_head(avatar["head"])
    assert str(arrays["head_sha256"]) == head.sha256 and str(arrays["licence"]) == head.licence
    assert arrays["corners"].max() < len(arrays["vertices"]) <= len(head.template)
    keys = set(re.findall(r"`([a-z_0-9]+)`", (ROOT / "docs/viewer.md").read_text().split("## .npz")[1]))
    assert {re.sub(r"_\d$", "_0", name) for name in arrays} <= keys
    before = (tmp_path / "basis.npz").read_bytes()
    assert write(avatar, tmp_path / "basis.npz").read_bytes() == before


@pytest.mark.parametrize("axes", ["viewers", "head"])
def test_the_ply_of_a_frame_is_that_frame(avatar, tmp_path, axes):
    columns, comments = parse(write(avatar, tmp_path / "a.ply", frame=12, axes=axes))
    assert "frame 12" in comments[0] and "metres" in comments[1]
    trained, view, _ = seen(avatar, 12)
    camera, turn = view.camera, torch.diag(torch.tensor([1.0, -1, -1] if axes == "viewers" else [1.0, 1, 1]))
    camera = Camera(camera.rotation @ turn, camera.translation, camera.focal, camera.principal, camera.size)
    colours = 0.5 + 0.28209479177387814 * together(columns, "f_dc_0", "f_dc_1", "f_dc_2")
    parts = (
        *(together(columns, "x", "y", "z"), np.exp(together(columns, "scale_0", "scale_1", "scale_2"))),
        *(together(columns, "rot_0", "rot_1", "rot_2", "rot_3"), 1 / (1 + np.exp(-columns["opacity"])), colours),
    )
    image, _ = rasterize(*(torch.from_numpy(np.array(part, np.float32)) for part in parts), camera, trained.plate)
    with torch.no_grad():
        expected, _ = trained.avatar(view, trained.plate)
    assert (image - expected).abs().max() < 2e-3
    assert (expected - trained.plate).abs().max() > 0.2


def test_the_ply_at_rest_stands_upright_with_y_down(avatar, tmp_path):
    down, up = (parse(write(avatar, tmp_path / f"{axes}.ply", axes=axes))[0] for axes in ("viewers", "head"))
    np.testing.assert_allclose(down["y"], -up["y"], atol=1e-7)
    np.testing.assert_allclose(down["z"], -up["z"], atol=1e-7)
    np.testing.assert_allclose(down["x"], up["x"], atol=1e-7)
    assert up["z"].mean() > 0.03


def test_a_frame_that_is_not_there_is_told(avatar, tmp_path):
    with pytest.raises(UserError, match=r"there is no frame 3; the clip has 10 to 15"):
        write(avatar, tmp_path / "a.ply", frame=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("axes", ["viewers", "head"])
def test_colours_that_change_with_the_direction_are_in_the_ply(tmp_path, axes):
    avatar = write_movable(tmp_path / "clip", deformation="mlp")
    content = torch.load(avatar["avatar"], weights_only=True)
    generator = torch.Generator().manual_seed(0)
    for name in ("gaussians.f_dc", "gaussians.f_rest"):
        content["state"][name] = 0.3 * torch.randn(content["state"][name].shape, generator=generator)
    content["state"]["_extra_state"] = torch.tensor(3)
    torch.save(content, avatar["avatar"])
    columns, _ = parse(write(avatar, tmp_path / "a.ply", variant="flash", frame=11, axes=axes))
    rest = together(columns, *(f"f_rest_{number}" for number in range(45))).reshape(-1, 3, 15).transpose(0, 2, 1)
    coefficients = np.concatenate([together(columns, "f_dc_0", "f_dc_1", "f_dc_2")[:, None], rest], 1)
    _, view, splats = seen(avatar, 11)
    eye = -view.camera.rotation.T @ view.camera.translation
    turn = torch.diag(torch.tensor([1.0, -1, -1] if axes == "viewers" else [1.0, 1, 1]))
    ways = torch.from_numpy(together(columns, "x", "y", "z")).float() - turn @ eye
    found = shade(torch.from_numpy(coefficients).float(), ways)
    expected = shade(splats.colours.detach(), splats.means.detach() - eye)
    assert (found - expected).abs().max() < 1e-5
    assert expected.std() > 0.1


def test_an_avatar_with_a_network_a_gaussian_has_a_ply_alone(tmp_path):
    avatar = write_movable(tmp_path / "clip", deformation="mlp")
    columns, _ = parse(write(avatar, tmp_path / "flash.ply", variant="flash"))
    assert np.isfinite(np.stack(list(columns.values()))).all()
    with pytest.raises(UserError, match=r"variant flash has the deformation mlp[\s\S]*deformation: basis"):
        write(avatar, tmp_path / "flash.npz", variant="flash")
