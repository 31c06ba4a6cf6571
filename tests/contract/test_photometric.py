"""In how many rounds a clip is refined, known before its frames are."""

import pytest

from headsmith.contract.photometric import drawn_sizes, round_numbers
from headsmith.contract.settings import TrackingSettings


@pytest.mark.parametrize(
    ("most", "frames", "sizes"),
    [(256, 256, [128, 256]), (256, 512, [128, 256]), (512, 300, [150, 300]), (128, 128, [64, 128]), (256, 127, [127])],
)
def test_frames_are_drawn_at_half_their_size_first_where_that_is_not_too_small(most, frames, sizes):
    assert drawn_sizes(most, frames) == sizes
    for iterations in (1, 4):
        settings = TrackingSettings(photometric_size=most, photometric_iterations=iterations)
        assert round_numbers(settings, frames) == list(range(len(sizes) * iterations))
