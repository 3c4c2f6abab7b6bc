"""Regressions and the test of independence, by hand and against R survey."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tryggstat.survey import (
    Design,
    independence_test,
    linear_regression,
    logistic_regression,
    replicate,
)
from tryggstat.survey.regression import NoFit
from tryggstat.survey.tests.schools import DESIGNS, expected, needs_reference, sample

YES = np.array([0, 0, 0, 1, 0, 1, 1, 1])
GROUP = np.repeat([0, 1], 4)


@needs_reference
@pytest.mark.parametrize("name", DESIGNS)
def test_logistic_regression_agrees_with_r(name):
    design, t = sample(name)
    r = expected()[f"{name}/glm_logit_schwide"]
    x = {k: t[k] for k in ("ell", "meals", "mobility")}
    result = logistic_regression(design, t["sch.wide"] == "Yes", x)
    assert result.names == tuple(r["est"])
    assert_allclose(result.coefficient, list(r["est"].values()), rtol=1e-7)
    assert_allclose(result.se, list(r["se"].values()), rtol=1e-7)
    assert result.df == design.degrees_of_freedom - 3


@needs_reference
@pytest.mark.parametrize("name", DESIGNS)
def test_the_test_of_independence_agrees_with_r(name):
    design, t = sample(name)
    r = expected()[f"{name}/chisq_F"]
    result = independence_test(design, t["sch.wide"], t["stype"])
    found = result.statistic, result.df, result.df_denominator, result.p
    assert_allclose(found, [r[k] for k in ("F", "ndf", "ddf", "p")], rtol=1e-9)


def test_in_a_random_sample_the_test_is_pearson_s_but_for_n_over_n_less_one():
    # table 3 1 / 1 3: chi-square 2, and the design's variance has n/(n-1) = 8/7
    result = independence_test(Design(np.ones(8)), GROUP, YES)
    assert_allclose([result.pearson, result.statistic, result.df], [2, 2 * 7 / 8, 1])
    assert result.df_denominator == 7


def test_a_variable_with_labels_is_compared_with_its_first_label():
    # odds 1/3 and 3: log odds ratio log 9; scores +-1/4 and +-3/4 by hand
    result = logistic_regression(
        Design(np.ones(8)), YES, {"g": np.array(list("aaaabbbb"))}
    )
    assert result.names == ("(Intercept)", "g=b")
    assert_allclose(result.coefficient, [-np.log(3), np.log(9)])
    # v of each log odds: 8/7 * 4 * p(1-p) / (4 p(1-p))^2 = 8/7 / (4 * 3/16)
    assert_allclose(result.se[1] ** 2, 2 * 8 / 7 / (4 * 3 / 16), rtol=1e-5)


def test_a_slope_is_the_difference_of_two_means():
    y = np.array([1.0, 2, 2, 3, 7, 8, 8, 9])
    result = linear_regression(Design(np.ones(8)), y, {"g": GROUP})
    assert_allclose(result.coefficient, [2, 6])
    # v = 8/7 * (sum of squares 2 + 2) / 4^2
    assert_allclose(result.se[1] ** 2, 8 / 7 * 4 / 16)
    assert (result.df, result.n) == (6, 8)


def test_missing_rows_and_rows_elsewhere_keep_the_design_as_a_domain():
    y = np.array([1.0, 2, 2, 3, 7, 8, 8, 9, 5, np.nan])
    g = np.concatenate([GROUP, [0, 1]])
    where = np.arange(10) != 8
    result = linear_regression(Design(np.ones(10)), y, {"g": g}, where=where)
    assert_allclose(result.coefficient, [2, 6])
    assert_allclose(result.se[1] ** 2, 10 / 9 * 4 / 16)  # n is 10, not 8
    assert result.n == 8


def test_replicates_give_nearly_the_same_errors():
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    y = rng.random(400) < 1 / (1 + np.exp(-x))
    design = Design(rng.uniform(1, 2, 400), np.repeat([1, 2], 200))
    jackknife = replicate(design, "jkn")
    for fit, outcome in ((linear_regression, x + y), (logistic_regression, y)):
        taylor, made = (fit(d, outcome, {"x": x}) for d in (design, jackknife))
        assert_allclose(made.coefficient, taylor.coefficient)
        assert_allclose(made.se, taylor.se, rtol=0.02)
    taylor, made = (independence_test(d, x > 0, y) for d in (design, jackknife))
    assert_allclose(made.statistic, taylor.statistic, rtol=0.02)


def test_what_has_no_answer_is_refused():
    design = Design(np.ones(8))
    with pytest.raises(NoFit, match="computed from the others"):
        linear_regression(design, YES, {"g": GROUP, "h": 2 * GROUP + 1})
    with pytest.raises(NoFit, match="without error"):
        logistic_regression(design, GROUP, {"g": GROUP})
    with pytest.raises(ValueError, match="must be 0 and 1"):
        logistic_regression(design, 2 * YES, {"g": GROUP})
    with pytest.raises(ValueError, match="two different answers"):
        independence_test(design, GROUP, np.ones(8))
