"""Which files a detector opens, and that all of them are listed."""

from pathlib import Path

import pytest

from headsmith.contract.config import read_yaml
from headsmith.contract.conventions import CONVENTIONS
from headsmith.contract.detectors import CONVENTION_OF, FINDERS, detector_files
from headsmith.contract.errors import UserError
from headsmith.contract.paths import ASSET_LIST

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("faces", FINDERS)
@pytest.mark.parametrize("name", CONVENTION_OF)
def test_all_files_are_assets_and_all_conventions_known(name: str, faces: str) -> None:
    assert set(detector_files(name, faces)) <= set(read_yaml(ROOT / ASSET_LIST)["assets"])
    assert CONVENTION_OF[name] in CONVENTIONS


def test_the_finder_counts_only_where_a_detector_needs_one() -> None:
    assert detector_files("mediapipe", "mtcnn") == ("face_landmarker.task",)
    assert detector_files("dlib", "mtcnn")[:3] == ("mtcnn/pnet.pt", "mtcnn/rnet.pt", "mtcnn/onet.pt")
    assert detector_files("fan")[0] == "face_landmarker.task"
    assert len(detector_files("fan")) == 2


@pytest.mark.parametrize(("name", "faces"), [("dlip", "mediapipe"), ("dlib", "sfd"), ("file", "mediapipe")])
def test_unknown_names_list_the_known(name: str, faces: str) -> None:
    with pytest.raises(UserError, match="use one of: mediapipe"):
        detector_files(name, faces)
