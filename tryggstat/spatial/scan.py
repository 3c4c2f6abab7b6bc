"""
Kulldorff's scan statistics: where, and when, cases lie closer than chance explains.

Windows come from `scan_zones`. A model says how many cases to expect in each and how to
draw cases when there is no cluster; the rest is the same for all models.
"""

from __future__ import annotations

import heapq
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat import parallel
from tryggstat.spatial.scan_zones import Floats, Whole, Zones

LEAST = 2.0  # cases in a cluster, as in SaTScan
LANES = 32  # replicates side by side in the kernel
EULER = 0.5772156649015329

Draw = Literal["multinomial", "hypergeometric", "permutation"]


@dataclass(frozen=True)
class Cluster:
    """
    A window with more cases than expected.

    `first` and `last` are the time steps of a space-time cluster, else 0. `radius` is
    the short half axis of an ellipse.
    """

    members: Whole  # areas, by distance from the centre
    centre: int  # the area around which the window lies
    radius: float
    shape: float
    angle: float
    first: int
    last: int
    cases: float
    expected: float
    relative_risk: float
    llr: float
    p: float | None
    p_gumbel: float | None

    @property
    def recurrence(self) -> float | None:
        """Return how many analyses bring one such cluster by chance, on average."""
        return None if self.p is None else 1 / self.p


@dataclass(frozen=True)
class Scan:
    """Clusters without overlap, most likely first, and what chance brought."""

    clusters: tuple[Cluster, ...]
    maxima: Floats  # the largest statistic of each replicate


@dataclass(frozen=True)
class _Model:
    """What to expect in each place and time step, and how chance would spread it."""

    counts: Floats  # (places, times)
    expected: Floats
    draw: Draw
    units: Whole  # persons of each place, or the place and time of each case
    controls: float
    windows: NDArray[np.int64]  # first and last step of each


def scan_poisson(
    cases: ArrayLike,
    population: ArrayLike,
    zones: Zones,
    *,
    replicates: int = 999,
    seed: int = 1,
    pool: Executor | None = None,
) -> Scan:
    """
    Find where more cases lie than the population explains.

    Parameters
    ----------
    cases : array, shape (n_areas,)
        Cases in each area.
    population : array, shape (n_areas,)
        People at risk, or the cases expected after adjustment for age or other
        covariates (see `standardised_ratios`): only their proportions count.
    zones : Zones
        From `circles` or `ellipses`.
    replicates : int, default 999
        Draws without any cluster; 0 for no p.
    seed : int, default 1
        Replicate r is drawn from (seed, r) and nothing else.
    pool : concurrent.futures.Executor, optional
        Threads, processes or a cluster; the same figures.

    Returns
    -------
    Scan
        Clusters in order of likelihood.

    Raises
    ------
    ValueError
        Lengths differ, a number is negative or not finite, or there are cases where
        nobody is at risk.

    Notes
    -----
    With c of C cases in a window where e are expected, its log-likelihood ratio is
    c ln(c / e) + (C - c) ln((C - c) / (C - e)), where c > e and c >= 2. Ellipses with
    axes s to 1 are multiplied by sqrt(4 s / (s + 1)^2). p is the rank among the largest
    ratios of the replicates, in each of which C cases (rounded) are spread in
    proportion to e; `p_gumbel` comes from a Gumbel distribution with their mean and
    standard deviation, and is meant for small p. Relative risk: inside by outside.

    References
    ----------
    Kulldorff (1997), A spatial scan statistic. Communications in Statistics: Theory
    and Methods 26(6). Abrams, Kulldorff and Kleinman (2010), Gumbel based p-value
    approximations for spatial scan statistics. International Journal of Health
    Geographics 9:61.

    Examples
    --------
    >>> from tryggstat.spatial.scan_zones import circles
    >>> x, people = [0, 1, 2, 3, 4], [100] * 5
    >>> zones = circles(x, [0] * 5, people)
    >>> best = scan_poisson([9, 9, 1, 0, 1], people, zones, replicates=99).clusters[0]
    >>> best.members.tolist(), best.cases, best.expected, round(best.llr, 3)
    ([0, 1], 18.0, 8.0, 11.013)
    """
    counts, people = _pair(cases, population, zones, "population")
    if (counts[people == 0] > 0).any():
        raise ValueError("there are cases where nobody is at risk")
    model = _Model(
        counts=counts,
        expected=people * (counts.sum() / people.sum()),
        draw="multinomial",
        units=np.empty(0, dtype=np.intp),
        controls=np.inf,
        windows=np.zeros((1, 2), dtype=np.int64),
    )
    return _scan(model, zones, replicates, seed, pool)


