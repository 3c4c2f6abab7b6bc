"""Draws with replacement and sums by group, compiled. References: `replicates`."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from tryggstat.survey.design import Codes, Floats


@numba.njit(nogil=True, cache=True)
def drawn_factors(
    draws: NDArray[np.uint32],
    start: Codes,
    size: Codes,
    times: Codes,
    level: Floats,
    slope: Floats,
) -> Floats:
    """See `replicates.drawn_factors_plain`."""
    factor = np.empty(size.sum())
    d = 0
    for h in range(size.size):
        first, n = start[h], np.uint64(size[h])
        factor[first : first + size[h]] = level[h]
        for _ in range(times[h]):
            place = (np.uint64(draws[d]) * n) >> np.uint64(32)
            factor[first + np.intp(place)] += slope[h]
            d += 1
    return factor


@numba.njit(nogil=True, cache=True)
def group_sums(
    top: Floats,
    bottom: Floats,
    unit: Codes,
    factor: Floats,
    group: NDArray[np.int32],
    groups: int,
) -> Floats:
    """See `replicates.group_sums_plain`."""
    result = np.zeros((groups, 2))  # side by side, so that a row touches one cache line
    for i in range(top.size):
        f, g = factor[unit[i]], group[i]
        result[g, 0] += f * top[i]
        result[g, 1] += f * bottom[i]
    return result
