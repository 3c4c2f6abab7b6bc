"""Likeness area by area."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import permutations
from multiprocessing import get_context

import numpy as np
import pytest

from tryggstat.spatial import (
    _permutation_kernels,
    geary,
    local_bivariate_moran,
    local_geary,
    local_getis_ord,
    local_moran,
    moran,
    neighbour_pairs,
    permutation,
    standardised_rates,
)
from tryggstat.survey import adjust_p

VALUES = np.array([2.0, 0.0, 5.0, 1.0, 9.0, 4.0, 4.0])
HERE = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0])


@pytest.fixture
def equal():
    """Seven areas with equal weights in each row; the last but one an island."""
    focal = [0, 0, 1, 2, 2, 2, 3, 4, 4, 6, 6, 6, 6, 6]
    other = [1, 2, 0, 0, 4, 3, 4, 2, 3, 0, 1, 2, 3, 4]
    return neighbour_pairs(focal, other, 7).row_standardised()


@pytest.fixture
def unequal(equal):
    """The same with weights that differ within rows."""
    weight = np.arange(1.0, equal.weight.size + 1)
    return neighbour_pairs(equal.focal, equal.neighbour, 7, weight)


def bivariate(values, near, **how):
    return local_bivariate_moran(HERE, values, near, **how)


def star(values, near, **how):
    return local_getis_ord(values, near, star=True, **how)


TESTS = [local_moran, bivariate, local_getis_ord, star, local_geary]


def conditional(test, near, area):
    """Return an area's statistic on every map in which its own value stays."""
    found = []
    others = np.delete(np.arange(7), area)
    for order in set(permutations(others)):
        values = VALUES.copy()
        values[others] = VALUES[list(order)]
        found.append(test(values, near, permutations=0).statistic[area])
    return np.array(found)


@pytest.mark.parametrize("weights", ["equal", "unequal"])
@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
@pytest.mark.parametrize("area", [0, 2])
def test_moments_and_p_are_those_of_all_720_maps_around_an_area(
    test, weights, area, request
):
    near = request.getfixturevalue(weights)
    draws = 20_000
    found = test(VALUES, near, permutations=draws, stop_at=None)
    maps = conditional(test, near, area)
    if test is not star:  # z of Gi* is for the area's own value placed at random too
        assert found.expectation[area] == pytest.approx(maps.mean(), abs=1e-12)
        assert found.variance[area] == pytest.approx(maps.var(), rel=1e-9)
    seen = found.statistic[area]
    above, below = (maps >= seen - 1e-9).mean(), (maps <= seen + 1e-9).mean()
    exact = min(2 * above, 2 * below, 1)
    band = 5 * 2 * np.sqrt(exact / 2 * (1 - exact / 2) / draws) + 1e-4
    assert found.p_permutation[area] == pytest.approx(exact, abs=band)


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_one_side_counts_the_draws_on_that_side_of_z(test, equal):
    found = {
        side: test(VALUES, equal, alternative=side, permutations=5000, stop_at=None)
        for side in ("greater", "less", "two-sided")
    }
    greater, less, both = (found[side].p_permutation for side in found)
    has = equal.counts > 0
    smaller = np.minimum(2 * np.minimum(greater, less), 1)
    np.testing.assert_allclose(both[has], smaller[has])
    certain = np.abs(found["greater"].z) > 1
    assert certain.any()
    assert ((greater < less) == (found["greater"].z > 0))[certain].all()


def test_statistics_worked_by_hand(row):
    # z = -1.5, -0.5, 0.5, 1.5, mean square 1.25, variance 5/3
    found = local_moran([1, 2, 3, 4], row, permutations=0)
    np.testing.assert_allclose(found.statistic, [0.6, 0.4, 0.4, 0.6])
    # conditional: -z^2 W / 3 in units of 1.25
    np.testing.assert_allclose(found.expectation, [-0.6, -0.4 / 3, -0.4 / 3, -0.6])
    found = local_geary([1, 2, 3, 4], row, permutations=0)
    np.testing.assert_allclose(found.statistic, [0.6, 1.2, 1.2, 0.6])
    found = local_getis_ord([1, 2, 3, 4], row, permutations=0)
    np.testing.assert_allclose(found.statistic, [2 / 9, 4 / 8, 6 / 7, 3 / 6])
    found = local_getis_ord([1, 2, 3, 4], row, star=True, permutations=0)
    np.testing.assert_allclose(found.statistic, [3 / 10, 6 / 10, 9 / 10, 7 / 10])
    np.testing.assert_allclose(found.expectation, [2 / 4, 3 / 4, 3 / 4, 2 / 4])
    found = local_getis_ord([1, 2, 3, 4], row.row_standardised(), star=True)
    np.testing.assert_allclose(found.statistic, [1.5 / 10, 2 / 10, 3 / 10, 3.5 / 10])