def scan_bernoulli(
    cases: ArrayLike,
    controls: ArrayLike,
    zones: Zones,
    *,
    replicates: int = 999,
    seed: int = 1,
    pool: Executor | None = None,
) -> Scan:
    """
    Find where the share of cases among cases and controls is higher than elsewhere.

    Parameters
    ----------
    cases, controls : array of int, shape (n_areas,)
        In each area: how many have it, and how many have not.
    zones : Zones
        Made with cases and controls together as the population.
    replicates, seed, pool
        As for `scan_poisson`.

    Returns
    -------
    Scan
        Clusters in order of likelihood.

    Raises
    ------
    ValueError
        Lengths differ, or a number is negative or not whole.

    Notes
    -----
    The log-likelihood ratio is that of cases plus the same expression of controls. In
    a replicate, C of all persons are drawn as cases, without replacement.

    References
    ----------
    Kulldorff and Nagarwalla (1995), Spatial disease clusters: detection and inference.
    Statistics in Medicine 14(8).

    Examples
    --------
    >>> from tryggstat.spatial.scan_zones import circles
    >>> zones = circles(range(5), [0] * 5, [10] * 5)
    >>> best = scan_bernoulli([9, 9, 1, 0, 1], [1, 1, 9, 10, 9], zones).clusters[0]
    >>> best.members.tolist(), best.expected, round(best.llr, 3), best.p
    ([0, 1], 8.0, 19.801, 0.001)
    """
    counts, others = _pair(cases, controls, zones, "controls")
    if (counts % 1).any() or (others % 1).any():
        raise ValueError("cases and controls must be whole numbers")
    persons = counts + others
    model = _Model(
        counts=counts,
        expected=persons * (counts.sum() / persons.sum()),
        draw="hypergeometric",
        units=persons.ravel().astype(np.intp),
        controls=float(others.sum()),
        windows=np.zeros((1, 2), dtype=np.int64),
    )
    return _scan(model, zones, replicates, seed, pool)


