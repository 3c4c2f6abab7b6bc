"""Likeness over the whole map."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import permutations
from multiprocessing import get_context

import numpy as np
import pytest

from tryggstat import parallel
from tryggstat.spatial import (
    _permutation_kernels,
    bivariate_moran,
    geary,
    getis_ord,
    join_counts,
    moran,
    neighbour_pairs,
    permutation,
)

VALUES = np.array([2.0, 0.0, 5.0, 1.0, 9.0, 4.0])
ORDERS = np.array(list(permutations(range(6))))


def bivariate(shuffled, near, **how):
    here = [3, 1, 4, 1, 5, 9]
    return bivariate_moran(here, shuffled, near, alternative="greater", **how)


def joins_between(shuffled, near, **how):
    kinds = np.digitize(shuffled, [1.5, 4.5])  # three kinds, two areas each
    return join_counts(kinds, near, **how)[None]


def joins_within(shuffled, near, **how):
    return join_counts(shuffled > 1.5, near, **how)[True]


TESTS = [moran, geary, getis_ord, bivariate, joins_between, joins_within]


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_moments_and_p_are_those_of_all_720_maps(test, odd):
    found = test(VALUES, odd, permutations=20_000)
    z = np.array([test(VALUES[o], odd, permutations=0).z for o in ORDERS])
    statistics = np.array(
        [test(VALUES[order], odd, permutations=0).statistic for order in ORDERS]
    )
    assert found.expectation == pytest.approx(statistics.mean(), abs=1e-12)
    assert found.variance == pytest.approx(statistics.var(), rel=1e-10)
    exact = (z >= found.z - 1e-9).mean()
    assert found.p_permutation == pytest.approx(
        exact, abs=5 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4
    )


@pytest.mark.parametrize("test", [moran, geary, getis_ord])
def test_shuffled_maps_have_the_mean_and_variance_of_the_formula(
    test, town, monkeypatch
):
    drawn = []
    keep = "tryggstat.spatial.autocorrelation._global_test"
    monkeypatch.setattr(keep, lambda *parts: drawn.append(parts))
    test(np.random.default_rng(1).gamma(1, size=400), town, permutations=4000)
    ((_, expectation, variance, draws, *_),) = drawn
    error = np.sqrt(variance / 4000)
    assert draws.mean() == pytest.approx(expectation, abs=5 * error)
    assert draws.var() == pytest.approx(variance, rel=0.12)


def test_statistics_worked_by_hand(row):
    # z = -1.5, -0.5, 0.5, 1.5; see the examples of the functions
    assert moran([1, 2, 3, 4], row, permutations=0).statistic == pytest.approx(1 / 3)
    assert geary([1, 2, 3, 4], row, permutations=0).statistic == pytest.approx(0.3)
    found = getis_ord([1, 2, 3, 4], row, permutations=0)
    assert found.statistic == pytest.approx(40 / 70)
    assert found.expectation == pytest.approx(6 / 12)


def test_the_moments_under_normality_are_those_of_normal_maps(odd):
    rng = np.random.default_rng(5)
    maps = rng.normal(size=(40_000, 6))
    z = maps - maps.mean(axis=1, keepdims=True)
    square = (z**2).sum(axis=1)
    cross = (odd.weight * z[:, odd.focal] * z[:, odd.neighbour]).sum(axis=1)
    ends = (odd.weight * (z[:, odd.focal] - z[:, odd.neighbour]) ** 2).sum(axis=1)
    s0 = odd.totals[0]
    for test, drawn in (
        (moran, 6 * cross / (s0 * square)),
        (geary, 5 * ends / (2 * s0 * square)),
    ):
        found = test(VALUES, odd, assumption="normality", permutations=0)
        assert found.expectation == pytest.approx(drawn.mean(), abs=0.02)
        assert found.variance == pytest.approx(drawn.var(), rel=0.04)


def test_a_bivariate_moran_of_one_value_is_moran(town):
    x = np.random.default_rng(1).normal(size=400)
    one = bivariate_moran(x, x, town, permutations=0)
    assert one.statistic == pytest.approx(moran(x, town, permutations=0).statistic)


def test_every_join_is_within_a_category_or_between_two(town):
    kinds = np.random.default_rng(1).integers(3, size=400)
    found = join_counts(kinds, town, permutations=0)
    assert list(found) == [0, 1, 2, None]
    total = sum(joins.statistic for joins in found.values())
    assert total == pytest.approx(town.totals[0] / 2)


def test_the_alternative_says_which_side_counts(town):
    slope = np.arange(400.0)
    alike = {
        side: geary(slope, town, alternative=side, permutations=99)
        for side in ("greater", "less", "two-sided")
    }
    assert alike["greater"].z > 5
    assert [alike[side].p_permutation for side in alike] == [0.01, 1.0, 0.02]
    p = alike["greater"].p
    assert alike["less"].p == pytest.approx(1 - p)
    assert alike["two-sided"].p == pytest.approx(2 * p)


def test_a_map_that_cannot_be_told_from_its_shuffles_is_not_significant():
    # every area borders on every other: all shuffles have the same statistic
    focal, other = (~np.eye(5, dtype=bool)).nonzero()
    found = moran([0.1, 0.2, 0.3, 0.4, 0.7], neighbour_pairs(focal, other, 5))
    assert found.p_permutation == 1


def test_what_is_handed_in_is_not_changed(odd):
    values, weight = VALUES.copy(), odd.weight.copy()
    for test in TESTS:
        test(values, odd, permutations=9)
    assert (values == VALUES).all()
    assert (odd.weight == weight).all()


def test_false_alarms_are_as_frequent_as_the_level_says(town):
    rng = np.random.default_rng(11)
    values = rng.gamma(0.5, size=(300, 400))  # far from normal
    p = [moran(x, town, permutations=199).p_permutation for x in values]
    # 5 % of 300, and four standard deviations
    assert 1 <= (np.array(p) <= 0.05).sum() <= 30


@pytest.mark.parametrize("both", [True, False])
def test_fast_and_plain_agree(odd, both):
    inputs = (
        permutation.stream_starts(7, range(40)), VALUES, VALUES[::-1].copy(), both,
        odd.row_sums, odd.start, odd.neighbour, odd.weight,
    )  # fmt: skip
    np.testing.assert_allclose(
        _permutation_kernels.products(*inputs),
        permutation.products_plain(*inputs),
        rtol=1e-12,
    )


def test_the_shuffles_of_a_seed_are_known():
    """If this fails, stored p-values would change: say so in the changelog."""
    assert permutation.stream_starts(1, [0, 7]).tolist() == [
        8841707400507832957,
        17866957139361321409,
    ]
    draws = permutation._Draws(permutation.stream_starts(1, [0])[0])
    assert [draws.below(1000) for _ in range(6)] == [255, 88, 290, 566, 691, 546]


def test_the_numbers_do_not_depend_on_threads_blocks_or_processes(odd, monkeypatch):
    def draw(pool=None):
        return permutation.shuffled_products(VALUES, odd, 200, 20260101, pool)

    alone = draw()
    with ThreadPoolExecutor(3) as threads:
        assert (draw(threads) == alone).all()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        assert (draw(processes) == alone).all()
    monkeypatch.setattr(parallel, "BLOCK", 7)
    assert (draw() == alone).all()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([1, 2, 3], "one for each of 4 areas"),
        ([1, 2, 3, np.nan], "finite"),
        ([0.1, 0.1, 0.1, 0.1], "the same value"),
    ],
)
def test_values_without_an_answer_are_refused(values, why, row):
    for test in (moran, geary, getis_ord):
        with pytest.raises(ValueError, match=why):
            test(values, row)


def test_options_without_an_answer_are_refused(row):
    with pytest.raises(ValueError, match="no area has a neighbour"):
        moran([1, 2, 3, 4], neighbour_pairs([], [], 4))
    with pytest.raises(ValueError, match="at least 4"):
        moran([1, 2, 3], neighbour_pairs([0], [1], 3))
    with pytest.raises(ValueError, match="0 or more"):
        getis_ord([1, 2, 3, -4], row)
    with pytest.raises(ValueError, match="randomisation, normality"):
        geary([1, 2, 3, 4], row, assumption="none")
    with pytest.raises(ValueError, match="greater, less, two-sided"):
        moran([1, 2, 3, 4], row, alternative="more")
    with pytest.raises(ValueError, match="two categories"):
        join_counts(list("aaaa"), row)


@pytest.mark.parametrize("style", ["W", "B"])
@pytest.mark.parametrize("value", ["CRIME", "HOVAL"])
@pytest.mark.parametrize("assumption", ["randomisation", "normality"])
def test_moran_and_geary_agree_with_spdep(columbus, style, value, assumption):
    x, near = columbus.column(value), columbus.styled(style)
    for test, name, letter in ((moran, "moran", "I"), (geary, "geary", "C")):
        found = test(x, near, assumption=assumption, permutations=0)
        expected = columbus.expected[f"columbus_{value}/{style}/{name}_{assumption}"]
        np.testing.assert_allclose(
            [found.statistic, found.expectation, found.variance, found.z, found.p],
            [expected[key] for key in (letter, "E", "V", "z", "p_greater")],
            rtol=1e-10,
        )


@pytest.mark.parametrize("style", ["W", "B"])
@pytest.mark.parametrize("value", ["CRIME", "HOVAL"])
def test_shuffled_maps_agree_with_spdep(columbus, style, value):
    p = moran(columbus.column(value), columbus.styled(style)).p_permutation
    expected = columbus.expected[f"columbus_{value}/{style}/moran_mc9999_MC"]["p"]
    assert p == pytest.approx(expected, abs=5 * np.sqrt(2 * expected / 9999))


@pytest.mark.parametrize("value", ["CRIME", "HOVAL"])
def test_getis_and_ord_agree_with_spdep(columbus, value):
    x = columbus.column(value)
    found = getis_ord(x - x.min() + 1, columbus.styled("B"), permutations=0)
    expected = columbus.expected[f"columbus_{value}/B/globalG_shifted"]
    np.testing.assert_allclose(
        [found.statistic, found.expectation, found.variance, found.z],
        [expected["G"], expected["E"], expected["V"], expected["z"][0][0]],
        rtol=1e-10,
    )


def test_join_counts_agree_with_spdep(columbus):
    kinds = np.where(columbus.column("CRIME") > 35, "high", "low")
    found = join_counts(kinds, columbus.styled("B"), permutations=0)
    expected = columbus.expected["columbus/joincount_B"]
    for kind, theirs in zip(("high", "low"), expected, strict=True):
        ours = found[kind]
        np.testing.assert_allclose(
            [ours.statistic, ours.expectation, ours.variance, ours.z, ours.p],
            [theirs[key] for key in ("stat", "E", "V", "z", "p")],
            rtol=1e-10,
        )