def test_local_statistics_add_up_to_the_global(town):
    x = np.random.default_rng(2).normal(size=400)
    s0 = town.totals[0]
    each = local_moran(x, town, permutations=0).statistic
    assert each.sum() == pytest.approx(s0 * moran(x, town, permutations=0).statistic)
    each = local_geary(x, town, permutations=0).statistic
    assert each.sum() == pytest.approx(
        2 * s0 * geary(x, town, permutations=0).statistic
    )


def test_total_moments_are_those_of_all_maps(equal):
    maps = np.array(list(permutations(range(7))))
    x = VALUES - VALUES.mean()
    shuffled = x[maps]
    found = local_moran(VALUES, equal, moments="total", permutations=0)
    for area in (0, 2):
        around = equal.neighbour[equal.focal == area]
        drawn = shuffled[:, area] * shuffled[:, around].mean(axis=1) / (x @ x / 7)
        assert found.expectation[area] == pytest.approx(drawn.mean())
        assert found.variance[area] == pytest.approx(drawn.var())


def test_z_of_g_does_not_change_when_weights_are_multiplied(town):
    # esda 2.9 has -0.656 with weights that sum to 1 where it has -0.938 with ones
    x = np.random.default_rng(2).gamma(2, size=400)
    ones = neighbour_pairs(town.focal, town.neighbour, 400)
    for is_star in (False, True):
        z = [
            local_getis_ord(x, near, star=is_star, permutations=0).z
            for near in (town, ones)
        ]
        np.testing.assert_allclose(*z, rtol=1e-9)


def test_g_of_values_below_zero_has_z_but_no_share(town):
    x = np.random.default_rng(2).normal(size=400)
    found = local_getis_ord(x, town, permutations=0)
    assert np.isnan(found.statistic).all()
    shifted = local_getis_ord(x + 10, town, permutations=0)
    np.testing.assert_allclose(found.z, shifted.z, rtol=1e-9)
    assert set(found.quadrant) == {"High", "Low"}


def test_the_quadrant_fits_the_sign_of_the_statistic(town):
    # R spdep's "mean" quadrant calls many-neighboured areas Low-High where I is above 0
    x = np.random.default_rng(2).normal(size=400)
    ones = neighbour_pairs(town.focal, town.neighbour, 400)
    found = local_moran(x, ones, permutations=0)
    alike = np.isin(found.quadrant, ["High-High", "Low-Low"])
    assert (alike == (found.statistic > 0)).all()


def test_a_block_of_high_values_is_found_and_named(town):
    x = np.random.default_rng(4).normal(size=(20, 20))
    x[3:8, 3:8] += 3
    found = local_moran(x.ravel(), town)
    hot = (found.p_adjusted <= 0.05).reshape(20, 20)
    assert hot[4:7, 4:7].all()
    inside = found.quadrant.reshape(20, 20)[4:7, 4:7]
    assert (inside == "High-High").all()
    assert hot[10:].mean() < 0.02


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_an_island_has_no_figures_and_is_not_among_the_many(test, equal):
    found = test(VALUES, equal, permutations=999)
    assert np.isnan(found.p_permutation[5])
    known = np.arange(7) != 5
    np.testing.assert_allclose(
        found.p_adjusted[known], adjust_p(found.p_permutation[known])
    )
    if test is not star:  # alone with itself, Gi* still has a z
        assert np.isnan(found.statistic[5])
        assert found.quadrant[5] is None


def test_an_area_that_borders_on_all_others_can_have_no_other_neighbours():
    near = neighbour_pairs([0, 0, 0, 0, 1], [1, 2, 3, 4, 0], 5).row_standardised()
    found = local_moran([0.1, 0.2, 0.3, 0.4, 0.7], near)
    assert found.p_permutation[0] == 1
    assert np.isnan(found.z[0])


def test_equal_sums_count_as_reached_whatever_their_rounding():
    # 0.1 + 0.2 and 0.3 + 0 differ in the last bit; each draw of two is equally likely
    values = [0.1, 0.2, 0.3, 0.0, 5.0]
    near = neighbour_pairs([4, 4], [0, 1], 5)
    found = local_moran(values, near, permutations=60_000)
    # of the six pairs of others .1 .2 .3 .3 .4 .5 four are at most .3, four at least
    found_one = local_moran(values, near, permutations=60_000, alternative="less")
    assert found.p_permutation[4] == 1
    assert found_one.p_permutation[4] == pytest.approx(4 / 6, abs=0.01)


