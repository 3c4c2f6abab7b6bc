"""
What chance alone would give: values shuffled over the map.

Draw number r comes from (seed, r) and nothing else, so one core, many or a cluster give
the same figures. The kernels stand in `_permutation_kernels`, with the plain references
here beside them; numba is imported only when something is shuffled.
"""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat import parallel
from tryggstat.spatial.neighbours import Floats, Neighbours, Whole
from tryggstat.survey.replicates import MIXERS, _mix

Alternative = Literal["greater", "less", "two-sided"]
Words = NDArray[np.uint64]
Counts = NDArray[np.int64]

DRAWS = 1000  # of the shared pool in one piece of work
AREAS = 64  # with draws of their own, in one piece of work
SEPARATE = 1 << 32  # their streams are numbered from here
TIE = 1e-10  # of the largest value: sums closer than this are taken as equal


def stream_starts(seed: int, numbers: ArrayLike) -> Words:
    """Return where the draws of each number begin."""
    key = _mix(np.array([seed], dtype=np.uint64))
    return np.asarray(_mix(key + np.asarray(numbers, dtype=np.uint64)))


def shuffled_products(
    values: Floats,
    neighbours: Neighbours,
    permutations: int,
    seed: int,
    pool: Executor | None,
    fixed: Floats | None = None,
) -> Floats:
    """
    Shuffle values over all areas; return sum(w x_i x_j) and sum(d_i x_i^2) of each.

    d is an area's weights both ways. With `fixed`, x_i of the former is fixed[i], and
    only x_j is shuffled.
    """
    if not permutations:
        return np.empty((0, 2))
    columns = np.bincount(neighbours.neighbour, neighbours.weight, values.size)
    work = partial(
        _products,
        seed=seed,
        values=values,
        fixed=values if fixed is None else fixed,
        both=fixed is None,
        degree=neighbours.row_sums + columns,
        start=neighbours.start,
        neighbour=neighbours.neighbour,
        weight=neighbours.weight,
    )
    return parallel.replicates(work, permutations, pool=pool)


def _products(
    numbers: range,
    seed: int,
    values: Floats,
    fixed: Floats,
    both: bool,
    degree: Floats,
    start: Whole,
    neighbour: Whole,
    weight: Floats,
) -> Floats:
    from tryggstat.spatial import _permutation_kernels

    result: Floats = _permutation_kernels.products(
        stream_starts(seed, numbers),
        values, fixed, both, degree, start, neighbour, weight,
    )  # fmt: skip
    return result


def products_plain(
    streams: Words,
    values: Floats,
    fixed: Floats,
    both: bool,
    degree: Floats,
    start: Whole,
    neighbour: Whole,
    weight: Floats,
) -> Floats:
    """Shuffle from each stream by Fisher and Yates, and add up over the neighbours."""
    focal = np.repeat(np.arange(values.size), np.diff(start))
    rows = []
    for stream in streams:
        s, draws = values.copy(), _Draws(stream)
        for i in range(s.size - 1, 0, -1):
            j = draws.below(i + 1)
            s[i], s[j] = s[j], s[i]
        lag = np.bincount(focal, weight * s[neighbour], s.size)
        rows.append([lag @ (s if both else fixed), degree @ s**2])
    return np.array(rows)


