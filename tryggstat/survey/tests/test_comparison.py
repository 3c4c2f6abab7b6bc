"""Differences against cases by hand, another way to the same figure, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tryggstat.survey import (
    Design,
    adjust_p,
    compare,
    compare_waves,
    comparison,
    estimate,
    replicate,
)
from tryggstat.survey.tests.schools import needs_reference, sample

Y = np.array([1.0, 3, 2, 6, 7, 9, 8, 4])
AREA = np.array(list("aabbccab"))


def test_two_halves_of_a_random_sample_differ_as_by_hand():
    # means 2 and 8; scores (y - mean) / 4: +-1/4 and +-1/4 turned round, sum 0
    # v = 4/3 * 4 * (1/2)^2, as each mean has n_g = 2: (y - mean) / 2 = +-1/2
    result = compare(
        Design(np.ones(4)), {"y": [1, 3, 7, 9]}, by={"g": list("aabb")}, against="a"
    )
    assert result.contrast.tolist() == ["b - a"]
    assert_allclose([result.difference, result.se**2], [[6], [4 / 3]])
    assert_allclose([result.estimate, result.reference], [[8], [2]])
    # each half has 1 degree of freedom and the same variance: 4 / (1 + 1) = 2
    assert_allclose(result.df, 2)
    # t = 6 / sqrt(4/3) = 5.196: p = 1 - t / sqrt(2 + t^2)
    assert_allclose(result.p, 1 - 27**0.5 / 29**0.5)
    assert result.verdict == "established"


def test_a_stratum_shared_by_both_sides_gives_them_covariance():
    # with strata that hold one of each group, an effect of the stratum cancels
    design = Design(np.ones(4), psu=[1, 1, 2, 2])
    result = compare(design, {"y": [1, 2, 11, 12]}, by={"g": list("abab")}, against="a")
    assert_allclose([result.difference, result.se], [[1], [0]], atol=1e-12)
    apart = estimate(design, {"y": [1, 2, 11, 12]}, by={"g": list("abab")})
    assert (apart.se > 4).all()


@needs_reference
@pytest.mark.parametrize("name", ["dstrat", "dclus1", "dclus2_2stage"])
def test_the_difference_from_the_rest_is_the_slope_on_a_dummy(name):
    # the same linearisation by another road: X'WX and its scores, without our means
    design, t = sample(name)
    result = compare(design, {"y": t["api00"]}, by={"stype": t["stype"]})
    for i, label in enumerate(np.unique(t["stype"])):
        x = np.stack([np.ones(t["pw"].size), t["stype"] == label], axis=1)
        bread = np.linalg.inv((x * design.w[:, None]).T @ x)
        slope = bread @ (x * design.w[:, None]).T @ t["api00"]
        scores = x * (t["api00"] - x @ slope)[:, None] @ bread
        assert_allclose(result.difference[i], slope[1])
        assert_allclose(result.se[i] ** 2, design.covariance(scores)[1, 1])


def test_comparisons_stay_within_the_other_groups():
    wave = np.array([1, 2, 1, 2, 1, 2, 2, 1])
    result = compare(
        Design(np.ones(8)),
        {"y": Y},
        by={"area": AREA, "wave": wave},
        contrasts={"change": (2, 1)},
    )
    assert result.by["area"].tolist() == ["a", "b", "c"]
    assert_allclose(result.difference, [(3 + 8) / 2 - 1, 6 - (2 + 4) / 2, 2])


def test_totals_and_ratios_differ_as_their_estimates_do():
    design, x = Design(np.arange(1.0, 9)), np.arange(2.0, 10)
    for kind, more in (("total", {}), ("ratio", {"denominator": x})):
        parts = estimate(design, {"y": Y}, kind=kind, by={"g": AREA}, **more)
        result = compare(
            design, {"y": Y}, kind=kind, by={"g": AREA}, against="a", **more
        )
        assert_allclose(result.difference, parts.estimate[1:] - parts.estimate[0])
        assert_allclose(result.estimate, parts.estimate[1:])


def test_a_small_group_against_the_rest_has_few_degrees_of_freedom():
    y, area = np.random.default_rng(2).normal(size=105), np.repeat([0, 1], [5, 100])
    result = compare(Design(np.ones(105)), {"y": y}, by={"area": area})
    assert (result.df > 4).all()
    assert (result.df < 5).all()


def test_differences_are_found_where_there_are_none_as_seldom_as_is_said():
    # 500 times an area of 8 against the other 92, all alike: 5 % and 5 sigma
    rng, area = np.random.default_rng(20260101), np.repeat([0, 1], [8, 92])
    values = {str(i): rng.normal(size=100) for i in range(500)}
    design = Design(np.ones(100))
    result = compare(design, values, by={"area": area}, against=1, adjust="none")
    found = np.mean(result.verdict == "established")
    assert abs(found - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 500)


def test_three_who_all_agree_do_not_establish_a_difference():
    yes = np.concatenate([np.zeros(3), np.arange(97) < 30]).astype(float)
    area = np.repeat(["small", "large"], [3, 97])
    result = compare(Design(np.ones(100)), {"y": yes}, kind="share", by={"g": area})
    alone = estimate(Design(np.ones(100)), {"y": yes}, kind="share", by={"g": area})
    assert alone.se[1] == 0
    assert result.verdict.tolist() == ["cannot_tell", "cannot_tell"]


def test_replicates_compare_as_taylor_does():
    rng = np.random.default_rng(1)
    y, area = rng.normal(size=200), rng.integers(0, 3, 200)
    design = Design(rng.uniform(1, 2, 200), np.repeat(np.arange(4), 50))
    taylor = compare(design, {"y": y}, by={"area": area})
    jackknife = compare(replicate(design, "jkn"), {"y": y}, by={"area": area})
    assert_allclose(jackknife.difference, taylor.difference)
    assert_allclose(jackknife.se, taylor.se, rtol=0.02)


@pytest.mark.parametrize("offset", [0, 1e6])
def test_sums_by_cells_and_scores_row_by_row_give_the_same_variance(
    offset, monkeypatch
):
    draw = np.random.default_rng(5)
    group, stratum = draw.integers(0, 9, 500), draw.integers(0, 20, 500)
    y = offset + draw.random(500) * (1 + group)
    y[:20] = np.nan
    design = Design(draw.random(500) + 1, stratum=stratum, fpc=np.full(500, 900.0))

    fast = compare(design, {"y": y}, by={"group": group})
    monkeypatch.setattr(comparison, "_rows_are_drawn_at_once", lambda design: False)
    plain = compare(design, {"y": y}, by={"group": group})

    assert_allclose(fast.se, plain.se, rtol=1e-9)


def test_waves_are_compared_row_by_row_as_independent():
    designs = Design(np.ones(4)), Design(np.ones(6))
    before = estimate(designs[0], {"y": [1, 2, 3, 4]}, by={"g": list("aabb")})
    after = estimate(designs[1], {"y": [2, 4, 6, 9, 8, 7]}, by={"g": list("aaaccb")})
    result = compare_waves(before, after)
    assert result.by["g"].tolist() == ["a", "b"]
    assert_allclose(result.difference, [4 - 1.5, 7 - 3.5])
    assert_allclose(result.se**2, before.se**2 + after.se[:2] ** 2)
    v, w = before.se[0] ** 2, after.se[0] ** 2
    assert_allclose(result.df[0], (v + w) ** 2 / (v**2 / 1 + w**2 / 2))
    assert result.warnings[0] == "1 rows are in one wave only"
    with pytest.raises(ValueError, match="same kind"):
        compare_waves(before, estimate(designs[0], {"y": Y[:4]}, kind="total"))


def test_p_values_are_adjusted_as_worked_by_hand():
    p = [0.01, 0.02, np.nan, 0.03, 0.5]
    assert_allclose(adjust_p(p), [0.04, 0.04, np.nan, 0.04, 0.5])
    assert_allclose(adjust_p(p, "holm"), [0.04, 0.06, np.nan, 0.06, 0.5])
    assert_array_equal(adjust_p(p, "none"), p)


def test_the_verdict_is_that_of_the_adjusted_p():
    rng = np.random.default_rng(0)
    y, area = rng.normal(size=400), np.repeat(np.arange(40), 10)
    result = compare(Design(np.ones(400)), {"y": y}, by={"area": area}, adjust="holm")
    assert (result.p < 0.05).any()
    assert set(result.verdict) == {"cannot_tell"}


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=20))
def test_adjusting_keeps_the_order_and_never_lowers_p(p):
    for method in ("bh", "holm"):
        adjusted = adjust_p(p, method)
        assert (adjusted >= np.array(p)).all()
        assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


@settings(deadline=None)
@given(st.permutations(range(8)))
def test_the_order_of_the_rows_does_not_change_a_contrast(order):
    order = np.array(order)
    w = np.arange(1.0, 9)
    one = compare(Design(w), {"y": Y}, by={"g": AREA})
    other = compare(Design(w[order]), {"y": Y[order]}, by={"g": AREA[order]})
    assert_allclose(one.difference, other.difference)
    assert_allclose(one.p_adjusted, other.p_adjusted)


def test_what_cannot_be_compared_is_refused():
    design = Design(np.ones(8))
    with pytest.raises(ValueError, match="quantiles"):
        compare(design, {"y": Y}, kind="quantile", by={"g": AREA})
    with pytest.raises(ValueError, match="no group d of g"):
        compare(design, {"y": Y}, by={"g": AREA}, against="d")
    with pytest.raises(ValueError, match="by is empty"):
        compare(design, {"y": Y}, by={})
    with pytest.raises(ValueError, match="bh, holm, none"):
        adjust_p([0.1], "bonferroni")
