"""The turns that bridges take for Anny's units are those that Anny's units make."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from headsmith.bridges.blendshapes import JAW_OPEN
from headsmith.bridges.gaze import ANNY, LOOKS, turn_eyes
from headsmith.heads.anny import GAZE_UNITS


def turned_by(source, head, part, unit):
    """The turn, axis-angle, that takes a rigid part nearest to where a unit takes it."""
    ids = source.parts[part]
    before, after = head.template[ids], head.template[ids] + source.unit(unit)[ids]
    return Rotation.align_vectors(after - after.mean(0), before - before.mean(0))[0].as_rotvec()


def test_an_open_jaw_is_annys(anny_source, anny_container):
    turn = turned_by(anny_source, anny_container, "lower_teeth", "jawOpen")
    assert turn == pytest.approx([JAW_OPEN, 0, 0], abs=3e-3)


@pytest.mark.parametrize("unit", GAZE_UNITS)
def test_eyeballs_turn_as_annys(anny_source, anny_container, unit):
    side = int(unit.endswith("Right"))
    turn = turned_by(anny_source, anny_container, ("left_eyeball", "right_eyeball")[side], unit)
    eyes = turn_eyes({name: np.array([float(name == unit)]) for name in LOOKS}, ANNY)[0]
    assert eyes[side] == pytest.approx(turn, abs=0.03)
    assert eyes[side].max() - eyes[side].min() == pytest.approx(np.abs(turn).max(), abs=2e-3)
    assert not eyes[1 - side].any()
