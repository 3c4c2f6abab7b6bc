"""The loops of raking for many replicates, each beside its plain reference."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def _collapse_plain(
    key: Integers, weight: Floats, multiplicity: NDArray[Any], size: int
) -> Floats:
    columns = [np.bincount(key, weight * times, size) for times in multiplicity.T]
    return np.stack(columns, axis=1)


@numba.njit(nogil=True, cache=True)
def collapse(
    key: Integers, weight: Floats, multiplicity: NDArray[Any], size: int
) -> Floats:
    """Return the sum of weight times multiplicity per cell and replicate."""
    table = np.zeros((size, multiplicity.shape[1]))
    for i in range(key.size):
        row = table[key[i]]
        for r in range(row.size):
            row[r] += weight[i] * multiplicity[i, r]
    return table


def margin(table: Floats, code: Integers, size: int) -> Floats:
    """Return the sum of a table per level and replicate."""
    sums = np.zeros((size, table.shape[1]))
    np.add.at(sums, code, table)
    return sums


def _rake_table_plain(
    table: Floats,
    codes: Integers,
    targets: Floats,
    starts: Integers,
    tolerance: float,
    max_iterations: int,
) -> tuple[int, float]:
    iteration, error = 0, np.inf
    while error > tolerance and iteration < max_iterations:
        iteration, error = iteration + 1, 0.0
        for code, first, last in zip(codes, starts, starts[1:], strict=False):
            factor = targets[first:last, None] / margin(table, code, last - first)
            error = max(error, float(np.abs(1 / factor - 1).max()))
            table *= factor[code]
    return iteration, error


@numba.njit(nogil=True, cache=True)
def rake_table(
    table: Floats,
    codes: Integers,
    targets: Floats,
    starts: Integers,
    tolerance: float,
    max_iterations: int,
) -> tuple[int, float]:
    """Rake all replicates of a table in place; return rounds and largest error."""
    replicates = table.shape[1]
    sums = np.empty((targets.size, replicates))
    iteration, error = 0, np.inf
    while error > tolerance and iteration < max_iterations:
        iteration, error = iteration + 1, 0.0
        for j in range(codes.shape[0]):
            part = sums[starts[j] : starts[j + 1]]
            part[:] = 0.0
            for c in range(table.shape[0]):
                level = part[codes[j, c]]
                cell = table[c]
                for r in range(replicates):
                    level[r] += cell[r]
            for k in range(part.shape[0]):
                target = targets[starts[j] + k]
                for r in range(replicates):
                    error = max(error, abs(part[k, r] / target - 1.0))
                    part[k, r] = target / part[k, r]
            for c in range(table.shape[0]):
                level = part[codes[j, c]]
                cell = table[c]
                for r in range(replicates):
                    cell[r] *= level[r]
    return iteration, error
