"""Small areas from the answers of persons: the model of Battese, Harter and Fuller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey.small_area import SmallAreas, normal_interval

Floats = NDArray[np.float64]


def unit_level(
    y: ArrayLike,
    area: ArrayLike,
    covariates: ArrayLike | None,
    areas: Sequence[Any],
    means: ArrayLike | None,
    *,
    persons: ArrayLike | None = None,
    method: Literal["reml", "ml"] = "reml",
    confidence: float = 0.95,
) -> SmallAreas:
    """
    Estimate the mean of each area from answers and covariates of persons.

    Parameters
    ----------
    y : array of float, shape (n,)
        One answer per person.
    area : array of shape (n,)
        The area of each person.
    covariates : array of float, shape (n, p), or None
        What is known of each person and, as means, of everybody. An intercept is added.
    areas : sequence of length m
        The areas to estimate, in the order of the answer; also some without sample.
    means : array of float, shape (m, p), or None
        Means of the covariates over all persons of each area.
    persons : array of float, shape (m,), optional
        Persons in each area. With it those who answered count as known, and only the
        others are predicted. Without it areas are taken to be very large.
    method : {"reml", "ml"}, default "reml"
        Restricted maximum likelihood or maximum likelihood.
    confidence : float between 0 and 1, default 0.95
        Level of the intervals.

    Returns
    -------
    SmallAreas
        `direct` is the plain mean of the area's answers and `variance` that of its
        errors, `error_variance` / n; `refvar` the variance between areas.

    Raises
    ------
    ValueError
        Somebody's area is not among `areas`, a number is missing, an area has more
        answers than persons, or the coefficients are as many as the answers or explain
        every one.

    Notes
    -----
    The model is y_ij = x_ij'b + u_i + e_ij with var u = A and var e = S. For an area
    with n answers, means y_s and x_s, population means X::

        shrinkage = A / (A + S/n)
        estimate  = X'b + u,    u = shrinkage (y_s - x_s'b)
        mse = g1 + g2 + 2 g3 - bias of g1,    g1 = (1 - shrinkage) A
        g2 = (X - shrinkage x_s)'Q(X - shrinkage x_s)
        g3 = (S^2 var(A) + A^2 var(S) - 2 A S cov(A, S)) / (n^2 (A + S/n)^3)

    With N persons the sample's share n/N is known and the rest is predicted. Weights
    are not used: where answering depends on y itself, the area-level model with its
    design-weighted direct estimates is safer. The ratio A / S is found as the root of
    the derivative of the profile likelihood, by O(m p^2) algebra.

    References
    ----------
    Battese, Harter and Fuller (1988), JASA 83(401), 28-36.
    Prasad and Rao (1990), JASA 85(409), 163-171.
    Datta and Lahiri (2000), Statistica Sinica 10, 613-627.
    Rao and Molina (2015), Small Area Estimation, 2nd ed., Wiley, chapter 7.

    Examples
    --------
    Two areas of two persons each and one without sample. A plain analysis of variance
    gives S = 2 and A = (25 - 2) / 2, and so does REML:

    >>> fit = unit_level([1, 3, 6, 8], list("aabb"), None, ["a", "b", "c"], None)
    >>> round(fit.error_variance, 9), round(fit.refvar, 9)
    (2.0, 11.5)
    >>> fit.estimate.round(3)
    array([2.2, 6.8, 4.5])
    """
    data = _checked_units(y, area, covariates, areas, means, persons)
    ratio, iterations = _ratio(data, method)
    at = data.at(ratio)
    free = data.n - data.p if method == "reml" else data.n
    s = at.rss / free
    a = ratio * s
    q = at.q * s
    x, n = data.means, data.count
    total = s + n * a
    own = n * a / total
    effect = own * data.divided(at.residual_sums)
    f = n / data.persons
    # predicted are those who did not answer; without sizes that is everybody
    rest = x if data.infinite else data.rest()
    predicted = rest @ at.beta + effect
    estimate = f * data.sample_mean + (1 - f) * predicted

    covariance = _covariance(data, a, s)
    distance = rest - own[:, None] * data.sample_x
    g1 = (1 - own) * a
    g2 = np.einsum("ij,jk,ik->i", distance, q, distance)
    turned = np.stack([np.full_like(n, s), np.full_like(n, -a)])
    g3 = n * np.einsum("ki,kl,li->i", turned, covariance, turned) / total**3
    mse = g1 + g2 + 2 * g3
    if method == "ml":
        bias = _bias(data, ratio, s, q, covariance)
        mse -= np.stack([s**2 / total**2, n * a**2 / total**2]).T @ bias
    negative = int((mse < 0).sum())
    mse = (1 - f) ** 2 * np.where(mse < 0, np.nan, mse) + (1 - f) * s / data.persons

    sampled = n > 0
    spread = np.divide(s, n, out=np.full_like(n, np.nan), where=sampled)
    leverage = np.einsum("ij,jk,ik->i", data.sample_x, q, data.sample_x)
    residual = data.divided(at.residual_sums) / np.sqrt(a + spread - leverage)
    loglik = -0.5 * float(
        data.n * np.log(2 * np.pi * s) + np.log1p(n * ratio).sum() + at.rss / s
    )
    low, high = normal_interval(estimate, mse, confidence)
    warnings = []
    if a == 0:
        warnings.append("refvar is 0: every area has the synthetic estimate")
    if negative:
        warnings.append(f"mse came out below 0 in {negative} areas: use reml")
    return SmallAreas(
        estimate=estimate,
        mse=mse,
        low=low,
        high=high,
        shrinkage=own,
        direct=np.where(sampled, data.sample_mean, np.nan),
        variance=spread,
        synthetic=x @ at.beta,
        residual=residual,
        refvar=a,
        error_variance=s,
        beta=at.beta / data.norm,
        beta_se=np.sqrt(np.diag(q)) / data.norm,
        loglik=loglik,
        aic=-2 * loglik + 2 * (data.p + 2),
        bic=-2 * loglik + (data.p + 2) * float(np.log(data.n)),
        iterations=iterations,
        converged=True,
        method=method,
        warnings=tuple(warnings),
    )


@dataclass(frozen=True)
class _At:
    """The regression for one ratio of the variances, the error variance taken as 1."""

    beta: Floats
    q: Floats
    rss: float
    residual_sums: Floats  # over the persons of each area


@dataclass(frozen=True)
class _Units:
    """Sums over all persons and over each area: all that the model needs."""

    n: int
    count: Floats  # per area, as are the next three and the means
    y_sums: Floats
    x_sums: Floats
    persons: Floats
    means: Floats
    xx: Floats
    xy: Floats
    yy: float
    norm: Floats

    @property
    def p(self) -> int:
        return int(self.xx.shape[0])

    @property
    def infinite(self) -> bool:
        return bool(np.isinf(self.persons).all())

    @property
    def sample_mean(self) -> Floats:
        return self.divided(self.y_sums)

    @property
    def sample_x(self) -> Floats:
        return np.asarray(self.x_sums / np.maximum(self.count, 1)[:, None])

    def divided(self, sums: Floats) -> Floats:
        return np.asarray(sums / np.maximum(self.count, 1))

    def rest(self) -> Floats:
        """Return the mean covariates of those who did not answer."""
        left = self.persons - self.count
        sums = self.means * self.persons[:, None] - self.x_sums
        return np.divide(
            sums, left[:, None], out=self.means.copy(), where=left[:, None] > 0
        )

    def at(self, ratio: float) -> _At:
        k = ratio / (1 + self.count * ratio)
        weighted = self.x_sums * k[:, None]
        q = np.asarray(np.linalg.inv(self.xx - weighted.T @ self.x_sums), dtype=float)
        xy = self.xy - weighted.T @ self.y_sums
        beta = q @ xy
        yy = self.yy - float(k @ self.y_sums**2)
        return _At(beta, q, yy - float(beta @ xy), self.y_sums - self.x_sums @ beta)


def _ratio(data: _Units, method: str) -> tuple[float, int]:
    """Return the ratio of the variances at which the likelihood is largest."""
    from scipy.optimize import brentq

    if method not in ("reml", "ml"):
        raise ValueError(f"method must be reml or ml, got {method!r}")
    free = data.n - data.p if method == "reml" else data.n

    def slope(ratio: float) -> float:
        at = data.at(ratio)
        steep = 1 / (1 + data.count * ratio) ** 2
        of_fit = free * float(steep @ at.residual_sums**2) / at.rss
        of_spread = float(np.sum(data.count / (1 + data.count * ratio)))
        if method == "reml":
            weighted = data.x_sums * steep[:, None]
            of_spread -= float(np.sum(at.q * (weighted.T @ data.x_sums)))
        return of_fit - of_spread

    if data.at(0.0).rss <= 1e-14 * data.yy:
        raise ValueError("the covariates explain every answer: there is no error left")
    if slope(0.0) <= 0:
        return 0.0, 1
    high = 1.0
    while slope(high) > 0 and high < 1e12:
        high *= 10
    root, report = brentq(slope, 0.0, high, xtol=1e-14, rtol=1e-14, full_output=True)
    return float(root), int(report.iterations)


def _covariance(data: _Units, a: float, s: float) -> Floats:
    """Return the covariance of the two variances: the inverse of the information."""
    n = data.count
    total = s + n * a
    aa = np.sum(n**2 / total**2)
    cross = np.sum(n / total**2)
    ss = (data.n - np.sum(n > 0)) / s**2 + np.sum((n > 0) / total**2)
    return np.asarray(2 * np.linalg.inv([[aa, cross], [cross, ss]]))


def _bias(
    data: _Units, ratio: float, s: float, q: Floats, covariance: Floats
) -> Floats:
    """Return the bias of the variances found by maximum likelihood."""
    n = data.count
    k = ratio / (1 + n * ratio)
    of_a = data.x_sums / (s * (1 + n * ratio) ** 2)[:, None] / s
    of_s = data.x_sums * (k * (2 - n * k))[:, None]
    by_a = np.sum(q * (of_a.T @ data.x_sums))
    by_s = np.sum(q * (data.xx - of_s.T @ data.x_sums)) / s**2
    return np.asarray(-covariance @ np.array([by_a, by_s]) / 2)


def _checked_units(
    y: ArrayLike,
    area: ArrayLike,
    covariates: ArrayLike | None,
    areas: Sequence[Any],
    means: ArrayLike | None,
    persons: ArrayLike | None,
) -> _Units:
    values = np.asarray(y, dtype=float)
    m, n = len(areas), values.size
    number = {name: i for i, name in enumerate(areas)}
    try:
        key = np.array([number[name] for name in np.asarray(area).tolist()])
    except KeyError as missing:
        raise ValueError(f"area {missing.args[0]!r} is not among the areas") from None
    if key.shape != values.shape:
        raise ValueError(f"{key.size} areas for {n} answers")
    x, of_areas = np.ones((n, 1)), np.ones((m, 1))
    if covariates is not None and means is not None:
        x = np.hstack([x, np.asarray(covariates, dtype=float).reshape(n, -1)])
        of_areas = np.hstack([of_areas, np.asarray(means, dtype=float).reshape(m, -1)])
    elif covariates is not None or means is not None:
        raise ValueError("covariates and their means over each area belong together")
    if x.shape[1] != of_areas.shape[1]:
        raise ValueError(
            f"{x.shape[1] - 1} covariates, but {of_areas.shape[1] - 1} means"
        )
    if not (np.isfinite(values).all() and np.isfinite(x).all()):
        raise ValueError("answers and covariates must be numbers")
    if not np.isfinite(of_areas).all():
        raise ValueError("means must be numbers for every area")
    if n <= x.shape[1] + 1:
        raise ValueError(f"{n} answers are too few for {x.shape[1]} coefficients")
    norm = np.sqrt((x**2).sum(axis=0))
    if (norm == 0).any() or np.linalg.cond(x / norm) > 1e10:
        raise ValueError("the covariates are linearly dependent")
    x, of_areas = x / norm, of_areas / norm
    count = np.bincount(key, minlength=m).astype(float)
    size = np.full(m, np.inf) if persons is None else np.asarray(persons, dtype=float)
    if size.shape != (m,) or not (size >= np.maximum(count, 1)).all():
        raise ValueError("every area must have at least as many persons as answers")
    if persons is not None and not np.isfinite(size).all():
        raise ValueError("persons must be numbers")
    x_sums = np.stack([_sums(key, column, m) for column in x.T], axis=1)
    return _Units(
        n=n,
        count=count,
        y_sums=_sums(key, values, m),
        x_sums=x_sums,
        persons=size,
        means=of_areas,
        xx=x.T @ x,
        xy=x.T @ values,
        yy=float(values @ values),
        norm=norm,
    )


def _sums(key: NDArray[np.intp], values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(key, values, size), dtype=float)
