"""Interrupted time series: did a level or a trend change when a measure started?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.effects._poisson import fit_poisson
from tryggstat.effects.conclusion import (
    Conclusion,
    Doubt,
    Effect,
    conclude,
    effect_of,
    smallest_effect,
)

Floats = NDArray[np.float64]
Model = Literal["ar1-reml", "ar1", "newey-west", "ols", "quasipoisson"]
FEW_BEFORE, FEW_AFTER = 8, 3  # fewer periods tell nothing, whatever the interval
# Short series reject a straight line more often than they should (7 to 15 % at 5 %).
OFF_BEFORE = 0.01


@dataclass(frozen=True, eq=False)
class InterruptedSeries:
    """
    A segmented regression and what follows from it.

    In the quasi-Poisson model all effects and coefficients are logarithms of ratios.

    Attributes
    ----------
    level : Effect
        The step at the start ("post").
    trend : Effect
        The change of the trend, for each unit of time ("tp").
    average : Effect
        Mean over the periods after the start of fitted less expected values.
    names, coefficient, se : tuple of str, arrays of shape (p,)
        "(Intercept)", "t", "post", "tp", and the season's "s1", "c1", …
    covariance : array, shape (p, p)
        Covariance matrix of the coefficients.
    df : int
        Periods less coefficients.
    fitted, expected : array, shape (n,)
        Fitted values, and those if the earlier trend had gone on, in the order of time.
    before, after : int
        Periods that were used.
    durbin_watson : float
        2 where neighbouring residuals are unrelated, towards 0 where they are alike.
    autocorrelation_p : float
        p of the test of Breusch and Godfrey that they are unrelated.
    lags : int or None
        Of Newey and West.
    phi, loglik : float or None
        Autocorrelation and log-likelihood of the AR(1) model.
    dispersion : float or None
        Of the quasi-Poisson model: 1 if counts vary as chance makes them.
    pretrend_p : float
        p of a step or a bend at a made-up start in the middle of the time before; NaN
        where that time is too short to say.
    conclusion : Conclusion
        About `average`.
    """

    level: Effect
    trend: Effect
    average: Effect
    names: tuple[str, ...]
    coefficient: Floats
    se: Floats
    covariance: Floats
    df: int
    fitted: Floats
    expected: Floats
    before: int
    after: int
    durbin_watson: float
    autocorrelation_p: float
    lags: int | None
    phi: float | None
    loglik: float | None
    dispersion: float | None
    pretrend_p: float
    conclusion: Conclusion


@dataclass(frozen=True, eq=False)
class _Fit:
    coefficient: Floats
    covariance: Floats
    residual: Floats  # standardised, so that they should be unrelated and alike
    lags: int | None = None
    phi: float | None = None
    loglik: float | None = None
    dispersion: float | None = None


def interrupted_series(
    time: ArrayLike,
    value: ArrayLike,
    start: float,
    *,
    population: ArrayLike | None = None,
    season: float | None = None,
    harmonics: int = 1,
    model: Model = "ar1-reml",
    lags: int | None = None,
    small_sample: bool = True,
    confidence: float = 0.95,
) -> InterruptedSeries:
    """
    Estimate how a series changed when a measure started.

    Parameters
    ----------
    time : array of float, shape (n,)
        When each value was measured, in whole periods for "ar1". Any order.
    value : array of float, shape (n,)
        The outcome; counts for "quasipoisson". Missing values (NaN) are left out.
    start : float
        The first period with the measure.
    population : array of float, shape (n,), optional
        Persons: values become rates per 1,000, or counts have this offset.
    season : float, optional
        Periods in a year.
    harmonics : int, default 1
        Pairs of sine and cosine for the season.
    model : {"ar1-reml", "ar1", "newey-west", "ols", "quasipoisson"}
        How neighbouring periods are related, or that the values are counts.
    lags : int, optional
        For "newey-west". Otherwise ¾ of the cube root of n, at least half a season.
    small_sample : bool, default True
        Widen the variance of "newey-west" by n / (n - p).
    confidence : float between 0 and 1, default 0.95
        Level of the intervals.

    Returns
    -------
    InterruptedSeries
        Effects in the unit of the outcome, or as logarithms of ratios.

    Raises
    ------
    ValueError
        Columns differ in length, times repeat, nothing was measured before or after the
        start, there are too few periods, or the model is not known.

    Notes
    -----
    With t the time and S the start::

        y = a + b t + level [t >= S] + trend (t - S + 1) [t >= S]
            + sum over k of c_k sin(2 pi k t / season) + d_k cos(2 pi k t / season) + e

    (t - S + 1) counts the periods with the measure where times are whole numbers.
    The average effect is level + trend × mean(t - S + 1) over the time after.

    ``newey-west`` has Bartlett weights 1 - k / (lags + 1); a gap counts as no time.
    ``ar1`` has corr(e_t, e_u) = phi^|t - u| by maximum likelihood, with a variance of
    RSS / (n - p), as nlme's `gls`; ``ar1-reml`` by restricted maximum likelihood, which
    keeps phi from coming out too small in short series. ``quasipoisson`` has a variance
    of dispersion × mean, with the dispersion of Pearson. All use t quantiles with n - p
    degrees of freedom.

    In series of 48 to 84 periods the intervals of all but ``ar1-reml`` are too narrow
    when neighbouring periods are alike (see docs/methods). So the conclusion, whatever
    the model, also asks that the ``ar1-reml`` interval leaves out 0, and the time
    before is tested with that model; counts have the test of Breusch and Godfrey.

    A series alone cannot tell the measure from whatever else began at that time.

    References
    ----------
    Bernal, Cummins and Gasparrini (2017), Int. J. of Epidemiology 46(1), 348-355.
    Newey and West (1987), Econometrica 55(3), 703-708.
    Pinheiro and Bates (2000), Mixed-Effects Models in S and S-PLUS, chapter 5.

    Examples
    --------
    >>> noise = np.tile([0.1, -0.1, -0.1, 0.1], 6)
    >>> value = 10 + noise - 3 * (np.arange(1, 25) >= 13)
    >>> found = interrupted_series(np.arange(1, 25), value, 13)
    >>> found.conclusion.verdict, round(found.average.estimate, 2)
    ('decrease', -2.99)
    """
    if model not in get_args(Model):
        raise ValueError(f"model must be one of {', '.join(get_args(Model))}")
    t, y = np.asarray(time, dtype=float), np.asarray(value, dtype=float)
    persons = np.ones_like(t) if population is None else np.asarray(population, float)
    if not t.shape == y.shape == persons.shape or t.ndim != 1:
        raise ValueError("time, value and population must be equally long")
    used = np.isfinite(t) & np.isfinite(y) & np.isfinite(persons)
    order = np.flatnonzero(used)[np.argsort(t[used], kind="stable")]
    t, y, persons = t[order], y[order], persons[order]
    if (np.diff(t) == 0).any():
        raise ValueError("a time stands there twice")
    if not (persons > 0).all():
        raise ValueError("population must be above 0")
    if population is not None and model != "quasipoisson":
        y = 1000 * y / persons
    after = t >= start
    if after.all() or not after.any():
        raise ValueError("there must be periods before and after the start")
    if model == "quasipoisson" and not (y[after].any() and y[~after].any()):
        raise ValueError("counts need events before and after the start")
    names, x = _columns(t, start, season, harmonics)
    if lags is None:
        lags = max(math.ceil(0.75 * t.size ** (1 / 3)), int((season or 0) // 2))
    fit = _fit(x, y, t, np.log(persons), model, lags, small_sample)
    if fit.residual @ fit.residual <= 1e-20 * max(y @ y, 1e-300):
        # rounding is no spread: without any, nothing is known of chance
        unknown = np.full_like(fit.covariance, np.nan)
        fit = replace(fit, covariance=unknown, residual=np.full_like(y, np.nan))
    df = t.size - len(names)
    mean_tp = float(x[after, 3].mean())
    contrasts = np.zeros((3, len(names)))
    contrasts[0, 2] = contrasts[1, 3] = contrasts[2, 2] = 1
    contrasts[2, 3] = mean_tp
    variance = np.einsum("ci,ij,cj->c", contrasts, fit.covariance, contrasts)
    level, trend, average = (
        effect_of(estimate, se, df, confidence)
        for estimate, se in zip(
            contrasts @ fit.coefficient, np.sqrt(variance), strict=True
        )
    )
    counterfactual = x.copy()
    counterfactual[:, 2:4] = 0
    fitted, expected = x @ fit.coefficient, counterfactual @ fit.coefficient
    if model == "quasipoisson":
        fitted, expected = np.exp(fitted) * persons, np.exp(expected) * persons
    early = ~after
    pretrend_p = _placebo_p(
        t[early], y[early], season, harmonics, persons[early], model
    )
    related_p = _breusch_godfrey(x, fit.residual)
    doubts: list[Doubt] = []
    if early.sum() < FEW_BEFORE or after.sum() < FEW_AFTER:
        doubts.append("too few periods")
    if pretrend_p < OFF_BEFORE:
        doubts.append("trend before the start")
    if model == "quasipoisson":
        if related_p < 0.05:
            doubts.append("autocorrelation")
    elif average.p < 1 - confidence:
        strict = _ar1(x, y, _whole_gaps(t), restricted=True)
        se = math.sqrt(contrasts[2] @ strict.covariance @ contrasts[2])
        estimate = contrasts[2] @ strict.coefficient
        if not effect_of(estimate, se, df, confidence).p < 1 - confidence:
            doubts.append("autocorrelation")
    return InterruptedSeries(
        level,
        trend,
        average,
        names,
        fit.coefficient,
        np.sqrt(np.diag(fit.covariance)),
        fit.covariance,
        df,
        fitted,
        expected,
        int(early.sum()),
        int(after.sum()),
        float(np.sum(np.diff(fit.residual) ** 2) / np.sum(fit.residual**2)),
        related_p,
        fit.lags,
        fit.phi,
        fit.loglik,
        fit.dispersion,
        pretrend_p,
        conclude(average, "series", doubts, ratio=model == "quasipoisson"),
    )


def series_smallest_effect(
    before: int,
    after: int,
    sd: float,
    phi: float = 0.0,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
) -> float:
    """
    Return the smallest average effect that a series still to be measured would show.

    Parameters
    ----------
    before, after : int
        Periods before and after the start.
    sd : float
        Standard deviation of a period around the trend, in the unit of the outcome.
    phi : float between -1 and 1, default 0
        Correlation between neighbouring periods.
    confidence, power : float between 0 and 1
        Level of the interval, and how often it should leave out 0.

    Returns
    -------
    float
        In the unit of sd, without sign.

    Raises
    ------
    ValueError
        Fewer than two periods before or after, or phi out of bounds.

    Notes
    -----
    `smallest_effect` of the generalised least squares standard error of
    `interrupted_series` without season, with the correlation known.

    References
    ----------
    Bloom (1995), Evaluation Review 19(5), 547-556.

    Examples
    --------
    >>> round(series_smallest_effect(24, 24, 10.0), 1)
    21.9
    >>> round(series_smallest_effect(24, 24, 10.0, 0.5), 1)
    32.0
    """
    if min(before, after) < 2 or not -1 < phi < 1:
        raise ValueError("needs two periods on each side and phi between -1 and 1")
    t = np.arange(1.0, before + after + 1)
    _, x = _columns(t, before + 1, None, 0)
    whitened = _whiten(x, np.diff(t), phi)
    inverse = np.linalg.inv(whitened.T @ whitened)
    contrast = np.array([0, 0, 1, (after + 1) / 2])
    se = sd * math.sqrt(contrast @ inverse @ contrast)
    return smallest_effect(se, t.size - 4, confidence=confidence, power=power)


def _columns(
    t: Floats, start: float, season: float | None, harmonics: int
) -> tuple[tuple[str, ...], Floats]:
    post = (t >= start).astype(float)
    columns = {"(Intercept)": np.ones_like(t), "t": t, "post": post}
    columns["tp"] = post * (t - start + 1)
    for k in range(1, harmonics + 1 if season else 1):
        turn = 2 * np.pi * k * t / (season or 1)
        columns |= {f"s{k}": np.sin(turn), f"c{k}": np.cos(turn)}
    x = np.column_stack(list(columns.values()))
    if t.size <= x.shape[1] or np.linalg.matrix_rank(x) < x.shape[1]:
        raise ValueError(
            f"{t.size} periods are too few for {x.shape[1]} coefficients: levels and "
            f"trends before and after the start, and the season"
        )
    return tuple(columns), x


def _fit(
    x: Floats,
    y: Floats,
    t: Floats,
    offset: Floats,
    model: Model,
    lags: int,
    small_sample: bool,
) -> _Fit:
    if model == "quasipoisson":
        return _quasi_poisson(x, y, offset)
    if model in ("ar1", "ar1-reml"):
        if (t % 1 != 0).any():
            raise ValueError(f"{model} needs times in whole periods")
        return _ar1(x, y, np.diff(t), restricted=model == "ar1-reml")
    inverse, b, e = _least_squares(x, y)
    n, p = x.shape
    if model == "ols":
        return _Fit(b, inverse * (e @ e) / (n - p), e)
    scores = x * e[:, None]
    middle = scores.T @ scores
    for k in range(1, min(lags, n - 1) + 1):
        lagged = scores[k:].T @ scores[:-k]
        middle += (1 - k / (lags + 1)) * (lagged + lagged.T)
    covariance = inverse @ middle @ inverse * (n / (n - p) if small_sample else 1)
    return _Fit(b, covariance, e, lags=lags)


def _least_squares(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the inverse of X'X, coefficients and residuals."""
    q, r = np.linalg.qr(x)
    inverse_r = np.linalg.inv(r)
    b = inverse_r @ (q.T @ y)
    return inverse_r @ inverse_r.T, b, y - x @ b


