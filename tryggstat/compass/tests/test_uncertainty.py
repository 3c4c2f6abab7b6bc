from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tryggstat.compass import Indicator, composite_index, rank_uncertainty
from tryggstat.compass.uncertainty import _descending, _posterior

INDICATORS = [Indicator(name) for name in "abc"]


@pytest.fixture(scope="module")
def values():
    rng = np.random.default_rng(1)
    return rng.normal(0, 1, (30, 1)) + rng.normal(0, 0.7, (30, 3))


def only(values, **options):
    """One method, no noise in the weights."""
    once = {"normalise": ["zscore"], "aggregate": ["arithmetic"], "weight_noise": 0}
    return rank_uncertainty(values, INDICATORS, draws=2000, **once, **options)


def test_without_any_choice_and_any_error_every_rank_is_certain(values):
    found = only(values)
    for bound in (found.low, found.high, found.method_low, found.sampling_high):
        assert (bound == found.rank).all()


@pytest.mark.parametrize("aggregate", ["geometric", "harmonic"])
def test_other_means_rank_from_the_highest_down_too(values, aggregate):
    found = rank_uncertainty(
        values,
        INDICATORS,
        normalise=["minmax"],
        aggregate=[aggregate],
        weight_noise=0,
        draws=1,
    )
    assert (found.median == found.rank).all()


def test_errors_alone_and_choices_alone_widen_their_own_interval(values):
    errors = only(values, errors=np.full(values.shape, 0.3))
    assert (errors.method_low == errors.method_high).all()
    assert (errors.sampling_high - errors.sampling_low).mean() > 2

    choices = rank_uncertainty(values, INDICATORS, draws=2000)
    assert (choices.sampling_low == choices.sampling_high).all()
    assert (choices.method_high - choices.method_low).mean() > 1


def test_both_together_are_less_certain_than_either(values):
    found = rank_uncertainty(
        values, INDICATORS, draws=2000, errors=np.full(values.shape, 0.3)
    )
    width = (found.high - found.low).mean()
    assert width > (found.method_high - found.method_low).mean()
    assert width > (found.sampling_high - found.sampling_low).mean()
    assert (found.low <= found.median).all()
    assert (found.median <= found.high).all()


def test_the_chance_that_two_areas_change_places_is_the_one_of_the_normal():
    # One indicator, three areas at 0, 1 and 50 with error s: B is nearly 1, so the
    # first passes the second with probability Phi(-1 / (s sqrt 2)): 0.0786 for s = 0.5,
    # and 0.0169 for s = 1/3. A 90 % interval (5 % in each tail) shows only the former.
    values = np.array([[0.0], [1.0], [50.0]])
    for s, change in ((0.5, True), (1 / 3, False)):
        found = rank_uncertainty(
            values,
            [Indicator("a")],
            normalise=["zscore"],
            aggregate=["arithmetic"],
            weight_noise=0,
            errors=np.full((3, 1), s),
        )
        assert found.rank.tolist() == [3, 2, 1]
        assert found.sampling_low.tolist() == ([2, 2, 1] if change else [3, 2, 1])
        assert found.sampling_high.tolist() == ([3, 3, 1] if change else [3, 2, 1])


def test_intervals_hold_the_true_rank_as_often_as_they_say():
    rng = np.random.default_rng(4)
    inside = []
    for seed in range(20):
        true = rng.normal(0, 1, (40, 3))
        errors = rng.uniform(0.1, 0.8, (40, 3))
        seen = true + errors * rng.normal(size=true.shape)
        found = rank_uncertainty(
            seen,
            INDICATORS,
            normalise=["zscore"],
            aggregate=["arithmetic"],
            weight_noise=0,
            errors=errors,
            draws=500,
            seed=seed,
        )
        # the weights are those of the values seen, so the truth is ranked by them
        rank = 1 + np.argsort(np.argsort(-(true / seen.std(axis=0)).sum(axis=1)))
        inside.append((found.sampling_low <= rank) & (rank <= found.sampling_high))
    share = np.mean(inside)
    assert 0.88 < share < 0.97  # ranks are whole, so a little more than 0.9


def test_small_areas_are_pulled_to_the_mean_by_hand():
    # variance 2 of (-1, 1), mean squared error 1: A = 1, B = 1/2 for both
    centre, spread = _posterior(np.array([[-1.0], [1.0]]), np.ones((2, 1)))
    np.testing.assert_allclose(centre, [[-0.5], [0.5]])
    np.testing.assert_allclose(spread, np.sqrt(0.5))


def test_quadrature_follows_simulation_where_the_mean_is_not_linear():
    from tryggstat.compass._steps import Hierarchy
    from tryggstat.compass.uncertainty import _moments

    rng = np.random.default_rng(1)
    seen = rng.uniform(10, 20, (50, 1))
    tree = Hierarchy([Indicator("a")], [])
    spread = np.full((50, 1), 0.4)
    mean, variance = _moments(seen, spread, seen, tree, ("minmax", "geometric"))
    low, high = seen.min(), seen.max()
    draws = np.clip(seen + spread * rng.normal(size=(50, 20_000)), low, high)
    simulated = np.log(1 + 99 * (draws - low) / (high - low))
    inner = (seen[:, 0] > low + 2) & (seen[:, 0] < high - 2)
    np.testing.assert_allclose(
        mean[inner, 0], simulated.mean(axis=1)[inner], rtol=0.003
    )
    np.testing.assert_allclose(
        variance[inner, 0], simulated.var(axis=1)[inner], rtol=0.08
    )


def test_the_numbers_do_not_depend_on_threads_or_blocks(values, monkeypatch):
    options = {"errors": np.full(values.shape, 0.3), "draws": 100}
    alone = rank_uncertainty(values, INDICATORS, **options)
    with ThreadPoolExecutor(3) as pool:
        shared = rank_uncertainty(values, INDICATORS, **options, pool=pool)
    monkeypatch.setattr("tryggstat.parallel.BLOCK", 7)
    blocks = rank_uncertainty(values, INDICATORS, **options)
    for name in ("low", "high", "median", "method_low", "sampling_high"):
        assert (getattr(alone, name) == getattr(shared, name)).all()
        assert (getattr(alone, name) == getattr(blocks, name)).all()


def test_equal_scores_rank_in_their_order_and_others_by_value():
    score = np.array([1.0, 5, 5, -2, 5 + 1e-12, 1])
    assert _descending(score).tolist() == [4, 1, 2, 0, 5, 3]
    assert _descending(np.zeros(3)).tolist() == [0, 1, 2]


def test_says_which_choice_changes_most(values):
    found = rank_uncertainty(
        values, INDICATORS, draws=10, normalise=["minmax", "rank", "zscore"]
    )
    other = composite_index(values, INDICATORS, normalise="rank")
    assert found.by_choice["rank"] == np.abs(other.rank - found.rank).mean()
    assert set(found.by_choice) == {"rank", "zscore", "geometric"}
    assert ["zscore", "geometric"] not in found.method["pairs"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalise": []}, "one choice or more"),
        ({"weight_noise": 2}, "weight_noise"),
        ({"level": 1}, "level"),
        ({"errors": np.zeros((2, 3))}, "errors must be"),
        ({"errors": np.full((30, 3), -1.0)}, "errors must be"),
    ],
)
def test_refuses_options_that_do_not_fit(values, options, message):
    with pytest.raises(ValueError, match=message):
        rank_uncertainty(values, INDICATORS, **options)


def test_refuses_missing_values(values):
    missing = values.copy()
    missing[0, 0] = np.nan
    with pytest.raises(ValueError, match="impute first"):
        rank_uncertainty(missing, INDICATORS)
