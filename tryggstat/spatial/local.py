"""Where areas near each other are alike: one figure for each area."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.spatial.autocorrelation import checked_values, normal_p
from tryggstat.spatial.neighbours import Floats, Neighbours, Whole
from tryggstat.spatial.permutation import (
    Alternative,
    check_alternative,
    conditional_counts,
    permutation_p,
)
from tryggstat.survey.comparison import Adjust, adjust_p

Moments = Literal["conditional", "total"]

LOCAL_DRAWS = 99_999
STOP_AT = 0.05  # an area whose p can only be above it needs no more draws


@dataclass(frozen=True, eq=False)
class LocalTest:
    """
    A statistic of each area, and what chance alone would make of it.

    NaN where nothing can be said: an island has no neighbours.

    Attributes
    ----------
    statistic, expectation, variance, z, p : array of float, shape (n,)
        The statistic; its mean and variance when the other areas' values are placed at
        random around the area; the distance in standard deviations; the p-value of z by
        the normal distribution.
    p_permutation : array of float, shape (n,)
        The share of draws, the observed among them, that reach the statistic.
    p_adjusted : array of float, shape (n,)
        `p_permutation` (`p` without permutations), adjusted for the many areas.
    quadrant : array of str or None, shape (n,)
        What the area and its surroundings are, such as "High-Low".
    draws : array of int, shape (n,)
        Permutations made for the area.
    alternative : str
        "two-sided", "greater" or "less"; greater is on the side of z above 0.
    """

    statistic: Floats
    expectation: Floats
    variance: Floats
    z: Floats
    p: Floats
    p_permutation: Floats
    p_adjusted: Floats
    quadrant: NDArray[np.object_]
    draws: Whole
    alternative: Alternative


def local_moran(
    values: ArrayLike,
    neighbours: Neighbours,
    *,
    moments: Moments = "conditional",
    alternative: Alternative = "two-sided",
    permutations: int = LOCAL_DRAWS,
    adjust: Adjust = "bh",
    seed: int = 1,
    stop_at: float | None = STOP_AT,
    pool: Executor | None = None,
) -> LocalTest:
    """
    Find areas that are like their neighbours, and areas that stand out from them.

    Parameters
    ----------
    values : array of float, shape (n,)
        A value for each area. For rates of small populations use `standardised_rates`.
    neighbours : Neighbours
        With their weights, usually `row_standardised()`.
    moments : {"conditional", "total"}
        Conditional: the area's own value stays and the others are placed at random.
        Total: all are.
    alternative : {"two-sided", "greater", "less"}
        Greater: the area is like its neighbours. Less: it differs.
    permutations : int, default 99,999
        Conditional permutations of each area; 0 for none.
    adjust : {"bh", "holm", "none"}
        How p-values are adjusted for the many areas (see `adjust_p`).
    seed : int from 0 to 2**64 - 1
    stop_at : float, optional, default 0.05
        Where an area's neighbours weigh differently, its draws end once its p-value can
        only be above this level. What is significant at it or below stays so, adjusted
        or not. None: never stop.
    pool : concurrent.futures.Executor, optional
        Threads or a cluster (see `tryggstat.parallel`); the figures are the same.

    Returns
    -------
    LocalTest

    Raises
    ------
    ValueError
        As in `moran`.

    Notes
    -----
    With z standardised (divisor n), W_i = sum_j(w_ij), Q_i = sum_j(w_ij^2) and
    b = mean(z^4)::

        I_i = z_i sum_j(w_ij z_j)

        conditional
            E = -z_i^2 W_i / (n - 1)
            V = z_i^2 (Q_i - W_i^2 / (n - 1)) (n - n z_i^2 / (n - 1)) / (n - 2)
        total
            E = -W_i / (n - 1)
            V = Q_i (n - b) / (n - 1) + (W_i^2 - Q_i) (2b - n) / ((n - 1) (n - 2)) - E^2

    The draws are those of `permutation.conditional_counts`. Two-sided p is twice the
    smaller side, where some programs print the smaller side itself.

    References
    ----------
    Anselin (1995), Geographical Analysis 27, 93-115.
    Sokal, Oden and Thomson (1998), Geographical Analysis 30, 331-354.
    Besag and Clifford (1991), Biometrika 78, 301-304.

    Examples
    --------
    Four areas in a row, rising; m2 = 1.25, so the first has -1.5 x -0.5 / 1.25:

    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> found = local_moran([1, 2, 3, 4], row, permutations=0)
    >>> found.statistic.round(6).tolist()
    [0.6, 0.4, 0.4, 0.6]
    >>> found.quadrant.tolist()
    ['Low-Low', 'Low-Low', 'High-High', 'High-High']
    """
    x = checked_values(values, neighbours)
    if moments not in ("conditional", "total"):
        raise ValueError(f"moments must be conditional or total, got {moments!r}")
    n = x.size
    z = (x - x.mean()) / x.std()
    if moments == "conditional":
        mean, variance = _drawn_moments(z, neighbours)
        mean, variance = z * mean, z**2 * variance
    else:
        w, q, b = neighbours.row_sums, neighbours.row_squares, float((z**4).mean())
        mean = -w / (n - 1)
        pairs = (w**2 - q) * (2 * b - n) / ((n - 1) * (n - 2))
        variance = q * (n - b) / (n - 1) + pairs - mean**2
    lag = neighbours.lag(z)
    counts = conditional_counts(
        z, neighbours, permutations, seed, pool, stop_at=_share(stop_at, alternative)
    )
    return _local_test(
        neighbours, z * lag, mean, variance, _turned(counts, z),
        _quadrants(z, lag), alternative, adjust,
    )  # fmt: skip


def local_bivariate_moran(
    here: ArrayLike,
    around: ArrayLike,
    neighbours: Neighbours,
    *,
    alternative: Alternative = "two-sided",
    permutations: int = LOCAL_DRAWS,
    adjust: Adjust = "bh",
    seed: int = 1,
    stop_at: float | None = STOP_AT,
    pool: Executor | None = None,
) -> LocalTest:
    """
    Find areas where one value goes with another value of the neighbours.

    Parameters
    ----------
    here, around : array of float, shape (n,)
        The value of the area, and the value of its neighbours.
    neighbours, permutations, adjust, seed, stop_at, pool
        As in `local_moran`.
    alternative : {"two-sided", "greater", "less"}
        Greater: high goes with high around it, or low with low.

    Returns
    -------
    LocalTest
        The quadrant is the area's own value, then the other value around it.

    Raises
    ------
    ValueError
        As in `moran`.

    Notes
    -----
    With both values standardised (divisor n)::

        I_i = x_i sum_j(w_ij y_j)

    Both values of the area itself stay in place and the others' y are drawn. What is
    said of `bivariate_moran` holds here too.

    References
    ----------
    Anselin, Syabri and Smirnov (2002), Visualizing multivariate spatial correlation
    with dynamically linked windows. University of Illinois.

    Examples
    --------
    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> found = local_bivariate_moran([1, 2, 3, 4], [4, 3, 2, 1], row, permutations=0)
    >>> found.quadrant.tolist()
    ['Low-High', 'Low-High', 'High-Low', 'High-Low']
    """
    x, y = checked_values(here, neighbours), checked_values(around, neighbours)
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    mean, variance = _drawn_moments(y, neighbours)
    lag = neighbours.lag(y)
    counts = conditional_counts(
        y, neighbours, permutations, seed, pool, stop_at=_share(stop_at, alternative)
    )
    return _local_test(
        neighbours, x * lag, x * mean, x**2 * variance, _turned(counts, x),
        _quadrants(x, lag), alternative, adjust,
    )  # fmt: skip


def local_getis_ord(
    values: ArrayLike,
    neighbours: Neighbours,
    *,
    star: bool = False,
    alternative: Alternative = "two-sided",
    permutations: int = LOCAL_DRAWS,
    adjust: Adjust = "bh",
    seed: int = 1,
    stop_at: float | None = STOP_AT,
    pool: Executor | None = None,
) -> LocalTest:
    """
    Find areas amid high values, and areas amid low ones.

    Parameters
    ----------
    values : array of float, shape (n,)
        A value for each area.
    neighbours : Neighbours
        With their weights; z does not change when all of an area's are multiplied.
    star : bool, default False
        Whether the area itself belongs to its surroundings (Gi*), by `with_self`.
    alternative : {"two-sided", "greater", "less"}
        Greater: amid high values. Less: amid low ones.
    permutations, adjust, seed, stop_at, pool
        As in `local_moran`. In Gi* too the area's own value stays in place.

    Returns
    -------
    LocalTest
        `statistic`, `expectation` and `variance` are NaN where a value is negative: a
        share of a sum needs a natural zero. z needs none. The quadrant is "High" or
        "Low".

    Raises
    ------
    ValueError
        As in `moran`.

    Notes
    -----
    Sums over j other than i, n - 1 of them; for Gi* over all n::

        G_i = sum_j(w_ij x_j) / sum_j(x_j)
        z = (sum_j(w_ij x_j) - W_i m_i) / (s_i sqrt(((n-1) Q_i - W_i^2) / (n-2)))

    with m_i and s_i the mean and standard deviation (divisor n - 1 values) of these x,
    W_i and Q_i sums of weights and of their squares. For Gi* n - 1 and n - 2 become n
    and n - 1.

    References
    ----------
    Getis and Ord (1992), Geographical Analysis 24, 189-206.
    Ord and Getis (1995), Geographical Analysis 27, 286-306.

    Examples
    --------
    The first area's only neighbour holds 2 of the 9 that all others hold:

    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> found = local_getis_ord([1, 2, 3, 4], row, permutations=0)
    >>> [round(float(part[0]) * 9, 6) for part in (found.statistic, found.expectation)]
    [2.0, 3.0]
    """
    x = checked_values(values, neighbours)
    centre = x.mean()
    z = (x - centre) / x.std()
    used = neighbours
    if star:
        used = neighbours.with_self()
        if np.allclose(neighbours.row_sums[neighbours.counts > 0], 1):
            used = used.row_standardised()
        mean = np.zeros(x.size)
        variance = _leeway(used.row_squares, used.row_sums, x.size)
        total = np.full(x.size, x.sum())
    else:
        mean, variance = _drawn_moments(z, neighbours)
        total = x.sum() - x
    lag = used.lag(z)
    counts = conditional_counts(
        z, neighbours, permutations, seed, pool, stop_at=_share(stop_at, alternative)
    )
    above = np.where(lag > mean, "High", "Low").astype(object)
    found = _local_test(used, lag, mean, variance, counts, above, alternative, adjust)
    natural = (total > 0) & bool((x >= 0).all())
    total = np.where(natural, total, np.nan)
    level = centre * used.row_sums
    return replace(
        found,
        statistic=(found.statistic * x.std() + level) / total,
        expectation=(found.expectation * x.std() + level) / total,
        variance=found.variance * x.var() / total**2,
    )


def local_geary(
    values: ArrayLike,
    neighbours: Neighbours,
    *,
    alternative: Alternative = "two-sided",
    permutations: int = LOCAL_DRAWS,
    adjust: Adjust = "bh",
    seed: int = 1,
    stop_at: float | None = STOP_AT,
    pool: Executor | None = None,
) -> LocalTest:
    """
    Find areas that differ little from each of their neighbours, or much.

    Parameters
    ----------
    values, neighbours, permutations, adjust, seed, pool
        As in `local_moran`.
    alternative : {"two-sided", "greater", "less"}
        Greater: alike, which is a small c_i.
    stop_at : float, optional, default 0.05
        As in `local_moran`, but for all areas.

    Returns
    -------
    LocalTest
        z has the sign turned, so that z above 0 means alike. The quadrant is
        "High-High", "Low-Low" or "Other-Alike" where c_i is below its expectation and
        "Different" elsewhere.

    Raises
    ------
    ValueError
        As in `moran`.

    Notes
    -----
    With z standardised by the divisor n - 1::

        c_i = sum_j(w_ij (z_i - z_j)^2)        sum(c_i) = 2 S0 C

    The moments are exact for the area's own value staying and the others being placed
    at random.

    References
    ----------
    Anselin (1995), Geographical Analysis 27, 93-115.
    Anselin (2019), Geographical Analysis 51, 133-150.

    Examples
    --------
    Four areas in a row, rising by 1; the variance is 5/3, so that 1 counts 0.6:

    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> local_geary([1, 2, 3, 4], row, permutations=0).statistic.round(6).tolist()
    [0.6, 1.2, 1.2, 0.6]
    """
    x = checked_values(values, neighbours)
    n = x.size
    z = (x - x.mean()) / x.std(ddof=1)
    m2, m3, m4 = ((z**power).sum() for power in (2, 3, 4))
    # sums over j of (z_i - z_j)^2 and of its square; z sums to 0
    first = n * z**2 + m2
    second = n * z**4 + 6 * z**2 * m2 - 4 * z * m3 + m4
    mean, variance = _drawn(first / (n - 1), second / (n - 1), neighbours)
    ends = z[neighbours.focal] - z[neighbours.neighbour]
    statistic = neighbours.add_up(neighbours.weight * ends**2)
    counts = conditional_counts(
        z, neighbours, permutations, seed, pool,
        squared=True, stop_at=_share(stop_at, alternative),
    )  # fmt: skip
    kind = _quadrants(z, neighbours.lag(z))
    kind[(kind == "High-Low") | (kind == "Low-High")] = "Other-Alike"
    kind[statistic > mean] = "Different"
    return _local_test(
        neighbours, statistic, mean, variance, counts[:, [1, 0, 2]],
        kind, alternative, adjust, sign=-1,
    )  # fmt: skip


def _drawn_moments(values: Floats, neighbours: Neighbours) -> tuple[Floats, Floats]:
    """Return moments of the lag when neighbours are drawn from the other areas."""
    n = values.size
    return _drawn(
        (values.sum() - values) / (n - 1),
        ((values**2).sum() - values**2) / (n - 1),
        neighbours,
    )


def _drawn(
    mean: Floats, mean_square: Floats, neighbours: Neighbours
) -> tuple[Floats, Floats]:
    """Return moments of weighted sums drawn without replacement from n - 1 values."""
    n, w, q = neighbours.size, neighbours.row_sums, neighbours.row_squares
    return w * mean, (mean_square - mean**2) * _leeway(q, w, n - 1)


def _leeway(q: Floats, w: Floats, others: int) -> Floats:
    """Return what the variance of single values is multiplied by; 0 for all of them."""
    left = others * q - w**2
    return np.where(left > 1e-12 * w**2, left / (others - 1), 0)


def _share(stop_at: float | None, alternative: Alternative) -> float | None:
    """Return the share of draws on both sides that a p above the level needs."""
    check_alternative(alternative)
    if stop_at is None or alternative != "two-sided":
        return stop_at
    return stop_at / 2


def _turned(counts: Whole, own: Floats) -> Whole:
    """Return counts for the lag as counts for own value times lag."""
    turned = counts.copy()
    turned[own < 0, :2] = counts[own < 0, 1::-1]
    turned[own == 0, :2] = counts[own == 0, 2:]
    return turned


def _quadrants(own: Floats, lag: Floats) -> NDArray[np.object_]:
    names = np.array(["Low-Low", "Low-High", "High-Low", "High-High"], dtype=object)
    return np.asarray(names[2 * (own > 0) + (lag > 0)])


def _local_test(
    neighbours: Neighbours,
    statistic: Floats,
    mean: Floats,
    variance: Floats,
    counts: Whole,
    quadrant: NDArray[Any],
    alternative: Alternative,
    adjust: Adjust,
    sign: int = 1,
) -> LocalTest:
    island = neighbours.counts == 0
    statistic, mean, variance = (
        np.where(island, np.nan, part) for part in (statistic, mean, variance)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(
            variance > 0, sign * (statistic - mean) / np.sqrt(variance), np.nan
        )
    p = normal_p(z, alternative)
    above, below, draws = counts.T
    drawn = permutation_p(above, below, draws, alternative)
    quadrant[island] = None
    return LocalTest(
        statistic=statistic,
        expectation=mean,
        variance=variance,
        z=z,
        p=p,
        p_permutation=drawn,
        p_adjusted=adjust_p(drawn if draws.any() else p, adjust),
        quadrant=quadrant,
        draws=draws,
        alternative=alternative,
    )
