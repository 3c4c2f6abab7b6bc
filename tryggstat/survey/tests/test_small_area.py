"""Small areas against cases by hand, R sae, laws, and a simulation."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tryggstat.survey.small_area import (
    benchmark,
    diagnose,
    fay_herriot,
    fay_herriot_share,
    smooth_rates,
)

PROJECT = Path(__file__).parents[3]
REFERENCE = (
    PROJECT / os.environ.get("TRYGG_REFERENCE", "../shared/reference") / "fay_herriot"
)
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"no reference cases at TRYGG_REFERENCE: {REFERENCE}"
)


def read(name):
    with (REFERENCE / name).open() as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def assert_agrees(result, truth):
    assert_allclose(result.estimate, truth["eblup"], rtol=1e-8)
    assert_allclose(result.mse, truth["mse"], rtol=1e-8)
    assert_allclose(result.refvar, truth["refvar"], rtol=1e-8)
    assert_allclose(result.beta, truth["beta"], rtol=1e-8)


@needs_reference
@pytest.mark.parametrize("method", ["reml", "ml", "fh"])
def test_milk_agrees_with_r_sae(method):
    milk = read("milk.csv")
    regions = (milk["MajorArea"][:, None] == [2, 3, 4]).astype(float)
    truth = json.loads((REFERENCE / "expected.json").read_text())
    expected = truth[f"milk/{method.upper()}/prec1e-10"]

    result = fay_herriot(milk["yi"], milk["SD"] ** 2, regions, method=method)

    assert_agrees(result, expected)
    assert_allclose(result.beta_se, expected["beta_se"], rtol=1e-8)
    figures = [result.loglik, result.aic, result.bic]
    names = ("loglike", "AIC", "BIC")
    assert_allclose(figures, [expected["goodness"][name] for name in names], rtol=1e-8)
    assert result.converged


@needs_reference
def test_grapes_agree_with_r_sae():
    grapes = read("grapes.csv")
    truth = json.loads((REFERENCE / "expected.json").read_text())
    result = fay_herriot(
        grapes["grapehect"],
        grapes["var"],
        np.column_stack([grapes["area"], grapes["workdays"]]),
        intercept=False,
    )
    assert_agrees(result, truth["grapes/FH_REML"])


@pytest.mark.parametrize(
    ("method", "refvar", "mse"),
    [
        # y = 10, 20, 30 with D = 50: S = 200, reml and fh A = S/2 - 50, ml S/3 - 50
        # B = 1/2, g1 = 25, g2 = (1/4)(100/3), var A = 20000/3, g3 = (1/4)(200/3)
        ("reml", 50, 25 + 25 / 3 + 100 / 3),
        ("fh", 50, 25 + 25 / 3 + 100 / 3),
        # B = 3/4, g1 = 12.5, Q = 200/9, g2 = 12.5, var A = 80000/27, g3 = 25,
        # bias of A = -Q, so that 12.5 are added
        ("ml", 50 / 3, 12.5 + 12.5 + 50 + 12.5),
    ],
)
def test_three_areas_worked_by_hand(method, refvar, mse):
    result = fay_herriot([10, 20, 30], [50, 50, 50], method=method)
    assert_allclose(result.refvar, refvar, rtol=1e-9)
    assert_allclose(result.mse, mse, rtol=1e-9)
    own = refvar / (refvar + 50)
    assert_allclose(result.estimate, [20 - 10 * own, 20, 20 + 10 * own], rtol=1e-9)
    assert result.kind == "model-based"


def test_the_rest_of_the_answer_for_the_three_areas():
    # A + D = 100 and Q = 100/3, so a residual of 10 has variance 200/3
    fit = fay_herriot([10, 20, 30], [50, 50, 50])
    assert_allclose(fit.residual, np.array([-10, 0, 10]) / np.sqrt(200 / 3), atol=1e-9)
    assert_allclose([*fit.beta, *fit.beta_se], [20, np.sqrt(100 / 3)], rtol=1e-9)
    loglik = -1.5 * np.log(200 * np.pi) - 1
    figures = [loglik, -2 * loglik + 4, -2 * loglik + 2 * np.log(3)]
    assert_allclose([fit.loglik, fit.aic, fit.bic], figures, rtol=1e-9)
    half = 1.959963984540054 * np.sqrt(200 / 3)
    assert_allclose(fit.high - fit.estimate, half, rtol=1e-9)
    assert_allclose(fit.estimate - fit.low, half, rtol=1e-9)

    # distances 5, 0, 5 over 50 + 200/3; chi-square with 3 df in closed form
    found = diagnose(fit)
    wald = 2 * 25 / (50 + 200 / 3)
    tail = math.erfc(math.sqrt(wald / 2)) + math.sqrt(2 * wald / math.pi) * math.exp(
        -wald / 2
    )
    assert_allclose([found.wald, found.wald_p], [wald, tail], rtol=1e-9)
    assert_allclose(found.gain, np.sqrt(4 / 3), rtol=1e-9)


def test_two_unlike_areas_worked_by_hand():
    # D = 1, 3 and y = sqrt(6), 0: with A = 1 the mean is (2y + 0)/3 and the moment
    # equation 6/9/2 + 24/9/4 = 1 holds. Area 1: B = 1/2, Q = 4/3, s1 = 3/4, s2 = 5/16
    # var A = 4/(9/16), bias = 2 (2 * 5/16 - 9/16) / (27/64) = 8/27
    result = fay_herriot([np.sqrt(6), 0], [1, 3], method="fh")
    assert_allclose(result.refvar, 1, rtol=1e-9)
    expected = 1 / 2 + 4 / 3 / 4 + 2 * (64 / 9) / 4 / 2 - 8 / 27 / 4
    assert_allclose(result.mse[0], expected, rtol=1e-9)


def test_an_area_without_sample_is_the_limit_of_an_ever_smaller_one():
    rng = np.random.default_rng(2)
    x = rng.normal(size=30)
    y, d = 2 + x + rng.normal(size=30), rng.uniform(0.2, 2, 30)
    for method in ("reml", "ml", "fh"):
        none = fay_herriot(np.r_[y, np.nan], np.r_[d, 0], np.r_[x, 0.5], method=method)
        few = fay_herriot(np.r_[y, 9], np.r_[d, 1e9], np.r_[x, 0.5], method=method)
        assert (none.shrinkage[-1], none.estimate[-1]) == (0, none.synthetic[-1])
        if method != "fh":  # its moments count an area however small
            assert_allclose(none.estimate[-1], few.estimate[-1], rtol=1e-5)
            assert_allclose(none.mse[-1], few.mse[-1], rtol=1e-3)
        alone = fay_herriot(y, d, x, method=method)
        assert_allclose(none.estimate[:-1], alone.estimate, rtol=1e-12)


numbers = st.lists(
    st.tuples(st.floats(-50, 50), st.floats(0.1, 30), st.floats(-3, 3)),
    min_size=6,
    max_size=25,
    unique_by=lambda row: round(row[2], 3),
)


@given(numbers, st.floats(0.01, 100), st.sampled_from(["reml", "ml", "fh"]))
@settings(deadline=None, max_examples=80)
def test_estimates_lie_between_sample_and_model_and_follow_the_unit(
    rows, scale, method
):
    y, d, x = np.array(rows).T
    fit = fay_herriot(y, d, x, method=method)
    slack = 1e-9 * (1 + np.abs(y))
    assert (fit.estimate >= np.minimum(y, fit.synthetic) - slack).all()
    assert (fit.estimate <= np.maximum(y, fit.synthetic) + slack).all()
    if method == "reml":
        assert (fit.mse > 0).all()
    if fit.converged:
        again = fay_herriot(scale * y, scale**2 * d, 7 * x, method=method)
        assert_allclose(again.estimate, scale * fit.estimate, rtol=1e-5, atol=1e-5)
        assert_allclose(again.beta[1] * 7, scale * fit.beta[1], rtol=1e-5, atol=1e-5)


def test_a_mse_below_0_is_no_mse():
    # the correction for bias of the moment method exceeds all the rest in area 5
    d, x = [1, 2, 5, 8, 24, 1], [3, 0.5, 2, 0, 1.5, 1]
    fit = fay_herriot([0, 0, 0, 0, 0, 1], d, x, method="fh")
    assert np.isnan(fit.mse).tolist() == [False] * 4 + [True, False]
    assert fit.warnings[-1] == "mse came out below 0 in 1 areas: use reml"
    assert np.isfinite(fay_herriot([0, 0, 0, 0, 0, 1], d, x).mse).all()


@pytest.mark.parametrize("method", ["reml", "ml", "fh"])
def test_a_perfect_fit_leaves_nothing_between_areas(method):
    fit = fay_herriot([1, 2, 3, 4], [1, 2, 1, 2], [1, 2, 3, 4], method=method)
    assert fit.refvar == 0
    assert_allclose(fit.beta, [0, 1], atol=1e-12)


def test_areas_that_differ_less_than_by_chance_get_the_synthetic_estimate():
    fit = fay_herriot([10, 10.1, 9.9, 10], [4, 4, 4, 4])
    assert fit.refvar == 0
    assert_allclose(fit.estimate, 10)
    assert fit.warnings == ("refvar is 0: every area has the synthetic estimate",)


def test_mse_is_right_on_average():
    # 60 areas, 150 populations: the mean squared miss has a standard error of 1.5 %
    rng = np.random.default_rng(20260101)
    x, d = rng.normal(size=60), np.resize([0.5, 1.0, 2.0], 60)
    missed, claimed, covered = [], [], []
    for _ in range(150):
        truth = 1 + x + rng.normal(size=60)
        fit = fay_herriot(truth + np.sqrt(d) * rng.normal(size=60), d, x)
        missed.append(np.mean((fit.estimate - truth) ** 2))
        claimed.append(fit.mse.mean())
        covered.append(np.mean((fit.low <= truth) & (truth <= fit.high)))
    assert_allclose(np.mean(claimed), np.mean(missed), rtol=0.06)
    assert np.mean(missed) < 0.65 * d.mean()
    assert abs(np.mean(covered) - 0.95) < 0.02


def test_shares_stay_within_bounds_and_go_back_to_their_scale():
    share = np.array([0, 0.02, 0.1, 0.3, 0.6, 1, np.nan])
    n = np.array([20, 50, 35, 60, 45, 12, np.nan])
    fit = fay_herriot_share(share, n)
    for figures in (fit.estimate, fit.low, fit.high, fit.synthetic):
        assert ((figures >= 0) & (figures <= 1)).all()
    assert (fit.low < fit.high).all()
    assert (fit.low[0], fit.high[5]) == (0, 1)
    assert_allclose(fit.variance[:6], share[:6] * (1 - share[:6]) / n[:6])

    plain = fay_herriot(np.arcsin(np.sqrt(share)), 0.25 / n)
    g1 = plain.refvar * (1 - plain.shrinkage)
    draws = np.random.default_rng(1).normal(size=200_000)
    for t, spread, back in zip(plain.estimate, g1, fit.estimate, strict=True):
        mean = np.mean(np.sin(t + np.sqrt(spread) * draws) ** 2)
        assert abs(mean - back) < 5 * 0.5 / np.sqrt(draws.size)
    step = 1e-6
    slope = np.sin(plain.estimate + step) ** 2 - np.sin(plain.estimate - step) ** 2
    assert_allclose(fit.mse, (slope / (2 * step)) ** 2 * plain.mse, rtol=1e-6)


def test_benchmarked_areas_add_up_to_the_total():
    fit = fay_herriot([10, 20, 40], [30, 50, 70])
    persons = np.array([100, 300, 50])
    for method in ("ratio", "difference"):
        moved = benchmark(fit, persons, 9000, method=method)
        assert_allclose(persons @ moved.estimate, 9000)
        assert "before benchmarking" in moved.warnings[-1]
    halved = benchmark(fit, persons, persons @ fit.estimate / 2)
    assert_allclose([halved.low, halved.high], [fit.low / 2, fit.high / 2])
    added = benchmark(fit, persons, 9000, method="difference").estimate - fit.estimate
    assert_allclose(added, added[0])


def test_a_diagnosis_finds_the_odd_area():
    rng = np.random.default_rng(4)
    y = rng.normal(size=40)
    y[7] = 12
    found = diagnose(fay_herriot(y, np.full(40, 0.5)))
    assert found.outliers.tolist() == [7]
    assert found.normality_p < 0.001
    fine = diagnose(fay_herriot(rng.normal(size=40), np.full(40, 0.5)))
    assert fine.outliers.size == 0
    assert fine.normality_p > 0.05
    assert fine.gain < 1


def test_what_cannot_be_fitted_is_refused():
    for arguments, reason in [
        (([1, 2, 3], [1, 0, 1]), "variance must be above 0"),
        (([1, 2, 3], [1, 1, 1], [1, np.nan, 2]), "numbers for every area"),
        (([1, 2, 3], [1, 1, 1], [5, 5, 5]), "linearly dependent"),
        (([1, np.nan], [1, 1]), "1 areas with a sample, 1 coefficients"),
    ]:
        with pytest.raises(ValueError, match=reason):
            fay_herriot(*arguments)
    with pytest.raises(ValueError, match="between 0 and 1"):
        fay_herriot_share([0.5, 1.2, 0.1], [10, 10, 10])


def test_smoothed_rates_match_a_case_worked_by_hand():
    # m = 0.06, A = 0.0016 - 0.0006 = 0.001, own weight 0.001 / 0.0016 = 0.625
    assert_allclose(smooth_rates([2, 10], [100, 100]), [0.035, 0.085])
    # A = 0.0001 - 0.0002 is set to 0
    assert_allclose(smooth_rates([0, 1, 0, 1], [50, 50, 50, 50]), 0.01)
