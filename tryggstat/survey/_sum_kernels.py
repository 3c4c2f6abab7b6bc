"""The two passes over the rows, compiled. Their references stand in `_domains`."""

from __future__ import annotations

import numba
import numpy as np

from tryggstat.survey.design import Codes, Floats


@numba.njit(nogil=True, cache=True)
def cell_sums(
    top: Floats, bottom: Floats, w: Floats, cell: Codes, cells: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """See `_domains.cell_sums_plain`."""
    tops, bottoms = np.zeros(cells), np.zeros(cells)
    persons, answers = np.zeros(cells), np.zeros(cells)
    step = 0 if bottom.size == 1 else 1
    for i in range(top.size):
        t, b = top[i], bottom[i * step]
        if w[i] > 0 and t == t and b == b:
            c = cell[i]
            tops[c] += w[i] * t
            bottoms[c] += w[i] * b
            persons[c] += w[i]
            answers[c] += 1
    return tops, bottoms, persons, answers


@numba.njit(nogil=True, cache=True)
def cell_spread(
    top: Floats,
    bottom: Floats,
    w: Floats,
    cell: Codes,
    centre: Floats,
    theta: Floats,
    mean: Floats,
) -> tuple[Floats, Floats]:
    """See `_domains.cell_spread_plain`."""
    squares, deviance = np.zeros(theta.size), np.zeros(theta.size)
    step = 0 if bottom.size == 1 else 1
    for i in range(top.size):
        t, b = top[i], bottom[i * step]
        if w[i] > 0 and t == t and b == b:
            c = cell[i]
            score = w[i] * (t - theta[c] * b) - mean[c]
            distance = t - centre[c] * b
            squares[c] += score * score
            deviance[c] += w[i] * distance * distance
    return squares, deviance
