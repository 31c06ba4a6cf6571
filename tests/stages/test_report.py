import json
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ReportSettings, Settings
from headsmith.media.images import read_image, write_image
from headsmith.stages.report import write_report

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \"quoted\" 'too'"


class Reader(HTMLParser):
    """Collects addresses, scripts, and texts of a page, and checks that its elements nest."""

    EMPTY = frozenset({"meta", "img", "link", "br", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.tags, self.texts, self.scripts, self.handlers = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.addresses += [value for name, value in attributes if name in ("src", "href", "poster", "data", "srcset", "action")]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] == "script" else self.texts).append(data)


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / "results"
    score = {"psnr_head": 26.5, "baseline_nearest_psnr_head": 19.8, "baseline_mean_psnr_head": 18.7, "frames_without_mouth": 2}
    score["protocol"] = {"held_out_frames": 2, "regions": {"eyes": f"no score: {HOSTILE}"}}
    contents = {
        "frames.json": {"count": 9, "size": [64, 64], "dropped": [{"id": 3, "reason": HOSTILE}], "details": {"fps": 24.0}},
        "landmarks.json": {"not_ok": [{"id": 7, "reason": "two_faces"}]},
        "tracking.json": {"landmark_error_percent_iod": 1.04, "not_ok": [{"id": 7, "reason": "two_faces"}]},
        "dataset.json": {"train": [0, 1, 2], "held_out": [5, 6], "left_out": [{"id": 7, "reason": "not tracked"}]},
        "scores/basis.json": score,
    }
    tables = {
        "scores/basis.csv": "frame,psnr_head,baseline_nearest_psnr_head,baseline_mean_psnr_head,landmark_error_percent_iod\n"
        "5,26,19,18,1\n6,27,,17,\n",
        "avatar/basis/training.csv": "images,loss\n10,0.5\n20,0.25\n",
        "tracking.csv": "frame,status,residual_percent,deviation_percent,yaw_deg,pitch_deg,roll_deg,jaw_open_deg,left_eyelid,"
        "right_eyelid,left_gaze_down_deg,left_gaze_side_deg,right_gaze_down_deg,right_gaze_side_deg\n"
        "0,ok,1.0,,1,2,3,4,0.1,0.2,1,2,3,4\n",
        "logs/frames.tsv": "s\th:m:s\tmax_rss\tcpu_time\n2.5\t0:00:02\t100\t3\n",
        "renders/basis.mp4": "video",
        "quality/tracking.mp4": "another video",
    }
    for name, text in {**{name: json.dumps(content) for name, content in contents.items()}, **tables}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    pictures = [folder / f"{name}.png" for name in ("landmarks", "renders-basis")]
    for path in pictures:
        write_image(path, np.full((40, 60, 3), (200, 30, 90), np.uint8))
    named = {name: folder / f"{name}.json" for name in ("frames", "landmarks", "tracking", "dataset")}
    lists = {"curves": "avatar/basis/training.csv", "videos": "renders/basis.mp4", "scores": "scores/basis.json"}
    lists |= {"score_tables": "scores/basis.csv", "benchmarks": "logs/frames.tsv"}
    return {
        **named,
        "tracking_table": folder / "tracking.csv",
        "tracking_video": folder / "quality/tracking.mp4",
        "assets": ROOT / "config/assets.yaml",
        **{word: [folder / name] for word, name in lists.items()},
        "pictures": pictures,
    }


def write(inputs, tmp_path, clip="toy"):
    output = tmp_path / "report" / "index.html"
    config = asdict(Settings()) | {"clip": {"name": clip, "video": HOSTILE}}
    write_report(clip=clip, inputs=inputs, config=config, output=output, settings=ReportSettings())
    return output


def test_the_page_needs_nothing_from_elsewhere(inputs, tmp_path):
    output = write(inputs, tmp_path)
    page = Reader(output.read_text())
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    files = [address for address in page.addresses if not address.startswith("#")]
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= anchors
    assert len(set(files)) == 4 and all((output.parent / address).is_file() for address in files)
    assert {path.name for path in (output.parent / "media").iterdir()} == {Path(address).name for address in files}
    for tag in ("link", "iframe", "object", "base"):
        assert tag not in [name for name, _ in page.tags]
    assert "url(" not in output.read_text() and "@import" not in output.read_text() and "fetch(" not in output.read_text()


def test_a_viewer_that_is_there_is_linked_and_goes_with_the_report(inputs, tmp_path):
    viewer = tmp_path / "results/viewer/basis.html"
    viewer.parent.mkdir()
    viewer.write_text("the page")
    output = write(inputs | {"viewers": [viewer]}, tmp_path)
    page = Reader(output.read_text())
    (address,) = [address for address in page.addresses if "viewer" in address]
    assert (output.parent / address).read_text() == "the page"
    assert "by hand" in " ".join(page.texts)


