"""Model-based estimates for areas with few answers, or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Method = Literal["reml", "ml", "fh"]


@dataclass(frozen=True)
class SmallAreas:
    """
    Model-based estimates, one per area, and the model that made them.

    Attributes
    ----------
    estimate : array of float, shape (m,)
        The empirical best linear unbiased predictor (EBLUP); where there is no sample,
        what the model says of an area with such covariates.
    mse : array of float, shape (m,)
        Its mean squared error, the estimation of the model included; nan where the
        correction of `method` takes away more than there is.
    low, high : array of float, shape (m,)
        Interval: estimate plus and minus normal quantile times the root of mse.
    shrinkage : array of float, shape (m,)
        Weight of the direct estimate against the model, from 0 to 1.
    direct, variance : array of float, shape (m,)
        What came in; nan where there is no sample.
    synthetic : array of float, shape (m,)
        What the covariates alone say.
    residual : array of float, shape (m,)
        Direct minus synthetic, over its standard deviation; nan without a sample.
    refvar : float
        Variance between areas that the covariates leave over.
    beta, beta_se : array of float, shape (p,)
        Coefficients of the covariates and their standard errors.
    loglik, aic, bic : float
        Log-likelihood of the model, and information criteria.
    iterations : int
        Steps taken to find `refvar`.
    converged : bool
        Whether they ended.
    method : str
        How `refvar` was found.
    error_variance : float
        Variance within areas, in the model of persons; nan in that of areas.
    rho : float
        Correlation with the areas around, in the spatial model; nan in the others.
    warnings : tuple of str
        What the user should know.
    kind : str
        Always "model-based": such figures must never be shown without saying so.
    """

    estimate: Floats
    mse: Floats
    low: Floats
    high: Floats
    shrinkage: Floats
    direct: Floats
    variance: Floats
    synthetic: Floats
    residual: Floats
    refvar: float
    beta: Floats
    beta_se: Floats
    loglik: float
    aic: float
    bic: float
    iterations: int
    converged: bool
    method: str
    error_variance: float = float("nan")
    rho: float = float("nan")
    warnings: tuple[str, ...] = ()
    kind: str = "model-based"


def fay_herriot(
    direct: ArrayLike,
    variance: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    method: Method = "reml",
    intercept: bool = True,
    confidence: float = 0.95,
    tolerance: float = 1e-10,
    max_iterations: int = 200,
) -> SmallAreas:
    """
    Combine each area's direct estimate with what its covariates say.

    Parameters
    ----------
    direct : array of float, shape (m,)
        Direct estimates. nan where there is no sample.
    variance : array of float, shape (m,)
        Their sampling variances, taken as known. Not read where there is no sample.
    covariates : array of float, shape (m, p), optional
        What is known of all areas. Without it areas are drawn to their common mean.
    method : {"reml", "ml", "fh"}, default "reml"
        How the variance between areas is found: restricted maximum likelihood, maximum
        likelihood, or the moments of Fay and Herriot.
    intercept : bool, default True
        Put a column of ones before the covariates.
    confidence : float between 0 and 1, default 0.95
        Level of the intervals.
    tolerance : float, default 1e-10
        Relative change of `refvar` to stop at.
    max_iterations : int, default 200
        Steps before giving up; then `converged` is False.

    Returns
    -------
    SmallAreas
        In the unit of `direct`.

    Raises
    ------
    ValueError
        A variance is not above 0, a covariate is no number, the covariates are linearly
        dependent, or there are no more areas with a sample than coefficients.

    Notes
    -----
    The model is y_d = x_d'b + u_d + e_d with var u = A and var e = D_d known, and ::

        shrinkage = A / (A + D),    estimate = x'b + shrinkage (y - x'b)
        mse = g1 + g2 + 2 g3 - bias of g1                with B = D / (A + D)
        g1 = A B,    g2 = B^2 x'Qx,    g3 = B^2 var(A) / (A + D)
        Q = inverse of sum(x x' / (A + D))

    var(A) is 2 / sum((A+D)^-2) for reml and ml, 2 m / sum((A+D)^-1)^2 for fh. The bias
    term is 0 for reml. An area without sample has D infinite. A is at least 0; when it
    is 0 every area gets the synthetic estimate, and a warning says so.

    The model assumes that direct estimates are unbiased, variances right, and areas
    alike but for the covariates and chance. `diagnose` looks at that.

    References
    ----------
    Fay and Herriot (1979), JASA 74(366), 269-277.
    Prasad and Rao (1990), JASA 85(409), 163-171.
    Datta and Lahiri (2000), Statistica Sinica 10, 613-627.
    Datta, Rao and Smith (2005), Biometrika 92(1), 183-196.

    Examples
    --------
    Three areas with a sample and one without:

    >>> areas = fay_herriot([10, 20, 30, float("nan")], [50, 50, 50, 0], method="fh")
    >>> areas.refvar  # sample variance of the direct estimates, 100, less 50
    50.0
    >>> areas.estimate
    array([15., 20., 25., 20.])
    >>> areas.shrinkage
    array([0.5, 0.5, 0.5, 0. ])
    """
    y, d, x, norm = area_model(direct, variance, covariates, intercept)
    has = np.isfinite(y)
    fit = _Fit(y[has], d[has], x[has])
    refvar, iterations, converged = _between(fit, method, tolerance, max_iterations)

    at = fit.at(refvar)
    synthetic = x @ at.beta
    own = refvar / (refvar + d)  # 0 where d is infinite
    b = 1 - own
    effect = np.where(has, y - synthetic, 0.0)
    leverage = np.einsum("ij,jk,ik->i", x, at.q, x)
    g1 = refvar * b
    var_refvar, bias = _uncertainty(at, method)
    g3 = b**2 * var_refvar / (refvar + d)
    mse = g1 + b**2 * leverage + 2 * g3 - bias * b**2
    negative = int((mse <= 0).sum())
    mse = np.where(mse > 0, mse, np.nan)

    m, p = fit.x.shape
    spread = refvar + fit.d
    loglik = -0.5 * float(np.sum(np.log(2 * np.pi * spread) + at.residual**2 / spread))
    residual = np.full(y.size, np.nan)
    residual[has] = at.residual / np.sqrt(spread - leverage[has])
    estimate = synthetic + own * effect
    low, high = normal_interval(estimate, mse, confidence)
    warnings = []
    if not converged:
        warnings.append(f"refvar had not settled after {iterations} steps")
    if refvar == 0:
        warnings.append("refvar is 0: every area has the synthetic estimate")
    if negative:
        warnings.append(f"mse came out below 0 in {negative} areas: use reml")
    return SmallAreas(
        estimate=estimate,
        mse=mse,
        low=low,
        high=high,
        shrinkage=own,
        direct=y,
        variance=np.where(has, d, np.nan),
        synthetic=synthetic,
        residual=residual,
        refvar=refvar,
        beta=at.beta / norm,
        beta_se=np.sqrt(np.diag(at.q)) / norm,
        loglik=loglik,
        aic=-2 * loglik + 2 * (p + 1),
        bic=-2 * loglik + (p + 1) * float(np.log(m)),
        iterations=iterations,
        converged=converged,
        method=method,
        warnings=tuple(warnings),
    )


def fay_herriot_share(
    share: ArrayLike,
    n_effective: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    method: Method = "reml",
    intercept: bool = True,
    confidence: float = 0.95,
) -> SmallAreas:
    """
    Estimate shares by the Fay-Herriot model on the arcsine scale.

    There the sampling variance does not depend on the share, so that an area in which
    nobody, or everybody, answered yes is no trouble, and no estimate leaves 0 to 1.

    Parameters
    ----------
    share : array of float, shape (m,)
        Direct estimates from 0 to 1. nan where there is no sample.
    n_effective : array of float, shape (m,)
        Answers divided by the design effect. Not read where there is no sample.
    covariates, method, intercept, confidence
        As in `fay_herriot`. A design effect that is known badly area by area should be
        a common one.

    Returns
    -------
    SmallAreas
        Estimate, mse, interval and synthetic as shares; refvar, beta, log-likelihood,
        shrinkage and residuals on the arcsine scale.

    Raises
    ------
    ValueError
        A share is not between 0 and 1, an effective size is not above 0, or as in
        `fay_herriot`.

    Notes
    -----
    With t the EBLUP of arcsin(sqrt(p)), whose sampling variance is 1 / (4 n), and g1
    its leading variance::

        estimate = E sin^2(T) for T normal (t, g1) = (1 - exp(-2 g1) cos(2 t)) / 2
        mse = sin^2(2 t) mse(t)           (first order)

    The interval is made on the arcsine scale, cut off at 0 and pi/2, and taken back.

    References
    ----------
    Casas-Cordero, Encina and Lahiri (2016), in Pratesi (ed.), Analysis of Poverty Data
    by Small Area Estimation, Wiley, 379-403.
    Hadam, Würz and Kreutzmann (2020), Estimating regional unemployment with mobile
    network data, Freie Universität Berlin, section 3.

    Examples
    --------
    >>> areas = fay_herriot_share([0.0, 0.1, 0.3, 0.5], [40, 40, 40, 40])
    >>> areas.estimate.round(3)
    array([0.006, 0.108, 0.295, 0.48 ])
    """
    p = np.asarray(share, dtype=float)
    n = np.broadcast_to(np.asarray(n_effective, dtype=float), p.shape)
    has = np.isfinite(p)
    if not ((p[has] >= 0) & (p[has] <= 1)).all():
        raise ValueError("a share must be between 0 and 1")
    if not (n[has] > 0).all():
        raise ValueError("n_effective must be above 0 where there is a share")
    d = np.divide(0.25, n, out=np.ones_like(p), where=has)
    fit = fay_herriot(
        np.arcsin(np.sqrt(p)),
        d,
        covariates,
        method=method,
        intercept=intercept,
        confidence=confidence,
    )
    g1 = fit.refvar * (1 - fit.shrinkage)
    ends = np.sin(np.clip([fit.low, fit.high], 0, np.pi / 2)) ** 2
    return replace(
        fit,
        estimate=_expected_share(fit.estimate, g1),
        mse=np.sin(2 * fit.estimate) ** 2 * fit.mse,
        low=ends[0],
        high=ends[1],
        direct=p,
        variance=np.where(has, p * (1 - p) * 4 * d, np.nan),
        synthetic=_expected_share(fit.synthetic, np.full_like(g1, fit.refvar)),
    )


def benchmark(
    areas: SmallAreas,
    persons: ArrayLike,
    total: float,
    *,
    method: Literal["ratio", "difference"] = "ratio",
) -> SmallAreas:
    """
    Make the estimates of the areas add up to the direct estimate of the whole.

    Parameters
    ----------
    areas : SmallAreas
        Model-based means or shares.
    persons : array of float, shape (m,)
        Persons in each area.
    total : float
        Direct estimate of the total over all areas, such as the number who feel unsafe.
    method : {"ratio", "difference"}, default "ratio"
        Multiply all estimates by one factor, or add one term to all.

    Returns
    -------
    SmallAreas
        With estimates and intervals moved, and a warning that mse is that from before.

    Raises
    ------
    ValueError
        Lengths differ, persons are not above 0, or estimates add up to 0.

    Notes
    -----
    With N persons and e estimates::

        ratio       e total / sum(N e)
        difference  e + (total - sum(N e)) / sum(N)

    References
    ----------
    Pfeffermann (2013), New important developments in small area estimation,
    Statistical Science 28(1), section 6.3.

    Examples
    --------
    >>> areas = fay_herriot([10, 20, 30], [50, 50, 50], method="fh")
    >>> benchmark(areas, [100, 100, 100], 6600).estimate
    array([16.5, 22. , 27.5])
    """
    n = np.asarray(persons, dtype=float)
    if n.shape != areas.estimate.shape:
        raise ValueError(f"{n.size} numbers of persons for {areas.estimate.size} areas")
    if not (n > 0).all():
        raise ValueError("persons must be above 0 in every area")
    reached = float(n @ areas.estimate)
    if method == "ratio" and reached == 0:
        raise ValueError("estimates that add up to 0 have no ratio to the total")
    factor, term = (
        (total / reached, 0.0)
        if method == "ratio"
        else (1.0, (total - reached) / float(n.sum()))
    )
    return replace(
        areas,
        estimate=areas.estimate * factor + term,
        low=areas.low * factor + term,
        high=areas.high * factor + term,
        warnings=(*areas.warnings, "mse is that before benchmarking"),
    )


@dataclass(frozen=True)
class Diagnosis:
    """
    What speaks against a model, and what it brought.

    Attributes
    ----------
    normality_p : float
        Shapiro and Wilk's p for the standardised residuals; small: not normal.
    wald : float
        Distance between direct and model-based estimates.
    wald_p : float
        Small: the model draws areas away from what the sample says.
    outliers : array of int
        Areas whose residual is beyond 3.
    gain : float
        Median of root mse over standard error of the direct estimate: 0.8 is a fifth
        less uncertainty.
    """

    normality_p: float
    wald: float
    wald_p: float
    outliers: NDArray[np.intp]
    gain: float


def diagnose(areas: SmallAreas) -> Diagnosis:
    """
    Look for signs that the model does not fit.

    Parameters
    ----------
    areas : SmallAreas
        A fitted model, on the scale it was fitted on.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        Fewer than three areas have a sample.

    Notes
    -----
    Over the areas with a sample::

        wald = sum((direct - estimate)^2 / (variance + mse)),   chi-square with m df

    The two are correlated, so wald is rather too small: a small p is serious, a large
    one is no proof.

    References
    ----------
    Brown, Chambers, Heady and Heasman (2001), Evaluation of small area estimation
    methods, Proceedings of Statistics Canada Symposium 2001.
    Shapiro and Wilk (1965), Biometrika 52(3-4), 591-611.

    Examples
    --------
    >>> fit = fay_herriot([10, 20, 30, 40], [50, 50, 50, 50])
    >>> 0 < diagnose(fit).wald_p < 1
    True
    """
    from scipy import stats

    has = np.isfinite(areas.residual)
    if has.sum() < 3:
        raise ValueError("fewer than three areas have a sample")
    distance = (areas.direct - areas.estimate)[has] ** 2
    wald = float(np.sum(distance / (areas.variance + areas.mse)[has]))
    return Diagnosis(
        normality_p=float(stats.shapiro(areas.residual[has]).pvalue),
        wald=wald,
        wald_p=float(stats.chi2.sf(wald, has.sum())),
        outliers=np.flatnonzero(np.abs(np.where(has, areas.residual, 0)) > 3),
        gain=float(np.median(np.sqrt(areas.mse[has] / areas.variance[has]))),
    )


def smooth_rates(events: ArrayLike, persons: ArrayLike) -> Floats:
    """
    Pull each area's rate towards the common rate, the more the fewer persons it has.

    Parameters
    ----------
    events : array of int, shape (m,)
        Events in each area, 0 or more.
    persons : array of int, shape (m,)
        Persons in each area, 1 or more.

    Returns
    -------
    array of float, shape (m,)
        Smoothed events per person.

    Raises
    ------
    ValueError
        Lengths differ, or a number is out of range.

    Notes
    -----
    Empirical Bayes by moments. With r the area's rate, m the common rate, P persons::

        A = sum(P (r - m)^2) / sum(P) - m / mean(P)
        result = m + (r - m) A / (A + m / P)

    A below 0 means that the areas differ less than chance alone would make them: it is
    set to 0 and every area gets m. Without that the order of the areas turns round.

    References
    ----------
    Marshall (1991), Applied Statistics 40(2), 283-294.

    Examples
    --------
    m = 0.06, A = 0.0016 - 0.0006 = 0.001, own weight 0.001 / 0.0016 = 0.625:

    >>> smooth_rates([2, 10], [100, 100])
    array([0.035, 0.085])
    """
    e, p = np.asarray(events, dtype=float), np.asarray(persons, dtype=float)
    if e.shape != p.shape or e.ndim != 1:
        raise ValueError(
            f"events and persons must be equally long, got {e.shape} and {p.shape}"
        )
    if (e < 0).any() or (p < 1).any():
        raise ValueError("events must be 0 or more and persons 1 or more in every area")
    common = e.sum() / p.sum()
    if common == 0:
        return np.zeros_like(e)
    rate = e / p
    spread = np.average((rate - common) ** 2, weights=p) - common / p.mean()
    spread = max(spread, 0.0)
    return np.asarray(common + (rate - common) * spread / (spread + common / p))


# ---- the fit -------------------------------------------------------------------------


@dataclass(frozen=True)
class _At:
    """The regression for one variance between areas."""

    v: Floats  # 1 / (A + D)
    q: Floats  # covariance of beta
    beta: Floats
    residual: Floats
    qx2: Floats  # Q X'V^-2 X
    qx3: Floats

    @property
    def trace_p(self) -> float:
        return float(self.v.sum() - np.trace(self.qx2))

    @property
    def trace_pp(self) -> float:
        double = np.trace(self.qx2 @ self.qx2) - 2 * np.trace(self.qx3)
        return float(self.v @ self.v + double)

    @property
    def ypy(self) -> float:
        return float(self.v @ self.residual**2)

    @property
    def yppy(self) -> float:
        return float(self.v**2 @ self.residual**2)


@dataclass(frozen=True)
class _Fit:
    """Areas with a sample. All algebra is O(m p^2)."""

    y: Floats
    d: Floats
    x: Floats

    def at(self, refvar: float) -> _At:
        v = 1 / (refvar + self.d)
        xv = self.x * v[:, None]
        q = np.asarray(np.linalg.inv(xv.T @ self.x), dtype=float)
        beta = q @ (xv.T @ self.y)
        xv2 = xv * v[:, None]
        return _At(
            v,
            q,
            beta,
            self.y - self.x @ beta,
            q @ (xv.T @ xv),
            q @ (xv.T @ xv2),
        )


def _between(
    fit: _Fit, method: Method, tolerance: float, max_iterations: int
) -> tuple[float, int, bool]:
    """Return the variance between areas, the steps taken and whether they ended."""
    if method not in ("reml", "ml", "fh"):
        raise ValueError(f"method must be reml, ml or fh, got {method!r}")
    m, p = fit.x.shape
    refvar = float(np.median(fit.d))
    for iteration in range(1, max_iterations + 1):
        at = fit.at(refvar)
        if method == "reml":
            step = (at.yppy - at.trace_p) / at.trace_pp
        elif method == "ml":
            step = (at.yppy - float(at.v.sum())) / float(at.v @ at.v)
        else:
            # a perfect fit has no slope: the variance between areas is 0
            step = (at.ypy - (m - p)) / at.yppy if at.yppy else -refvar
        new = max(refvar + step, 0.0)
        if abs(new - refvar) <= tolerance * new:
            return new, iteration, True
        refvar = new
    return refvar, max_iterations, False


def _uncertainty(at: _At, method: Method) -> tuple[float, float]:
    """Return the variance and the bias of the variance between areas."""
    s1, s2 = float(at.v.sum()), float(at.v @ at.v)
    if method == "reml":
        return 2 / s2, 0.0
    if method == "ml":
        return 2 / s2, -float(np.trace(at.qx2)) / s2
    m = at.v.size
    return 2 * m / s1**2, 2 * (m * s2 - s1**2) / s1**3


def area_model(
    direct: ArrayLike,
    variance: ArrayLike,
    covariates: ArrayLike | None,
    intercept: bool,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Check what came in; return y, D (infinite: no sample), X of norm 1, the norms."""
    y = np.asarray(direct, dtype=float)
    d = np.asarray(variance, dtype=float)
    if y.ndim != 1 or d.shape != y.shape:
        raise ValueError(f"{d.shape} variances for {y.shape} direct estimates")
    has = np.isfinite(y)
    if not (np.isfinite(d[has]) & (d[has] > 0)).all():
        raise ValueError("a variance must be above 0 where there is a direct estimate")
    columns = [np.ones((y.size, 1))] if intercept else []
    if covariates is not None:
        z = np.asarray(covariates, dtype=float).reshape(y.size, -1)
        if not np.isfinite(z).all():
            raise ValueError("covariates must be numbers for every area")
        columns.append(z)
    x = np.hstack(columns)
    norm = np.sqrt((x[has] ** 2).sum(axis=0))
    if has.sum() <= x.shape[1]:
        raise ValueError(f"{has.sum()} areas with a sample, {x.shape[1]} coefficients")
    if (norm == 0).any() or np.linalg.cond(x[has] / norm) > 1e10:
        raise ValueError("the covariates are linearly dependent")
    return y, np.where(has, d, np.inf), x / norm, norm


def normal_interval(
    estimate: Floats, mse: Floats, confidence: float
) -> tuple[Floats, Floats]:
    from statistics import NormalDist  # loads much that the rest does not need

    margin = NormalDist().inv_cdf((1 + confidence) / 2) * np.sqrt(mse)
    return estimate - margin, estimate + margin


def _expected_share(t: Floats, variance: Floats) -> Floats:
    return np.asarray((1 - np.exp(-2 * variance) * np.cos(2 * t)) / 2)
