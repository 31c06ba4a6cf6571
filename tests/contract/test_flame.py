"""What the settings name of FLAME is there, or the run ends with where to get it and where to put it."""

from dataclasses import replace

import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.exchange import FLAME_HEADS
from headsmith.contract.flame import PAGE, TITLES, check_flame, lid_files, side_files
from headsmith.contract.settings import ConversionSettings, HeadsSettings, Settings, TrackingSettings


@pytest.fixture
def settings(tmp_path):
    """A function from changes of the section heads to all settings; the model of FLAME 2020 is there, no other file is."""
    (tmp_path / "generic_model.pkl").write_bytes(b"")

    def changed(to="", **changes):
        heads = HeadsSettings(model="flame2020", flame2020=str(tmp_path / "generic_model.pkl"))
        return Settings(heads=replace(heads, **changes), conversion=ConversionSettings(to=to))

    return changed


def test_files_that_are_there_pass_and_other_heads_need_none(settings):
    check_flame(settings())
    check_flame(Settings())
    check_flame(settings(model="anny", masks="none.pkl", flame2020="none.pkl"))


@pytest.mark.parametrize("head", FLAME_HEADS)
@pytest.mark.parametrize("converted", [False, True])
def test_a_missing_model_says_where_to_get_it_and_where_to_put_it(settings, tmp_path, head, converted):
    path = tmp_path / "elsewhere" / "model.pkl"
    chosen = {"to": head, "model": "anny"} if converted else {"model": head}
    with pytest.raises(UserError) as caught:
        check_flame(settings(**chosen, **{head: str(path)}))
    assert head in caught.value.what and caught.value.file == str(path)
    for words in ("https://flame.is.tue.mpg.de", TITLES[head], f"at {path}", "anny"):
        assert words in caught.value.remedy
    with pytest.raises(UserError) as caught:
        check_flame(replace(settings(**chosen, **{head: str(path)}), tracking=TrackingSettings(source="smirk")))
    assert PAGE in caught.value.remedy and "anny" not in caught.value.remedy, "whose codes SMIRK's are not"


@pytest.mark.parametrize("name", ["eyelids", "template", "masks", "texture", "embeddings"])
@pytest.mark.parametrize("converted", [False, True])
def test_other_files_that_are_named_must_be_there(settings, tmp_path, name, converted):
    value = str(tmp_path / "none.npz")
    chosen = {"to": "flame2020", "model": "anny"} if converted else {}
    with pytest.raises(UserError) as caught:
        check_flame(settings(**chosen, **{name: [value] if name == "embeddings" else value}))
    assert f"`heads.{name}`" in caught.value.what
    assert caught.value.file.startswith(value)
    assert "docs/config.md" in caught.value.remedy


def test_a_folder_of_eyelids_needs_both(settings, tmp_path):
    (tmp_path / "l_eyelid.npy").write_bytes(b"")
    with pytest.raises(UserError, match="not there") as caught:
        check_flame(settings(eyelids=str(tmp_path)))
    assert caught.value.file.endswith("r_eyelid.npy")
    (tmp_path / "r_eyelid.npy").write_bytes(b"")
    check_flame(settings(eyelids=str(tmp_path)))
    assert [path.name for path in lid_files(settings(eyelids=str(tmp_path)).heads)] == ["l_eyelid.npy", "r_eyelid.npy"]


def test_a_head_is_made_from_all_files_but_those_of_exports(settings):
    heads = settings(template="a.obj", masks="b.pkl", texture="c.npz", embeddings=["d.npy", "e.npz"]).heads
    assert [str(path) for path in side_files(heads)] == ["a.obj", "b.pkl", "d.npy", "e.npz"]
    assert side_files(HeadsSettings()) == lid_files(replace(heads, eyelids="none")) == []