def _whiten(columns: Floats, gaps: Floats, phi: float) -> Floats:
    """Make AR(1) columns unrelated: each less phi^gap of the one before, rescaled."""
    carried = np.sign(phi) ** gaps * np.abs(phi) ** gaps
    shape = (-1, *[1] * (columns.ndim - 1))
    whitened = columns.astype(float)
    whitened[1:] -= carried.reshape(shape) * columns[:-1]
    whitened[1:] /= np.sqrt(1 - carried**2).reshape(shape)
    return whitened


def _whole_gaps(t: Floats) -> Floats:
    """Return the periods between times, 1 where times are not whole numbers."""
    return np.ones(t.size - 1) if (t % 1 != 0).any() else np.diff(t)


def _ar1(x: Floats, y: Floats, gaps: Floats, *, restricted: bool = False) -> _Fit:
    from scipy.optimize import minimize_scalar

    n, p = x.shape

    def minus_loglik(phi: float) -> float:
        inverse, _, e = _least_squares(_whiten(x, gaps, phi), _whiten(y, gaps, phi))
        log_determinant = np.sum(np.log(1 - np.abs(phi) ** (2 * gaps)))
        m = n
        if restricted:
            m = n - p
            log_determinant -= np.linalg.slogdet(inverse)[1]
        spread = m * math.log(2 * math.pi * max(float(e @ e), 1e-300) / m)
        return float((m + spread + log_determinant) / 2)

    grid = np.linspace(-0.98, 0.98, 50)
    best = grid[int(np.argmin([minus_loglik(phi) for phi in grid]))]
    bounds = (max(best - 0.04, -0.999999), min(best + 0.04, 0.999999))
    found = minimize_scalar(
        minus_loglik, bounds=bounds, method="bounded", options={"xatol": 1e-10}
    )
    phi = float(found.x)
    inverse, b, e = _least_squares(_whiten(x, gaps, phi), _whiten(y, gaps, phi))
    return _Fit(b, inverse * (e @ e) / (n - p), e, phi=phi, loglik=-float(found.fun))


