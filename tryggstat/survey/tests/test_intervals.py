"""Student's t against the printed table and SciPy; limits of shares in odd corners."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import stdtrit

from tryggstat.survey._intervals import share, t_quantile


def test_student_s_t_is_the_one_in_the_tables():
    # Fisher and Yates, Statistical Tables, two-sided 5 %
    df = [1, 2, 5, 10, 30, 60, 120]
    table = [12.706, 4.303, 2.571, 2.228, 2.042, 2.000, 1.980]
    assert_allclose(t_quantile(0.975, df).round(3), table)


@pytest.mark.parametrize("probability", [0.75, 0.9, 0.95, 0.975, 0.995])
def test_student_s_t_is_that_of_scipy(probability):
    df = np.concatenate([np.arange(1, 1000), 10.0 ** np.arange(3, 9), [2.5, 7.3, 41.9]])
    assert_allclose(t_quantile(probability, df), stdtrit(df, probability), rtol=1e-11)


def test_no_degrees_of_freedom_have_no_quantile():
    assert np.isnan(t_quantile(0.975, [0, -1, np.nan])).all()
    assert np.isnan(share("logit", *np.array([[0.5], [0.1], [0], [2]]), 0.95)).all()
    assert np.isnan(share("beta", *np.array([[0.0], [0.0], [0], [1]]), 0.95)).all()


def test_limits_of_wilson_solve_the_equation_that_defines_them():
    p, se, df, n = (np.array([x]) for x in (0.2, 0.04, 50.0, 100.0))
    m = p * (1 - p) / se**2
    for limit in share("wilson", p, se, df, n, 0.95):
        score = np.abs(p - limit) / np.sqrt(limit * (1 - limit) / m)
        assert_allclose(score, stdtrit(50, 0.975))


def test_the_arc_sine_interval_ends_at_0():
    p, se, df, n = (np.array([x]) for x in (0.01, 0.02, 14.0, 100.0))
    low, high = share("asin", p, se, df, n, 0.95)
    assert low == 0
    assert 0.01 < high < 0.1


def test_importing_the_package_imports_nothing_slow():
    code = "import sys, tryggstat.survey; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"scipy", "numba", "polars", "shapely"} & set(loaded)
