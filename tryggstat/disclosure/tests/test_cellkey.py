import numpy as np
import pytest

from tryggstat.disclosure.cellkey import (
    NoSuchNoise,
    perturb,
    perturbation_table,
    record_keys,
)

TABLE = perturbation_table()
NOISE = np.arange(-4, 5)


def test_the_noise_has_mean_0_for_each_count():
    np.testing.assert_allclose(TABLE.sum(axis=1), 1)
    np.testing.assert_allclose(TABLE @ NOISE, 0, atol=1e-9)


def test_the_noise_has_the_variance_that_is_asked_for():
    np.testing.assert_allclose((TABLE @ NOISE**2)[1:], 3, atol=1e-9)


def test_a_true_1_by_hand_where_nothing_is_left_to_choose():
    # With D = 2 and no results 1: 1 becomes 0, 2 or 3. Mean 0 and variance V give
    # p(0) = (1 + ...): p0 = p2 + 2 p3 and p0 + p2 + 4 p3 = V, all adding up to 1.
    row = perturbation_table(largest=2, suppressed=1, variance=1.2)[1]
    p3 = (1.2 - 1) / 3 * 1.0
    p0 = 0.5 * (1 + p3)
    np.testing.assert_allclose(row, [0, p0, 0, 1 - p0 - p3, p3], atol=1e-9)


def test_results_1_and_2_never_come_out_and_0_stays():
    keys = np.linspace(0, 1, 1000, endpoint=False)
    for count in range(8):
        results = perturb(np.full(1000, count), keys, TABLE)
        assert not np.isin(results, [1, 2]).any()
        assert (abs(results - count) <= 4).all()
        assert (results >= 0).all()
        assert np.unique(results).size > 1 or count == 0


def test_keys_spread_evenly_give_the_distribution_of_the_table():
    keys = np.linspace(0, 1, 100_000, endpoint=False)
    for count in (1, 3, 50):
        noise = perturb(np.full(keys.size, count), keys, TABLE) - count
        share = [(noise == v).mean() for v in NOISE]
        np.testing.assert_allclose(share, TABLE[min(count, 7)], atol=2e-5)


def test_the_same_records_get_the_same_noise_wherever_they_are_counted():
    keys = record_keys(500, seed=7)
    area = np.arange(500) % 9
    key_by_area = np.bincount(area, weights=keys) % 1
    order = np.random.default_rng(1).permutation(500)
    again = np.bincount(area[order], weights=keys[order]) % 1
    counts = np.bincount(area)
    assert (perturb(counts, key_by_area, TABLE) == perturb(counts, again, TABLE)).all()


def test_averaging_over_all_paths_of_a_table_gains_less_than_3_points():
    """The cell itself, its row, its column and the whole table less everything else."""
    random = np.random.default_rng(20260101)
    at_once = averaged = cells = 0
    for _ in range(400):
        counts = random.integers(1, 10, (5, 4))
        full, key = (
            np.pad(x, ((0, 1), (0, 1))) for x in (counts, random.random((5, 4)))
        )
        for table in (full, key):
            table[-1] = table.sum(axis=0)
            table[:, -1] = table.sum(axis=1)
        noisy = perturb(full.ravel(), key.ravel() % 1, TABLE).reshape(full.shape)
        paths = [
            noisy[0, 0],
            noisy[0, -1] - noisy[0, 1:-1].sum(),
            noisy[-1, 0] - noisy[1:-1, 0].sum(),
            noisy[-1, -1] - noisy[1:-1, :-1].sum() - noisy[0, 1:-1].sum(),
        ]
        weights = 1 / np.array([1, 4, 5, 20])  # by the number of noises in each
        guess = round(np.average(paths, weights=weights))
        at_once += noisy[0, 0] == counts[0, 0]
        averaged += guess == counts[0, 0]
        cells += 1
    assert averaged / cells < at_once / cells + 0.03


def test_noise_that_can_only_go_up_is_refused():
    with pytest.raises(NoSuchNoise):
        perturbation_table(largest=2, suppressed=3)


@pytest.mark.parametrize("keys", [[0.5], [0.5, 1.0], [-0.1, 0.5]])
def test_keys_that_do_not_fit_are_refused(keys):
    with pytest.raises(ValueError, match="keys"):
        perturb([1, 2], keys, TABLE)


def test_the_stream_of_record_keys_is_known():
    np.testing.assert_allclose(
        record_keys(3, seed=1), [0.303568, 0.848709, 0.156135], atol=1e-6
    )