def test_nothing_significant_is_lost_or_won_by_stopping_early(town):
    x = np.random.default_rng(4).normal(size=(20, 20))
    x[3:8, 3:8] += 2
    weight = 1 + np.arange(town.weight.size) % 3
    near = neighbour_pairs(town.focal, town.neighbour, 400, weight)
    for side in ("two-sided", "greater"):
        how = {"permutations": 4999, "alternative": side}
        stopped = local_moran(x.ravel(), near, **how)
        full = local_moran(x.ravel(), near, **how, stop_at=None)
        assert (full.draws == 4999).all()
        assert stopped.draws.mean() < 2500
        for name in ("p_permutation", "p_adjusted"):
            ours, whole = getattr(stopped, name), getattr(full, name)
            found = whole <= 0.05
            assert found.any()
            assert ((ours <= 0.05) == found).all()
            assert (ours[found] == whole[found]).all()


def test_adjusting_has_no_edge_where_all_or_none_are_significant():
    np.testing.assert_allclose(adjust_p([0.5, 0.6, 0.7]), 0.7)
    np.testing.assert_allclose(adjust_p([0.02, 0.03, 0.049]), [0.045, 0.045, 0.049])


@pytest.mark.parametrize("test", [local_moran, local_geary], ids=lambda t: t.__name__)
def test_false_alarms_are_as_frequent_as_the_level_says(test, town):
    rng = np.random.default_rng(21)
    raw, adjusted = [], []
    for _ in range(20):
        found = test(rng.gamma(0.5, size=400), town, permutations=999)
        raw.append((found.p_permutation <= 0.05).mean())
        adjusted.append((found.p_adjusted <= 0.05).any())
    assert 0.03 < np.mean(raw) < 0.06  # 8,000 areas, correlated with their neighbours
    assert sum(adjusted) <= 5  # 1 in 20 expected


def test_standardised_rates_raise_no_alarm_for_small_populations(town):
    # the left half has few persons: crude rates vary there, and all alarms are there
    rng = np.random.default_rng(8)
    persons = np.where(np.arange(400) % 20 < 10, 40, 4000)
    shares = []
    for _ in range(20):
        events = rng.poisson(0.05 * persons)
        z = standardised_rates(events, persons)
        found = local_moran(z, town, permutations=999)
        shares.append((found.p_permutation <= 0.05).reshape(20, 20))
    left, right = (
        np.mean([s[:, h] for s in shares]) for h in (slice(9), slice(11, 20))
    )
    assert left == pytest.approx(right, abs=0.02)


def test_the_pool_and_draws_of_ones_own_agree(town):
    x = np.random.default_rng(2).gamma(2, size=400)
    # a last bit of difference within a row, and the area draws alone
    weight = town.weight * (1 + 1e-15 * (np.arange(town.weight.size) % 2))
    alone = neighbour_pairs(town.focal, town.neighbour, 400, weight)
    one = local_moran(x, town, permutations=9999)
    other = local_moran(x, alone, permutations=9999, stop_at=None)
    p = (one.p_permutation + other.p_permutation) / 2
    apart = (one.p_permutation - other.p_permutation) / np.sqrt(2 * p * (2 - p) / 9999)
    assert np.abs(apart).max() < 4.5
    assert not (one.p_permutation == other.p_permutation).all()


def test_areas_that_draw_alone_have_streams_of_their_own(unequal):
    counts = permutation.conditional_counts(VALUES, unequal, 500, 1, None)
    lag = unequal.lag(VALUES)
    for area in (2, 6):
        stream = permutation.stream_starts(1, [permutation.SEPARATE + area])
        alone = _permutation_kernels.separate_counts(
            stream, np.array([area]), 500, 500, VALUES, False, lag, 1e-9,
            unequal.start, unequal.weight,
        )  # fmt: skip
        assert (counts[area] == alone[0]).all()


def test_the_fast_pool_and_the_plain_agree(equal):
    counts = np.where(equal.counts > 0, equal.counts, 0)
    observed = equal.add_up(VALUES[equal.neighbour])
    order = np.lexsort((observed, counts))[1:]
    sizes, first = np.unique(counts[order], return_index=True)
    inputs = (
        permutation.stream_starts(3, [0])[0], 500, VALUES, counts, observed, 1e-9,
        sizes, np.append(first, order.size), order,
    )  # fmt: skip
    fast = _permutation_kernels.pooled_counts(*inputs)
    assert (fast == permutation.pooled_counts_plain(*inputs)).all()
    assert fast.sum() > 500 * 6  # ties count on both sides


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("enough", [20, 1000])
def test_fast_and_plain_draws_of_ones_own_agree(unequal, squared, enough):
    areas = np.array([0, 2, 4, 6])
    ends = VALUES[unequal.focal] - VALUES[unequal.neighbour]
    terms = ends**2 if squared else VALUES[unequal.neighbour]
    inputs = (
        permutation.stream_starts(3, areas), areas, 300, enough, VALUES, squared,
        unequal.add_up(unequal.weight * terms), 1e-9, unequal.start, unequal.weight,
    )  # fmt: skip
    fast = _permutation_kernels.separate_counts(*inputs)
    assert (fast == permutation.separate_counts_plain(*inputs)).all()
    assert (fast[:, 2] < 300).any() == (enough == 20)


