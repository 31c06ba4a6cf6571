"""A head is shown to the detector that tracking uses: its files are the head's inputs, planned and never run here."""

import re
from pathlib import Path

import pytest
from workflow.house import SETTINGS, House

from headsmith.contract.detectors import DLIB_MODEL, MEDIAPIPE_MODEL, MTCNN_WEIGHTS
from headsmith.contract.paths import HEAD


def fetched_for(house: House, target: str) -> set[str]:
    """Return the assets that a dry run would fetch for one file."""
    done = house.snakemake("-n", target)
    return set(re.findall(r"fetch_asset: (\S+)", done.stdout + done.stderr))


@pytest.mark.parametrize(
    ("landmarks", "shown"),
    [
        ({"detector": "mediapipe"}, [MEDIAPIPE_MODEL]),
        ({"detector": "dlib", "faces": "mediapipe"}, [MEDIAPIPE_MODEL, DLIB_MODEL]),
        ({"detector": "dlib", "faces": "mtcnn"}, [MEDIAPIPE_MODEL, DLIB_MODEL, *MTCNN_WEIGHTS]),
    ],
)
def test_a_head_is_shown_to_the_detector_of_tracking(
    empty_house: House, tmp_path: Path, landmarks: dict[str, str], shown: list[str]
) -> None:
    house = empty_house.copy(tmp_path / "house")
    house.settings(landmarks={**SETTINGS.get("landmarks", {}), **landmarks})
    assert fetched_for(house, HEAD.format(head="anny")) == set(shown)
