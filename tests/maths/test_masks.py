import numpy as np

from headsmith.maths.masks import middle_of


def test_the_middle_is_the_mean_of_the_pixels():
    mask = np.random.default_rng(2).random((11, 8)) < 0.3
    rows, columns = np.nonzero(mask)
    np.testing.assert_allclose(middle_of(mask), [columns.mean() + 0.5, rows.mean() + 0.5])
