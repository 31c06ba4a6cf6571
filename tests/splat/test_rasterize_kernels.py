"""The parts of the compiled rasterizer, each against numpy."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from headsmith.splat.kernels_order import deal_to_tiles, sort_by_depth
from headsmith.splat.kernels_project import octaves
from headsmith.splat.kernels_tile import EDGE
from headsmith.splat.lanes import alike_lanes, lanes_of, larger, root, select, total
from headsmith.splat.lanes_memory import (
    gather,
    load,
    load_like,
    load_thirds,
    scatter,
    store,
    store_thirds,
    totals,
    wide_ramp,
)
from headsmith.splat.lanes_power import power


@njit
def over(function, values, results):
    for i in range(0, values.size, 8):
        store(results, i, function(load(values, i)))


@njit
def of_power(value):
    return power(value)


@njit
def of_octaves(value):
    return octaves(value)


@njit
def move(values, results, whole):
    first, second, third = load_thirds(values, 1)
    store_thirds(results, 1, (first, second, third))
    scatter(results, 40, 2, gather(values, 3, 2))
    scatter(whole, 0, 1, load(values, 2))
    store(results, 30, select(first < second, third, lanes_of(values.dtype.type(-1))))
    eight = first, second, third, first * second, second - third, first + third, third * 2.0, 1.0 / first
    store(results, 60, totals(eight))
    results[68] = total(second)
    return total(eight[7])


def applied(function, values):
    results = np.empty_like(values)
    over(function, values, results)
    return results.astype(np.float64)


@pytest.mark.parametrize(("dtype", "near"), [(np.float32, 2.5e-7), (np.float64, 5e-16)])
def test_powers_of_two_are_good_to_their_kind(dtype, near):
    values = -np.geomspace(1e-6, 99, 8000).astype(dtype)
    expected = np.exp2(values.astype(np.longdouble))
    assert np.abs(applied(of_power, values) / expected - 1).max() < near
    assert applied(of_power, -np.arange(8).astype(dtype)).tolist() == [0.5**whole for whole in range(8)]
    assert (applied(of_power, np.full(8, -1e30, dtype)) == 0.5**100).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logarithms_are_never_too_small(dtype):
    values = np.geomspace(1, 256, 8000).astype(dtype)
    excess = applied(of_octaves, values) - np.log2(values.astype(np.float64))
    assert excess.min() >= 0 and excess.max() < 5e-4


@njit
def move_wide(values, results):
    ahead, behind = load_like(values, 5, wide_ramp(values[0])), load_like(values, 20, wide_ramp(values[0]))
    store(results, 0, select((ahead < behind) & (ahead > 1.0), ahead, alike_lanes(2.0, behind)) + wide_ramp(values[0]))
    eight = ahead, behind, ahead * behind, ahead - behind, ahead + 1.0, 1.0 / behind, larger(ahead, behind), root(ahead)
    store(results, 16, totals(eight))
    results[24] = total(behind)
    store(results, 32, power(0.0 - ahead))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sixteen_lanes_move_and_add_up_as_numpy_does(dtype):
    values, results = np.random.default_rng(0).uniform(0.5, 3, 80).astype(dtype), np.zeros(48, dtype)
    move_wide(values, results)
    ahead, behind = values[5:21].astype(np.float64), values[20:36].astype(np.float64)
    chosen = np.where((ahead < behind) & (ahead > 1), ahead, 2) + np.arange(16)
    np.testing.assert_allclose(results[:16], chosen, rtol=1e-6)
    eight = ahead, behind, ahead * behind, ahead - behind, ahead + 1, 1 / behind, np.maximum(ahead, behind), np.sqrt(ahead)
    np.testing.assert_allclose(results[16:24], [part.sum() for part in eight], rtol=1e-5, atol=1e-5)
    assert results[24] == pytest.approx(behind.sum(), rel=1e-6)
    np.testing.assert_allclose(results[32:], np.exp2(-ahead), rtol=3e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lanes_move_and_add_up_as_numpy_does(dtype):
    values = np.random.default_rng(0).uniform(0.5, 3, 80).astype(dtype)
    results, whole = np.zeros(80, dtype), np.zeros(8, np.int32)
    last = move(values, results, whole)
    first, second, third = values[1:25].reshape(8, 3).T.astype(np.float64)
    np.testing.assert_array_equal(results[1:25], values[1:25])
    np.testing.assert_array_equal(results[40:55:2], values[3:18:2])
    np.testing.assert_array_equal(whole, values[2:10].astype(np.int32))
    np.testing.assert_array_equal(results[30:38], np.where(first < second, third, -1).astype(dtype))
    sums = [part.sum() for part in (first, second, third, first * second, second - third, first + third, 2 * third, 1 / first)]
    np.testing.assert_allclose(results[60:68], sums, rtol=1e-5, atol=1e-5)
    assert results[68] == pytest.approx(second.sum(), rel=1e-6)
    assert last == pytest.approx(sums[-1], rel=1e-6)


@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, np.int32), (np.float64, np.int64)])
@pytest.mark.parametrize("spread", [1e-3, 0.3, 1e6])
def test_depths_sort_as_numpy_sorts_them(spread, dtype, bits):
    random = np.random.default_rng(1)
    depths = (0.9 + spread * random.random(3000)).astype(dtype)
    depths[random.integers(0, 3000, 500)] = 0
    depths[random.integers(0, 3000, 500)] = depths[0] + dtype(spread / 2)  # equals keep their own order
    order = np.argsort(depths, kind="stable")
    np.testing.assert_array_equal(sort_by_depth(depths.view(bits)), order[depths[order] > 0])


def test_one_depth_and_no_depth_sort():
    np.testing.assert_array_equal(sort_by_depth(np.full(9, 2, np.float32).view(np.int32)), np.arange(9))
    assert sort_by_depth(np.zeros(9, np.int64)).size == 0


def test_tiles_list_their_gaussians_near_to_far():
    random = np.random.default_rng(2)
    low = random.integers(0, 180, (200, 2))
    high = np.minimum(low + random.integers(1, 100, (200, 2)), (200, 140))
    kept = (low < high).all(1)
    boxes = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], -1).astype(np.int32)
    order = random.permutation(np.nonzero(kept)[0]).astype(np.int32)
    starts, members = deal_to_tiles(order, boxes.reshape(-1), 200, 140)
    across, down = -(-200 // EDGE), -(-140 // EDGE)
    assert len(starts) == across * down + 1 > 7
    for tile in range(across * down):
        x, y = tile % across * EDGE, tile // across * EDGE
        reaching = (boxes[:, 0] < x + EDGE) & (boxes[:, 1] > x) & (boxes[:, 2] < y + EDGE) & (boxes[:, 3] > y)
        np.testing.assert_array_equal(members[starts[tile] : starts[tile + 1]], order[reaching[order]])


def test_importing_compiles_nothing_and_loads_no_thread_pool():
    program = (
        "import headsmith.splat.rasterize, headsmith.splat.compiled_frame as c, numba, sys\n"
        "kernels = c.project, c.blend, c.blend_backward, c.sort_by_depth, c.project_backward, c.collect, c.deal_to_tiles\n"
        "assert not any(kernel.signatures for kernel in kernels)\n"
        "assert 'gsplat' not in sys.modules\n"
        "assert numba.np.ufunc.parallel._is_initialized is False"
    )
    sources = Path(__file__).resolve().parents[2] / "src"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=sources)
