"""Whether areas near each other are alike: one figure for the whole map."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from math import erfc, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from tryggstat.spatial.neighbours import Floats, Neighbours
from tryggstat.spatial.permutation import (
    TIE,
    Alternative,
    check_alternative,
    permutation_p,
    shuffled_products,
)

Assumption = Literal["randomisation", "normality"]

GLOBAL_DRAWS = 9_999


@dataclass(frozen=True)
class GlobalTest:
    """
    A statistic of the whole map, and what chance alone would make of it.

    Attributes
    ----------
    statistic, expectation, variance : float
        The statistic, and its mean and variance when the values are placed at random.
    z : float
        The distance from the expectation in standard deviations; above 0 where areas
        near each other are more alike than by chance.
    p : float
        From z by the normal distribution.
    p_permutation : float
        The share of shuffled maps, this one among them, that reach the statistic; NaN
        without permutations.
    permutations : int
    alternative : str
        "greater", "less" or "two-sided"; greater is on the side of z above 0.
    """

    statistic: float
    expectation: float
    variance: float
    z: float
    p: float
    p_permutation: float
    permutations: int
    alternative: Alternative


def moran(
    values: ArrayLike,
    neighbours: Neighbours,
    *,
    assumption: Assumption = "randomisation",
    alternative: Alternative = "greater",
    permutations: int = GLOBAL_DRAWS,
    seed: int = 1,
    pool: Executor | None = None,
) -> GlobalTest:
    """
    Test with Moran's I whether neighbours are alike.

    Parameters
    ----------
    values : array of float, shape (n,)
        A value for each area. For rates of small populations use `standardised_rates`.
    neighbours : Neighbours
        With their weights, usually `row_standardised()`. An island counts among the n
        areas and adds nothing to the sum.
    assumption : {"randomisation", "normality"}
        What variance is used: that of the values shuffled over the map, or that of
        values drawn from one normal distribution.
    alternative : {"greater", "less", "two-sided"}
        Greater: neighbours are alike. Less: neighbours differ.
    permutations : int, default 9,999
        Shuffled maps; 0 for none.
    seed : int from 0 to 2**64 - 1
    pool : concurrent.futures.Executor, optional
        Threads or a cluster (see `tryggstat.parallel`); the figures are the same.

    Returns
    -------
    GlobalTest

    Raises
    ------
    ValueError
        Fewer than 4 areas, a value is not finite, all are equal, there are no
        neighbours, or an option is unknown.

    Notes
    -----
    With z the values less their mean::

        I = n sum_ij(w_ij z_i z_j) / (S0 sum(z^2))        E = -1 / (n - 1)

    References
    ----------
    Moran (1950), Biometrika 37, 17-23.
    Cliff and Ord (1981), Spatial Processes, chapters 1-2. Pion.

    Examples
    --------
    Four areas in a row, rising: z = -1.5, -0.5, 0.5, 1.5. Of the six ordered pairs
    0.75, -0.25 and 0.75 stand there twice: 2.5; I = 4 x 2.5 / (6 x 5).

    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> round(moran([1, 2, 3, 4], row, permutations=0).statistic, 6)
    0.333333
    """
    x = checked_values(values, neighbours)
    _check(assumption, alternative)
    n, (s0, s1, s2) = x.size, neighbours.totals
    z = x - x.mean()
    z /= sqrt(z @ z / n)
    if assumption == "randomisation":
        fourth = float((z**4).sum())
        mean, variance = _shuffled_moments(
            neighbours, -n, 2 * (n * n - fourth), 4 * fourth
        )
        expectation, variance = mean / s0, variance / s0**2
    else:
        expectation = -1 / (n - 1)
        second = (n * n * s1 - n * s2 + 3 * s0**2) / ((n * n - 1) * s0**2)
        variance = second - expectation**2
    draws = shuffled_products(z, neighbours, permutations, seed, pool)[:, 0] / s0
    statistic = float(z @ neighbours.lag(z)) / s0
    return _global_test(statistic, expectation, variance, draws, alternative)


def bivariate_moran(
    here: ArrayLike,
    around: ArrayLike,
    neighbours: Neighbours,
    *,
    alternative: Alternative = "two-sided",
    permutations: int = GLOBAL_DRAWS,
    seed: int = 1,
    pool: Executor | None = None,
) -> GlobalTest:
    """
    Test whether one value of an area goes with another value of its neighbours.

    Parameters
    ----------
    here : array of float, shape (n,)
        The value of the area itself; it stays in place.
    around : array of float, shape (n,)
        The value of the neighbours; it is shuffled.
    neighbours, permutations, seed, pool
        As in `moran`.
    alternative : {"two-sided", "greater", "less"}
        Greater: high goes with high around it.

    Returns
    -------
    GlobalTest

    Raises
    ------
    ValueError
        As in `moran`.

    Notes
    -----
    With both values standardised (divisor n)::

        I = sum_ij(w_ij x_i y_j) / S0        E = 0
        V = sum_j((c_j - mean c)^2) n / ((n - 1) S0^2)        c = W'x

    Shuffling also parts the two values of one and the same area: where these are
    correlated and both are clustered, I is far from 0 without any influence of
    neighbours. It does not tell cause from effect.

    References
    ----------
    Anselin, Syabri and Smirnov (2002), Visualizing multivariate spatial correlation
    with dynamically linked windows. University of Illinois.
    Lee (2001), Journal of Geographical Systems 3, 369-385.

    Examples
    --------
    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> same = bivariate_moran([1, 2, 3, 4], [1, 2, 3, 4], row, permutations=0)
    >>> round(same.statistic, 6)
    0.333333
    """
    x, y = checked_values(here, neighbours), checked_values(around, neighbours)
    check_alternative(alternative)
    n, s0 = x.size, neighbours.totals[0]
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    pull = np.bincount(neighbours.neighbour, neighbours.weight * x[neighbours.focal], n)
    variance = float(((pull - pull.mean()) ** 2).sum()) * n / ((n - 1) * s0**2)
    draws = shuffled_products(y, neighbours, permutations, seed, pool, fixed=x)
    statistic = float(x @ neighbours.lag(y)) / s0
    return _global_test(statistic, 0.0, variance, draws[:, 0] / s0, alternative)


def geary(
    values: ArrayLike,
    neighbours: Neighbours,
    *,
    assumption: Assumption = "randomisation",
    alternative: Alternative = "greater",
    permutations: int = GLOBAL_DRAWS,
    seed: int = 1,
    pool: Executor | None = None,
) -> GlobalTest:
    """
    Test with Geary's C whether neighbours are alike.

    It looks at differences between neighbours, and so at small distances more than
    Moran's I.

    Parameters
    ----------
    values, neighbours, assumption, permutations, seed, pool
        As in `moran`.
    alternative : {"greater", "less", "two-sided"}
        Greater: neighbours are alike, which is C below 1.

    Returns
    -------
    GlobalTest
        z and p have the sign turned, so that z above 0 means alike, as in R spdep.

    Raises
    ------
    ValueError
        As in `moran`.

    Notes
    -----
    ::

        C = (n - 1) sum_ij(w_ij (x_i - x_j)^2) / (2 S0 sum(z^2))        E = 1

    References
    ----------
    Geary (1954), The Incorporated Statistician 5, 115-145.
    Cliff and Ord (1981), Spatial Processes, chapters 1-2. Pion.

    Examples
    --------
    Four areas in a row, rising by 1: C = 3 x 6 / (2 x 6 x 5).

    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> round(geary([1, 2, 3, 4], row, permutations=0).statistic, 6)
    0.3
    """
    x = checked_values(values, neighbours)
    _check(assumption, alternative)
    n, (s0, s1, s2) = x.size, neighbours.totals
    z = x - x.mean()
    z /= sqrt(z @ z / n)
    unit = (n - 1) / (2 * s0 * n)
    if assumption == "randomisation":
        fourth = float((z**4).sum())
        mean, variance = _shuffled_moments(
            neighbours,
            2 * n * n,
            4 * n * fourth + 12 * n * n,
            4 * float(((n * z**2 + n) ** 2).sum()),
        )
        expectation, variance = mean * unit, variance * unit**2
    else:
        expectation = 1.0
        variance = ((2 * s1 + s2) * (n - 1) - 4 * s0**2) / (2 * (n + 1) * s0**2)
    found = shuffled_products(z, neighbours, permutations, seed, pool)
    draws = (found[:, 1] - 2 * found[:, 0]) * unit
    ends = z[neighbours.focal] - z[neighbours.neighbour]
    statistic = float(neighbours.weight @ ends**2) * unit
    return _global_test(statistic, expectation, variance, draws, alternative, -1)


def getis_ord(
    values: ArrayLike,
    neighbours: Neighbours,
    *,
    alternative: Alternative = "greater",
    permutations: int = GLOBAL_DRAWS,
    seed: int = 1,
    pool: Executor | None = None,
) -> GlobalTest:
    """
    Test with Getis and Ord's G whether high values, or low ones, lie together.

    Parameters
    ----------
    values : array of float, shape (n,)
        0 or more, with a natural zero: counts, rates, sums.
    neighbours : Neighbours
        Usually with weights 1.
    alternative : {"greater", "less", "two-sided"}
        Greater: high values lie together. Less: low ones do, or high ones apart.
    permutations, seed, pool
        As in `moran`.

    Returns
    -------
    GlobalTest

    Raises
    ------
    ValueError
        As in `moran`, or a value is negative.

    Notes
    -----
    ::

        G = sum_ij(w_ij x_i x_j) / sum_(i != j)(x_i x_j)        E = S0 / (n (n - 1))

    References
    ----------
    Getis and Ord (1992), Geographical Analysis 24, 189-206.

    Examples
    --------
    Of the pair products 2, 3, 4, 6, 8, 12 the neighbours' are 2, 6 and 12:

    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> round(getis_ord([1, 2, 3, 4], row, permutations=0).statistic, 6)
    0.571429
    """
    x = checked_values(values, neighbours)
    check_alternative(alternative)
    if (x < 0).any():
        raise ValueError("values must be 0 or more for Getis and Ord's G")
    x = x / x.mean()
    square = x**2
    total, pairs = float(x.sum()), float(x.sum() ** 2 - square.sum())
    mean, variance = _shuffled_moments(
        neighbours,
        pairs,
        2 * float(square.sum() ** 2 - (square**2).sum()),
        4 * float((square * (total - x) ** 2).sum()),
    )
    draws = shuffled_products(x, neighbours, permutations, seed, pool)[:, 0] / pairs
    statistic = float(x @ neighbours.lag(x)) / pairs
    return _global_test(
        statistic, mean / pairs, variance / pairs**2, draws, alternative
    )


def join_counts(
    categories: ArrayLike,
    neighbours: Neighbours,
    *,
    alternative: Alternative = "greater",
    permutations: int = GLOBAL_DRAWS,
    seed: int = 1,
    pool: Executor | None = None,
) -> Mapping[Hashable, GlobalTest]:
    """
    Test whether areas of the same kind lie together, from the borders between them.

    Parameters
    ----------
    categories : array, shape (n,)
        The kind of each area, such as police-designated or not.
    neighbours : Neighbours
        Usually with weights 1.
    alternative : {"greater", "less", "two-sided"}
        Greater: the same kind lies together.
    permutations, seed, pool
        As in `moran`.

    Returns
    -------
    mapping from category to GlobalTest
        The joins within each category, in sorted order; under None those between
        different categories, with z above 0 where they are fewer than by chance.

    Raises
    ------
    ValueError
        As in `moran`, or a category is the only one.

    Notes
    -----
    A join counts half the sum of its two weights. The number of areas of each kind is
    taken as given (nonfree sampling). With n_c areas of category c::

        within c     E = S0 n_c (n_c - 1) / (2 n (n - 1))
        between      E = S0 (n^2 - sum(n_c^2)) / (2 n (n - 1))

    References
    ----------
    Cliff and Ord (1981), Spatial Processes, chapter 2. Pion.

    Examples
    --------
    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2], 4)
    >>> found = join_counts(list("aabb"), row, permutations=0)
    >>> [(kind, joins.statistic, joins.expectation) for kind, joins in found.items()]
    [('a', 1.0, 0.5), ('b', 1.0, 0.5), (None, 1.0, 2.0)]
    """
    kinds, kind = np.unique(np.asarray(categories), return_inverse=True)
    if kinds.size < 2:
        raise ValueError("there must be two categories or more")
    checked_values(kind, neighbours)
    check_alternative(alternative)
    n, s0 = kind.size, neighbours.totals[0]
    sizes = np.bincount(kind)
    found: dict[Hashable, GlobalTest] = {}
    drawn = np.full(permutations, s0 / 2)
    between = s0 / 2
    for c, size in enumerate(sizes.tolist()):
        x = (kind == c).astype(float)
        mean, variance = _shuffled_moments(
            neighbours,
            size * (size - 1),
            2 * size * (size - 1),
            4 * size * (size - 1) ** 2,
        )
        # the same seed shuffles every category in the same way
        draws = shuffled_products(x, neighbours, permutations, seed, pool)[:, 0] / 2
        statistic = float(x @ neighbours.lag(x)) / 2
        drawn, between = drawn - draws, between - statistic
        found[kinds[c].item()] = _global_test(
            statistic, mean / 2, variance / 4, draws, alternative
        )
    others = n - sizes[kind]
    mixed = float(others.sum())
    mean, variance = _shuffled_moments(
        neighbours, mixed, 2 * mixed, 4 * float((others**2).sum())
    )
    found[None] = _global_test(between, mean / 2, variance / 4, drawn, alternative, -1)
    return found


def checked_values(values: ArrayLike, neighbours: Neighbours) -> Floats:
    """Return the values as floats, or refuse them."""
    x = np.asarray(values, dtype=float)
    if x.shape != (neighbours.size,):
        raise ValueError(
            f"values must be one for each of {neighbours.size} areas, got {x.shape}"
        )
    if x.size < 4:
        raise ValueError(f"at least 4 areas are needed, got {x.size}")
    if not np.isfinite(x).all():
        raise ValueError("values must be finite: leave areas without value out")
    if np.ptp(x) <= 1e-12 * np.abs(x).max():
        raise ValueError("all areas have the same value")
    if not neighbours.neighbour.size:
        raise ValueError("no area has a neighbour")
    return x


def _check(assumption: str, alternative: str) -> None:
    check_alternative(alternative)
    if assumption not in get_args(Assumption):
        raise ValueError(
            f"assumption must be one of {', '.join(get_args(Assumption))}, "
            f"got {assumption!r}"
        )


def _shuffled_moments(
    neighbours: Neighbours, t0: float, t1: float, t2: float
) -> tuple[float, float]:
    """
    Return mean and variance of sum(w_ij y_ij) over all ways to shuffle the areas of y.

    T0, T1 and T2 are to y what S0, S1 and S2 are to w (Mantel 1967; Cliff and Ord 1981,
    equation 1.44). Every statistic of this module is such a sum.
    """
    n, (s0, s1, s2) = neighbours.size, neighbours.totals
    pairs = n * (n - 1)
    triples = pairs * (n - 2)
    quadruples = triples * (n - 3)
    mean = s0 * t0 / pairs
    second = (
        s1 * t1 / (2 * pairs)
        + (s2 - 2 * s1) * (t2 - 2 * t1) / (4 * triples)
        + (s0**2 + s1 - s2) * (t0**2 + t1 - t2) / quadruples
    )
    return mean, second - mean**2


def _global_test(
    statistic: float,
    expectation: float,
    variance: float,
    draws: Floats,
    alternative: Alternative,
    sign: int = 1,
) -> GlobalTest:
    z = sign * (statistic - expectation) / sqrt(variance) if variance > 0 else np.nan
    slack = TIE * max(1.0, abs(statistic))
    above = (sign * (draws - statistic) >= -slack).sum()
    below = (sign * (draws - statistic) <= slack).sum()
    return GlobalTest(
        statistic=statistic,
        expectation=expectation,
        variance=variance,
        z=z,
        p=float(normal_p(np.array(z), alternative)),
        p_permutation=float(
            permutation_p(above, below, np.array(draws.size), alternative)
        ),
        permutations=draws.size,
        alternative=alternative,
    )


def normal_p(z: Floats, alternative: Alternative) -> Floats:
    """Return p-values of standard normal z."""
    side = {"two-sided": np.abs(z), "greater": z, "less": -z}[alternative]
    tail = np.array([erfc(value) for value in (side / sqrt(2)).ravel()])
    p = tail if alternative == "two-sided" else tail / 2
    return np.asarray(p.reshape(z.shape))
