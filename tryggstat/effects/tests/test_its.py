"""Interrupted series: by hand, beside other software, as laws and under no effect."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from tryggstat.effects.its import interrupted_series, series_smallest_effect


@pytest.fixture
def case(reference):
    with (reference / "effects/its.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(r[name]) for r in rows]) for name in rows[0]}
    expected = json.loads((reference / "effects/expected.json").read_text())
    return columns, expected


def close(found, expected, tolerance=1e-6):
    np.testing.assert_allclose(found, list(expected.values()), rtol=tolerance)


def test_least_squares_agree_with_r(case):
    data, expected = case
    found = interrupted_series(data["t"], data["y"], 49, season=12, model="ols")
    assert found.names == tuple(expected["its/ols"]["coef"])
    close(found.coefficient, expected["its/ols"]["coef"], 1e-10)
    close(found.se, expected["its/ols"]["se"], 1e-10)
    assert found.durbin_watson == pytest.approx(expected["its/ols"]["dw"], rel=1e-10)


@pytest.mark.parametrize("widened", [True, False])
def test_newey_west_agrees_with_r(case, widened):
    data, expected = case
    found = interrupted_series(
        data["t"],
        data["y"],
        49,
        season=12,
        model="newey-west",
        small_sample=widened,
    )
    assert found.lags == 6  # half a season
    key = f"its/newey_west_L6_{'adj' if widened else 'noadj'}"
    close(found.se, expected[key], 1e-10)


def test_ar1_agrees_with_r_nlme(case):
    data, expected = case
    found = interrupted_series(data["t"], data["y"], 49, season=12, model="ar1")
    truth = expected["its/gls_ar1_ml"]
    close(found.coefficient, truth["coef"])
    close(found.se, truth["se"])
    assert found.phi == pytest.approx(truth["phi"], rel=1e-6)
    assert found.loglik == pytest.approx(truth["loglik"], rel=1e-10)


def test_quasi_poisson_agrees_with_r(case):
    data, expected = case
    found = interrupted_series(
        data["t"], data["count"], 49, season=12, model="quasipoisson"
    )
    truth = expected["its/quasipoisson"]
    close(found.coefficient, truth["coef"])
    close(found.se, truth["se"])
    assert found.dispersion == pytest.approx(truth["dispersion"], rel=1e-6)


def test_a_strong_and_true_fall_is_told(case):
    data, _ = case
    found = interrupted_series(data["t"], data["y"], 49, season=12)
    assert found.conclusion.verdict == "decrease"
    assert found.average.high < -12  # it was made with -12 and -0.5 a month


def test_step_and_bend_by_hand():
    # before: 10, 10, ... around a flat line; after: 7, 6, 5, 4 = 8 - 1 * (1, 2, 3, 4)
    before = [11, 9, 9, 11, 11, 9, 9, 11]
    found = interrupted_series(
        np.arange(2001, 2013), [*before, 7, 6, 5, 4], 2009, model="ols"
    )
    assert found.coefficient[1] == pytest.approx(0, abs=1e-9)
    assert found.level.estimate == pytest.approx(-2)
    assert found.trend.estimate == pytest.approx(-1)
    assert found.average.estimate == pytest.approx(-2 - 2.5)
    np.testing.assert_allclose(found.expected, 10)
    # residuals are 1 or -1 before and 0 after: s^2 = 8 / (12 - 4) = 2 / 2 = 1;
    # the slope before has variance 1 / sum (t - mean)^2 = 1 / 42
    assert found.se[1] == pytest.approx(np.sqrt(1 / 42))
    assert (found.before, found.after, found.df) == (8, 4, 8)


def test_order_units_and_missing_values_do_not_matter():
    rng = np.random.default_rng(3)
    t = np.arange(40)
    y = rng.normal(50, 3, 40)
    y[7] = np.nan
    plain = interrupted_series(t, y, 25)
    shuffled = rng.permutation(40)
    again = interrupted_series(t[shuffled], 10 * y[shuffled], 25)
    np.testing.assert_allclose(10 * plain.coefficient, again.coefficient, rtol=1e-6)
    assert plain.before == 24


def test_a_gap_weakens_the_tie_between_its_ends():
    # with phi^3 over a gap of three the likelihood is that of the observed periods only
    t = np.array([1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
    rng = np.random.default_rng(8)
    y = np.cumsum(rng.normal(size=t.size))
    found = interrupted_series(t, y, 10, model="ar1")
    n, e = t.size, y - found.fitted
    corr = found.phi ** np.abs(t[:, None] - t)
    s2 = e @ np.linalg.solve(corr, e) / n
    by_definition = -(n * np.log(2 * np.pi * s2) + np.linalg.slogdet(corr)[1] + n) / 2
    assert found.loglik == pytest.approx(by_definition, rel=1e-9)


def test_population_makes_rates_per_thousand_and_offsets():
    t = np.arange(1, 31)
    persons = 1000.0 + 10 * t
    counts = np.round(persons * np.where(t >= 16, 0.02, 0.04))
    rates = interrupted_series(t, counts, 16, population=persons, model="ols")
    assert rates.average.estimate == pytest.approx(-20, abs=0.2)
    logs = interrupted_series(t, counts, 16, population=persons, model="quasipoisson")
    assert logs.average.estimate == pytest.approx(np.log(0.5), abs=0.01)
    np.testing.assert_allclose(logs.expected, persons * 0.04, rtol=0.02)


def test_a_bend_before_the_start_leaves_the_effect_untold():
    rng = np.random.default_rng(5)
    t = np.arange(60)
    value = np.where(t < 20, 50, 50 - (t - 20)) + rng.normal(0, 0.5, 60)
    found = interrupted_series(t, value, 40)
    assert found.pretrend_p < 0.001
    assert found.conclusion.verdict == "cannot be told"
    assert "trend before the start" in found.conclusion.doubts


def test_seven_periods_before_are_too_few_whatever_the_interval():
    rng = np.random.default_rng(2)
    value = np.r_[rng.normal(100, 1, 7), rng.normal(10, 1, 9)]
    found = interrupted_series(np.arange(16), value, 7, model="ols")
    assert found.level.p < 1e-6
    assert found.conclusion.doubts == ("too few periods",)


def test_false_alarms_are_as_rare_as_promised_when_periods_are_alike():
    # AR(1) with 0.4, no effect: 5 % are promised for told effects
    rng = np.random.default_rng(1)
    wrong = {"ar1-reml": 0, "newey-west": 0, "ols": 0}
    rounds = 150
    for _ in range(rounds):
        noise = rng.normal(size=110)
        for i in range(1, noise.size):
            noise[i] += 0.4 * noise[i - 1]
        for model in wrong:
            found = interrupted_series(np.arange(60), noise[50:], 30, model=model)
            wrong[model] += found.conclusion.verdict != "cannot be told"
    # 5 % of 150 is 7.5, its standard deviation 2.7
    assert max(wrong.values()) <= 16


def test_the_planned_smallest_effect_is_that_of_the_fitted_series():
    rng = np.random.default_rng(4)
    found = interrupted_series(np.arange(48), rng.normal(size=48), 24, model="ols")
    unit = series_smallest_effect(24, 24, 1.0)
    residual_sd = found.average.smallest / unit
    assert residual_sd == pytest.approx(
        np.sqrt(found.covariance[2, 2] / _unit_variance(24, 24)), rel=1e-9
    )


def _unit_variance(before, after):
    t = np.arange(1.0, before + after + 1)
    post = (t > before).astype(float)
    x = np.column_stack([np.ones_like(t), t, post, post * (t - before)])
    return np.linalg.inv(x.T @ x)[2, 2]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"start": 0}, "before and after"),
        ({"start": 99}, "before and after"),
        ({"time": [1, 1, 2, 3, 4, 5]}, "twice"),
        ({"value": [1, 2]}, "equally long"),
        ({"model": "arima"}, "model must be one of"),
        ({"season": 12}, "too few"),
        ({"population": [1, 1, 1, 0, 1, 1]}, "above 0"),
        ({"time": [0, 1, 2.5, 3, 4, 5], "model": "ar1"}, "whole periods"),
        ({"value": [-1, 2, 3, 4, 3, 2], "model": "quasipoisson"}, "0 or more"),
    ],
)
def test_what_cannot_be_answered_is_refused(change, text):
    asked = {"time": [0, 1, 2, 3, 4, 5], "value": [1, 2, 2, 1, 2, 1], "start": 3}
    with pytest.raises(ValueError, match=text):
        interrupted_series(**(asked | change))


def test_newey_west_without_lags_is_white_by_hand_and_widened_by_its_factor():
    rng = np.random.default_rng(4)
    t, y = np.arange(1.0, 31), rng.normal(size=30)
    plain, widened = (
        interrupted_series(
            t, y, 16, model="newey-west", lags=0, small_sample=small_sample
        )
        for small_sample in (False, True)
    )
    post = (t >= 16).astype(float)
    x = np.column_stack([np.ones(30), t, post, post * (t - 15)])
    bread, e = np.linalg.inv(x.T @ x), y - plain.fitted
    white = bread @ (x.T * e**2) @ x @ bread
    np.testing.assert_allclose(plain.covariance, white, rtol=1e-8)
    np.testing.assert_allclose(widened.covariance, white * 30 / 26, rtol=1e-8)


@pytest.mark.parametrize("model", ["ar1-reml", "ols", "newey-west", "ar1"])
def test_a_series_without_spread_tells_nothing(model):
    found = interrupted_series(np.arange(30), np.full(30, 5.0), 15, model=model)
    assert np.isnan(found.level.se)
    assert found.conclusion.verdict == "cannot be told"


def test_counts_of_nothing_after_the_start_are_refused():
    counts = np.r_[np.full(15, 3.0), np.zeros(15)]
    with pytest.raises(ValueError, match="events before and after"):
        interrupted_series(np.arange(30), counts, 15, model="quasipoisson")