def scan_space_time(
    cases: ArrayLike,
    zones: Zones,
    *,
    population: ArrayLike | None = None,
    max_duration: int | None = None,
    prospective: bool = False,
    replicates: int = 999,
    seed: int = 1,
    pool: Executor | None = None,
) -> Scan:
    """
    Find where and when cases lie closer than expected: cylinders over place and time.

    Parameters
    ----------
    cases : array, shape (n_areas, n_times)
        Cases in each area and time step.
    zones : Zones
        From `circles` or `ellipses`. Without a population, make them with the cases of
        each area as the population.
    population : array, shape (n_areas,) or (n_areas, n_times), optional
        People at risk (or expected cases): the space-time Poisson model. Left out: the
        space-time permutation model, which needs cases alone.
    max_duration : int, optional
        The largest number of time steps in a window; half of all by default.
    prospective : bool, default False
        Only windows that reach the last time step, for surveillance.
    replicates, seed, pool
        As for `scan_poisson`.

    Returns
    -------
    Scan
        Clusters in order of likelihood, without overlap on the map.

    Raises
    ------
    ValueError
        Shapes do not fit, a number is negative or not finite, cases are not whole
        numbers where they are permuted, or there are cases where nobody is at risk.

    Notes
    -----
    The ratio is that of `scan_poisson`. In the permutation model a window's expected
    cases are (cases of its areas) x (cases of its times) / C, and a replicate shuffles
    the times of the cases among their places: what is common all the time in a place,
    or everywhere at a time, is no cluster.

    References
    ----------
    Kulldorff, Heffernan, Hartman, Assuncao and Mostashari (2005), A space-time
    permutation scan statistic for disease outbreak detection. PLoS Medicine 2(3).
    Kulldorff (2001), Prospective time periodic geographical disease surveillance using
    a scan statistic. Journal of the Royal Statistical Society A 164(1).

    Examples
    --------
    >>> from tryggstat.spatial.scan_zones import circles
    >>> cases = np.ones((8, 6))
    >>> cases[0, 4:] = 6
    >>> zones = circles(range(8), [0] * 8, cases.sum(axis=1))
    >>> best = scan_space_time(cases, zones, replicates=99).clusters[0]
    >>> best.members.tolist(), best.first, best.last, best.cases
    ([0], 4, 5, 12.0)
    """
    given = np.asarray(cases, float)
    if given.ndim != 2 or not given.shape[1]:
        raise ValueError("cases must have a row for each area, a column for each time")
    everyone = np.ones_like(given)
    if population is not None:
        people = np.asarray(population, float)
        everyone *= people[:, None] if people.ndim == 1 else people
    counts, at_risk = _pair(given, everyone, zones, "population")
    if (counts[at_risk == 0] > 0).any():
        raise ValueError("there are cases where nobody is at risk")
    steps, total = counts.shape[1], counts.sum()
    longest = max(1, steps // 2) if max_duration is None else max_duration
    if longest < 1:
        raise ValueError("max_duration must be at least 1")
    units = np.empty(0, dtype=np.intp)
    if population is None:
        if (counts % 1).any():
            raise ValueError("cases must be whole numbers")
        expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / total
        units = np.repeat(np.arange(counts.size), counts.ravel().astype(np.intp))
    else:
        expected = at_risk * (total / at_risk.sum())
    model = _Model(
        counts=counts,
        expected=expected,
        draw="multinomial" if population is not None else "permutation",
        units=units,
        controls=np.inf,
        windows=np.array(
            [
                (a, b)
                for b in ([steps - 1] if prospective else range(steps))
                for a in range(max(0, b - longest + 1), b + 1)
            ],
            dtype=np.int64,
        ),
    )
    return _scan(model, zones, replicates, seed, pool)


def _pair(
    one: ArrayLike, other: ArrayLike, zones: Zones, name: str
) -> tuple[Floats, Floats]:
    """Return two columns summed over the areas of each place, after checks."""
    columns = [np.asarray(one, float), np.asarray(other, float)]
    for column, what in zip(columns, ("cases", name), strict=True):
        if column.shape[:1] != zones.place.shape or column.shape != columns[0].shape:
            raise ValueError(f"{what} must have a number for each area of the zones")
        if not np.isfinite(column).all() or (column < 0).any():
            raise ValueError(f"{what} must be finite and 0 or more")
        if not column.sum() > 0:
            raise ValueError(f"{what} are 0 everywhere")
    sums = []
    for column in columns:
        by_area = column.reshape(len(column), -1)
        by_place = np.zeros((len(zones.points), by_area.shape[1]))
        np.add.at(by_place, zones.place, by_area)
        sums.append(by_place)
    return sums[0], sums[1]


def _scan(
    model: _Model, zones: Zones, replicates: int, seed: int, pool: Executor | None
) -> Scan:
    penalty = np.sqrt(4 * zones.shape) / (zones.shape + 1)
    found = _clusters(model, zones, penalty)
    work = partial(_maxima, model=model, zones=zones, penalty=penalty, seed=seed)
    drawn = (
        parallel.replicates(work, replicates, pool=pool) if replicates else np.empty(0)
    )
    return Scan(
        tuple(_described(model, zones, drawn, *cluster) for cluster in found), drawn
    )


def _clusters(
    model: _Model, zones: Zones, penalty: Floats
) -> list[tuple[float, int, int, int]]:
    """
    Return statistic, list, size and time window of clusters that share no place.

    Places that are taken can only make a list's best window less likely, so a list is
    looked at again only when its turn has come.
    """
    from tryggstat.spatial import _scan_kernels

    used = np.zeros(len(zones.points), dtype=bool)
    counts, expected = model.counts.cumsum(axis=1), model.expected.cumsum(axis=1)

    def turn(z: int) -> tuple[float, int, int, int, float]:
        members = zones.member[zones.start[z] : zones.start[z + 1]]
        ratio, size, window = _scan_kernels.best_window(
            counts, expected, members, model.windows, used, model.controls, LEAST
        )
        statistic = float(ratio * penalty[z])
        return -round(statistic, 9), z, size, window, statistic

    queue = [turn(z) for z in range(len(zones.centre))]
    heapq.heapify(queue)
    found = []
    while queue:
        _, z, size, window, statistic = heapq.heappop(queue)
        if not size:
            continue
        members = zones.member[zones.start[z] : zones.start[z] + size]
        if used[members].any():
            heapq.heappush(queue, turn(z))
        else:
            used[members] = True
            found.append((statistic, z, size, window))
    return found


def _described(
    model: _Model,
    zones: Zones,
    drawn: Floats,
    statistic: float,
    zone: int,
    size: int,
    window: int,
) -> Cluster:
    places = zones.member[zones.start[zone] : zones.start[zone] + size]
    first, last = (int(step) for step in model.windows[window])
    part = np.ix_(places, np.arange(first, last + 1))
    total = model.counts.sum()
    c, e = float(model.counts[part].sum()), float(model.expected[part].sum())
    areas = np.argsort(zones.place, kind="stable")
    ends = np.searchsorted(zones.place[areas], [places, places + 1])
    p = p_gumbel = None
    if drawn.size:
        p = float((1 + (drawn >= statistic * (1 - 1e-9)).sum()) / (drawn.size + 1))
        p_gumbel = _gumbel(statistic, drawn)
    return Cluster(
        members=np.concatenate([areas[a:b] for a, b in ends.T]),
        centre=int(areas[np.searchsorted(zones.place[areas], zones.centre[zone])]),
        radius=zones.radius(zone, size),
        shape=float(zones.shape[zone]),
        angle=float(zones.angle[zone]),
        first=first,
        last=last,
        cases=c,
        expected=e,
        relative_risk=np.inf if c >= total else c / e / ((total - c) / (total - e)),
        llr=statistic,
        p=p,
        p_gumbel=p_gumbel,
    )


def _gumbel(statistic: float, drawn: Floats) -> float | None:
    """Return the chance of as much, by a Gumbel distribution fitted by moments."""
    if drawn.size < 2 or drawn.std(ddof=1) == 0:
        return None
    scale = drawn.std(ddof=1) * np.sqrt(6) / np.pi
    location = drawn.mean() - EULER * scale
    return float(-np.expm1(-np.exp(-(statistic - location) / scale)))


def _maxima(
    numbers: range, model: _Model, zones: Zones, penalty: Floats, seed: int
) -> Floats:
    """Return the largest statistic of each replicate."""
    from tryggstat.spatial import _scan_kernels

    cases = np.rint(model.counts.sum())
    expected = model.expected * (cases / model.expected.sum())
    arguments = (
        expected.cumsum(axis=1),
        zones.start,
        zones.member,
        penalty,
        model.windows,
        cases,
        model.controls,
        LEAST,
    )
    results = []
    for begin in range(0, len(numbers), LANES):
        part = numbers[begin : begin + LANES]
        counts = np.zeros((*model.counts.shape, LANES), dtype=np.float32)
        for lane, stream in enumerate(parallel.streams(seed, part)):
            counts[:, :, lane] = _drawn(stream, model, expected).cumsum(axis=1)
        results.append(_scan_kernels.maxima(counts, *arguments)[: len(part)])
    return np.concatenate(results)


def _drawn(stream: np.random.Generator, model: _Model, expected: Floats) -> Floats:
    """Return cases of each place and time step as chance would spread them."""
    if model.draw == "permutation":
        place, time = np.divmod(model.units, expected.shape[1])
        shuffled = place * expected.shape[1] + stream.permutation(time)
        spread = np.bincount(shuffled, minlength=expected.size)
    else:
        cases = int(np.rint(model.counts.sum()))
        if model.draw == "hypergeometric":
            spread = stream.multivariate_hypergeometric(model.units, cases)
        else:
            spread = stream.multinomial(cases, expected.ravel() / expected.sum())
    return np.asarray(spread.reshape(expected.shape), float)


def log_likelihood_ratio_plain(
    c: Floats, e: Floats, cases: float, controls: float = np.inf
) -> Floats:
    """Return the log-likelihood ratio of windows; the reference of the kernel."""
    from scipy.special import xlogy

    ratio = xlogy(c, c / e) + xlogy(cases - c, (cases - c) / (cases - e))
    if controls < np.inf:
        f = e * controls / cases
        d = np.maximum(f + e - c, 0)
        ratio += xlogy(d, d / f)
        ratio += xlogy(controls - d, (controls - d) / (controls - f))
    return np.asarray(ratio)


def maxima_plain(
    counts: NDArray[np.float32],
    expected: Floats,
    start: NDArray[np.int64],
    member: NDArray[np.int32],
    penalty: Floats,
    windows: NDArray[np.int64],
    cases: float,
    controls: float,
    least: float,
) -> Floats:
    """
    Return the largest statistic over all windows in each lane; the kernel's reference.

    `counts` (places, times, lanes) and `expected` (places, times) are summed over time.
    """
    best = np.zeros(counts.shape[2])
    for z in range(len(start) - 1):
        members = member[start[z] : start[z + 1]]
        c_sum = counts[members].astype(float).cumsum(axis=0)
        e_sum = expected[members].cumsum(axis=0)
        for a, b in windows:
            c = c_sum[:, b] - (c_sum[:, a - 1] if a else 0)
            e = (e_sum[:, b] - (e_sum[:, a - 1] if a else 0))[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = log_likelihood_ratio_plain(c, e, cases, controls)
            good = (c > e) & (c >= least) & (e > 0) & (e < cases)
            ratio = np.where(good, penalty[z] * ratio, 0)
            best = np.maximum(best, ratio.max(axis=0, initial=0))
    return best
