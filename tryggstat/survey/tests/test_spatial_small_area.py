"""The spatial model against its likelihood, its formulas by differences, and R."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tryggstat.survey import spatial_small_area
from tryggstat.survey.spatial_small_area import spatial_fay_herriot

PROJECT = Path(__file__).parents[3]
REFERENCE = (
    PROJECT / os.environ.get("TRYGG_REFERENCE", "../shared/reference") / "fay_herriot"
)
AREAS = 36  # a board of 6 x 6


@pytest.fixture(scope="module")
def board():
    """Return direct estimates (two missing), variances, covariate and proximity."""
    rng = np.random.default_rng(20260101)
    row, column = np.divmod(np.arange(AREAS), 6)
    near = abs(row[:, None] - row) + abs(column[:, None] - column) == 1
    w = near / near.sum(axis=1, keepdims=True)
    x = rng.normal(size=AREAS)
    v = np.linalg.solve(np.eye(AREAS) - 0.7 * w, 1.5 * rng.normal(size=AREAS))
    d = rng.uniform(0.3, 1.5, AREAS)
    y = 3 + x + v + np.sqrt(d) * rng.normal(size=AREAS)
    y[[8, 30]] = np.nan
    return y, d, x, w


def parts(board, refvar, rho):
    """Return G, V, K, X and what follows from them, straight from the definitions."""
    y, d, x, w = board
    has = np.isfinite(y)
    around = np.eye(AREAS) - rho * w
    g = refvar * np.linalg.inv(around.T @ around)
    v = g[np.ix_(has, has)] + np.diag(d[has])
    k = g[:, has] @ np.linalg.inv(v)
    x = np.column_stack([np.ones(AREAS), x])
    q = np.linalg.inv(x[has].T @ np.linalg.solve(v, x[has]))
    beta = q @ x[has].T @ np.linalg.solve(v, y[has])
    return g, v, k, x, q, beta, y[has] - x[has] @ beta, has


def loglik(board, refvar, rho, restricted):
    _, v, _, _, q, _, r, _ = parts(board, refvar, rho)
    value = np.linalg.slogdet(v)[1] + r @ np.linalg.solve(v, r)
    return -0.5 * (value - restricted * np.linalg.slogdet(q)[1])


def mse_by_differences(board, refvar, rho, method):
    """The formulas of Singh, Shukla and Kundu, every derivative by differences."""
    h = np.array([refvar, 1.0]) * 1e-4
    at = parts(board, refvar, rho)
    g, v, k, x, q, _, _, has = at
    moved = {
        (i, j): parts(board, refvar + i * h[0], rho + j * h[1])
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    }

    def slope(which):
        return [
            (moved[1, 0][which] - moved[-1, 0][which]) / (2 * h[0]),
            (moved[0, 1][which] - moved[0, -1][which]) / (2 * h[1]),
        ]

    mixed = (moved[1, 1][0] - moved[1, -1][0] - moved[-1, 1][0] + moved[-1, -1][0]) / (
        4 * h[0] * h[1]
    )
    bent = (moved[0, 1][0] - 2 * g + moved[0, -1][0]) / h[1] ** 2
    second = [[np.zeros_like(g), mixed], [mixed, bent]]
    inverse = np.linalg.inv(v)
    information = np.array(
        [[np.trace(inverse @ r @ inverse @ s) / 2 for s in slope(1)] for r in slope(1)]
    )
    c = np.linalg.inv(information)
    left = np.eye(AREAS)
    left[:, has] -= k

    def of(p):  # the error for known variances
        return np.diag(p[0] - p[2] @ p[0][has])

    g2 = np.diag((x - k @ x[has]) @ q @ (x - k @ x[has]).T)
    turns = slope(2)
    g3 = sum(
        c[r, s] * np.diag(turns[r] @ v @ turns[s].T) for r in (0, 1) for s in (0, 1)
    )
    g4 = sum(
        c[r, s] * np.diag(left @ second[r][s] @ left.T) / 2
        for r in (0, 1)
        for s in (0, 1)
    )
    mse = of(at) + g2 + 2 * g3 - g4
    if method == "ml":
        of_q = [
            np.trace(q @ (np.linalg.inv(after[4]) - np.linalg.inv(before[4]))) / (2 * e)
            for after, before, e in [
                (moved[1, 0], moved[-1, 0], h[0]),
                (moved[0, 1], moved[0, -1], h[1]),
            ]
        ]
        bias = c @ np.array(of_q) / 2
        mse -= bias[0] * (of(moved[1, 0]) - of(moved[-1, 0])) / (2 * h[0])
        mse -= bias[1] * (of(moved[0, 1]) - of(moved[0, -1])) / (2 * h[1])
    return mse


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_it_finds_the_maximum_of_the_likelihood(board, method):
    y, d, x, w = board
    fit = spatial_fay_herriot(y, d, w, x, method=method)
    restricted = method == "reml"
    best = loglik(board, fit.refvar, fit.rho, restricted)
    for a, rho in [(1.02, 0), (0.98, 0), (1, 0.01), (1, -0.01)]:
        assert loglik(board, a * fit.refvar, fit.rho + rho, restricted) < best
    assert fit.converged
    assert 0.3 < fit.rho < 1

    _, v, k, x, q, beta, r, has = parts(board, fit.refvar, fit.rho)
    assert_allclose(fit.estimate, x @ beta + k @ r, rtol=1e-9)
    assert_allclose([*fit.beta, *fit.beta_se], [*beta, *np.sqrt(np.diag(q))], rtol=1e-9)
    constant = -has.sum() / 2 * np.log(2 * np.pi)
    assert_allclose(
        fit.loglik, loglik(board, fit.refvar, fit.rho, False) + constant, rtol=1e-9
    )
    assert_allclose(fit.shrinkage[has], np.diag(k[has]), rtol=1e-9)
    spread = np.sqrt(np.diag(v - x[has] @ q @ x[has].T))
    assert_allclose(fit.residual[has], r / spread, rtol=1e-9)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_mse_agrees_with_the_formulas_by_differences(board, method):
    y, d, x, w = board
    fit = spatial_fay_herriot(y, d, w, x, method=method)
    expected = mse_by_differences(board, fit.refvar, fit.rho, method)
    assert_allclose(fit.mse, expected, rtol=1e-5)


def test_an_area_without_sample_is_drawn_to_its_neighbours(board):
    y, d, x, w = board
    fit = spatial_fay_herriot(y, d, w, x)
    around = w[8] @ (fit.estimate - fit.synthetic)
    assert np.sign(fit.estimate[8] - fit.synthetic[8]) == np.sign(around)
    assert fit.shrinkage[8] == 0
    assert fit.mse[8] > np.median(fit.mse)
    higher = y + np.where(w[8] > 0, 5, 0)
    assert spatial_fay_herriot(higher, d, w, x).estimate[8] > fit.estimate[8]


def test_what_cannot_be_fitted_is_refused(board, monkeypatch):
    y, d, x, w = board
    for arguments, reason in [
        ((y, d, w[:5]), "must be 36 x 36"),
        ((y, d, 2 * w), "must sum to 1"),
        ((y, d, w + np.eye(AREAS)), "0 on the diagonal"),
        ((3 + x + 0.01 * np.cos(np.arange(AREAS)), d, w, x), "use fay_herriot"),
    ]:
        with pytest.raises(ValueError, match=reason):
            spatial_fay_herriot(*arguments)
    ring = (np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1)) / 2
    smooth = [10, 14, 18, 21, 20, 15, 11, np.nan]
    with pytest.raises(ValueError, match="rho to 1 or -1"):
        spatial_fay_herriot(smooth, [2] * 8, ring)
    monkeypatch.setattr(spatial_small_area, "LARGEST", 35)
    with pytest.raises(ValueError, match="36 areas are more than the 35"):
        spatial_fay_herriot(y, d, w, x)


@pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"no reference cases at TRYGG_REFERENCE: {REFERENCE}"
)
def test_grapes_agree_with_r_sae():
    truth = json.loads((REFERENCE / "expected.json").read_text())
    if "grapes/SFH_REML" not in truth:
        pytest.skip("the reference has no answer of mseSFH")
    expected = truth["grapes/SFH_REML"]
    with (REFERENCE / "grapes.csv").open() as file:
        grapes = list(csv.DictReader(file))
    columns = {k: np.array([float(row[k]) for row in grapes]) for k in grapes[0]}
    with (REFERENCE / "grapesprox.csv").open() as file:
        rows = list(csv.reader(file))[1:]
    fit = spatial_fay_herriot(
        columns["grapehect"],
        columns["var"],
        np.array(rows, dtype=float),
        np.column_stack([columns["area"], columns["workdays"]]),
        intercept=False,
    )
    assert_allclose(fit.estimate, expected["eblup"], rtol=1e-6)
    assert_allclose(
        [fit.refvar, fit.rho], [expected["refvar"], expected["rho"]], rtol=1e-6
    )
    assert_allclose(fit.mse, expected["mse"], rtol=1e-6)
