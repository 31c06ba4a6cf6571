"""The picture of the landmarks: points and contours on the frames."""

from pathlib import Path

from headsmith.contract.conventions import convention_of
from headsmith.contract.manifest import read_manifest
from headsmith.contract.settings import QualitySettings
from headsmith.media.arrays import read_landmark_arrays
from headsmith.nets.faces import box_around
from headsmith.show.overlays import cross_out, draw_landmarks
from headsmith.show.sheets import Panel, contact_sheet
from headsmith.stages.landmarks_choice import touches_edge
from headsmith.stages.quality_parts import PANEL_WIDTH, Picture, frame_panel, spread

AT_EDGE = "at the edge"


def show_landmarks(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw points and contours; frames without a usable face are crossed out, those with one at the edge stand out."""
    arrays = read_landmark_arrays(inputs["landmarks"], clip, "ids", "status", "points", "confidence", "convention")
    size = read_manifest(inputs["frames"], clip=clip, verify=False).size
    convention = convention_of(str(arrays["convention"]))
    status = {int(i): str(word) for i, word in zip(arrays["ids"], arrays["status"], strict=True)}
    places = {int(i): row for row, i in enumerate(arrays["ids"])}
    bad = [i for i, word in status.items() if word != "ok"]
    edge = {i for i, row in places.items() if status[i] == "ok" and touches_edge(box_around(arrays["points"][row]), size)}
    panels = []
    for i in spread(list(status), settings.frames, sorted({*bad, *edge})):
        frame = frame_panel(inputs, i, clip)
        if status[i] == "ok":
            drawn = draw_landmarks(frame, arrays["points"][places[i]] * (PANEL_WIDTH / size[0]), convention)
            words = [AT_EDGE] if i in edge else ["ok"]
            words.append(f"{arrays['confidence'][places[i]]:.2f}")
        else:
            drawn, words = cross_out(frame), [status[i].replace("_", " ")]
        panels.append(Panel(drawn, " · ".join([f"frame {i}", *words]), status[i] != "ok" or i in edge))
    note = (
        f"{convention.name}: {len(status) - len(bad)} of {len(status)} frames have a usable face; in {len(edge)} it touches "
        "the edge. The number is the detector's confidence. Contours must follow lids, lips and brows: warm colours on the "
        "person's right, cool ones on the left. Crossed-out frames are not used."
    )
    return contact_sheet(panels, columns=settings.columns, title=f"{clip}: landmarks", note=note)
