"""Values shuffled over the map, compiled. References and meaning: `permutation`."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from tryggstat.survey._replicate_kernels import GOLDEN, S32, _mix

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


@numba.njit(nogil=True, cache=True)
def _below(counter: np.uint64, size: int) -> np.intp:
    return np.intp(((_mix(counter) >> S32) * np.uint64(size)) >> S32)


@numba.njit(nogil=True, cache=True)
def products(
    streams: NDArray[np.uint64],
    values: Floats,
    fixed: Floats,
    both: bool,
    degree: Floats,
    start: Whole,
    neighbour: Whole,
    weight: Floats,
) -> Floats:
    """See `permutation.products_plain`."""
    n = values.size
    result = np.zeros((streams.size, 2))
    s = values.copy()
    for r in range(streams.size):
        s[:] = values
        counter = streams[r]
        for i in range(n - 1, 0, -1):  # Fisher and Yates
            counter += GOLDEN
            j = _below(counter, i + 1)
            s[i], s[j] = s[j], s[i]
        cross = square = 0.0
        for i in range(n):
            lag = 0.0
            for k in range(start[i], start[i + 1]):
                lag += weight[k] * s[neighbour[k]]
            cross += lag * (s[i] if both else fixed[i])
            square += degree[i] * s[i] * s[i]
        result[r, 0] = cross
        result[r, 1] = square
    return result


@numba.njit(nogil=True, cache=True)
def _first_above(ordered: Floats, low: int, high: int, value: float) -> int:
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low


@numba.njit(nogil=True, cache=True)
def pooled_counts(
    stream: np.uint64,
    draws: int,
    values: Floats,
    counts: Whole,
    observed: Floats,
    slack: float,
    sizes: Whole,
    group: Whole,
    order: Whole,
) -> NDArray[np.int64]:
    """See `permutation.pooled_counts_plain`."""
    n, most = values.size, sizes[-1]
    ordered = observed[order]
    place = np.arange(n)
    prefix = np.zeros(most + 1)
    above = np.zeros(n + sizes.size, dtype=np.int64)  # a histogram for each size
    below = np.zeros(n + sizes.size, dtype=np.int64)
    result = np.zeros((n, 2), dtype=np.int64)
    counter = stream
    for _ in range(draws):
        for t in range(most + 1):  # the first of a shuffled map; one to spare
            counter += GOLDEN
            j = t + _below(counter, n - t)
            place[t], place[j] = place[j], place[t]
        for t in range(most):
            prefix[t + 1] = prefix[t] + values[place[t]]
        for g in range(sizes.size):
            total = prefix[sizes[g]]
            first, last = group[g], group[g + 1]
            at = _first_above(ordered, first, last, total + slack)
            above[at + g] += 1
            if at > first and ordered[at - 1] >= total - slack:  # ties
                at = _first_above(ordered, first, at, total - slack)
            below[at + g] += 1
        for t in range(most):  # an area is no neighbour of its own: take the spare one
            area = place[t]
            k = counts[area]
            if k > t:
                low, high = observed[area] - slack, observed[area] + slack
                wrong = prefix[k]
                right = wrong - values[area] + values[place[k]]
                result[area, 0] += (right >= low) - (wrong >= low)
                result[area, 1] += (right <= high) - (wrong <= high)
    for g in range(sizes.size):
        total = 0
        for at in range(group[g + 1], group[g], -1):
            total += above[at + g]
            result[order[at - 1], 0] += total
        total = 0
        for at in range(group[g], group[g + 1]):
            total += below[at + g]
            result[order[at], 1] += total
    return result


@numba.njit(nogil=True, cache=True)
def separate_counts(
    streams: NDArray[np.uint64],
    areas: Whole,
    draws: int,
    enough: int,
    values: Floats,
    squared: bool,
    observed: Floats,
    slack: float,
    start: Whole,
    weight: Floats,
) -> NDArray[np.int64]:
    """See `permutation.separate_counts_plain`."""
    n = values.size
    result = np.zeros((areas.size, 3), dtype=np.int64)
    place = np.empty(n, dtype=np.intp)
    for row in range(areas.size):
        area = areas[row]
        for t in range(n):
            place[t] = t
        place[area], place[n - 1] = n - 1, area  # the last one is kept out of it
        own, seen = values[area], observed[area]
        counter = streams[row]
        at_least = at_most = drawn = 0
        while drawn < draws and min(at_least, at_most) <= enough:
            drawn += 1
            total = 0.0
            for t in range(start[area + 1] - start[area]):
                counter += GOLDEN
                j = t + _below(counter, n - 1 - t)
                place[t], place[j] = place[j], place[t]
                value = values[place[t]]
                if squared:
                    value = (own - value) ** 2
                total += weight[start[area] + t] * value
            at_least += total >= seen - slack
            at_most += total <= seen + slack
        result[row, 0], result[row, 1], result[row, 2] = at_least, at_most, drawn
    return result
