"""Draws with replacement and sums by group, compiled. References: `replicates`."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from tryggstat.survey import replicates
from tryggstat.survey._columns import Codes, Floats

GOLDEN, FIRST, SECOND = (np.uint64(c) for c in replicates.MIXERS)
S27, S30, S31, S32 = (np.uint64(shift) for shift in (27, 30, 31, 32))
LOW = np.uint64(0xFFFFFFFF)


@numba.njit(nogil=True, cache=True)
def _mix(z: np.uint64) -> np.uint64:
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return z ^ (z >> S31)


@numba.njit(nogil=True, cache=True)
def drawn_factors(
    stream: np.uint64,
    start: Codes,
    size: Codes,
    times: Codes,
    level: Floats,
    slope: Floats,
    factor: Floats,
) -> None:
    """See `replicates._drawn_factors_plain`."""
    counter, word, is_spare = stream, stream, False
    for h in range(size.size):
        n, step = np.uint64(size[h]), slope[h]  # read once: half of the time was here
        here = factor[start[h] : start[h] + size[h]]
        here[:] = level[h]
        for _ in range(times[h]):
            if is_spare:
                draw = word >> S32
            else:
                counter += GOLDEN
                word = _mix(counter)
                draw = word & LOW
            is_spare = not is_spare
            here[np.intp((draw * n) >> S32)] += step


@numba.njit(nogil=True, cache=True)
def group_sums(
    top: Floats,
    bottom: Floats,
    unit: Codes,
    factors: tuple[Floats, ...],
    group: NDArray[np.int32],
    groups: int,
) -> Floats:
    """See `replicates._group_sums_plain`."""
    result = np.zeros((groups, 8))  # side by side, so that a row touches one cache line
    a, b, c, d = factors
    for i in range(top.size):
        u, t, x = unit[i], top[i], bottom[i]
        p, q, r, s = a[u], b[u], c[u], d[u]  # before any is added: four in one register
        sums = result[group[i]]
        sums[0] += p * t
        sums[1] += q * t
        sums[2] += r * t
        sums[3] += s * t
        sums[4] += p * x
        sums[5] += q * x
        sums[6] += r * x
        sums[7] += s * x
    return result.reshape(groups, 2, 4).transpose(2, 0, 1)
