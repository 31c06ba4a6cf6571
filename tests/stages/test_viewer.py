"""The viewer's page in a real browser: it draws what headsmith draws, and does what a hand asks of it."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ViewerSettings
from headsmith.exports.viewer.page import HALVES, pack, print_viewer
from headsmith.heads.model import HeadParameters
from headsmith.maths.cameras import Camera
from headsmith.splat.avatar import View, make_condition
from headsmith.stages.avatar_file import read_avatar
from headsmith.stages.avatar_views import load_views
from headsmith.stages.viewer import write_viewer
from tests.chromium import chromium  # noqa: F401 (a fixture)
from tests.stages.movable_avatar import COUNT, SIDE, write_movable

NEAR_ENOUGH = 57.0
"""dB; the issue asks for 30. Left are 16-bit floats and the rounding of both sides to 8 bits; 0.05 px more blur gives 53."""


def write(avatar, output, **settings):
    frames = avatar["avatar"].with_name("frames.json")
    write_viewer(**avatar, frames=frames, variant="basis", output=output, settings=ViewerSettings(**settings))
    return output


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    return write_movable(tmp_path_factory.mktemp("movable"))


@pytest.fixture(scope="module")
def page(avatar):
    return write(avatar, avatar["avatar"].with_name("basis.html"))


@pytest.fixture
def calm(tmp_path):
    """The page of an avatar whose bases do next to nothing, on a head without correctives: what moves is the jaw alone."""
    return write(write_movable(tmp_path / "calm", wildness=1e-3, correctives=False), tmp_path / "calm.html")


def draw(avatar, pose, camera, background=None):
    """What headsmith draws of a pose by a camera, 8 bits."""
    views = load_views(clip="toy", tracking=avatar["tracking"], head=avatar["head"])
    trained = read_avatar(avatar["avatar"], views, "toy")
    parts = {name: torch.tensor(value, dtype=torch.float32) for name, value in pose.items()}
    points = trained.binding.points(views.head(HeadParameters(views.parameters.identity, **parts)), views.head.faces)
    condition = make_condition(*(parts[name] for name in ("expression", "jaw", "eyes", "eyelids")))
    rotation, *rest = (
        torch.tensor(camera[name], dtype=torch.float32) for name in ("rotation", "translation", "focal", "principal")
    )
    view = View(points, condition, Camera(rotation.view(3, 3), *rest, tuple(camera["size"])))
    with torch.no_grad():
        image, _ = trained.avatar(view, trained.plate if background is None else torch.tensor(background))
    return (image.clamp(0, 1) * 255).round().byte().numpy()


def decibels(a, b):
    return 10 * np.log10(255**2 / max(np.square(a.astype(float) - b).mean(), 1e-9))


def sound(browser):
    """Nothing failed in the page, and nothing was asked of the network."""
    errors = [event for event in browser.told("Log.entryAdded") if event["entry"]["level"] == "error"]
    told = [*browser.told("Runtime.exceptionThrown"), *errors]
    asked = [event["request"]["url"] for event in browser.told("Network.requestWillBeSent")]
    return not told and all(url.startswith("file:") and url.endswith(".html") for url in asked)


def test_the_browser_draws_the_clips_frames_as_headsmith_does(chromium, avatar, page):  # noqa: F811
    chromium.open(page)
    assert chromium.run("headsmith.fine") and chromium.run("headsmith.frames") == COUNT
    for row in range(0, COUNT, 2):
        frame = chromium.run(f"headsmith.frame({row})")
        assert frame["id"] == 10 + row
        seen = chromium.picture(SIDE, SIDE, f"headsmith.render({{...headsmith.frame({row}), background: 'plate'}})")
        expected = draw(avatar, frame["pose"], frame["camera"])
        assert decibels(seen, expected) > NEAR_ENOUGH
        assert decibels(expected, draw(avatar, frame["pose"], frame["camera"] | {"translation": [9, 9, 9]})) < 20
    assert sound(chromium)


@pytest.mark.parametrize(
    "wild", [{"jaw": [0.3, 0.1, 0]}, {"eyelids": [1, 0.5]}, {"expression": [1, 0, 0, -0.5, 0, 2]}, {"neck": [0.2, 0.3, 0]}]
)
def test_the_browser_draws_any_pose_from_any_side(chromium, avatar, page, wild):  # noqa: F811
    chromium.open(page)
    pose = {"expression": [0] * 6, "jaw": [0] * 3, "eyes": [[0.1, 0.2, 0]] * 2, "eyelids": [0, 0], "neck": [0] * 3} | wild
    turn = np.array([[0.8, 0, 0.6], [0, -1, 0], [0.6, 0, -0.8]])
    camera = {
        "rotation": turn.ravel().tolist(),
        "translation": [0, 0, 0.6],
        "focal": [200, 230],
        "principal": [40, 50],
        "size": [100, 80],
    }
    wish = json.dumps({"pose": pose, "camera": camera, "background": [1, 0.5, 0]})
    seen = chromium.picture(100, 80, f"headsmith.render({wish})")
    assert decibels(seen, draw(avatar, pose, camera, [1.0, 0.5, 0.0])) > NEAR_ENOUGH


@pytest.fixture
def coarse(chromium):  # noqa: F811
    """A browser that cannot draw into floats."""
    take_back = chromium.beforehand("WebGL2RenderingContext.prototype.getExtension = () => null")
    yield chromium
    take_back()


def test_a_browser_that_blends_in_8_bits_comes_near_enough(coarse, avatar, page):
    coarse.open(page)
    assert not coarse.run("headsmith.fine")
    seen = coarse.picture(SIDE, SIDE, "headsmith.render({...headsmith.frame(2), background: 'plate'})")
    frame = coarse.run("headsmith.frame(2)")
    assert decibels(seen, draw(avatar, frame["pose"], frame["camera"])) > 35


def test_a_browser_without_webgl2_says_so(chromium, page):  # noqa: F811
    take_back = chromium.beforehand("HTMLCanvasElement.prototype.getContext = () => null")
    chromium.open(page)
    take_back()
    assert "WebGL2" in chromium.run("message.textContent") and not chromium.run("message.hidden")
    chromium.events.clear()


def place_of(browser, element):
    """The middle of an element in the window, and its width."""
    box = browser.run(f"(() => {{ const b = {element}.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; }})()")
    return (box[0] + box[2] / 2, box[1] + box[3] / 2), box[2]


def settled(browser):
    """The window's picture in its finest drawing, which a slow machine comes to late; its side depends on the window."""
    finest = "picture.width >= Math.floor(Math.min(picture.clientWidth * devicePixelRatio, 3 * headsmith.facts.size[0]))"
    waiting = f"const wait = () => {finest} ? done() : setTimeout(wait, 50); setTimeout(wait, 400)"
    browser.run(f"new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {{ {waiting} }})))")
    width, height = browser.run("[picture.width, picture.height]")
    return browser.picture(width, height).astype(float)


