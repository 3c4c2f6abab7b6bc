"""Synthetic control: one area beside a weighted mean of others that resembles it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.effects.conclusion import Conclusion, Doubt, Effect, conclude

Floats = NDArray[np.float64]
OFF_BEFORE = 0.05


@dataclass(frozen=True, eq=False)
class SyntheticControl:
    """
    What one area did beside its synthetic control.

    Attributes
    ----------
    effect : Effect
        Mean gap after the start. The interval holds the constant effects which the
        placebos do not reject; `se` is NaN, `df` the number of placebos.
    weights : array, shape (n - 1,)
        Weight of each other area, 0 or more, sum 1; changed by `augmented`.
    predictor_weights : array, shape (k,) or None
        Weight of each standardised predictor, sum 1.
    synthetic, gap : array, shape (t,)
        The weighted mean, and the area's own values less it.
    rmspe_before, rmspe_after : float
        Root mean square of the gap.
    ratios : array
        rmspe_after / rmspe_before of the area first, then of each placebo.
    placebo_p : float
        Share of areas with a ratio at least as large; NaN without placebos.
    placebo_in_time_p : float
        The same for a made-up start in the middle of the time before.
    conclusion : Conclusion
        About `effect`.
    """

    effect: Effect
    weights: Floats
    predictor_weights: Floats | None
    synthetic: Floats
    gap: Floats
    rmspe_before: float
    rmspe_after: float
    ratios: Floats
    placebo_p: float
    placebo_in_time_p: float
    conclusion: Conclusion


def synthetic_control(
    values: ArrayLike,
    treated: int,
    start: int,
    *,
    predictors: ArrayLike | None = None,
    placebo: bool = True,
    augmented: bool = False,
    confidence: float = 0.95,
) -> SyntheticControl:
    """
    Estimate the effect of a measure in one area from a weighted mean of others.

    Parameters
    ----------
    values : array of float, shape (t, n)
        The outcome by period and area, without gaps.
    treated : int
        The column of the area with the measure; nobody else has it.
    start : int
        The row of the first period with it.
    predictors : array of float, shape (k, n), optional
        What areas should resemble each other in, from the time before. If left out,
        the outcome in each period before.
    placebo : bool, default True
        Do the same with each other area, and with a start before the true one.
    augmented : bool, default False
        Correct the remaining gap before the start by ridge regression.
    confidence : float between 0 and 1, default 0.95
        Level of the interval: at 0.95 twenty areas are needed to tell anything.

    Returns
    -------
    SyntheticControl
        The effect in the unit of the outcome.

    Raises
    ------
    ValueError
        Values are missing, there are fewer than two other areas or two periods before,
        or the column or the row is not there.

    Notes
    -----
    The weights w minimise, with x the predictors of the area and X those of others::

        sum over k of v_k (x_k - X_k w)^2,    w >= 0, sum w = 1

    exactly, and v the mean square of the gap before the start, by Nelder and Mead on
    log v from equal weights. Without predictors w minimises that mean square itself.
    ``augmented`` adds (x - X w)'(X X' + lambda)^-1 X for the outcomes before, centred
    on the mean of the others, lambda by leaving out one period at a time.

    The placebo p is the share of areas, the own one included, whose ratio is at least
    as large. An effect is in the interval if taking it from the gaps leaves the ratio
    unremarkable. `smallest` is the constant effect that would have been remarkable for
    four placebos in five, scaled to the fit of the area.

    References
    ----------
    Abadie, Diamond and Hainmueller (2010), J. American Statistical Assoc. 105, 493-505.
    Firpo and Possebom (2018), Journal of Causal Inference 6(2).
    Ben-Michael, Feller and Rothstein (2021), J. Am. Statistical Assoc. 116, 1789-1803.

    Examples
    --------
    >>> others = np.array([[1.0, 3, 9], [2, 4, 1], [3, 7, 5], [4, 6, 7]])
    >>> own = others @ [0.5, 0.5, 0] - [0, 0, 2, 2]
    >>> found = synthetic_control(np.column_stack([own, others]), 0, 2, placebo=False)
    >>> found.weights.round(6).tolist(), round(found.effect.estimate, 6)
    ([0.5, 0.5, 0.0], -2.0)
    """
    y = np.asarray(values, dtype=float)
    if y.ndim != 2 or not np.isfinite(y).all():
        raise ValueError("values must be a table of periods by areas without gaps")
    periods, areas = y.shape
    if areas < 3 or not 0 <= treated < areas:
        raise ValueError("there must be the treated area and at least two others")
    if not 2 <= start < periods:
        raise ValueError("there must be two periods before the start, and one after")
    if not 0 < confidence < 1:
        raise ValueError("confidence must be between 0 and 1")
    x = None if predictors is None else np.asarray(predictors, dtype=float)
    if x is not None and (x.shape[1:] != (areas,) or not np.isfinite(x).all()):
        raise ValueError("predictors must have one column for each area, without gaps")
    weights, v = _fit(y, treated, start, x, augmented)
    others = np.delete(y, treated, axis=1)
    gap = y[:, treated] - others @ weights
    if placebo:
        made = [
            _gap(
                np.delete(y, treated, axis=1), j, start, _without(x, treated), augmented
            )
            for j in range(areas - 1)
        ]
        gaps = np.array([gap, *made])
    else:
        gaps = gap[None]
    before = np.sqrt(np.mean(gaps[:, :start] ** 2, axis=1))
    after = np.sqrt(np.mean(gaps[:, start:] ** 2, axis=1))
    floor = 1e-10 * max(float(np.abs(y).max()), 1e-300)  # a perfect fit has a ratio too
    ratios = after / np.maximum(before, floor)
    effect = _effect(gaps[:, start:], np.maximum(before, floor), ratios, confidence)
    early = math.nan
    if placebo and start >= 4:
        # outcomes before the made-up start only: predictors may know what came later
        early = _placebo_p(y[:start], treated, start // 2, augmented)
    doubts: list[Doubt] = []
    if not placebo:
        doubts.append("no placebos")
    elif areas * (1 - confidence) < 1 - 1e-9:
        doubts.append("too few units")
    if early <= OFF_BEFORE:
        doubts.append("trend before the start")
    if before[0] > others[:start].std(axis=1).mean():
        doubts.append("poor fit")
    return SyntheticControl(
        effect,
        weights,
        v,
        y[:, treated] - gap,
        gap,
        float(before[0]),
        float(after[0]),
        ratios,
        effect.p,
        early,
        conclude(effect, "synthetic", doubts),
    )


def _without(x: Floats | None, column: int) -> Floats | None:
    return None if x is None else np.delete(x, column, axis=1)


def _gap(y: Floats, j: int, start: int, x: Floats | None, augmented: bool) -> Floats:
    weights, _ = _fit(y, j, start, x, augmented)
    return np.asarray(y[:, j] - np.delete(y, j, axis=1) @ weights)


def _placebo_p(y: Floats, treated: int, start: int, augmented: bool) -> float:
    """Return p of a start at which nothing happened, by the outcomes before it."""
    others = np.delete(y, treated, axis=1)
    gaps = np.array(
        [
            _gap(y, treated, start, None, augmented),
            *(_gap(others, j, start, None, augmented) for j in range(others.shape[1])),
        ]
    )
    mean_squares = np.mean(gaps[:, start:] ** 2, axis=1)
    ratios = mean_squares / np.maximum(np.mean(gaps[:, :start] ** 2, axis=1), 1e-300)
    return float(np.mean(ratios >= ratios[0]))


def _fit(
    y: Floats, treated: int, start: int, x: Floats | None, augmented: bool
) -> tuple[Floats, Floats | None]:
    """Return the weights of the other areas and of the predictors."""
    before = y[:start, [treated]] - np.delete(y[:start], treated, axis=1)
    if x is None:
        weights, v = _nearest(before), None
    else:
        spread = x.std(axis=1, ddof=1)
        spread[spread == 0] = 1
        scaled = x / spread[:, None]
        away = scaled[:, [treated]] - np.delete(scaled, treated, axis=1)
        weights, v = _nested(away, before)
    if augmented:
        weights = weights + _ridge(
            np.delete(y[:start], treated, axis=1), before, weights
        )
    return weights, v


def _nearest(away: Floats) -> Floats:
    """
    Return the weights of columns, 0 or more with sum 1, whose mean is nearest to 0.

    A row of ones asks for the sum 1 as well. For given proportions the best residual
    rises with the distance alone, so that non-negative least squares finds them
    exactly, and dividing by the sum gives the weights.
    """
    from scipy.optimize import nnls

    scale = math.sqrt(np.mean(away**2)) or 1.0
    matrix = np.vstack([away / scale, np.ones(away.shape[1])])
    target = np.zeros(matrix.shape[0])
    target[-1] = 1
    found, _ = nnls(matrix, target)
    return np.asarray(found / found.sum(), dtype=float)


def _nested(away: Floats, before: Floats) -> tuple[Floats, Floats]:
    """Return weights of areas, and those of predictors that bring the gap nearest 0."""
    from scipy.optimize import minimize

    def weights_of(logs: Floats) -> tuple[Floats, Floats]:
        v = np.exp(np.clip(logs, -30, 30) - np.max(np.clip(logs, -30, 30)))
        v /= v.sum()
        return _nearest(np.sqrt(v)[:, None] * away), v

    def loss(logs: Floats) -> float:
        return float(np.mean((before @ weights_of(logs)[0]) ** 2))

    found = minimize(
        loss,
        np.zeros(away.shape[0]),
        method="Nelder-Mead",
        options={
            "maxfev": 200 * away.shape[0],
            "xatol": 1e-3,
            "fatol": 1e-9 * loss(np.zeros(away.shape[0])),
            "adaptive": True,
            "initial_simplex": np.vstack(
                [np.zeros(away.shape[0]), 2 * np.eye(away.shape[0])]
            ),
        },
    )
    return weights_of(found.x)


def _ridge(others: Floats, before: Floats, weights: Floats) -> Floats:
    """Return what ridge regression adds to the weights; its sum is 0."""
    x = others - others.mean(axis=1, keepdims=True)
    gap = before @ weights
    size, turn = np.linalg.eigh(x @ x.T)
    grid = max(float(size.max()), 1e-300) * 10.0 ** np.arange(-2, 3)

    def left_out(penalty: float) -> float:
        # predict the gap of each period from the ridge weights of all the others
        errors = []
        for t in range(gap.size):
            kept = np.arange(gap.size) != t
            inner = x[kept] @ x[kept].T + penalty * np.eye(gap.size - 1)
            errors.append(gap[t] - x[t] @ x[kept].T @ np.linalg.solve(inner, gap[kept]))
        return float(np.square(errors).sum())

    best = grid[int(np.argmin([left_out(penalty) for penalty in grid]))]
    return np.asarray(x.T @ (turn @ ((turn.T @ gap) / (np.maximum(size, 0) + best))))


def _effect(after: Floats, before: Floats, ratios: Floats, confidence: float) -> Effect:
    """Return the mean gap with what the placebos say about it."""
    estimate, units, nan = float(after[0].mean()), ratios.size, math.nan
    if units == 1:
        return Effect(estimate, nan, nan, nan, nan, 0.0, nan)
    p = float(np.mean(ratios >= ratios[0] * (1 - 1e-12)))
    allowed = math.floor(units * (1 - confidence) + 1e-9)
    if allowed < 1:
        return Effect(estimate, nan, nan, nan, p, units - 1.0, nan)
    placebos = np.sort(ratios[1:])[::-1]
    # an effect is rejected where fewer than `allowed` placebos have a larger ratio
    bound = placebos[allowed - 1]
    room = (bound * before[0]) ** 2 - after[0].var()
    half = math.sqrt(room) if room >= 0 else math.nan
    means = after[1:].mean(axis=1) / before[1:]
    spreads = after[1:].var(axis=1) / before[1:] ** 2
    reach = np.sqrt(np.maximum(bound**2 - spreads, 0))
    needed = np.maximum(np.concatenate([reach - means, reach + means]), 0)
    smallest = float(np.quantile(needed, 0.8) * before[0])
    return Effect(
        estimate, math.nan, estimate - half, estimate + half, p, units - 1.0, smallest
    )
