"""The table of portraits, its mistakes told exactly; what the settings ask of portraits; when their pictures have changed."""

from dataclasses import replace
from pathlib import Path

import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.portraits import Portrait, check_method, check_portraits, read_portraits
from headsmith.contract.settings import HeadsSettings, PortraitsSettings, Settings
from headsmith.contract.stamps import stamp_portrait

HEADER = "portrait\tpictures\tperson\tlandmarks\n"


def read(tmp_path: Path, text: str) -> dict[str, Portrait]:
    (tmp_path / "portraits.tsv").write_text(text)
    return read_portraits(tmp_path / "portraits.tsv")


def test_lines_become_portraits(tmp_path):
    found = read(tmp_path, f"# mine\n{HEADER}ada\tpics/ada.jpg\n\nset\tpics\tone\tpoints\nfranck\tasset:franck.mp4\teach\n")
    assert found == {
        "ada": Portrait("ada", "pics/ada.jpg"),
        "set": Portrait("set", "pics", "one", "points"),
        "franck": Portrait("franck", "asset:franck.mp4"),
    }
    assert (found["franck"].asset, found["ada"].asset) == ("franck.mp4", None)


def test_there_need_be_no_portraits(tmp_path):
    assert read_portraits(tmp_path / "none.tsv") == read(tmp_path, "") == read(tmp_path, HEADER) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("portrait\tpicture\n", "unknown column 'picture'"),
        ("portrait\tperson\n", "the column 'pictures' is missing"),
        ("portrait\tpictures\tpictures\n", "a column stands twice"),
        (HEADER + "a b\tx\n", "line 2: 'a b' cannot name a portrait"),
        (HEADER + "ada\n", "line 2: no pictures are named"),
        (HEADER + "ada\tx\ttwo\n", "line 2: person is 'two'"),
        (HEADER + "ada\tx\ty\tz\tw\n", "line 2: 5 cells for 4 columns"),
        (HEADER + "ada\tx\nada\ty\n", "line 3: the portrait ada stands twice"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path, text, told):
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert told in caught.value.message and "remedy" in caught.value.message


@pytest.mark.parametrize(
    ("portrait", "told"),
    [
        (Portrait("ada", "nowhere.jpg"), "there is no nowhere.jpg"),
        (Portrait("ada", "asset:frank.mp4"), "unknown asset 'frank.mp4'"),
        (Portrait("ada", "{name}.jpg"), "holds a brace"),
        (Portrait("ada", ".", landmarks="none.txt"), "there is no none.txt"),
    ],
)
def test_what_a_line_names_must_be_there(portrait, told):
    with pytest.raises(UserError, match=told):
        check_portraits({"ada": portrait}, Settings(), ["franck.mp4"], Path("portraits.tsv"))


def chosen(head="anny", texture="", template="", **portraits):
    heads = HeadsSettings(model=head, texture=texture, template=template)
    return replace(Settings(), portraits=PortraitsSettings(**portraits), heads=heads)


def test_decas_network_needs_its_file_and_its_head(tmp_path):
    file = tmp_path / "deca_model.tar"
    for settings, told in (
        (chosen(method="deca"), "its network is not there"),
        (chosen(network=str(file)), "portraits.method is `fit`"),
        (chosen(use_texture=True), "heads.texture names no texture space"),
        (chosen("flame2023", "a.npz", use_texture=True), "FLAME's own unwrapping"),
    ):
        with pytest.raises(UserError, match=told):
            check_method(settings)
    file.touch()
    with pytest.raises(UserError, match=r"codes of DECA's network are of the head flame2020, and heads\.model is anny"):
        check_method(chosen(method="deca", network=str(file)))
    with pytest.raises(UserError, match=r"portraits\.size is 256"):
        check_method(chosen("flame2020", template="a.obj", method="deca", network=str(file), size=256))
    with pytest.raises(UserError, match="needs FLAME's own unwrapping"):
        check_method(chosen("flame2020", method="deca", network=str(file)))
    check_method(chosen("flame2020", template="a.obj", method="deca", network=str(file)))
    check_method(chosen("flame2023", "a.npz", "b.obj", use_texture=True))


def test_stamps_change_with_pictures_and_the_points_beside_them(tmp_path):
    picture = tmp_path / "ada.jpg"
    picture.write_bytes(b"1")
    (tmp_path / "list.txt").write_text("ada.jpg\n")
    ways = (tmp_path, picture, tmp_path / "list.txt")
    before = [stamp_portrait(way) for way in ways]
    assert before[1] == ""
    (tmp_path / "ada.txt").write_text("points")
    after = [stamp_portrait(way) for way in ways]
    assert all(one != other for one, other in zip(before, after, strict=True))
    (tmp_path / "ada.txt").write_text("other points")
    assert all(one != stamp_portrait(way) for one, way in zip(after, ways, strict=True))
