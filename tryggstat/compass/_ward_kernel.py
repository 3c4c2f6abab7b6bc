"""The numba kernel behind `_ward.ward`; its plain reference is `_ward.ward_plain`."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

CHUNK = 32  # groups looked at on one side before turning to the other


@numba.njit(nogil=True, cache=True)
def _place(key, order, active, which, where):  # type: ignore[no-untyped-def]
    i = np.searchsorted(key[:active], where)
    while order[i] != which:
        i += 1
    return i


@numba.njit(nogil=True, cache=True)
def _nearer(candidates, a, centre, size, nearest, best):  # type: ignore[no-untyped-def]
    for b in candidates:
        square = 0.0
        for j in range(centre.shape[1]):
            square += (centre[a, j] - centre[b, j]) ** 2
        price = square * (size[a] * size[b] / (size[a] + size[b]))
        if price < best:
            best = price
            nearest = b
    return nearest, best


@numba.njit(nogil=True, cache=True)
def ward_mergers(
    points: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """
    Return the mergers of Ward's tree, in the order of a nearest-neighbour chain.

    Groups are kept sorted along the first axis. A neighbour is sought outwards from
    the group's own place, and no further than where the gap on that axis alone makes
    the merger dearer than the best one seen.
    """
    n, p = points.shape
    centre = points.copy()
    size = np.ones(n)
    order = np.argsort(points[:, 0])
    key = points[order, 0].copy()
    active = n
    gone = np.empty(n - 1, np.int64)
    kept = np.empty(n - 1, np.int64)
    cost = np.empty(n - 1)
    chain = np.empty(n, np.int64)
    length = 0
    done = 0
    while done < n - 1:
        if length == 0:
            chain[0] = order[0]
            length = 1
        a = chain[length - 1]
        nearest, best = -1, np.inf
        if length > 1:  # ties go to where the chain came from, so that it ends
            back = chain[length - 2 : length - 1]
            nearest, best = _nearer(back, a, centre, size, nearest, best)
        least = size[a] / (size[a] + 1.0)
        here = centre[a, 0]
        place = _place(key, order, active, a, here)
        left, right = place - 1, place + 1
        while left >= 0 or right < active:
            if left >= 0 and (here - key[left]) ** 2 * least >= best:
                left = -1
            if right < active and (key[right] - here) ** 2 * least >= best:
                right = active
            first, last = max(left + 1 - CHUNK, 0), min(right + CHUNK, active)
            nearest, best = _nearer(
                order[first : left + 1], a, centre, size, nearest, best
            )
            nearest, best = _nearer(order[right:last], a, centre, size, nearest, best)
            left, right = first - 1, last
        if length == 1 or nearest != chain[length - 2]:
            chain[length] = nearest
            length += 1
            continue
        length -= 2
        gone[done], kept[done], cost[done] = a, nearest, best
        done += 1
        for old in (a, nearest):
            i = _place(key, order, active, old, centre[old, 0])
            order[i : active - 1] = order[i + 1 : active].copy()
            key[i : active - 1] = key[i + 1 : active].copy()
            active -= 1
        both = size[a] + size[nearest]
        for j in range(p):
            total = size[a] * centre[a, j] + size[nearest] * centre[nearest, j]
            centre[nearest, j] = total / both
        size[nearest] = both
        i = np.searchsorted(key[:active], centre[nearest, 0])
        order[i + 1 : active + 1] = order[i:active].copy()
        key[i + 1 : active + 1] = key[i:active].copy()
        order[i] = nearest
        key[i] = centre[nearest, 0]
        active += 1
    return gone, kept, cost