def test_a_slider_moves_the_mouth_and_little_else(chromium, calm):  # noqa: F811
    chromium.open(calm)
    before = settled(chromium)
    (x, y), width = place_of(chromium, "document.querySelector('input[name=\"jaw: open\"]')")
    chromium.drag((x - width * 0.4, y), (x + width * 0.45, y))
    assert chromium.run("Number(document.querySelector('input[name=\"jaw: open\"]').value)") > 20
    change = np.abs(settled(chromium) - before).mean(-1)
    height = len(change)
    lower, upper = change[height // 2 :].mean(), change[: int(height * 0.45)].mean()
    assert before.std() > 10 and lower > 2 and lower > 20 * upper
    chromium.run("document.getElementById('reset').click()")
    assert np.abs(settled(chromium) - before).max() <= 1
    assert sound(chromium)


def test_the_head_turns_the_way_it_is_dragged_and_comes_nearer_by_the_wheel(chromium, calm):  # noqa: F811
    chromium.open(calm)
    (x, y), _ = place_of(chromium, "picture")
    chromium.drag((x, y), (x + 80, y))
    rotation = np.reshape(chromium.run("headsmith.camera().rotation"), (3, 3))
    nose = rotation @ [0, 0, 1]
    assert nose[0] > 0.4 and abs(nose[1]) < 1e-6 and nose[2] < 0
    chromium.drag((x, y), (x, y + 40))
    assert (np.reshape(chromium.run("headsmith.camera().rotation"), (3, 3)) @ [0, 0, 1])[1] > 0.2
    focal = chromium.run("headsmith.camera().focal[0]")
    chromium.mouse("mouseWheel", x, y, deltaX=0, deltaY=-300)
    assert chromium.run("headsmith.camera().focal[0]") > 1.2 * focal


def test_every_unit_has_a_slider_and_the_clip_plays(chromium, page):  # noqa: F811
    chromium.open(page)
    names = chromium.run("[...document.querySelectorAll('#sliders input')].map(input => input.name)")
    assert [name for name in names if name.startswith("unit")] == [f"unit{number}" for number in range(6)]
    assert {"jaw: open", "eyes: down", "left eyelid: closed", "right eyelid: closed"} <= set(names)
    chromium.run("document.getElementById('play').click()")
    chromium.run("new Promise(done => setTimeout(done, 300))")
    assert int(chromium.run("document.getElementById('number').textContent")) >= 10
    assert chromium.run("document.querySelector('#play').textContent") == "Stop"
    chromium.run("background.value = 'green'; background.dispatchEvent(new Event('change'))")
    chromium.run("document.getElementById('play').click()")
    assert settled(chromium)[2, 2].tolist() == [0, 255, 0]
    assert sound(chromium)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


HOSTILE = '</script><img src=x onerror="alert(1)">'


def test_the_page_names_no_address_and_texts_of_others_stay_texts(page):
    assert "https://" not in page.read_text() and "@import" not in page.read_text()
    plain = {"clip": HOSTILE, "variant": "basis", "licence": HOSTILE, "expression_names": [HOSTILE]}
    text = print_viewer({"opacity": np.zeros(3, np.float32)}, plain)
    tags = Tags(text).found
    assert not [tag for tag, attributes in tags if tag in ("img", "link", "iframe") or {"src", "href"} & set(attributes)]
    assert 'onerror="alert' not in re.sub(r"<script[\s\S]*?</script>", "", text)
    assert ["tag" for tag, _ in tags].count("tag") and sum(tag == "script" for tag, _ in tags) == 4
    (policy,) = [attributes["content"] for tag, attributes in tags if attributes.get("http-equiv")]
    assert "default-src 'none'" in policy


def test_arrays_are_packed_so_that_every_one_can_be_read_where_it_lies():
    generator = np.random.default_rng(0)
    arrays = {
        "bases": generator.normal(size=(2, 3, 5)).astype(np.float32),
        "plate": generator.integers(0, 255, (3, 3, 3), np.uint8),
    }
    arrays |= {"corners": np.arange(9, dtype=np.uint32), "offset": generator.normal(size=(4, 3)).astype(np.float32)}
    listing, content = pack(arrays)
    for entry in listing:
        assert entry["start"] % 4 == 0
        found = np.frombuffer(content, f"<{entry['kind']}", int(np.prod(entry["shape"])), entry["start"]).reshape(
            entry["shape"]
        )
        exact = entry["name"] not in HALVES
        np.testing.assert_allclose(found, arrays[entry["name"]], rtol=0 if exact else 2**-11)


def test_motion_and_plate_stay_out_where_they_are_not_wanted(chromium, avatar, tmp_path):  # noqa: F811
    bare = write(avatar, tmp_path / "bare.html", motion=0, plate=False)
    chromium.open(bare)
    assert chromium.run("headsmith.frames") == 0 and chromium.run("document.getElementById('motion')") is None
    assert settled(chromium)[2, 2].tolist() == [255, 255, 255]
    assert "plate" not in chromium.run("[...document.getElementById('background').options].map(option => option.value)")
    assert sound(chromium)


def test_a_network_a_gaussian_is_refused_with_the_remedy(tmp_path):
    mlp = write_movable(tmp_path / "clip", deformation="mlp")
    with pytest.raises(UserError, match=r"deformation mlp[\s\S]*toy[\s\S]*deformation: basis"):
        write(mlp, tmp_path / "flash.html")
    assert not (tmp_path / "flash.html").exists()
