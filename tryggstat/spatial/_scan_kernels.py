"""Likelihood ratios of all windows, compiled. References and meaning: `scan`."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Single = NDArray[np.float32]
Whole = NDArray[np.int64]

LANES = 32  # replicates side by side
SLACK = np.float32(0.999)  # more than single precision can be wrong
TIE = 1e-10  # relative; of windows as likely as each other, the first stands


@numba.njit(nogil=True, cache=True)
def _log_ratio(observed: float, expected: float) -> float:
    if observed <= 1e-9:
        return 0.0
    return observed * math.log(observed / expected)


@numba.njit(nogil=True, cache=True)
def log_likelihood_ratio(c: float, e: float, cases: float, controls: float) -> float:
    """See `scan.log_likelihood_ratio_plain`."""
    ratio = _log_ratio(c, e) + _log_ratio(cases - c, cases - e)
    if controls < math.inf:
        f = e * controls / cases  # expected controls
        d = f + e - c
        ratio += _log_ratio(d, f) + _log_ratio(controls - d, controls - f)
    return ratio


@numba.njit(nogil=True, cache=True)
def best_window(
    counts: Floats,
    expected: Floats,
    members: NDArray[np.int32],
    windows: Whole,
    used: NDArray[np.bool_],
    controls: float,
    least: float,
) -> tuple[float, int, int]:
    """Return ratio, size and time window of the most likely cluster of one list."""
    cases = counts[:, -1].sum()
    times = counts.shape[1]
    c_sum, e_sum = np.zeros(times), np.zeros(times)
    best, size, window = 0.0, 0, 0
    for k in range(members.size):
        i = members[k]
        if used[i]:
            break
        for t in range(times):
            c_sum[t] += counts[i, t]
            e_sum[t] += expected[i, t]
        for w in range(len(windows)):
            a, b = windows[w]
            c, e = c_sum[b], e_sum[b]
            if a > 0:
                c -= c_sum[a - 1]
                e -= e_sum[a - 1]
            if c > e and c >= least and 0.0 < e < cases:
                ratio = log_likelihood_ratio(c, e, cases, controls)
                if ratio > best * (1 + TIE) + 1e-12:
                    best, size, window = ratio, k + 1, w
    return best, size, window


@numba.njit(nogil=True, cache=True)
def maxima(
    counts: Single,
    expected: Floats,
    start: Whole,
    member: NDArray[np.int32],
    penalty: Floats,
    windows: Whole,
    cases: float,
    controls: float,
    least: float,
) -> Floats:
    """See `scan.maxima_plain`."""
    times = counts.shape[1]
    total = np.zeros((times, LANES), dtype=np.float32)
    inside = np.zeros(LANES, dtype=np.float32)
    e_sum = np.zeros(times)
    best = np.zeros(LANES)
    low = np.zeros(LANES, dtype=np.float32)
    for z in range(start.size - 1):
        total[:] = np.float32(0)
        e_sum[:] = 0.0
        factor = 1.0 / (penalty[z] * (0.5 * cases + cases * cases / controls))
        for k in range(start[z], start[z + 1]):
            i = member[k]
            for t in range(times):
                e_sum[t] += expected[i, t]
                for r in range(LANES):
                    total[t, r] += counts[i, t, r]
            for w in range(len(windows)):
                a, b = windows[w]
                e = e_sum[b]
                if a > 0:
                    e -= e_sum[a - 1]
                    for r in range(LANES):
                        inside[r] = total[b, r] - total[a - 1, r]
                else:
                    for r in range(LANES):
                        inside[r] = total[b, r]
                if not 0.0 < e < cases:
                    continue
                # statistic <= (c - e)^2 / scale, as long as c + e <= cases
                scale = e * (cases - e) * factor
                e32, guard = np.float32(e), np.float32(cases - e)
                bar = np.float32(scale)
                hits = 0
                for r in range(LANES):
                    d = inside[r] - e32
                    hits += (d > np.float32(0)) & (
                        (d * d > low[r] * bar) | (inside[r] > guard)
                    )
                if hits == 0:
                    continue
                for r in range(LANES):
                    c = np.float64(inside[r])
                    if (
                        c > e
                        and c >= least
                        and (
                            np.float32((c - e) ** 2) > low[r] * bar or inside[r] > guard
                        )
                    ):
                        ratio = penalty[z] * log_likelihood_ratio(c, e, cases, controls)
                        if ratio > best[r]:
                            best[r] = ratio
                            low[r] = SLACK * np.float32(ratio)
    return best
