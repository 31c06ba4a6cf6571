"""Novel views and reenactment, as a person asks for them."""

import json
from pathlib import Path

import pytest
from workflow.house import House

from headsmith.media.images import read_image

TWO_CLIPS = "clip\tvideo\tstart\tend\tfps\nfranck\tasset:franck.mp4\t0\t1.667\t\ncap\tasset:cap12.mp4\t\t1\t\n"


def test_novel_views_are_made_when_asked_for_and_the_page_keeps_them(house: House) -> None:
    assert "show_novel_views" not in house.planned("--forceall")
    assert house.planned("novel_views") == {"show_novel_views": 1}
    house.snakemake("novel_views")
    folder = house.folder / "results/franck/novel_views"
    assert set(json.loads((folder / "basis.json").read_text())) >= {"orbit", "sweeps", "training"}
    assert read_image(folder / "basis/orbit.png").shape[1] > 900
    assert house.planned() == {"write_report": 1}
    house.snakemake()
    page = (house.folder / "results/franck/report/index.html").read_text()
    assert "media/novel_views-basis-orbit.mp4" in page and "media/novel_views-basis-expressions.jpg" in page
    assert house.planned() == house.planned("novel_views") == {}


def test_a_clip_moves_its_own_avatar_and_another_driver_re_runs_nothing(house: House) -> None:
    house.settings(reenactment={"drivers": ["franck"]})
    assert house.planned("reenactments") == {"reenact_avatar": 1}
    house.snakemake("reenactments")
    assert read_image(house.folder / "results/franck/reenactment/basis/franck.png").shape[1] > 900
    assert (house.folder / "results/franck/reenactment/basis/franck.mp4").stat().st_size > 1000
    (house.folder / "config/clips.tsv").write_text(TWO_CLIPS)
    house.settings(reenactment={"drivers": ["franck", "cap"]})
    file = "results/franck/reenactment/basis/franck.mp4"
    assert house.planned(file) == {}
    assert house.planned("results/franck/reenactment/basis/cap.mp4")["track_head"] == 1
    assert house.planned("reenactments")["reenact_avatar"] == 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["reenactment.drivers is empty", "a list of clips"]),
        ({"drivers": ["frank"]}, ["'frank', which is no clip of config/clips.tsv", "did you mean franck"]),
    ],
)
def test_drivers_that_are_not_there_are_told_before_anything_runs(
    empty_house: House, tmp_path: Path, settings: dict[str, list[str]], words: list[str]
) -> None:
    house = empty_house.copy(tmp_path / "house")
    house.settings(reenactment=settings)
    done = house.snakemake("-n", "reenactments", check=False)
    assert done.returncode != 0 and "Traceback" not in done.stderr and ".smk" not in done.stderr
    for word in words:
        assert word in done.stderr.replace("'franck'", "franck")


def test_cutouts_are_made_where_another_background_is_asked_for(house: House) -> None:
    house.settings(renders={"background": "transparent", "scale": 2.0})
    assert house.planned("renders") == {"render_avatar": 1}
    before = (house.folder / "results/franck/renders/basis.json").read_bytes()
    house.snakemake("renders")
    assert (house.folder / "results/franck/renders/basis.json").read_bytes() == before
    cutouts = json.loads((house.folder / "results/franck/cutouts/basis.json").read_text())
    assert cutouts["size"] == [256, 256] and cutouts["details"] == {"background": "transparent", "scale": 2.0}
    assert "score_avatar" not in house.planned()
