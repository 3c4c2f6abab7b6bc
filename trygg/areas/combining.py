"""How figures of small areas become figures of larger or other ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from trygg.areas.models import Combining

Floats = NDArray[np.float64]


def combine(
    values: Floats, n: Floats, weights: csr_array, how: str
) -> tuple[Floats, Floats]:
    """
    Carry figures over from source areas to target areas.

    `weights[t, s]` is the share of source area s that lies in target area t. A count
    is divided by these shares. A share in per cent, and a median, is weighted by the
    persons behind it (`n`), divided likewise; that is exact for shares, approximate
    for medians. Sources without a figure are left out of a mean; a sum that lacks one
    of its parts is missing, and so is what no source area reaches. Returns the values
    and the persons behind them.
    """
    if how == Combining.NEVER:
        raise ValueError("a classification cannot be combined")
    known = np.isfinite(values)
    persons = np.where(known & np.isfinite(n), n, 0.0)
    reached = np.asarray(weights.sum(axis=1)).ravel() > 0
    if how == Combining.SUM:
        complete = weights @ (~known).astype(float) == 0
        total = weights @ np.where(known, values, 0.0)
        total[~(reached & complete)] = np.nan
        return total, np.full_like(total, np.nan)
    base = weights @ persons
    sums = weights @ np.where(persons > 0, persons * values, 0.0)
    mean = np.divide(sums, base, out=np.full_like(base, np.nan), where=base > 0)
    return mean, np.where(base > 0, base, np.nan)
