"""Small areas that resemble their neighbours: the spatial Fay-Herriot model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey.small_area import SmallAreas, area_model, normal_interval

Floats = NDArray[np.float64]

LARGEST = 2000  # areas; the model needs all pairs of them, and their inverse


def spatial_fay_herriot(
    direct: ArrayLike,
    variance: ArrayLike,
    proximity: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    method: Literal["reml", "ml"] = "reml",
    intercept: bool = True,
    confidence: float = 0.95,
    tolerance: float = 1e-10,
    max_iterations: int = 200,
) -> SmallAreas:
    """
    Combine direct estimates with covariates and with the areas around.

    Parameters
    ----------
    direct, variance : array of float, shape (m,)
        As in `fay_herriot`; nan where there is no sample.
    proximity : array of float, shape (m, m)
        How near the column's area is to the row's, 0 on the diagonal. Rows sum to 1,
        such as 1 / neighbours for each neighbour; a row of 0 for an island.
    covariates, intercept, confidence, tolerance, max_iterations
        As in `fay_herriot`.
    method : {"reml", "ml"}, default "reml"
        Restricted maximum likelihood or maximum likelihood.

    Returns
    -------
    SmallAreas
        With `rho`, the correlation with the areas around. `shrinkage` is the weight of
        the area's own direct estimate.

    Raises
    ------
    ValueError
        As in `fay_herriot`; or the proximity is no such matrix, there are more than
        2,000 areas, or the variance between areas runs to 0 or `rho` to 1 or -1.

    Notes
    -----
    y = X b + v + e with v = rho W v + u, var u = A, var e = D known. With
    C = (I - rho W)'(I - rho W), G = A C^-1, V = G + D over the areas with a sample, and
    K = G V^-1 from these to all areas::

        estimate = X b + K (y - X b)
        mse = g1 + g2 + 2 g3 - g4 - bias of g1

    g1 and g2 are for known A and rho, g3 is for their estimation with the information
    of the likelihood, g4 for the curvature of G. The bias term is 0 for reml. Fisher's
    scoring, the step halved while it leaves A > 0 and -1 < rho < 1.

    References
    ----------
    Petrucci and Salvati (2006), Journal of Agricultural, Biological and Environmental
    Statistics 11(2), 169-182.
    Pratesi and Salvati (2008), Statistical Methods and Applications 17, 113-141.
    Singh, Shukla and Kundu (2005), Survey Methodology 31(2), 183-195.

    Examples
    --------
    Eight areas on a circle, the last without sample:

    >>> ring = np.roll(np.eye(8), 1, axis=1) / 2 + np.roll(np.eye(8), -1, axis=1) / 2
    >>> y = [11, 16, 14, 19, 23, 17, 19, float("nan")]
    >>> fit = spatial_fay_herriot(y, [2] * 8, ring)
    >>> round(fit.rho, 2)
    0.44
    >>> bool(fit.estimate[7] < fit.synthetic[7])  # drawn to its neighbours
    True
    """
    if method not in ("reml", "ml"):
        raise ValueError(f"method must be reml or ml, got {method!r}")
    y, d, x, norm = area_model(direct, variance, covariates, intercept)
    w = _checked_proximity(proximity, y.size)
    has = np.flatnonzero(np.isfinite(y))
    data = _Areas(y[has], d[has], x, w, has)
    at, iterations, converged = _fit(data, method, tolerance, max_iterations)

    synthetic = x @ at.beta
    k = at.g[:, has] @ at.inverse
    estimate = synthetic + k @ at.residual
    # what remains of each area's effect: itself less what the sample says of it
    left = np.eye(y.size)
    left[:, has] -= k
    g1 = _forms(left, at.g) + k**2 @ data.d
    unexplained = x - k @ x[has]
    g2 = _forms(unexplained, at.q)
    covariance = _inverse(at.information(data, restricted=False))
    turns = np.stack([left @ slope[:, has] @ at.inverse for slope in at.slopes])
    spread = np.stack([[_products(r, s, at.v) for s in turns] for r in turns])
    g3 = np.einsum("rsd,rs->d", spread, covariance)
    curves = np.stack([[_forms(left, c) for c in row] for row in at.curvatures(data)])
    g4 = np.einsum("rsd,rs->d", curves, covariance) / 2
    mse = g1 + g2 + 2 * g3 - g4
    if method == "ml":
        xv = at.inverse @ x[has]
        lost = [np.sum(at.q * (xv.T @ s @ xv)) for s in at.sampled_slopes(data)]
        bias = -covariance @ np.array(lost) / 2
        mse -= bias @ np.stack([_forms(left, slope) for slope in at.slopes])
    negative = int((mse <= 0).sum())
    mse = np.where(mse > 0, mse, np.nan)

    m, p = has.size, x.shape[1]
    logdet = float(np.linalg.slogdet(at.v)[1])
    fitted = float(at.residual @ at.inverse @ at.residual)
    loglik = -0.5 * (m * float(np.log(2 * np.pi)) + logdet + fitted)
    residual = np.full(y.size, np.nan)
    residual[has] = at.residual / np.sqrt(np.diag(at.v) - _forms(x[has], at.q))
    low, high = normal_interval(estimate, mse, confidence)
    own = np.zeros(y.size)
    own[has] = k[has, np.arange(m)]
    warnings = []
    if not converged:
        warnings.append(f"refvar and rho had not settled after {iterations} steps")
    if negative:
        warnings.append(f"mse came out below 0 in {negative} areas")
    return SmallAreas(
        estimate=estimate,
        mse=mse,
        low=low,
        high=high,
        shrinkage=own,
        direct=y,
        variance=np.where(np.isfinite(y), d, np.nan),
        synthetic=synthetic,
        residual=residual,
        refvar=at.refvar,
        rho=at.rho,
        beta=at.beta / norm,
        beta_se=np.sqrt(np.diag(at.q)) / norm,
        loglik=loglik,
        aic=-2 * loglik + 2 * (p + 2),
        bic=-2 * loglik + (p + 2) * float(np.log(m)),
        iterations=iterations,
        converged=converged,
        method=method,
        warnings=tuple(warnings),
    )


@dataclass(frozen=True)
class _Areas:
    """What is known: y and D of the areas with a sample, X and W of all."""

    y: Floats
    d: Floats
    x: Floats
    w: Floats
    has: NDArray[np.intp]


class _At:
    """The regression for one variance between areas and one correlation."""

    def __init__(self, data: _Areas, refvar: float, rho: float) -> None:
        self.refvar, self.rho = refvar, rho
        around = np.eye(len(data.w)) - rho * data.w
        c_inverse = _inverse(around.T @ around)
        turn = 2 * rho * data.w.T @ data.w - data.w - data.w.T  # C by rho
        turned = c_inverse @ turn @ c_inverse
        self.g = refvar * c_inverse
        self.slopes = (c_inverse, -refvar * turned)
        self.turn = turn
        xs = data.x[data.has]
        self.v = self.g[np.ix_(data.has, data.has)] + np.diag(data.d)
        self.inverse = _inverse(self.v)
        xv = self.inverse @ xs
        self.q = _inverse(xs.T @ xv)
        self.beta = self.q @ (xv.T @ data.y)
        self.residual = data.y - xs @ self.beta
        self.projection = self.inverse - xv @ self.q @ xv.T

    def curvatures(self, data: _Areas) -> list[list[Floats]]:
        """Return the second derivatives of G."""
        c_inverse, by_rho = self.slopes
        mixed = by_rho / self.refvar
        bent = -mixed @ self.turn @ c_inverse - c_inverse @ data.w.T @ (
            data.w @ c_inverse
        )
        return [[np.zeros_like(mixed), mixed], [mixed, 2 * self.refvar * bent]]

    def sampled_slopes(self, data: _Areas) -> list[Floats]:
        """Return the derivatives of V."""
        return [slope[np.ix_(data.has, data.has)] for slope in self.slopes]

    def information(self, data: _Areas, *, restricted: bool) -> Floats:
        """Return Fisher's information on refvar and rho."""
        base = self.projection if restricted else self.inverse
        turned = [base @ slope for slope in self.sampled_slopes(data)]
        return np.array([[np.sum(r * s.T) / 2 for s in turned] for r in turned])

    def score(self, data: _Areas, *, restricted: bool) -> Floats:
        """Return the derivative of the likelihood by refvar and rho."""
        base = self.projection if restricted else self.inverse
        py = self.inverse @ self.residual
        return np.array(
            [(py @ s @ py - np.sum(base * s)) / 2 for s in self.sampled_slopes(data)]
        )


