"""Regression and tests of independence that know how the sample was drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey._columns import Coded, Floats, encode
from tryggstat.survey._intervals import normal
from tryggstat.survey.design import Design

Columns = Mapping[str, ArrayLike | Coded]
Rows = NDArray[np.bool_]


class NoFit(ValueError):
    """The coefficients cannot be found: columns repeat each other or tell all."""


@dataclass(frozen=True, eq=False)
class Regression:
    """
    Coefficients of a regression and how sure we are of them.

    Attributes
    ----------
    names : tuple of str
        "(Intercept)", the variables, and "variable=label" for each label but the first
        of a variable with labels.
    coefficient, se : array, shape (p,)
        Coefficients (log odds ratios in a logistic regression), standard errors.
    low, high : array, shape (p,)
        Confidence interval.
    p : array, shape (p,)
        Two-sided p of the coefficient being 0.
    covariance : array, shape (p, p)
        Covariance matrix of the coefficients.
    df : int
        Degrees of freedom: those of the design less the variables.
    n : int
        Rows that were used.
    """

    names: tuple[str, ...]
    coefficient: Floats
    se: Floats
    low: Floats
    high: Floats
    p: Floats
    covariance: Floats
    df: int
    n: int


def linear_regression(
    design: Design,
    y: ArrayLike,
    x: Columns,
    *,
    where: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Regression:
    """
    Fit a linear regression to a sample.

    Parameters
    ----------
    design : Design
        How the sample was drawn.
    y : array, shape (n,)
        The outcome. Rows where it or any variable is missing are outside the domain.
    x : mapping from str to array, shape (n,)
        The variables: numbers, or labels, which are compared with the first label.
    where : array of bool, shape (n,), optional
        The domain to stay within.
    confidence : float between 0 and 1, default 0.95
        Confidence level of the intervals.

    Returns
    -------
    Regression
        Coefficients in units of y.

    Raises
    ------
    NoFit
        A variable can be computed from the others.
    ValueError
        A column has another length than the weights.

    Notes
    -----
    ::

        b = (X'WX)^-1 X'Wy,   v(b) = (X'WX)^-1 v(total of x (y - x'b)) (X'WX)^-1

    with the design's variance of a total; or the spread of the replicates.

    References
    ----------
    Binder (1983), International Statistical Review 51, 279-292.

    Examples
    --------
    >>> x = {"x": [0, 0, 1, 1]}
    >>> result = linear_regression(Design(np.ones(4)), [1, 2, 2, 5], x)
    >>> result.names, result.coefficient.round(3).tolist()
    (('(Intercept)', 'x'), [1.5, 2.0])
    """
    return _regression(design, y, x, where, confidence, _linear)


def logistic_regression(
    design: Design,
    y: ArrayLike,
    x: Columns,
    *,
    where: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Regression:
    """
    Fit a logistic regression to a sample.

    Parameters
    ----------
    design, x, where, confidence : as in `linear_regression`
        The sample, the variables, the domain and the level.
    y : array of 0 and 1, shape (n,)
        The outcome. Rows where it or any variable is missing are outside the domain.

    Returns
    -------
    Regression
        Coefficients are logarithms of odds ratios.

    Raises
    ------
    NoFit
        A variable can be computed from the others, or the variables tell 0 and 1 apart
        without error.
    ValueError
        y is not only 0 and 1, or a column has another length than the weights.

    Notes
    -----
    The weighted likelihood equations are solved by Newton's method; with m the fitted
    probabilities, A = X' diag(w m (1-m)) X::

        sum(w x (y - m)) = 0,   v(b) = A^-1 v(total of x (y - m)) A^-1

    Start, end (a change of the deviance below 1e-8) and the use of the last step's
    m (1-m) are those of R's glm, so that the figures agree to 1e-7.

    References
    ----------
    Binder (1983), International Statistical Review 51, 279-292.

    Examples
    --------
    >>> y, x = [0, 0, 0, 1, 0, 1, 1, 1], {"x": [0, 0, 0, 0, 1, 1, 1, 1]}
    >>> result = logistic_regression(Design(np.ones(8)), y, x)
    >>> np.exp(result.coefficient).round(3).tolist()
    [0.333, 9.0]
    """
    outcome = np.asarray(y, dtype=float)
    if not ((outcome == 0) | (outcome == 1) | np.isnan(outcome)).all():
        raise ValueError("the outcome of a logistic regression must be 0 and 1")
    return _regression(design, outcome, x, where, confidence, _logistic)


# w, x, y -> coefficients, their linearised scores' bread, residuals
Fit = Callable[[Floats, Floats, Floats], tuple[Floats, Floats, Floats]]


def _linear(w: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    weighted = x * w[:, None]
    information = weighted.T @ x
    b = np.asarray(np.linalg.solve(information, weighted.T @ y), dtype=float)
    return b, information, y - x @ b


def _logistic(w: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    weight = w / w.mean()
    m = (weight * y + 0.5) / (weight + 1)
    score = np.log(m / (1 - m))
    deviance = np.inf
    for _ in range(50):
        spread = m * (1 - m)
        information = (x * (w * spread)[:, None]).T @ x
        b = np.linalg.solve(information, (x * w[:, None]).T @ (spread * score + y - m))
        score = x @ b
        m = 1 / (1 + np.exp(-np.clip(score, -500, 500)))
        before, likelihood = deviance, np.where(y > 0, m, 1 - m)
        deviance = float(-2 * weight @ np.log(np.maximum(likelihood, 1e-300)))
        if deviance < 1e-8 * w.size:
            break
        if abs(deviance - before) < 1e-8 * (deviance + 0.1):
            return b, information, (y - m) * spread / np.maximum(m * (1 - m), 1e-300)
    raise NoFit("the variables tell the outcomes apart without error")


def _regression(
    design: Design,
    y: ArrayLike,
    x: Columns,
    where: ArrayLike | None,
    confidence: float,
    fit: Fit,
) -> Regression:
    from scipy.special import stdtr

    outcome = np.asarray(y, dtype=float)
    names, columns = zip(*_model_columns(x, design.rows), strict=True)
    matrix = np.stack(columns, axis=1)
    if outcome.shape != design.w.shape:
        raise ValueError("the outcome must be as long as the weights")
    used = ~np.isnan(outcome) & ~np.isnan(matrix).any(axis=1) & (design.w > 0)
    used &= _inside(where, design.rows)
    x_used, y_used = matrix[used], outcome[used]
    if np.linalg.matrix_rank(x_used) < x_used.shape[1]:
        raise NoFit("a variable can be computed from the others")
    try:
        b, information, residual = fit(design.w[used], x_used, y_used)
    except np.linalg.LinAlgError:
        raise NoFit("the variables tell the outcomes apart without error") from None
    df = design.degrees_of_freedom_of(used) - b.size + 1
    if (r := design.replicates) is not None:
        made = [fit(w[used], x_used, y_used)[0] for w in r.weights(range(r.total))]
        covariance = r.covariance(np.stack(made), b)
        df = int(r.degrees_of_freedom(np.array([float(df)]), 0 * used, 1)[0])
    else:
        scores = np.zeros_like(matrix)
        scores[used] = (x_used * residual[:, None]) @ np.linalg.inv(information)
        covariance = design.covariance(scores)
    se = np.sqrt(np.diag(covariance))
    low, high = normal(b, se, np.full(b.size, float(df)), confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (
            2 * stdtr(max(df, 1), -np.abs(b / se))
            if df > 0
            else np.full(b.size, np.nan)
        )
    return Regression(names, b, se, low, high, p, covariance, df, int(used.sum()))


def _inside(where: ArrayLike | None, rows: int) -> Rows:
    inside = np.ones(rows, dtype=bool) if where is None else np.asarray(where, bool)
    if inside.shape != (rows,):
        raise ValueError("where must be as long as the weights")
    return inside


def _model_columns(x: Columns, rows: int) -> Iterator[tuple[str, Floats]]:
    """Yield the intercept, numbers as they are, and labels but the first as 0 and 1."""
    yield "(Intercept)", np.ones(rows)
    for name, column in x.items():
        given = column if isinstance(column, Coded) else np.asarray(column)
        if not isinstance(given, Coded) and given.dtype.kind in "iufb":
            parts = [(name, given.astype(float))]
        else:
            codes, labels = encode(given)
            parts = [
                (f"{name}={label}", np.where(codes < 0, np.nan, codes == i))
                for i, label in enumerate(labels.tolist())
            ][1:]
        for part, numbers in parts:
            if numbers.shape != (rows,):
                raise ValueError(f"{part} must be as long as the weights")
            yield part, numbers


@dataclass(frozen=True, eq=False)
class Independence:
    """
    A test that two questions have nothing to do with each other.

    Attributes
    ----------
    statistic : float
        F, Rao and Scott's second-order corrected statistic.
    df, df_denominator : float
        Its degrees of freedom.
    p : float
        The probability of so large a statistic under independence.
    pearson : float
        Pearson's chi-square of the estimated shares times n, uncorrected.
    n : int
        Rows that were used.
    """

    statistic: float
    df: float
    df_denominator: float
    p: float
    pearson: float
    n: int


def independence_test(
    design: Design,
    rows: ArrayLike | Coded,
    columns: ArrayLike | Coded,
    *,
    where: ArrayLike | None = None,
) -> Independence:
    """
    Test whether two questions are independent in the population.

    Parameters
    ----------
    design : Design
        How the sample was drawn.
    rows, columns : array, shape (n,)
        The answers to the two questions; missing ones are outside the domain.
    where : array of bool, shape (n,), optional
        The domain to stay within.

    Returns
    -------
    Independence
        The statistic, its degrees of freedom and p.

    Raises
    ------
    ValueError
        A question has fewer than two different answers.

    Notes
    -----
    With X2 Pearson's statistic, C the interaction contrasts of the table, D the
    diagonal of its shares p and V their covariance under the design::

        delta = (C' D^-1 C / n)^-1 (C' D^-1 V D^-1 C)
        F = X2 / tr(delta),  df = tr(delta)^2 / tr(delta^2),  df df_design

    This is what R's survey calls svychisq(statistic="F").

    References
    ----------
    Rao and Scott (1984), Annals of Statistics 12, 46-60.
    Thomas and Rao (1987), JASA 82, 630-636.

    Examples
    --------
    >>> sex, unsafe = list("kkkkmmmm"), [1, 1, 1, 0, 0, 0, 0, 1]
    >>> result = independence_test(Design(np.ones(8)), sex, unsafe)
    >>> round(result.statistic, 3), round(result.pearson, 3)
    (1.75, 2.0)
    """
    from scipy.special import fdtrc

    (row, row_labels), (column, column_labels) = encode(rows), encode(columns)
    used = (row >= 0) & (column >= 0) & (design.w > 0) & _inside(where, design.rows)
    shape = row_labels.size, column_labels.size
    cell = row * shape[1] + column
    member = np.zeros((design.rows, shape[0] * shape[1]))
    member[np.flatnonzero(used), cell[used]] = 1
    n = int(used.sum())
    share = design.w @ member / design.w[used].sum()
    table = share.reshape(shape)
    margins = table.sum(axis=1), table.sum(axis=0)
    if min((margin > 0).sum() for margin in margins) < 2:
        raise ValueError("both questions need two different answers or more")
    expected = np.outer(*margins)
    possible = expected > 0
    pearson = n * ((table - expected)[possible] ** 2 / expected[possible]).sum()

    df = float(design.degrees_of_freedom_of(used))
    if (r := design.replicates) is not None:
        made = [w @ member / w[used].sum() for w in r.weights(range(r.total))]
        v = r.covariance(np.stack(made), share)
        df = float(r.degrees_of_freedom(np.array([df]), 0 * cell, 1)[0])
    else:
        scores = used[:, None] * (member - share) / design.w[used].sum()
        v = design.covariance(scores)
    kept = [np.eye(margin.size)[margin > 0] for margin in margins]
    c = np.kron(*(levels[:-1] - levels[-1] for levels in kept)).T
    inverse = np.divide(1, share, out=np.zeros_like(share), where=share > 0)
    weighted = c * inverse[:, None]
    delta = np.linalg.solve(c.T @ weighted / n, weighted.T @ v @ weighted)
    trace = float(np.trace(delta))
    df_numerator = trace**2 / float(np.trace(delta @ delta))
    statistic = float(pearson) / trace
    df_denominator = df_numerator * df
    p = float(fdtrc(df_numerator, df_denominator, statistic)) if df > 0 else np.nan
    return Independence(statistic, df_numerator, df_denominator, p, float(pearson), n)
