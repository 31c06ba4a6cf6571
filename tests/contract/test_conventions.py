"""The conventions hold together, and the way from MediaPipe's points to the 68 keeps every part of the face where it is."""

import numpy as np
import pytest

from headsmith.contract.conventions import CONVENTIONS, IBUG68, IBUG68_FROM_MEDIAPIPE, MEDIAPIPE478, Convention, convention_of
from headsmith.contract.errors import UserError
from headsmith.contract.labels import LABEL_ORDERS, LABELS, MASKS, order_of


@pytest.mark.parametrize("convention", CONVENTIONS.values(), ids=list(CONVENTIONS))
def test_every_point_exists(convention: Convention) -> None:
    groups = [*convention.parts.values(), *convention.rings.values(), *convention.lines.values(), convention.outline]
    groups += [convention.irises, convention.nose_bridge, (convention.nose_tip,), convention.outer_eye_corners]
    assert all(0 <= point < convention.count for group in groups for point in group)
    assert convention.nose_bridge[-1] == convention.nose_tip
    assert set(convention.lips) == set(convention.parts["lips"])


@pytest.mark.parametrize("name", ["lips", "outer_lips", "inner_lips", "outline"])
def test_the_map_keeps_parts(name: str) -> None:
    seen = {point for place in getattr(IBUG68, name) for point in IBUG68_FROM_MEDIAPIPE[place]}
    assert seen <= set(getattr(MEDIAPIPE478, name))


def test_the_map_keeps_single_points() -> None:
    assert len(IBUG68_FROM_MEDIAPIPE) == IBUG68.count
    assert IBUG68_FROM_MEDIAPIPE[IBUG68.nose_tip] == (MEDIAPIPE478.nose_tip,)
    for name in ("outer_eye_corners", "inner_eye_corners"):
        mapped = tuple(IBUG68_FROM_MEDIAPIPE[place] for place in getattr(IBUG68, name))
        assert mapped == tuple((point,) for point in getattr(MEDIAPIPE478, name))


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(UserError, match="wflw98") as caught:
        convention_of("wflw98")
    assert "ibug68" in str(caught.value.remedy)


def test_label_orders_hold_the_same_names() -> None:
    assert all(sorted(order) == sorted(LABELS) for order in LABEL_ORDERS.values())
    assert (order_of("face_parsing")[10], order_of("celebamask_hq")[10]) == ("nose", "mouth")
    assert np.array([name in LABELS for labels in MASKS.values() for name in labels]).all()
    with pytest.raises(UserError, match="not known"):
        order_of("lapa")
