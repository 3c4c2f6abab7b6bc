"""Draws with replacement and sums by group, compiled. References: `replicates`."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from tryggstat.survey.design import Codes, Floats


@numba.njit(nogil=True, cache=True)
def multiplicities(
    draws: NDArray[np.uint32], start: Codes, size: Codes, times: Codes
) -> Floats:
    """See `replicates.multiplicities_plain`."""
    counts = np.zeros(size.sum())
    d = 0
    for h in range(size.size):
        first, n = start[h], np.uint64(size[h])
        for _ in range(times[h]):
            counts[first + np.intp((np.uint64(draws[d]) * n) >> np.uint64(32))] += 1
            d += 1
    return counts


@numba.njit(nogil=True, cache=True)
def group_sums(
    top: Floats,
    bottom: Floats,
    w: Floats,
    unit: Codes,
    factor: Floats,
    group: Codes,
    groups: int,
) -> tuple[Floats, Floats]:
    """See `replicates.group_sums_plain`."""
    tops, bottoms = np.zeros(groups), np.zeros(groups)
    step = 0 if bottom.size == 1 else 1
    for i in range(top.size):
        f = factor[unit[i]]
        if f != 0:
            t, b = top[i], bottom[i * step]
            if t == t and b == b:
                g = group[i]
                tops[g] += w[i] * f * t
                bottoms[g] += w[i] * f * b
    return tops, bottoms
