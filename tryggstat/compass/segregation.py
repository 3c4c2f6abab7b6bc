"""How unevenly groups of people live over the areas of a municipality."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
# of the standard library, so that the command starts without SciPy
LOG_GAMMA = np.frompyfunc(math.lgamma, 1, 1)


@dataclass(frozen=True)
class Segregation:
    """
    How one group lives among the others. All figures are shares between 0 and 1.

    Attributes
    ----------
    share : float
        The group's share of all.
    dissimilarity : float
        Share of the group that would have to move for all areas to be alike.
    isolation : float
        Share of the own group in the area of an average member.
    interaction : float
        Share of others in the area of an average member (exposure to others).
    eta_squared : float
        Isolation beyond the group's share (correlation ratio): 0 alike, 1 apart.
    gini : float
        Mean difference in share between two persons' areas, as part of the largest.
    entropy : float
        Diversity that the areas lack of that of the whole (information theory index).
    atkinson : float
        Unevenness that weighs areas with few (or many) of the group more.
    dissimilarity_by_chance : float
        Dissimilarity to expect if all persons were spread at random.
    dissimilarity_corrected : float
        Dissimilarity beyond chance; below 0 where areas are more alike than by chance;
        not a number where all areas have one person.
    eta_squared_by_chance : float
        As above, for eta squared.
    eta_squared_corrected : float
        As above, for eta squared.
    """

    share: float
    dissimilarity: float
    isolation: float
    interaction: float
    eta_squared: float
    gini: float
    entropy: float
    atkinson: float
    dissimilarity_by_chance: float
    dissimilarity_corrected: float
    eta_squared_by_chance: float
    eta_squared_corrected: float


@dataclass(frozen=True)
class MultigroupSegregation:
    """
    How several groups live among each other.

    Attributes
    ----------
    shares : array of float, shape (g,)
        Each group's share of all.
    dissimilarity, gini, information_theory, normalised_exposure : float
        0 where all areas have the same mix, 1 where each has one group only.
    diversity : float
        Entropy of the whole, in nats: 0 for one group, log(g) for equal groups.
    interaction : float
        Chance that two persons of the whole belong to different groups (Simpson).
    """

    shares: Floats
    dissimilarity: float
    gini: float
    information_theory: float
    normalised_exposure: float
    diversity: float
    interaction: float


def segregation(
    group: ArrayLike, total: ArrayLike, *, inequality_aversion: float = 0.5
) -> Segregation:
    """
    Measure how unevenly one group lives over the areas.

    Parameters
    ----------
    group : array of float, shape (m,)
        Persons of the group in each area.
    total : array of float, shape (m,)
        All persons in each area. Areas without people are left out.
    inequality_aversion : float between 0 and 1, default 0.5
        The parameter b of Atkinson's index.

    Returns
    -------
    Segregation
        The usual indices, and what two of them would be by chance alone.

    Raises
    ------
    ValueError
        Shapes differ, a group is larger than the whole of its area, or nobody or
        everybody belongs to the group.

    Notes
    -----
    With x, y = t - x, t persons of the group, of the others and of all in an area, X,
    Y, T their sums, p = x/t, P = X/T and E(p) = -p log p - (1 - p) log(1 - p)::

        dissimilarity = sum |x/X - y/Y| / 2
        isolation     = sum (x/X)(x/t),  interaction = sum (x/X)(y/t)
        eta_squared   = (isolation - P) / (1 - P)
        gini          = sum sum t t' |p - p'| / (2 T^2 P (1 - P))
        entropy       = sum t (E(P) - E(p)) / (T E(P))
        atkinson      = 1 - P/(1 - P) (sum t (1 - p)^(1-b) p^b / (P T))^(1/(1-b))

    Small areas differ by chance even when nobody chooses. If the persons were dealt out
    at random, x would be hypergeometric, and with k the least whole number above t P::

        E dissimilarity = T / (X Y) sum k (T - X - t + k) Pr(x = k) / T
        E eta_squared   = (m - 1) / (T - 1)
        corrected       = (index - expected) / (1 - expected)

    Each index depends on how areas are drawn: compare only the same division.

    References
    ----------
    Massey and Denton (1988), Social Forces 67, 281-315.
    Carrington and Troske (1997), J. Business and Economic Statistics 15, 402-409.
    Ramasubban (1958), Biometrika 45, 549-556 (mean deviation of the hypergeometric).

    Examples
    --------
    >>> found = segregation([30, 10], [40, 60])
    >>> round(found.dissimilarity, 4), round(found.isolation, 4)
    (0.5833, 0.6042)
    """
    x, t = np.asarray(group, dtype=float), np.asarray(total, dtype=float)
    if x.shape != t.shape or x.ndim != 1:
        raise ValueError(
            f"group and total must be equally long, got {x.shape}, {t.shape}"
        )
    if not ((x >= 0) & (x <= t)).all():
        area = int(np.argmin((x >= 0) & (x <= t)))
        raise ValueError(f"the group of area {area} is not between 0 and its total")
    x, t = x[t > 0], t[t > 0]
    all_x, all_t = x.sum(), t.sum()
    if not 0 < all_x < all_t:
        raise ValueError("somebody must belong to the group, and somebody must not")
    if not 0 < inequality_aversion < 1:
        raise ValueError(
            f"inequality_aversion must be between 0 and 1, got {inequality_aversion}"
        )
    y, p, mean = t - x, x / t, all_x / all_t
    isolation = float(x @ p / all_x)
    dissimilarity = float(np.abs(x / all_x - y / (all_t - all_x)).sum() / 2)
    eta_squared = (isolation - mean) / (1 - mean)
    b = inequality_aversion
    even = (t * (1 - p) ** (1 - b) * p**b).sum() / (mean * all_t)
    missing = _entropy(mean) - _entropy(p)
    expected = _expected_dissimilarity(t, all_x)
    expected_eta = (len(t) - 1) / (all_t - 1)
    return Segregation(
        share=float(mean),
        dissimilarity=dissimilarity,
        isolation=isolation,
        interaction=float(x @ (y / t) / all_x),
        eta_squared=float(eta_squared),
        gini=float(_differences(p, t) / (2 * all_t**2 * mean * (1 - mean))),
        entropy=float((t @ missing) / (all_t * _entropy(mean))),
        atkinson=float(1 - mean / (1 - mean) * even ** (1 / (1 - b))),
        dissimilarity_by_chance=expected,
        dissimilarity_corrected=_beyond(dissimilarity, expected),
        eta_squared_by_chance=float(expected_eta),
        eta_squared_corrected=_beyond(eta_squared, expected_eta),
    )


def exposure(group: ArrayLike, other: ArrayLike, total: ArrayLike) -> float:
    """
    Return the share of another group in the area of an average member of a group.

    Parameters
    ----------
    group, other, total : array of float, shape (m,)
        Persons of both groups, and all persons, in each area.

    Returns
    -------
    float
        From 0 to 1. With `other` the same as `group` it is the isolation.

    Raises
    ------
    ValueError
        Shapes differ, a count is below 0 or above its total, or the group is empty.

    Notes
    -----
    sum (x/X)(o/t) with x and o persons of the two groups and t of all in an area.

    References
    ----------
    Lieberson (1981), in Peach et al., Ethnic Segregation in Cities, 61-82.

    Examples
    --------
    >>> exposure([30, 10], [5, 20], [40, 40])
    0.21875
    """
    x, o, t = (np.asarray(a, dtype=float) for a in (group, other, total))
    if x.ndim != 1 or x.shape != o.shape or x.shape != t.shape:
        raise ValueError("group, other and total must be equally long")
    if not ((x >= 0) & (x <= t) & (o >= 0) & (o <= t)).all() or not x.sum():
        raise ValueError("counts must be 0 to their total, and the group not empty")
    share = np.divide(o, t, out=np.zeros_like(o), where=t > 0)
    return float(x @ share / x.sum())


def spatial_dissimilarity(
    group: ArrayLike, total: ArrayLike, focal: ArrayLike, neighbour: ArrayLike
) -> float:
    """
    Measure dissimilarity that people meet across the borders between areas.

    Parameters
    ----------
    group, total : array of float, shape (m,)
        Persons of the group, and all persons, in each area.
    focal, neighbour : array of int, shape (q,)
        Rows of areas that border each other, each pair both ways.

    Returns
    -------
    float
        The dissimilarity less the mean difference in share between neighbours: below
        the plain index, since a border between unlike areas is where they meet. It can
        fall below 0.

    Raises
    ------
    ValueError
        As `segregation`; or there are no neighbours.

    Notes
    -----
    D - mean of |p - p'| over pairs of neighbours, p being the share in an area. Pairs
    with an area without people are left out.

    References
    ----------
    Morrill (1991), Geography Research Forum 11, 25-36.

    Examples
    --------
    >>> spatial_dissimilarity([10, 0], [10, 10], [0, 1], [1, 0])
    0.0
    """
    plain = segregation(group, total).dissimilarity
    x, t = np.asarray(group, dtype=float), np.asarray(total, dtype=float)
    one, other = np.asarray(focal, dtype=int), np.asarray(neighbour, dtype=int)
    peopled = (t[one] > 0) & (t[other] > 0)
    if not peopled.any():
        raise ValueError("there are no neighbours with people")
    one, other = one[peopled], other[peopled]
    return plain - float(np.abs(x[one] / t[one] - x[other] / t[other]).mean())


def multigroup_segregation(counts: ArrayLike) -> MultigroupSegregation:
    """
    Measure how unevenly several groups live over the areas.

    Parameters
    ----------
    counts : array of float, shape (m, g)
        Persons of each group (columns) in each area (rows); together they are all
        people. Areas without people are left out.

    Returns
    -------
    MultigroupSegregation
        Indices that count all groups at once.

    Raises
    ------
    ValueError
        A count is below 0, or fewer than two groups have people.

    Notes
    -----
    With t persons in an area, T in all, p the share of a group in an area, P in all,
    and I = sum P (1 - P), E = -sum P log P, sums over areas and groups::

        dissimilarity       = sum t |p - P| / (2 T I)
        gini                = sum sum t t' |p - p'| / (2 T^2 I)
        information_theory  = sum t p log(p / P) / (T E)
        normalised_exposure = sum t (p - P)^2 / (T (1 - P))

    References
    ----------
    Reardon and Firebaugh (2002), Sociological Methodology 32, 33-67.

    Examples
    --------
    >>> apart = multigroup_segregation([[10, 0, 0], [0, 20, 0], [0, 0, 5]])
    >>> round(apart.dissimilarity, 6), round(apart.information_theory, 6)
    (1.0, 1.0)
    """
    x = np.asarray(counts, dtype=float)
    if x.ndim != 2 or not (x >= 0).all():
        raise ValueError("counts must be a table of numbers of 0 or more")
    x = x[x.sum(axis=1) > 0]
    t, all_t = x.sum(axis=1), x.sum()
    if (x.sum(axis=0) > 0).sum() < 2:
        raise ValueError("two groups or more must have people")
    p, mean = x / t[:, None], x.sum(axis=0) / all_t
    interaction = float((mean * (1 - mean)).sum())
    diversity = float(-_times_log(mean, mean).sum())
    differences = sum(_differences(column, t) for column in p.T)
    return MultigroupSegregation(
        shares=mean,
        dissimilarity=float((t @ np.abs(p - mean)).sum() / (2 * all_t * interaction)),
        gini=float(differences / (2 * all_t**2 * interaction)),
        information_theory=float(
            (t @ (_times_log(p, p) - _times_log(p, mean))).sum() / (all_t * diversity)
        ),
        normalised_exposure=float(((t @ (p - mean) ** 2) / (all_t * (1 - mean))).sum()),
        diversity=diversity,
        interaction=interaction,
    )


def _beyond(index: float, expected: float) -> float:
    """Return how far an index is beyond chance; unknown where chance can do all."""
    return float((index - expected) / (1 - expected)) if expected < 1 else float("nan")


def _entropy(p: ArrayLike) -> Floats:
    share = np.asarray(p, dtype=float)
    return -_times_log(share, share) - _times_log(1 - share, 1 - share)


def _times_log(a: Floats, b: Floats) -> Floats:
    """Return a log b, 0 where a is 0."""
    return a * np.log(np.where(a > 0, b, 1.0))


def _differences(p: Floats, t: Floats) -> float:
    """Return the sum of t t' |p - p'| over all pairs, each counted both ways."""
    order = np.argsort(p, kind="stable")
    p, t = p[order], t[order]
    people, members = np.cumsum(t) - t, np.cumsum(t * p) - t * p
    return float(2 * (t * (p * people - members)).sum())


def _expected_dissimilarity(t: Floats, all_x: float) -> float:
    """Return the mean dissimilarity if the persons were dealt out at random."""
    all_t = t.sum()
    most = np.minimum(t, all_x)
    k = np.minimum(np.floor(t * all_x / all_t) + 1, most)
    log_chance = (
        _log_choose(all_x, k)
        + _log_choose(all_t - all_x, t - k)
        - _log_choose(all_t, t)
    )
    apart = k * (all_t - all_x - t + k) / all_t * np.exp(log_chance)
    return float(all_t / (all_x * (all_t - all_x)) * apart.sum())


def _log_choose(n: Floats | float, k: Floats) -> Floats:
    choices = LOG_GAMMA(n + 1) - LOG_GAMMA(k + 1) - LOG_GAMMA(n - k + 1)
    return np.asarray(choices, dtype=float)
