"""The unit-level model against hand figures, dense matrices, and a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tryggstat.survey.unit_level import unit_level


@pytest.fixture(scope="module")
def town():
    """Return 40 answers from nine of ten areas, very unevenly."""
    rng = np.random.default_rng(20260101)
    key = np.concatenate([np.arange(9), rng.integers(0, 9, 31) ** 2 // 9])
    x = rng.normal([3, 0], 1, (40, 2))
    y = 5 + x @ [1, -2] + 1.5 * rng.normal(size=10)[key] + rng.normal(size=40)
    return y, key, x, rng.normal([3, 0], 1, (10, 2))


def dense(y, key, x, a, s):
    """Return log-likelihood, restricted log-likelihood, and V, X, Q in full."""
    x = np.column_stack([np.ones(y.size), x])
    v = s * np.eye(y.size) + a * (key[:, None] == key)
    inverse = np.linalg.inv(v)
    q = np.linalg.inv(x.T @ inverse @ x)
    r = y - x @ q @ x.T @ inverse @ y
    logdet = np.linalg.slogdet(v)[1]
    loglik = -0.5 * (y.size * np.log(2 * np.pi) + logdet + r @ inverse @ r)
    return loglik, loglik + 0.5 * np.linalg.slogdet(q)[1], inverse, x, q


def dense_mse(y, key, x, means, a, s, method):
    """Prasad and Rao, Datta and Lahiri: the general formulas, matrix by matrix."""
    _, _, inverse, x, q = dense(y, key, x, a, s)
    parts = [(key[:, None] == key).astype(float), np.eye(y.size)]
    information = np.array(
        [[np.trace(inverse @ u @ inverse @ w) / 2 for w in parts] for u in parts]
    )
    covariance = np.linalg.inv(information)
    trace = [np.trace(q @ x.T @ inverse @ u @ inverse @ x) for u in parts]
    bias = -covariance @ np.array(trace) / 2
    found = []
    for area, mean in enumerate(means):
        m = (key == area).astype(float)
        b = a * inverse @ m
        g1 = a - a * m @ b
        d = np.r_[1, mean] - x.T @ b
        # derivatives of b = a V^-1 m by a and s
        turn = np.stack(
            [inverse @ m - a * inverse @ parts[0] @ inverse @ m,
             -a * inverse @ inverse @ m]
        )  # fmt: skip
        v = np.linalg.inv(inverse)
        g3 = np.trace(turn @ v @ turn.T @ covariance)
        by_a = 1 - 2 * m @ b + b @ parts[0] @ b
        by_s = b @ b
        correction = bias @ [by_a, by_s] if method == "ml" else 0
        found.append(g1 + d @ q @ d + 2 * g3 - correction)
    return np.array(found)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_it_finds_the_maximum_of_the_likelihood_written_out_in_full(town, method):
    y, key, x, means = town
    fit = unit_level(y, key, x, range(10), means, method=method)
    which = 1 if method == "reml" else 0

    best = dense(y, key, x, fit.refvar, fit.error_variance)
    for a, s in [(1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99)]:
        near = dense(y, key, x, a * fit.refvar, s * fit.error_variance)
        assert near[which] < best[which]
    assert_allclose(fit.loglik, best[0], rtol=1e-10)
    assert_allclose(fit.beta_se, np.sqrt(np.diag(best[4])), rtol=1e-9)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_mse_agrees_with_the_formulas_written_out_in_full(town, method):
    y, key, x, means = town
    fit = unit_level(y, key, x, range(10), means, method=method)
    expected = dense_mse(y, key, x, means, fit.refvar, fit.error_variance, method)
    assert (key != 9).all()
    assert_allclose(fit.mse, expected, rtol=1e-9)


def test_a_balanced_sample_gives_the_analysis_of_variance():
    # means 2, 7, 9 of two each: between 2 * 13 = 26, within (2 + 2 + 8) / 3 = 4
    fit = unit_level([1, 3, 6, 8, 7, 11], list("aabbcc"), None, list("abc"), None)
    assert_allclose(fit.error_variance, 4, rtol=1e-9)
    assert_allclose(fit.refvar, (26 - 4) / 2, rtol=1e-9)
    own = 11 / (11 + 2)
    assert_allclose(fit.estimate, 6 + own * np.array([-4, 1, 3]), rtol=1e-9)
    assert_allclose(fit.variance, 2)
    # A + S/n = 13 and the mean of three has variance 13/3
    assert_allclose([*fit.beta, *fit.beta_se], [6, np.sqrt(13 / 3)], rtol=1e-9)
    assert_allclose(fit.residual, np.array([-4, 1, 3]) / np.sqrt(26 / 3), rtol=1e-9)


def test_half_of_the_persons_asked_is_half_of_the_doubt_known(town):
    answers = [1, 3, 6, 8, 7, 11], list("aabbcc"), None, list("abc"), None
    endless, small = unit_level(*answers), unit_level(*answers, persons=[4, 4, 4])
    assert_allclose(small.estimate, (endless.direct + endless.estimate) / 2)
    assert_allclose(small.mse, endless.mse / 4 + 4 / 4 / 2)

    y, key, x, means = town
    count = np.bincount(key, minlength=10)
    sums = np.stack([np.bincount(key, column, 10) for column in x.T], axis=1)
    asked = count > 0
    rest = np.where(
        asked[:, None], 2 * means - sums / np.maximum(count, 1)[:, None], means
    )
    small = unit_level(y, key, x, range(10), means, persons=np.maximum(2 * count, 9))
    for area in np.flatnonzero(2 * count >= 9):
        others = unit_level(y, key, x, range(10), rest)
        expected = (others.direct[area] + others.estimate[area]) / 2
        assert_allclose(small.estimate[area], expected, rtol=1e-9)


def test_those_who_answered_are_known_where_the_population_is_small(town):
    y, key, x, _ = town
    count = np.bincount(key, minlength=10)
    sums = np.stack([np.bincount(key, column, 10) for column in x.T], axis=1)
    means = np.divide(
        sums, count[:, None], out=np.full((10, 2), 3.0), where=count[:, None] > 0
    )
    everybody = np.where(count > 0, count, 5)
    fit = unit_level(y, key, x, range(10), means, persons=everybody)
    asked = count > 0
    assert_allclose(fit.estimate[asked], fit.direct[asked], rtol=1e-12)
    assert_allclose(fit.mse[asked], 0, atol=1e-12)

    huge = unit_level(y, key, x, range(10), means, persons=np.full(10, 1e12))
    endless = unit_level(y, key, x, range(10), means)
    assert_allclose(huge.estimate, endless.estimate, rtol=1e-9)
    assert_allclose(huge.mse, endless.mse, rtol=1e-9)


def test_mse_is_right_on_average():
    rng = np.random.default_rng(4)
    key = np.repeat(np.arange(30), np.resize([1, 3, 6], 30))
    missed, claimed = [], []
    for _ in range(150):
        x = rng.normal(size=key.size)
        means = 0.3 * rng.normal(size=30)
        effect = rng.normal(size=30)
        y = 1 + x + effect[key] + 1.5 * rng.normal(size=key.size)
        fit = unit_level(y, key, x, range(30), means)
        missed.append(np.mean((fit.estimate - (1 + means + effect)) ** 2))
        claimed.append(fit.mse.mean())
    assert_allclose(np.mean(claimed), np.mean(missed), rtol=0.08)


def test_what_cannot_be_fitted_is_refused():
    four, areas = [1.0, 2, 3, 5], list("aabb")
    for arguments, reason in [
        ((four, list("aabc"), None, ["a", "b"], None), "'c' is not among"),
        ((four, areas, [1, 2, 3, 4], ["a", "b"], None), "belong together"),
        ((four, areas, [1, 1, 1, 1], ["a", "b"], [1, 1]), "linearly dependent"),
        (([1, 2], ["a", "b"], None, ["a", "b"], None), "too few"),
        ((four, areas, four, ["a", "b"], [1, 2]), "no error left"),
        (([1, 2, 3, np.nan], areas, None, ["a", "b"], None), "must be numbers"),
    ]:
        with pytest.raises(ValueError, match=reason):
            unit_level(*arguments)
    with pytest.raises(ValueError, match="at least as many persons"):
        unit_level(four, areas, None, ["a", "b"], None, persons=[1, 10])
