"""FlashAvatar's checkpoints against modules of the published shape that were written for this test alone."""

import io
import pickle
import zipfile
from dataclasses import replace

import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.settings import AvatarSettings
from headsmith.maths.cameras import Camera
from headsmith.splat.avatar import AvatarShape, Target, View
from headsmith.splat.flashavatar import FlashAvatar
from headsmith.splat.flashavatar_checkpoint import write_content
from headsmith.stages import avatar_start
from headsmith.stages.avatar import train_avatar
from headsmith.stages.avatar_checkpoint import GPU, tagged_for_gpu, write_checkpoint
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_start import start_from
from headsmith.stages.avatar_views import load_views
from tests.published_flashavatar import Published
from tests.stages.avatar_clip import write_clip

COUNT, CONDITION, SIDE = 40, 6, 16


def rest():
    return torch.rand(COUNT, 3, generator=torch.Generator().manual_seed(5)) * 0.16 - 0.08


def ours(seed=9):
    avatar = FlashAvatar(rest(), AvatarShape("mlp", CONDITION, 1, 8, 0.01), seed)
    return avatar, avatar.optimiser()


def view(place=0):
    camera = Camera(
        torch.diag(torch.tensor([1.0, -1, -1])),
        torch.tensor([0.0, 0, 1]),
        torch.full((2,), 70.0),
        torch.full((2,), 8.0),
        (SIDE,) * 2,
    )
    return View(rest() + 0.01, torch.rand(CONDITION, generator=torch.Generator().manual_seed(place)), camera)


def target(place=0):
    generator = torch.Generator().manual_seed(50 + place)
    return Target(torch.rand(SIDE, SIDE, 3, generator=generator), *[torch.ones(SIDE, SIDE)] * 3)


def learn(avatar, optimiser, steps):
    for step in steps:
        avatar.set_rates(optimiser, 0.02)
        avatar.loss(view(step), target(step), torch.zeros(3), 0.0).backward()
        optimiser.step()
        optimiser.zero_grad()


def published(steps=3):
    theirs = Published(rest(), CONDITION)
    for step in range(steps):
        theirs.step(sum(part.square().sum() for part in theirs.decode(view(step).points, view(step).condition)))
    theirs.degree, theirs.iteration = 3, 5000
    return theirs


def saved(content, folder, name="chkpnt5000.pth"):
    torch.save(content, folder / name)
    return folder / name


def test_an_avatar_starts_from_their_checkpoint_and_decodes_as_they_do(tmp_path):
    theirs = published()
    avatar, optimiser = ours()
    assert start_from(saved(theirs.capture(), tmp_path), "clip", avatar, optimiser) == 5000
    assert avatar.degree == 3
    means, quats, scales, opacities = theirs.decode(view().points, view().condition)
    splats = avatar.splats(view())
    assert torch.allclose(splats.means, means, atol=1e-6)
    assert torch.allclose(splats.quats, quats, atol=1e-6)
    assert torch.allclose(splats.scales, scales, rtol=1e-5)
    assert torch.allclose(splats.opacities, opacities[:, 0])
    for name, value in theirs.parts.items():
        assert torch.equal(avatar.gaussians[name], value)


def test_the_next_updates_are_those_that_they_would_have_made(tmp_path):
    theirs = published()
    avatar, optimiser = ours()
    start_from(saved(theirs.capture(), tmp_path), "clip", avatar, optimiser)
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        own = [*avatar.gaussians.values(), *avatar.deformation.parameters()]
        other = [*(theirs.parts[name] for name in avatar.gaussians), *theirs.network.parameters()]
        for first, second in zip(own, other, strict=True):
            first.grad = torch.randn(first.shape, generator=generator)
            second.grad = first.grad.clone()
        optimiser.step()
        theirs.gaussians_adam.step()
        theirs.network_adam.step()
    assert all(torch.allclose(first, second, atol=1e-6) for first, second in zip(own, other, strict=True))


def test_their_modules_load_what_we_write_and_decode_as_we_do(tmp_path):
    avatar, optimiser = ours()
    learn(avatar, optimiser, range(4))
    content = write_content(avatar, optimiser.state_dict(), 10_000)
    theirs = Published(rest(), CONDITION, seed=4)
    theirs.restore(torch.load(saved(content, tmp_path), weights_only=True))
    assert (theirs.iteration, theirs.degree) == (10_000, avatar.degree)
    means, quats, scales, _ = theirs.decode(view().points, view().condition)
    splats = avatar.splats(view())
    for mine, their in ((splats.means, means), (splats.quats, quats), (splats.scales, scales)):
        assert torch.allclose(mine, their, atol=1e-6)
    groups = [*theirs.gaussians_adam.param_groups, *theirs.network_adam.param_groups]
    assert [(group["lr"], group["eps"]) for group in groups] == [
        (group["lr"], group["eps"]) for group in optimiser.param_groups
    ]
    assert "name" not in theirs.network_adam.state_dict()["param_groups"][0]
    assert all(float(entry["step"]) == 4 for entry in theirs.gaussians_adam.state.values())