def test_the_numbers_do_not_depend_on_threads_or_processes(town):
    x = np.random.default_rng(2).normal(size=400)
    weight = 1.0 + np.arange(town.weight.size) % 2
    mixed = neighbour_pairs(town.focal, town.neighbour, 400, weight)
    with (
        ThreadPoolExecutor(3) as threads,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes,
    ):
        for near in (town, mixed):
            alone, *others = (
                local_moran(x, near, permutations=2500, pool=pool).p_permutation
                for pool in (None, threads, processes)
            )
            assert all((other == alone).all() for other in others)


def test_what_is_handed_in_is_not_changed(equal):
    values, weight = VALUES.copy(), equal.weight.copy()
    for test in TESTS:
        test(values, equal, permutations=99)
    assert (values == VALUES).all()
    assert (equal.weight == weight).all()


def test_options_without_an_answer_are_refused(row):
    with pytest.raises(ValueError, match="conditional or total"):
        local_moran([1, 2, 3, 4], row, moments="none")
    for test in (local_moran, local_geary, local_getis_ord):
        with pytest.raises(ValueError, match="greater, less, two-sided"):
            test([1, 2, 3, 4], row, alternative="more")
        with pytest.raises(ValueError, match="adjust must be one of"):
            test([1, 2, 3, 4], row, adjust="some", permutations=9)


@pytest.mark.parametrize("style", ["W", "B"])
@pytest.mark.parametrize("value", ["CRIME", "HOVAL"])
@pytest.mark.parametrize("moments", ["conditional", "total"])
def test_local_moran_agrees_with_spdep(columbus, style, value, moments):
    x, near = columbus.column(value), columbus.styled(style)
    found = local_moran(x, near, moments=moments, permutations=0)
    expected = columbus.expected[f"columbus_{value}/{style}/localmoran_{moments}"]
    for ours, theirs in (
        (found.statistic, "Ii"), (found.expectation, "E"), (found.variance, "V"),
        (found.z, "z"), (found.p, "p_two_sided"),
    ):  # fmt: skip
        np.testing.assert_allclose(ours, expected[theirs], rtol=1e-10)
    if moments == "conditional":
        adjusted = columbus.expected[f"columbus_{value}/{style}/p_fdr"]
        np.testing.assert_allclose(found.p_adjusted, adjusted, rtol=1e-10)
        if style == "W":
            assert found.quadrant.tolist() == expected["quadr"]


@pytest.mark.parametrize("style", ["W", "B"])
@pytest.mark.parametrize("value", ["CRIME", "HOVAL"])
def test_local_g_agrees_with_spdep(columbus, style, value):
    x, near = columbus.column(value), columbus.styled(style)
    for name, is_star in (("localG", False), ("localGstar", True)):
        found = local_getis_ord(x, near, star=is_star, permutations=0)
        expected = columbus.expected[f"columbus_{value}/{style}/{name}"]
        np.testing.assert_allclose(found.z, expected, rtol=1e-10)


@pytest.mark.parametrize("value", ["CRIME", "HOVAL"])
def test_conditional_p_is_that_of_spdep_but_for_drawing_an_area_twice(columbus, value):
    """In 1.2-7 one and the same area can be drawn as neighbour more than once."""
    x, near = columbus.column(value), columbus.styled("W")
    found = local_moran(x, near).p_permutation
    key = f"columbus_{value}/W/localmoran_perm9999_MC"
    theirs = np.array(columbus.expected[key]["p_two_sided_sim"])
    rng, again = np.random.default_rng(1), []
    for area, lag in enumerate(near.lag(x)):
        others = np.delete(x, area)
        drawn = rng.choice(others, (20_000, near.counts[area])).mean(axis=1)
        again.append(
            2 * min((drawn >= lag - 1e-9).mean(), (drawn <= lag + 1e-9).mean())
        )
    band = 5 * np.sqrt(theirs * (2 - theirs) * 1.5 / 9999) + 2e-4
    assert (np.abs(np.minimum(again, 1) - theirs) < band).all()
    # without doing so the spread is smaller by (n - 1 - k) / (n - 2)
    assert 0.005 < (theirs - found).mean() < 0.02