def conditional_counts(
    values: Floats,
    neighbours: Neighbours,
    permutations: int,
    seed: int,
    pool: Executor | None,
    *,
    squared: bool = False,
    stop_at: float | None = None,
) -> Counts:
    """
    Count, area by area, how often other neighbours' values reach the observed sum.

    The area's own value stays and its neighbours are drawn from all others without
    replacement. The sum is of w x_j, or of w (x_i - x_j)^2 when `squared`.

    Returns an array of shape (n, 3): draws at or above the observed, draws at or below
    it, and draws. `stop_at` ends the draws of an area with unequal weights or squares
    once both counts have passed that share of all, so that its p can only be larger.

    Where an area's neighbours weigh the same, only how many there are matters, and one
    pool of draws serves all areas: the first k of a shuffled map, for each k at once.
    An area that is itself among its k gets the next one of the shuffle instead, which
    makes these k a random choice from the others.
    """
    n = values.size
    has = neighbours.counts > 0
    starts = neighbours.start[:-1][has]
    pooled = np.zeros(n, dtype=bool)
    if starts.size and not squared:
        extremes = (f.reduceat(neighbours.weight, starts) for f in (np.fmin, np.fmax))
        pooled[has] = np.equal(*extremes)
    scale = max(float(np.abs(values).max()), np.finfo(float).tiny)
    x = values / scale
    result = np.zeros((n, 3), dtype=np.int64)
    if permutations and pooled.any():
        counts = np.where(pooled, neighbours.counts, 0)
        sums = neighbours.add_up(x[neighbours.neighbour])
        order = np.lexsort((sums, counts))[n - int(pooled.sum()) :]
        sizes, first = np.unique(counts[order], return_index=True)
        work = partial(
            _pooled,
            total=permutations,
            seed=seed,
            values=x,
            counts=counts,
            observed=sums,
            slack=TIE,
            sizes=sizes,
            group=np.append(first, order.size),
            order=order,
        )
        blocks = range(-(-permutations // DRAWS))
        result[:, :2] = sum((pool.map if pool else map)(work, blocks))
        result[pooled, 2] = permutations
    apart = np.flatnonzero(has & ~pooled)
    if permutations and apart.size:
        if squared:
            ends = x[neighbours.focal] - x[neighbours.neighbour]
            observed = neighbours.add_up(neighbours.weight * ends**2)
        else:
            observed = neighbours.lag(x)
        enough = permutations if stop_at is None else int(stop_at * (permutations + 1))
        separate = partial(
            _separate,
            seed=seed,
            draws=permutations,
            enough=enough,
            values=x,
            squared=squared,
            observed=observed,
            slack=TIE * float(neighbours.weight.max()),
            start=neighbours.start,
            weight=neighbours.weight,
        )
        pieces = [apart[a : a + AREAS] for a in range(0, apart.size, AREAS)]
        found = list((pool.map if pool else map)(separate, pieces))
        result[apart] = np.concatenate(found)
    return result


def _pooled(
    block: int,
    total: int,
    seed: int,
    values: Floats,
    counts: Whole,
    observed: Floats,
    slack: float,
    sizes: Whole,
    group: Whole,
    order: Whole,
) -> Counts:
    from tryggstat.spatial import _permutation_kernels

    result: Counts = _permutation_kernels.pooled_counts(
        stream_starts(seed, [block])[0],
        min(DRAWS, total - block * DRAWS),
        values, counts, observed, slack, sizes, group, order,
    )  # fmt: skip
    return result


def pooled_counts_plain(
    stream: np.uint64,
    draws: int,
    values: Floats,
    counts: Whole,
    observed: Floats,
    slack: float,
    sizes: Whole,
    group: Whole,
    order: Whole,
) -> Counts:
    """Go through the draws and the areas one by one, without the kernel's order."""
    place, words = list(range(values.size)), _Draws(stream)
    result = np.zeros((values.size, 2), dtype=np.int64)
    for _ in range(draws):
        for t in range(sizes[-1] + 1):
            j = t + words.below(values.size - t)
            place[t], place[j] = place[j], place[t]
        for area in order:
            chosen = place[: counts[area]]
            if area in chosen:
                chosen[chosen.index(area)] = place[counts[area]]
            total = values[chosen].sum()
            result[area] += (
                total >= observed[area] - slack,
                total <= observed[area] + slack,
            )
    return result


def _separate(
    areas: Whole,
    seed: int,
    draws: int,
    enough: int,
    values: Floats,
    squared: bool,
    observed: Floats,
    slack: float,
    start: Whole,
    weight: Floats,
) -> Counts:
    from tryggstat.spatial import _permutation_kernels

    result: Counts = _permutation_kernels.separate_counts(
        stream_starts(seed, SEPARATE + areas),
        areas, draws, enough, values, squared, observed, slack, start, weight,
    )  # fmt: skip
    return result


def separate_counts_plain(
    streams: Words,
    areas: Whole,
    draws: int,
    enough: int,
    values: Floats,
    squared: bool,
    observed: Floats,
    slack: float,
    start: Whole,
    weight: Floats,
) -> Counts:
    """Draw each area's neighbours anew until there are enough."""
    rows = []
    for stream, area in zip(streams, areas, strict=True):
        words, w = _Draws(stream), weight[start[area] : start[area + 1]]
        place = list(range(values.size))
        place[area], place[-1] = place[-1], place[area]
        at_least = at_most = drawn = 0
        while drawn < draws and min(at_least, at_most) <= enough:
            drawn += 1
            for t in range(w.size):
                j = t + words.below(values.size - 1 - t)
                place[t], place[j] = place[j], place[t]
            x = values[place[: w.size]]
            total = w @ ((values[area] - x) ** 2 if squared else x)
            at_least += total >= observed[area] - slack
            at_most += total <= observed[area] + slack
        rows.append([at_least, at_most, drawn])
    return np.array(rows)


class _Draws:
    """The whole numbers of one stream."""

    def __init__(self, stream: np.uint64) -> None:
        self.counter = np.array([stream], dtype=np.uint64)

    def below(self, size: int) -> int:
        """Return the next draw from 0 to size - 1."""
        self.counter = self.counter + np.uint64(MIXERS[0])
        return (int(_mix(self.counter)[0]) >> 32) * size >> 32


def permutation_p(
    above: NDArray[np.int64],
    below: NDArray[np.int64],
    draws: NDArray[np.int64],
    alternative: Alternative,
) -> Floats:
    """
    Return p-values from draws at or above and at or below the observed.

    The observed map counts as one of the draws. Two-sided is twice the smaller side, at
    most 1. NaN without draws.
    """
    reached = {
        "greater": above,
        "less": below,
        "two-sided": np.minimum(above, below),
    }[alternative]
    sides = 2 if alternative == "two-sided" else 1
    p = np.minimum(sides * (reached + 1) / (draws + 1), 1)
    return np.where(draws > 0, p, np.nan)


def check_alternative(alternative: str) -> None:
    """Refuse what is no alternative."""
    if alternative not in get_args(Alternative):
        raise ValueError(
            f"alternative must be one of {', '.join(get_args(Alternative))}, "
            f"got {alternative!r}"
        )
