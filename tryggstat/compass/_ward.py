"""Ward's tree, without the table of all distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Below this SciPy needs under 40 ms, less than it takes to import numba.
SMALL = 1000


@dataclass(frozen=True)
class Tree:
    """Mergers in order of cost, each told by a point of either side."""

    gone: NDArray[np.int64]  # a point of the side that is absorbed, each only once
    kept: NDArray[np.int64]  # a point of the other side
    cost: NDArray[np.float64]  # added sum of squares within groups

    def cut(self, groups: int) -> NDArray[np.int64]:
        """Return a group number 0 to groups - 1 for every point, in order of points."""
        n = len(self.cost) + 1
        done = max(n - groups, 0)
        into = np.arange(n)
        into[self.gone[:done]] = self.kept[:done]
        while ((further := into[into]) != into).any():
            into = further
        _, first, group = np.unique(into, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[group]

    def within(self, most: int) -> NDArray[np.float64]:
        """
        Return the sum of squares within 1, 2 … `most` groups, never quite 0.

        Areas that are all alike have one of 0, which has no logarithm.
        """
        total = np.cumsum(self.cost)
        return np.maximum(total[::-1][:most], 1e-12 * total[-1])


def ward(points: NDArray[np.float64]) -> Tree:
    """Build the tree that joins, step by step, the two groups that differ least."""
    if len(points) < SMALL:
        return ward_plain(points)
    from tryggstat.compass._ward_kernel import ward_mergers

    # The first axis is the one of largest spread: the kernel searches along it.
    centred = points - points.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    gone, kept, cost = ward_mergers(np.ascontiguousarray(centred @ axes))
    order = np.argsort(cost, kind="stable")
    return Tree(gone[order], kept[order], cost[order])


def ward_plain(points: NDArray[np.float64]) -> Tree:
    """Build the same tree with SciPy, from the table of all distances."""
    from scipy.cluster.hierarchy import linkage

    n = len(points)
    steps = linkage(points, "ward") if n > 1 else np.empty((0, 4))
    sides = steps[:, :2].astype(np.int64)
    member = list(range(n))  # a point of each group, of singles first
    for left, _ in sides.tolist():
        member.append(member[left])
    pairs = np.array(member)[sides]
    return Tree(pairs[:, 1], pairs[:, 0], steps[:, 2] ** 2 / 2)
