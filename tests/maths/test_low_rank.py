import numpy as np
import pytest

from headsmith.maths.low_rank import learn_low_rank

PICTURES, TEXELS = 60, 150


def family(rank=3, noise=0.5, seed=0, pictures=PICTURES):
    """Pictures of a known mean and known directions, of falling size."""
    random = np.random.default_rng(seed)
    directions = random.normal(0, 1, (TEXELS, 3, rank)) * np.array([8.0, 5.0, 3.0, 2.0, 1.5])[:rank]
    mean = random.uniform(80, 200, (TEXELS, 3))
    codes = random.normal(0, 1, (pictures, rank))
    clean = mean + np.einsum("mbc,nc->nmb", directions, codes)
    return mean, directions, clean, (clean + noise * random.normal(0, 1, clean.shape)).astype(np.float32)


def hidden(seed=1, share=0.5, pictures=PICTURES):
    """What half of the pictures show: one side, the other, or holes."""
    weights = (np.random.default_rng(seed).random((pictures, TEXELS)) > share / 2).astype(np.float32)
    weights[::3, : TEXELS // 2] = 0
    weights[1::3, TEXELS // 2 :] = 0
    return weights


def explained(truth, found):
    """Share of the variance of true directions within the span of found ones."""
    basis, _ = np.linalg.qr(found.reshape(-1, found.shape[-1]).astype(np.float64))
    flat = truth.reshape(-1, truth.shape[-1])
    return np.square(basis.T @ flat).sum() / np.square(flat).sum()


def test_complete_pictures_have_the_closed_form():
    """All seen: the maximum of likelihood is U (L - s)^(1/2), s the mean of the other eigenvalues (Tipping and Bishop, 7-8)."""
    _, _, _, noisy = family(pictures=400)
    found = learn_low_rank(noisy, np.ones(noisy.shape[:2], np.float32), 3, rounds=60)
    flat = noisy.reshape(400, -1).astype(np.float64)
    centred = flat - flat.mean(0)
    _, singular, right = np.linalg.svd(centred, full_matrices=False)
    values = singular**2 / 400
    rest = values[3:].sum() / (flat.shape[1] - 3)
    np.testing.assert_allclose(found.mean.ravel(), flat.mean(0), atol=1e-2)
    lengths = np.linalg.norm(found.components.reshape(-1, 3), axis=0)
    np.testing.assert_allclose(lengths, np.sqrt(values[:3] - rest), rtol=2e-3)
    cosines = np.abs((found.components.reshape(-1, 3) / lengths * right[:3].T).sum(0))
    np.testing.assert_allclose(cosines, 1, atol=1e-4)
    assert found.noise == pytest.approx(rest, rel=0.02)


def test_a_planted_family_is_found_where_half_is_hidden():
    mean, directions, clean, noisy = family()
    weights = hidden()
    noisy[weights == 0] = 1e6
    found = learn_low_rank(noisy, weights, 3, rounds=25)
    assert explained(directions, found.components) > 0.995
    error = np.sqrt(np.square(found.pictures() - clean)[weights == 0].mean())
    plain = np.sqrt(np.square(mean - clean)[weights == 0].mean())
    assert error < 0.6 < 5 < plain
    np.testing.assert_allclose(found.codes.std(0), 1, atol=0.1)


def test_it_beats_components_of_pictures_filled_with_the_mean():
    _, directions, _, noisy = family()
    weights = hidden()
    seen = weights[..., None] > 0
    middle = np.where(seen, noisy, 0).sum(0) / seen.sum(0)
    filled = np.where(seen, noisy, middle).reshape(PICTURES, -1)
    _, _, right = np.linalg.svd(filled - filled.mean(0), full_matrices=False)
    plain = explained(directions, right[:3].T)
    assert 1 - explained(directions, learn_low_rank(noisy, weights, 3, rounds=25).components) < (1 - plain) / 5


def test_what_is_believed_little_moves_little():
    _, _, clean, noisy = family(pictures=40)
    weights = np.ones(noisy.shape[:2], np.float32)
    weights[:20, :50] = 0.01
    noisy[:20, :50] += np.random.default_rng(5).normal(0, 5, (20, 50, 3))
    weighted, alike = (learn_low_rank(noisy, w, 3) for w in (weights, np.ones_like(weights)))
    errors = [np.square(found.pictures() - clean)[:, :50].mean() for found in (weighted, alike)]
    assert errors[0] < errors[1] / 3


def test_spare_components_do_no_harm():
    _, directions, clean, noisy = family(rank=2, pictures=200)
    weights = hidden(pictures=200)
    found = learn_low_rank(noisy, weights, 6)
    assert explained(directions, found.components[..., :2]) > 0.99
    assert np.sqrt(np.square(found.pictures() - clean)[weights == 0].mean()) < 0.6
    assert (np.linalg.norm(found.components, axis=(0, 1))[4:] < 1).all()


def test_too_little_is_refused():
    _, _, _, noisy = family(pictures=4)
    weights = np.ones(noisy.shape[:2], np.float32)
    weights[:, 7] = 0
    with pytest.raises(ValueError, match="every texel"):
        learn_low_rank(noisy, weights, 2)
    with pytest.raises(ValueError, match="two pictures"):
        learn_low_rank(noisy[:1], weights[:1], 2)