def _quasi_poisson(x: Floats, y: Floats, offset: Floats) -> _Fit:
    fit = fit_poisson(x, y, offset)
    residual = (y - fit.mean) / np.sqrt(fit.mean)
    dispersion = float(residual @ residual / (x.shape[0] - x.shape[1]))
    return _Fit(
        fit.coefficient, fit.inverse * dispersion, residual, dispersion=dispersion
    )


def _placebo_p(
    t: Floats,
    y: Floats,
    season: float | None,
    harmonics: int,
    persons: Floats,
    model: Model,
) -> float:
    """Return p of a step or a bend in the middle of the time before; NaN if short."""
    from scipy.special import fdtrc

    try:
        names, x = _columns(t, t[t.size // 2], season, harmonics)
        df = t.size - len(names)
        if df < len(names):
            return math.nan
        fit = (
            _quasi_poisson(x, y, np.log(persons))
            if model == "quasipoisson"
            else _ar1(x, y, _whole_gaps(t), restricted=True)
        )
        b = fit.coefficient[2:4]
        wald = b @ np.linalg.solve(fit.covariance[2:4, 2:4], b)
    except (ValueError, np.linalg.LinAlgError):
        return math.nan
    return float(fdtrc(2, df, wald / 2))


def _breusch_godfrey(x: Floats, e: Floats) -> float:
    """Return p of neighbouring residuals being related."""
    from scipy.special import chdtrc

    lagged = np.column_stack([x, np.concatenate([[0], e[:-1]])])
    if x.shape[0] <= lagged.shape[1] or not e @ e > 0:
        return math.nan
    q, _ = np.linalg.qr(lagged)
    explained = q.T @ e
    return float(chdtrc(1, x.shape[0] * (explained @ explained) / (e @ e)))
