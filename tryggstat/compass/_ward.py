"""Ward's tree, without the table of all distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Below this SciPy needs under 40 ms, less than it takes to import numba.
SMALL = 1000


@dataclass(frozen=True)
class Tree:
    """Mergers in order of height: points that stand for both sides, and the cost."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    cost: NDArray[np.float64]  # added sum of squares within groups

    def cut(self, groups: int) -> NDArray[np.int64]:
        """Return a group number 0 to groups - 1 for every point, in order of points."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n = len(self.cost) + 1
        done = max(n - groups, 0)
        merged = coo_array(
            (np.ones(done), (self.one[:done], self.other[:done])), shape=(n, n)
        )
        labels = connected_components(merged, directed=False)[1]
        return labels.astype(np.int64)

    def within(self, most: int) -> NDArray[np.float64]:
        """Return the sum of squares within 1, 2 … `most` groups."""
        total = np.cumsum(self.cost)
        return total[::-1][:most]


def ward(points: NDArray[np.float64]) -> Tree:
    """Build the tree that joins, step by step, the two groups that differ least."""
    if len(points) < SMALL:
        return ward_plain(points)
    from tryggstat.compass._ward_kernel import ward_mergers

    # The first axis is the one of largest spread: the kernel searches along it.
    centred = points - points.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    one, other, cost = ward_mergers(np.ascontiguousarray(centred @ axes))
    order = np.argsort(cost, kind="stable")
    return Tree(one[order], other[order], cost[order])


def ward_plain(points: NDArray[np.float64]) -> Tree:
    """Build the same tree with SciPy, from the table of all distances."""
    from scipy.cluster.hierarchy import linkage

    n = len(points)
    steps = linkage(points, "ward") if n > 1 else np.empty((0, 4))
    stands_for = np.arange(2 * n - 1)
    for i, left in enumerate(steps[:, 0].astype(np.int64)):
        stands_for[n + i] = stands_for[left]
    pairs = stands_for[steps[:, :2].astype(np.int64)]
    return Tree(pairs[:, 0], pairs[:, 1], steps[:, 2] ** 2 / 2)
