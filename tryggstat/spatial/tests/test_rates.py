"""Rates and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tryggstat.spatial import (
    crude_rates,
    funnel_limits,
    neighbour_pairs,
    poisson_interval,
    smooth_rates_locally,
    standardised_rates,
    standardised_ratios,
)
from tryggstat.survey import smooth_rates

areas = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 400)), min_size=2, max_size=8
)


def everyone(n):
    focal, other = (~np.eye(n, dtype=bool)).nonzero()
    return neighbour_pairs(focal, other, n)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Garwood (1936), as tables print them
    [(1, 0.03, 5.57), (5, 1.62, 11.67), (10, 4.80, 18.39), (100, 81.36, 121.63)],
)
def test_exact_limits_are_those_of_the_printed_table(count, low, high):
    found = np.ravel(poisson_interval([count]))
    np.testing.assert_allclose(found, [low, high], atol=0.00501)


def test_mid_p_of_no_event_ends_at_the_logarithm_of_20():
    # P(X = 0) / 2 = 0.025 at exp(-mean) = 0.05
    low, high = poisson_interval([0], method="mid-p")
    assert low[0] == 0
    assert high[0] == pytest.approx(np.log(20))


@given(st.integers(0, 500), st.sampled_from([0.5, 0.8, 0.95, 0.998]))
def test_mid_p_limits_solve_their_equations_and_lie_within_the_exact(count, level):
    (low,), (high,) = poisson_interval([count], method="mid-p", confidence=level)
    a = (1 - level) / 2
    half = stats.poisson.pmf(count, [low, high]) / 2
    if count:
        assert stats.poisson.sf(count, low) + half[0] == pytest.approx(a, rel=1e-8)
    assert stats.poisson.cdf(count - 1, high) + half[1] == pytest.approx(a, rel=1e-8)
    (exact_low,), (exact_high,) = poisson_interval([count], confidence=level)
    assert exact_low <= low <= high <= exact_high


@pytest.mark.parametrize("mean", [0.7, 3.3, 12.1, 60.4])
def test_exact_intervals_cover_as_promised_and_mid_p_nearly_so(mean):
    counts = np.arange(400)
    chance = stats.poisson.pmf(counts, mean)
    covered = {}
    for method in ("exact", "mid-p"):
        low, high = poisson_interval(counts, method=method)
        covered[method] = chance[(low <= mean) & (mean <= high)].sum()
    assert covered["exact"] >= 0.95
    assert 0.92 < covered["mid-p"] <= covered["exact"]


def test_a_rate_has_the_interval_of_its_count():
    rates = crude_rates([10, 0], [1000, 50])
    low, high = poisson_interval([10, 0])
    np.testing.assert_allclose(rates.value, [0.01, 0])
    np.testing.assert_allclose(rates.low, low / [1000, 50])
    np.testing.assert_allclose(rates.high, high / [1000, 50])


def test_areas_together_as_reference_expect_as_many_as_happened():
    events = np.array([[4, 6], [2, 0], [9, 4]])
    persons = np.array([[100, 300], [50, 20], [300, 100]])
    ratios = standardised_ratios(events, persons)
    # young: 15 / 450, old: 10 / 420
    np.testing.assert_allclose(ratios.base[0], 100 / 30 + 300 / 42)
    np.testing.assert_allclose(ratios.base.sum(), 25)
    np.testing.assert_allclose(ratios.value, ratios.events / ratios.base)


def test_ratios_need_a_reference_and_shapes_that_fit():
    with pytest.raises(ValueError, match="reference's rates"):
        standardised_ratios([1, 2], [[5, 5], [5, 5]])
    with pytest.raises(ValueError, match="a row for each area"):
        standardised_ratios([1, 2, 3], [[5, 5], [5, 5]], [0.1, 0.1])
    with pytest.raises(ValueError, match="per stratum"):
        standardised_ratios([1, 2], [[5, 5], [5, 5]], [0.1])
    with pytest.raises(ValueError, match="expected events must be above 0"):
        standardised_ratios([1, 2], [[5, 5], [0, 0]], [0.1, 0.1])


def test_funnel_limits_worked_by_hand():
    # mean 10: P(X <= 4) = 0.02925, P(X = 4) = 0.01892; P(X <= 17) = 0.98572, .01276
    low, high = funnel_limits([10], confidence=0.95)
    assert low[0] == pytest.approx((4 - 0.00425 / 0.01892) / 10, abs=2e-4)
    assert high[0] == pytest.approx((17 - 0.01072 / 0.01276) / 10, abs=2e-4)


@given(st.floats(0.05, 3000), st.sampled_from([0.9, 0.95, 0.998]))
def test_funnel_limits_lie_within_one_count_of_the_quantiles(expected, level):
    (low,), (high,) = funnel_limits([expected], confidence=level)
    for limit, p in ((low, (1 - level) / 2), (high, (1 + level) / 2)):
        quantile = stats.poisson.ppf(p, expected)
        assert max(quantile - 1, 0) - 1e-6 <= limit * expected <= quantile + 1e-6


def test_local_smoothing_with_everyone_as_neighbour_is_that_of_the_whole_map():
    events, persons = [2, 10, 7, 0], [100, 120, 80, 300]
    np.testing.assert_allclose(
        smooth_rates_locally(events, persons, everyone(4)),
        smooth_rates(events, persons),
    )


def test_local_smoothing_worked_by_hand():
    # 0 and 1 are a pair as in smooth_rates; 2 is an island and keeps its rate
    pair = neighbour_pairs([0, 1], [1, 0], 3)
    found = smooth_rates_locally([2, 10, 3], [100, 100, 10], pair)
    np.testing.assert_allclose(found, [0.035, 0.085, 0.3])


@given(areas)
def test_smoothed_rates_lie_between_their_own_and_the_common_rate(counts):
    events, persons = np.array(counts).T
    own = events / persons
    common = events.sum() / persons.sum()
    smoothed = smooth_rates_locally(events, persons, everyone(len(counts)))
    assert (smoothed >= np.minimum(own, common) - 1e-12).all()
    assert (smoothed <= np.maximum(own, common) + 1e-12).all()


def test_areas_that_differ_less_than_by_chance_get_the_common_rate():
    # with a variance below 0, 0 of 50 came out above 1 of 50
    found = smooth_rates_locally([0, 1, 0, 1], [50] * 4, everyone(4))
    np.testing.assert_allclose(found, 0.01)
    z = standardised_rates([0, 1, 0, 1], [50] * 4)
    np.testing.assert_allclose(z, np.array([-1, 1, -1, 1]) * np.sqrt(0.01 * 50))


def test_standardised_rates_vary_alike_in_small_and_large_areas():
    rng = np.random.default_rng(3)
    persons = np.tile([50, 5000], 2000)
    z = standardised_rates(rng.poisson(0.02 * persons), persons)
    assert z[::2].std() == pytest.approx(1, abs=0.05)
    assert z[1::2].std() == pytest.approx(1, abs=0.05)


def test_no_surroundings_without_events_are_divided_by_zero():
    assert smooth_rates_locally([0, 0], [5, 5], everyone(2)).tolist() == [0, 0]
    with pytest.raises(ValueError, match="no events"):
        standardised_rates([0, 0], [5, 5])


@pytest.mark.parametrize(
    ("events", "persons", "why"),
    [
        ([-1, 2], [5, 5], "0 or more"),
        ([1, 2], [5, 0], "above 0"),
        ([1, np.nan], [5, 5], "0 or more"),
        ([1, 2], [5, 5, 5], "equally long"),
    ],
)
def test_counts_that_are_none_are_refused(events, persons, why):
    for make in (crude_rates, standardised_rates):
        with pytest.raises(ValueError, match=why):
            make(events, persons)


def test_halves_of_events_have_no_poisson_interval():
    with pytest.raises(ValueError, match="whole numbers"):
        poisson_interval([1.5])
    with pytest.raises(ValueError, match="between 0 and 1"):
        poisson_interval([1], confidence=95)
    with pytest.raises(ValueError, match="exact or mid-p"):
        poisson_interval([1], method="wald")
