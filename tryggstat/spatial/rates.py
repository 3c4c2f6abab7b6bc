"""Rates of events by area: crude, smoothed, standardised, and how sure they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.spatial.neighbours import Neighbours

Floats = NDArray[np.float64]
Interval = Literal["exact", "mid-p"]


@dataclass(frozen=True, eq=False)
class Rates:
    """
    A rate or ratio for each area, with its interval.

    Attributes
    ----------
    value, low, high : array of float, shape (n,)
        Events per person (or per unit of whatever was given), or observed per expected.
    events, base : array of float, shape (n,)
        What the value is a quotient of: events, and persons or expected events.
    """

    value: Floats
    low: Floats
    high: Floats
    events: Floats
    base: Floats


def poisson_interval(
    events: ArrayLike, *, method: Interval = "exact", confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """
    Give the interval for the mean of a count.

    Parameters
    ----------
    events : array of int, shape (n,)
        Counts, 0 or more.
    method : {"exact", "mid-p"}
        Exact: covers at least as often as promised, mostly more often. Mid-p: covers as
        promised on average, and is shorter.
    confidence : float between 0 and 1, default 0.95
        How often it covers. Each side leaves out half of the rest; for a count of 0 the
        lower limit is 0.

    Returns
    -------
    low, high : array of float, shape (n,)

    Raises
    ------
    ValueError
        A count is negative or not whole, or the confidence or method is unknown.

    Notes
    -----
    With a = (1 - confidence) / 2 the limits solve, for a count x::

        exact   P(X >= x; low) = a                        P(X <= x; high) = a
        mid-p   P(X > x; low) + P(X = x; low) / 2 = a     the same for high, with X < x

    The exact ones are quantiles of gamma distributions (Garwood 1936).

    References
    ----------
    Garwood (1936), Biometrika 28, 437-442.
    Cohen and Yang (1994), Statistics in Medicine 13, 2189-2203.

    Examples
    --------
    >>> low, high = poisson_interval([0, 10])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 4.795], [3.689, 18.39])
    """
    from scipy.special import gammainc, gammaincc, gammainccinv, gammaincinv

    x = np.asarray(events, dtype=float)
    _check_confidence(confidence)
    if not ((x >= 0) & (x == np.floor(x)) & np.isfinite(x)).all():
        raise ValueError("events must be whole numbers, 0 or more")
    a = (1 - confidence) / 2
    some = np.maximum(x, 1)
    low = np.where(x > 0, np.asarray(gammaincinv(some, a), dtype=float), 0)
    high = np.asarray(gammainccinv(x + 1, a), dtype=float)
    if method == "exact":
        return low, high
    if method != "mid-p":
        raise ValueError(f"method must be exact or mid-p, got {method!r}")

    def at_least(mean: Floats) -> Floats:  # P(X > x) + P(X = x) / 2, rising
        return np.asarray((gammainc(some, mean) + gammainc(x + 1, mean)) / 2)

    def at_most(mean: Floats) -> Floats:  # falling
        below = np.where(x > 0, gammaincc(some, mean), 0)
        return np.asarray((below + gammaincc(x + 1, mean)) / 2)

    lower = _halved(lambda mean: at_least(mean) < a, low, np.maximum(x, low))
    upper = _halved(lambda mean: at_most(mean) > a, x, high)
    return np.where(x > 0, lower, 0), upper


def _halved(
    is_below: Callable[[Floats], NDArray[np.bool_]], low: Floats, high: Floats
) -> Floats:
    """Return where a claim that holds at low and not at high ceases to hold."""
    for _ in range(60):
        middle = (low + high) / 2
        below = is_below(middle)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def crude_rates(
    events: ArrayLike,
    persons: ArrayLike,
    *,
    method: Interval = "exact",
    confidence: float = 0.95,
) -> Rates:
    """
    Divide events by persons, with the interval of the count.

    Parameters
    ----------
    events : array of int, shape (n,)
        Events in each area.
    persons : array of float, shape (n,)
        Persons, or person-years, above 0.
    method, confidence
        As in `poisson_interval`.

    Returns
    -------
    Rates
        Events per person.

    Raises
    ------
    ValueError
        As in `poisson_interval`; or lengths differ or an area has nobody.

    Notes
    -----
    The events are taken to be Poisson: independent of one another. Repeated events
    that hit the same persons or places vary more, and the interval is then too short.

    References
    ----------
    Breslow and Day (1987), Statistical Methods in Cancer Research II, chapter 2. IARC.

    Examples
    --------
    >>> rates = crude_rates([10], [1000])
    >>> f"{rates.value[0]:.3f} ({rates.low[0]:.4f} to {rates.high[0]:.4f})"
    '0.010 (0.0048 to 0.0184)'
    """
    x, base = _counts(events, persons, "persons")
    low, high = poisson_interval(x, method=method, confidence=confidence)
    return Rates(x / base, low / base, high / base, x, base)


def standardised_ratios(
    events: ArrayLike,
    persons: ArrayLike,
    reference: ArrayLike | None = None,
    *,
    method: Interval = "exact",
    confidence: float = 0.95,
) -> Rates:
    """
    Compare each area's events with those it would have at the reference's rates.

    Parameters
    ----------
    events : array of int, shape (n,) or (n, strata)
        Events in each area, by stratum (such as sex and age) where they are known so.
    persons : array of float, shape (n, strata)
        Persons in each area and stratum, 0 or more.
    reference : array of float, shape (strata,), optional
        Events per person in each stratum of the reference. Left out, all areas together
        are the reference; that needs events by stratum.
    method, confidence
        As in `poisson_interval`; the reference's rates are taken as known.

    Returns
    -------
    Rates
        Observed per expected events (1 = as the reference), `base` the expected.

    Raises
    ------
    ValueError
        As in `poisson_interval`; or shapes do not fit, there is no reference, or an
        area expects no event.

    Notes
    -----
    Indirect standardisation: expected_i = sum over strata of rate_s persons_is. The
    ratios compare each area with the reference; two areas with different populations
    are, strictly, not compared with each other.

    References
    ----------
    Breslow and Day (1987), Statistical Methods in Cancer Research II, chapter 2. IARC.

    Examples
    --------
    Young and old; the area expects 1000 x 0.01 + 500 x 0.004 = 12 events:

    >>> ratio = standardised_ratios([18], [[1000, 500]], [0.01, 0.004])
    >>> float(ratio.base[0]), float(ratio.value[0])
    (12.0, 1.5)
    """
    x, people = np.asarray(events, dtype=float), np.asarray(persons, dtype=float)
    if people.ndim != 2 or x.shape not in (people.shape, people.shape[:1]):
        raise ValueError(
            "persons must have a row for each area and a column for each stratum, and "
            f"events the same or one for each area, got {people.shape} and {x.shape}"
        )
    if not ((people >= 0) & np.isfinite(people)).all():
        raise ValueError("persons must be 0 or more")
    if reference is None:
        if x.ndim == 1 and people.shape[1] > 1:
            raise ValueError("give the reference's rates, or events by stratum")
        everyone = people.sum(axis=0)
        happened = x.reshape(people.shape).sum(axis=0)
        rate = happened / np.where(everyone > 0, everyone, 1)
    else:
        rate = np.asarray(reference, dtype=float)
        if rate.shape != people.shape[1:] or not (rate >= 0).all():
            raise ValueError("reference must have one rate, 0 or more, per stratum")
    total, expected = _counts(
        x if x.ndim == 1 else x.sum(axis=1), people @ rate, "expected events"
    )
    low, high = poisson_interval(total, method=method, confidence=confidence)
    return Rates(total / expected, low / expected, high / expected, total, expected)


def funnel_limits(
    expected: ArrayLike, *, confidence: float = 0.998
) -> tuple[Floats, Floats]:
    """
    Give the limits between which chance alone keeps a ratio of observed to expected.

    Parameters
    ----------
    expected : array of float, shape (n,)
        Expected events, above 0.
    confidence : float between 0 and 1, default 0.998
        How often chance keeps within the limits; 0.95 and 0.998 are usually drawn.

    Returns
    -------
    low, high : array of float, shape (n,)
        Limits of the ratio, around the target 1.

    Raises
    ------
    ValueError
        An expected number is not above 0, or the confidence is out of range.

    Notes
    -----
    For X Poisson with mean e and a probability p, r is the smallest count with
    P(X <= r) > p, and the limit is interpolated so that it runs smoothly with e::

        limit = (r - s) / e      s = (P(X <= r) - p) / P(X = r)

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24, 1185-1202, appendix A.1.1.

    Examples
    --------
    >>> low, high = funnel_limits([10, 1000], confidence=0.95)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.38, 0.94], [1.62, 1.06])
    """
    from scipy.special import gammaincc, gammaln, pdtrik, xlogy

    e = np.asarray(expected, dtype=float)
    _check_confidence(confidence)
    if not ((e > 0) & np.isfinite(e)).all():
        raise ValueError("expected events must be above 0")
    limits = []
    for p in ((1 - confidence) / 2, (1 + confidence) / 2):
        r = np.ceil(np.maximum(pdtrik(p, e), 0))  # one off by rounding: same limit
        chance = np.exp(xlogy(r, e) - e - gammaln(r + 1))
        limits.append(np.maximum(r - (gammaincc(r + 1, e) - p) / chance, 0) / e)
    return limits[0], limits[1]


def smooth_rates_locally(
    events: ArrayLike, persons: ArrayLike, neighbours: Neighbours
) -> Floats:
    """
    Pull each area's rate towards the common rate of its surroundings.

    For the whole map's common rate use `tryggstat.survey.smooth_rates`.

    Parameters
    ----------
    events : array of int, shape (n,)
        Events in each area, 0 or more.
    persons : array of float, shape (n,)
        Persons in each area, above 0.
    neighbours : Neighbours
        The surroundings, besides the area itself; weights play no part. An island keeps
        its own rate.

    Returns
    -------
    array of float, shape (n,)
        Smoothed events per person.

    Raises
    ------
    ValueError
        Lengths differ or a number is out of range.

    Notes
    -----
    Empirical Bayes by moments within each area and its neighbours N. With r the rates,
    P persons and m_j the common rate of the surroundings of j::

        A_i = sum_N(P_j (r_j - m_j)^2) / sum_N(P_j) - m_i / mean_N(P)    at least 0
        result = m_i + (r_i - m_i) A_i / (A_i + m_i / P_i)

    Each neighbour is compared with its own surroundings, as in Bailey and Gatrell and
    the `EBlocal` of R spdep; some programs compare it with those of i.

    References
    ----------
    Marshall (1991), Applied Statistics 40(2), 283-294.
    Bailey and Gatrell (1995), Interactive Spatial Data Analysis, pp. 303-308. Longman.

    Examples
    --------
    >>> from tryggstat.spatial import neighbour_pairs
    >>> pair = neighbour_pairs([0, 1], [1, 0], 2)  # as the whole map
    >>> smooth_rates_locally([2, 10], [100, 100], pair).round(6).tolist()
    [0.035, 0.085]
    """
    x, people = _counts(events, persons, "persons")
    if neighbours.size != x.size:
        raise ValueError(f"{x.size} areas, but neighbours of {neighbours.size}")
    nearby = neighbours.with_self()

    def around(values: Floats) -> Floats:
        return nearby.add_up(values[nearby.neighbour])

    rate, together = x / people, around(people)
    common = around(x) / together
    spread = around(people * (rate - common) ** 2) / together
    spread = np.maximum(spread - common * nearby.counts / together, 0)
    chance = spread + common / people
    share = spread / np.where(chance > 0, chance, 1)
    return np.asarray(common + (rate - common) * share)


def standardised_rates(events: ArrayLike, persons: ArrayLike) -> Floats:
    """
    Give each rate's distance from the common rate in its own standard deviations.

    Areas with few persons have rates that vary more; these deviations vary alike, so
    that Moran's I and its kin may be used on them.

    Parameters
    ----------
    events : array of int, shape (n,)
        Events in each area, 0 or more.
    persons : array of float, shape (n,)
        Persons in each area, above 0.

    Returns
    -------
    array of float, shape (n,)

    Raises
    ------
    ValueError
        Lengths differ, a number is out of range, or there are no events at all.

    Notes
    -----
    With r, m, P and A (at least 0) as in `smooth_rates`::

        z = (r - m) / sqrt(A + m / P)

    References
    ----------
    Assuncao and Reis (1999), Statistics in Medicine 18, 2147-2162.

    Examples
    --------
    m = 0.06, A = 0.001, so the variance is 0.001 + 0.06 / 100 = 0.0016 in both:

    >>> standardised_rates([2, 10], [100, 100]).round(6).tolist()
    [-1.0, 1.0]
    """
    x, people = _counts(events, persons, "persons")
    common = x.sum() / people.sum()
    if common == 0:
        raise ValueError("there are no events")
    rate = x / people
    spread = np.average((rate - common) ** 2, weights=people) - common / people.mean()
    return np.asarray((rate - common) / np.sqrt(max(spread, 0.0) + common / people))


def _counts(events: ArrayLike, base: ArrayLike, what: str) -> tuple[Floats, Floats]:
    x, below = np.asarray(events, dtype=float), np.asarray(base, dtype=float)
    if x.shape != below.shape or x.ndim != 1:
        raise ValueError(
            f"events and {what} must be equally long, got {x.shape} and {below.shape}"
        )
    if not ((x >= 0) & np.isfinite(x)).all():
        raise ValueError("events must be 0 or more")
    if not ((below > 0) & np.isfinite(below)).all():
        raise ValueError(f"{what} must be above 0 in every area")
    return x, below


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
