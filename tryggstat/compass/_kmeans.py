"""k-means from k-means++ seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STARTS = 10
ROUNDS = 300


def kmeans(
    points: NDArray[np.float64], groups: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return the groups of the best of ten starts, judged by the sum of squares."""
    fits = [_lloyd(points, _seeds(points, groups, generator)) for _ in range(STARTS)]
    return min(fits, key=lambda fit: fit[0])[1]


def _seeds(
    points: NDArray[np.float64], groups: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw centres far apart: each point by its square distance to those drawn."""
    from scipy.spatial.distance import cdist

    chosen = [points[int(generator.random() * len(points))]]
    square = cdist(points, chosen, "sqeuclidean")[:, 0]
    while len(chosen) < groups:
        total = np.cumsum(square)
        drawn = np.searchsorted(total, generator.random() * total[-1], side="right")
        chosen.append(points[min(drawn, len(points) - 1)])
        square = np.minimum(square, cdist(points, chosen[-1:], "sqeuclidean")[:, 0])
    return np.array(chosen)


def _lloyd(
    points: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[float, NDArray[np.int64]]:
    from scipy.spatial.distance import cdist

    labels = np.full(len(points), -1)
    for _ in range(ROUNDS):
        square = cdist(points, centres, "sqeuclidean")
        nearest = square.argmin(axis=1)
        if (nearest == labels).all():
            break
        labels = nearest
        size = np.bincount(labels, minlength=len(centres))
        if not size.all():  # an empty group takes the point worst placed
            empty = int(size.argmin())
            labels[square[np.arange(len(points)), labels].argmax()] = empty
            size = np.bincount(labels, minlength=len(centres))
        sums = [
            np.bincount(labels, column, minlength=len(centres)) for column in points.T
        ]
        centres = np.column_stack(sums) / np.maximum(size, 1)[:, None]
    return float(square[np.arange(len(points)), labels].sum()), labels
