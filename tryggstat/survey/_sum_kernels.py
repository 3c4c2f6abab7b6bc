"""The two passes over the rows, compiled. Their references stand in `_domains`."""

from __future__ import annotations

import numba
import numpy as np

from tryggstat.survey._columns import Codes, Floats


@numba.njit(nogil=True, cache=True)
def cell_sums(
    top: Floats, bottom: Floats, w: Floats, cell: Codes, cells: int
) -> Floats:
    """See `_domains.cell_sums_plain`."""
    result = np.zeros((cells, 4))  # side by side: a row of data touches one cache line
    step = 0 if bottom.size == 1 else 1
    for i in range(top.size):
        t, b = top[i], bottom[i * step]
        if w[i] > 0 and t == t and b == b:
            c = cell[i]
            result[c, 0] += w[i] * t
            result[c, 1] += w[i] * b
            result[c, 2] += w[i]
            result[c, 3] += 1
    return result


@numba.njit(nogil=True, cache=True)
def cell_spread(
    top: Floats, bottom: Floats, w: Floats, cell: Codes, centres: Floats
) -> Floats:
    """See `_domains.cell_spread_plain`."""
    result = np.zeros((len(centres), 2))
    step = 0 if bottom.size == 1 else 1
    for i in range(top.size):
        t, b = top[i], bottom[i * step]
        if w[i] > 0 and t == t and b == b:
            c = cell[i]
            distance = t - centres[c, 0] * b
            score = w[i] * (t - centres[c, 1] * b) - centres[c, 2]
            result[c, 0] += score * score
            result[c, 1] += w[i] * distance * distance
    return result