def test_layout_is_that_of_their_own_files():
    """The same keys, kinds and shapes at every place, whoever wrote it; later torches have more options of Adam."""
    avatar, optimiser = ours()
    learn(avatar, optimiser, range(2))
    own, their = outline(write_content(avatar, optimiser.state_dict(), 5)), outline(published().capture())
    missing = {place: kind for place, kind in own.items() if their.get(place) != kind}
    more = {place for place in their if place not in own and place.rpartition(".")[2] not in NEWER}
    assert not missing
    assert not more


NEWER = ("differentiable", "fused", "decoupled_weight_decay")
"""Options that Adam has in this torch and had not in 1.12.1."""


def outline(content, place=""):
    if isinstance(content, torch.Tensor):
        return {place: (type(content).__name__, tuple(content.shape), content.dtype)}
    if isinstance(content, dict | list | tuple):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        found = {place: type(content).__name__} | {
            key: kind for name, part in items for key, kind in outline(part, f"{place}.{name}").items()
        }
        return found
    return {place: type(content).__name__}


def test_a_round_trip_draws_and_trains_to_the_same_bits(tmp_path):
    avatar, optimiser = ours()
    learn(avatar, optimiser, range(3))
    path = saved(write_content(avatar, optimiser.state_dict(), 3), tmp_path)
    other, its_optimiser = ours(seed=2)
    assert start_from(path, "clip", other, its_optimiser) == 3
    assert torch.equal(avatar(view(), torch.zeros(3))[0], other(view(), torch.zeros(3))[0])
    learn(avatar, optimiser, range(3, 6))
    learn(other, its_optimiser, range(3, 6))
    assert all(torch.equal(*pair) for pair in zip(avatar.parameters(), other.parameters(), strict=True))


def test_tensors_say_that_they_were_on_a_gpu_but_for_counts_of_steps():
    avatar, optimiser = ours()
    learn(avatar, optimiser, range(2))
    content, stream, told = write_content(avatar, optimiser.state_dict(), 2), io.BytesIO(), {}
    with tagged_for_gpu(content):
        torch.save(content, stream)

    def remember(storage, location):
        told.setdefault(location, []).append(storage.nbytes())
        return storage

    stream.seek(0)
    torch.load(stream, weights_only=True, map_location=remember)
    assert set(told) == {GPU, "cpu"}
    assert set(told["cpu"]) == {4}
    assert len(told["cpu"]) == 19
    assert COUNT * 45 * 4 in told[GPU]
    again = io.BytesIO()
    torch.save(content, again)
    assert b"cuda" not in again.getvalue()


class Bomb:
    def __reduce__(self):
        return print, ("run",)


def spoilt(kind):
    (network, adam), gaussians, iteration = published(1).capture()
    network, gaussians = dict(network), list(gaussians)
    if kind == "no tuple":
        return {"state": network}
    if kind == "code":
        return Bomb()
    if kind == "parts":
        return (network, adam), gaussians[:-1], iteration
    if kind == "layers":
        network["fcs.6.weight"] = network["fcs.5.weight"]
    if kind == "no tensor":
        network["fcs.0.weight"] = [1.0]
    if kind == "condition":
        network["fcs.0.weight"] = torch.zeros(256, 171)
    if kind == "count":
        gaussians[4] = torch.zeros(COUNT + 1, 3)
    if kind == "huge":
        gaussians[4] = torch.zeros(1).expand(10**9, 3)
    if kind == "nan":
        gaussians[2] = torch.full((COUNT, 1, 3), torch.nan)
    if kind == "whole numbers":
        gaussians[2] = torch.zeros(COUNT, 1, 3, dtype=torch.int64)
    if kind == "degree":
        gaussians[0] = 7
    if kind == "iteration":
        iteration = -1
    if kind == "groups":
        gaussians[10]["param_groups"][0]["name"] = "xyz"
    if kind == "rate":
        adam["param_groups"][0]["lr"] = float("inf")
    if kind == "decay":
        adam["param_groups"][0]["weight_decay"] = 0.1
    if kind == "moments":
        adam["state"][3]["exp_avg"] = torch.zeros(2)
    if kind == "negative":
        adam["state"][3]["exp_avg_sq"] = -torch.ones(256)
    if kind == "no adam":
        adam = {"state": 3}
    if kind == "step":
        adam["state"][0]["step"] = "many"
    return (network, adam), tuple(gaussians), iteration