def _fit(
    data: _Areas, method: str, tolerance: float, max_iterations: int
) -> tuple[_At, int, bool]:
    """Return the regression at the maximum, the steps taken and whether they ended."""
    restricted = method == "reml"
    at = _At(data, float(np.median(data.d)), 0.5)
    smallest = 1e-8 * at.refvar
    for iteration in range(1, max_iterations + 1):
        step = np.linalg.solve(
            at.information(data, restricted=restricted),
            at.score(data, restricted=restricted),
        )
        while not (at.refvar + step[0] > 0 and -1 < at.rho + step[1] < 1):
            step /= 2
        small = np.abs(step) <= tolerance * np.array(
            [at.refvar, max(abs(at.rho), 1e-3)]
        )
        at = _At(data, at.refvar + float(step[0]), at.rho + float(step[1]))
        if small.all():
            return at, iteration, True
        if at.refvar < smallest or abs(at.rho) > 0.9999:
            raise ValueError(
                "refvar runs to 0, or rho to 1 or -1: use fay_herriot, or give a "
                "covariate for the trend"
            )
    return at, max_iterations, False


def _checked_proximity(proximity: ArrayLike, m: int) -> Floats:
    w = np.asarray(proximity, dtype=float)
    if m > LARGEST:
        raise ValueError(f"{m} areas are more than the {LARGEST} that this can take")
    if w.shape != (m, m):
        raise ValueError(f"proximity must be {m} x {m}, got {w.shape}")
    if not (w >= 0).all() or np.diag(w).any():
        raise ValueError("proximity must be 0 or more, and 0 on the diagonal")
    sums = w.sum(axis=1)
    if not (np.isclose(sums, 1, atol=1e-6) | (sums == 0)).all():
        raise ValueError("the rows of proximity must sum to 1")
    return w


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.inv(matrix), dtype=float)


def _forms(rows: Floats, matrix: Floats) -> Floats:
    """Return r'Mr for each row r."""
    return _products(rows, rows, matrix)


def _products(left: Floats, right: Floats, matrix: Floats) -> Floats:
    return np.asarray(np.sum((left @ matrix) * right, axis=1))
