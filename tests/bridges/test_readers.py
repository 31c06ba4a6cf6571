import pytest
from bridges.encoded import small_model

from headsmith.bridges.readers import READERS, read_track
from headsmith.contract.errors import UserError
from headsmith.contract.exchange import TRACKERS


def test_every_tracker_has_a_reader():
    assert set(READERS) == set(TRACKERS)


@pytest.mark.parametrize("source", TRACKERS)
@pytest.mark.parametrize("kind", ["absent", "empty folder", "broken file"])
def test_what_is_none_of_its_results_is_refused_by_name(tmp_path, source, kind):
    path = tmp_path / "brought"
    if kind == "empty folder":
        path.mkdir()
    elif kind == "broken file":
        path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UserError, match="brought"):
        read_track(source, path, small_model())