KINDS = ("no tuple", "code", "parts", "layers", "no tensor", "condition", "count", "huge", "nan", "whole numbers", "degree")
MORE = ("iteration", "groups", "rate", "decay", "moments", "negative", "no adam", "step")


@pytest.mark.parametrize("kind", KINDS + MORE)
def test_what_is_no_checkpoint_of_this_head_is_refused_and_changes_nothing(kind, tmp_path, capsys):
    avatar, optimiser = ours()
    before = {name: value.clone() for name, value in avatar.state_dict().items()}
    path = saved(spoilt(kind), tmp_path)
    with pytest.raises(UserError, match="no training can start from this checkpoint") as error:
        start_from(path, "clip", avatar, optimiser)
    assert str(path) in error.value.message
    assert "chkpnt<iteration>.pth" in error.value.message
    assert all(torch.equal(value, before[name]) for name, value in avatar.state_dict().items())
    assert not optimiser.state
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", ["missing", "text", "pickle", "cut", "folder", "bomb", "flipped"])
def test_a_broken_file_is_refused(kind, tmp_path, monkeypatch):
    path = saved(published(1).capture(), tmp_path)
    content = bytearray(path.read_bytes())
    if kind == "missing":
        path.unlink()
    if kind == "text":
        path.write_text("checkpoint")
    if kind == "pickle":
        path.write_bytes(pickle.dumps(((), (), 1)))
    if kind == "cut":
        path.write_bytes(content[: len(content) // 2])
    if kind == "folder":
        path.unlink()
        path.mkdir()
    if kind == "bomb":
        monkeypatch.setattr(avatar_start, "MOST_BYTES", 2**20)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/data.pkl", bytes(2**20 + 1))
    if kind == "flipped":
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    avatar, optimiser = ours()
    with pytest.raises(UserError, match="no training can start from this checkpoint"):
        start_from(path, "clip", avatar, optimiser)


SETTINGS = AvatarSettings(
    deformation="mlp", texels=32, iterations=30, batch=1, background="green", mouth_weight=40.0, preview_every=10_000
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"))


def train(clip, folder, settings, **files):
    folder.mkdir(exist_ok=True)
    train_avatar(**clip, **files, output=folder / "avatar.pt", curve=folder / "training.csv", settings=settings, threads=1)
    return folder / "avatar.pt"


def tracked(clip):
    return {name: clip[name] for name in ("clip", "head", "tracking")}


def test_a_training_continued_from_a_written_checkpoint_is_the_whole_one(clip, tmp_path):
    """The order of frames goes by their number, so thirty images in one go are ten and twenty more, to the bit."""
    whole = train(clip, tmp_path / "whole", SETTINGS)
    part = train(clip, tmp_path / "part", replace(SETTINGS, iterations=10))
    write_checkpoint(**tracked(clip), avatar=part, output=tmp_path / "chkpnt10.pth")
    settings = replace(SETTINGS, start_checkpoint="chkpnt10.pth")
    rest_of_it = train(clip, tmp_path / "rest", settings, start_checkpoint=tmp_path / "chkpnt10.pth")
    first, second = (torch.load(path, weights_only=True) for path in (whole, rest_of_it))
    assert first["images"] == second["images"] == 30
    degrees = [content["state"].pop("_extra_state") for content in (first, second)]
    assert degrees == [3, 3]
    known = first["state"]
    assert all(torch.equal(value, known[name]) for name, value in second["state"].items())


def test_a_checkpoint_beyond_the_end_stays_as_it_is(clip, tmp_path):
    part = train(clip, tmp_path / "part", replace(SETTINGS, iterations=10))
    write_checkpoint(**tracked(clip), avatar=part, output=tmp_path / "chkpnt10.pth")
    again = train(clip, tmp_path / "again", replace(SETTINGS, iterations=10), start_checkpoint=tmp_path / "chkpnt10.pth")
    views = load_views(**tracked(clip))
    pictures = []
    for path in (part, again):
        trained = read_avatar(path, views, "toy")
        seen = next(iter(views.views([8], trained.binding)))
        pictures.append(trained.avatar(seen, trained.plate)[0])
    assert torch.equal(*pictures)


def test_the_other_deformation_has_no_checkpoint(clip, tmp_path):
    path = train(clip, tmp_path / "basis", AvatarSettings(gaussians=500, iterations=10, bases=2, hidden=8))
    with pytest.raises(UserError, match="only avatars of the deformation `mlp`"):
        write_checkpoint(**tracked(clip), avatar=path, output=tmp_path / "chkpnt10.pth")
    assert not (tmp_path / "chkpnt10.pth").exists()