def test_novel_views_and_reenactments_that_are_there_are_shown(inputs, tmp_path):
    plain = write(inputs, tmp_path).read_text()
    views = [tmp_path / f"results/novel_views/{variant}/orbit.{kind}" for variant in ("a", "b") for kind in ("mp4", "png")]
    moved = [tmp_path / "results/reenactment/a/orbit.mp4"]
    for path in (*views, *moved):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(path))
    for path in views[1::2]:
        write_image(path, np.zeros((40, 60, 3), np.uint8))
    output = write(inputs | {"novel_views": views, "reenactments": moved}, tmp_path)
    page = Reader(output.read_text())
    names = [f"novel_views-{path.parent.name}-orbit{path.suffix.replace('png', 'jpg')}" for path in views]
    names.append("reenactment-a-orbit.mp4")
    assert [address for address in page.addresses if Path(address).name in names] == [
        f"media/{name}" for name in names for _ in range(2 if name.endswith("jpg") else 1)
    ]
    assert (output.parent / "media" / names[-1]).read_text() == str(moved[0])
    words = " ".join(page.texts)
    assert "orbit, variant b" in words and "moved by orbit, variant a" in words and "seen from other sides" in words
    assert "#shown" in page.addresses and "#shown" not in Reader(plain).addresses


def test_video_scores_reasons_timings_licences_and_settings_are_there(inputs, tmp_path):
    page = Reader(write(inputs, tmp_path).read_text())
    video = next(attributes for tag, attributes in page.tags if tag == "video")
    assert {"controls", "loop", "muted"} <= set(video) and video["src"] == "media/basis.mp4"
    words = " ".join(page.texts)
    assert "held out frames" in words and "regions, eyes" in words and "no score: " in words
    for part in ("26.50", "19.80", "18.70", "1.04 %", "two faces", "not tracked", "frames without mouth", "2.5", "Apache-2.0"):
        assert part in words
    for part in ("stlpips_alex.pth", "agreed to it", "held_out: 100", "python", "9 frames of 64x64 pixels"):
        assert part in words
    assert words.count("How to read this:") == 2


def test_the_tracked_head_is_shown_beside_its_figures(inputs, tmp_path):
    content = json.loads(inputs["tracking"].read_text())
    content |= {"counts": {"ok": 8, "missing": 1, "outlier": 0}, "focal_pixels": 1400.2, "focal_deviation_pixels": 70.1}
    content |= {"landmark_jitter_percent_iod": {"tracked": 0.111, "detected": 0.222}}
    inputs["tracking"].write_text(json.dumps(content))
    page = Reader(write(inputs, tmp_path).read_text())
    videos = [attributes["src"] for tag, attributes in page.tags if tag == "video"]
    assert videos == ["media/basis.mp4", "media/tracking.mp4"]
    words = " ".join(page.texts)
    for part in ("1400 ± 70", "0.11", "0.22", "frames, missing", "green dots"):
        assert part in words
    assert "frames, outlier" not in words and "None" not in words


def test_charts_carry_their_numbers_with_gaps(inputs, tmp_path):
    page = Reader(write(inputs, tmp_path).read_text())
    charts = [json.loads(script) for script in page.scripts if script.startswith("{")]
    assert charts[0]["x"] == [5, 6]
    assert {line["name"]: line["values"] for line in charts[0]["lines"]}["nearest frame"] == [19, None]
    assert len(charts) == 2 + 1 + 6
    assert [chart["marks"] for chart in charts] == [[]] * 3 + [[7]] * 6


def test_hostile_texts_stay_texts(inputs, tmp_path):
    page = Reader(write(inputs, tmp_path, clip=HOSTILE).read_text())
    assert page.handlers == []
    assert all("alert(1)" not in script for script in page.scripts)
    assert [tag for tag, _ in page.tags].count("img") == 2
    assert sum("alert(1)" in text for text in page.texts) >= 4


def test_pictures_keep_their_colours(inputs, tmp_path):
    picture = read_image(write(inputs, tmp_path).parent / "media" / "landmarks.jpg")
    assert picture.shape == (40, 60, 3)
    assert np.abs(picture.astype(int) - (200, 30, 90)).max() < 12


def test_the_same_input_gives_the_same_bytes(inputs, tmp_path):
    output = write(inputs, tmp_path)
    files = (output, *sorted((output.parent / "media").iterdir()))
    before = [path.read_bytes() for path in files]
    write(inputs, tmp_path)
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize(
    "word", ["frames", "tracking", "tracking_table", "tracking_video", "assets", "videos", "pictures", "scores"]
)
def test_a_missing_file_is_told_and_no_page_is_left(inputs, tmp_path, word):
    path = inputs[word][0] if isinstance(inputs[word], list) else inputs[word]
    missing = path.with_name("missing" + path.suffix)
    inputs[word] = [missing] if isinstance(inputs[word], list) else missing
    with pytest.raises(UserError, match="missing"):
        write(inputs, tmp_path)
    assert not (tmp_path / "report" / "index.html").exists()
    assert not list((tmp_path / "report").glob(".*")) if (tmp_path / "report").exists() else True
