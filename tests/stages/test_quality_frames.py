"""The picture of the frames shows what is wrong with the crop first, in red, and says it."""

from pathlib import Path

import numpy as np
import pytest

from headsmith.contract.settings import QualitySettings
from headsmith.media.frames import FrameFolderWriter
from headsmith.show import sheets
from headsmith.stages import quality_frames
from headsmith.stages.quality_frames import show_frames


def test_frames_whose_head_leaves_the_crop_come_first_in_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    details = {"outside": [6, 9], "remarks": ["the crop sticks out of the picture"]}
    with FrameFolderWriter(tmp_path / "frames.json", "anna", details=details) as writer:
        for frame_id in range(12):
            writer.add(frame_id, np.full((32, 32, 3), 20 * frame_id, np.uint8))
    seen: dict[str, object] = {}

    def remember(panels: list[sheets.Panel], **others: object) -> np.ndarray:
        seen.update(others, panels=panels)
        return sheets.contact_sheet(panels, **others)

    monkeypatch.setattr(quality_frames, "contact_sheet", remember)
    show_frames("anna", "frames", {"frames": tmp_path / "frames.json"}, QualitySettings(columns=4, frames=4))
    assert [(panel.caption, panel.alarm) for panel in seen["panels"][:2]] == [
        ("frame 6: outside", True),
        ("frame 9: outside", True),
    ]
    assert [int(panel.picture.mean()) for panel in seen["panels"][:2]] == [120, 180]
    assert not any(panel.alarm for panel in seen["panels"][2:])
    assert "In 2 watched frames the head leaves the crop" in seen["note"]
    assert "The crop sticks out of the picture." in seen["note"]
