"""The picture of the landmarks: points and contours on the frames."""

from pathlib import Path

from headsmith.contract.settings import QualitySettings
from headsmith.media.arrays import read_landmark_arrays
from headsmith.show.overlays import cross_out, draw_landmarks
from headsmith.show.sheets import Panel, contact_sheet
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, frame_panel, frame_width, spread


def show_landmarks(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the 478 points and the contours, frames without a usable face crossed out."""
    arrays = read_landmark_arrays(inputs["landmarks"], clip, "ids", "status", "points", "confidence")
    status = {int(i): str(word) for i, word in zip(arrays["ids"], arrays["status"], strict=True)}
    places = {int(i): row for row, i in enumerate(arrays["ids"])}
    bad = [i for i, word in status.items() if word != "ok"]
    panels = []
    for i in spread(list(status), settings.frames, bad):
        frame = frame_panel(inputs, i, clip)
        points = arrays["points"][places[i]] * (PANEL_WIDTH / frame_width(inputs, clip))
        drawn = draw_landmarks(frame, points) if status[i] == "ok" else cross_out(frame)
        confidence = f" · {arrays['confidence'][places[i]]:.2f}" if status[i] == "ok" else ""
        panels.append(Panel(drawn, f"frame {i} · {status[i].replace('_', ' ')}{confidence}", status[i] != "ok"))
    note = (
        f"{len(status) - len(bad)} of {len(status)} frames have a usable face; the number is the detector's confidence. "
        "Rings must follow lids, lips and brows: warm colours on the person's right, cool ones on the left. "
        "Crossed-out frames are not used."
    )
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: landmarks", note=note)
