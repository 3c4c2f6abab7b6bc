"""Areas that resemble a given one, and in what they still differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.compass.standardise import standardise


@dataclass(frozen=True)
class Similar:
    """
    The areas nearest to one area.

    Attributes
    ----------
    areas : array of int, shape (k,)
        Rows of the nearest areas, nearest first.
    distance : array of float, shape (k,)
        Distance in standard deviations; 0 means alike in every variable.
    difference : array of float, shape (k, p)
        The other area minus this one, in standard deviations, for each variable.
    """

    areas: NDArray[np.int64]
    distance: NDArray[np.float64]
    difference: NDArray[np.float64]

    def differs(
        self, names: Sequence[str], *, most: int = 3
    ) -> list[list[tuple[str, float]]]:
        """
        Return in what each area differs most, the largest difference first.

        Parameters
        ----------
        names : sequence of str, length p
            Names of the variables.
        most : int, default 3
            How many variables to name.

        Returns
        -------
        list of list of (str, float)
            For each area, variables with the signed difference: above 0 where the
            other area has more.

        Raises
        ------
        ValueError
            There is not one name for each variable.

        Examples
        --------
        >>> near = similar([[0, 0], [0, 1], [9, 9]], to=0, k=1)
        >>> [(name, round(d, 2)) for name, d in near.differs(["a", "b"], most=1)[0]]
        [('b', 0.25)]
        """
        named = []
        for row in self.difference.tolist():
            pairs = sorted(zip(names, row, strict=True), key=lambda pair: -abs(pair[1]))
            named.append(pairs[:most])
        return named


def similar(
    values: ArrayLike,
    to: int,
    k: int = 5,
    population: ArrayLike | None = None,
    *,
    transform: Sequence[str] | None = None,
    metric: Literal["standardised", "mahalanobis"] = "standardised",
) -> Similar:
    """
    Find the areas nearest to one area, and what differs most.

    Parameters
    ----------
    values : array of float, shape (m, p)
        One row per area, one column per variable.
    to : int
        Row of the area whose like is sought.
    k : int, default 5
        Number of areas to return, at most m - 1.
    population : array of float, shape (m,), optional
        Weights of the means and standard deviations, see `standardise`.
    transform : sequence of str, length p, optional
        "none", "log" or "logit" for each column, see `standardise`.
    metric : {"standardised", "mahalanobis"}
        "mahalanobis" counts variables that follow each other only once.

    Returns
    -------
    Similar
        Nearest first; of equally near areas the one that stands first.

    Raises
    ------
    ValueError
        As `standardise`; or `to`, `k` or `metric` does not fit; or some variable
        follows from the others, so that there is no Mahalanobis distance.

    Notes
    -----
    With z the standardised variables and d = z_other - z_own the distance is
    sqrt(d'd / p), the typical difference of a variable; with C the (weighted)
    correlation matrix the Mahalanobis distance is sqrt(d' C^-1 d / p).

    References
    ----------
    Mahalanobis (1936), Proc. National Institute of Sciences of India 2, 49-55.

    Examples
    --------
    >>> found = similar([[0.1, 30], [0.2, 31], [0.9, 55]], to=0, k=2)
    >>> found.areas.tolist()
    [1, 2]
    """
    z = standardise(values, population, transform)
    if not 0 <= to < len(z):
        raise ValueError(f"to must be a row from 0 to {len(z) - 1}, got {to}")
    if not 1 <= k < len(z):
        raise ValueError(f"k must be 1 to {len(z) - 1}, got {k}")
    difference = z - z[to]
    apart = difference
    if metric == "mahalanobis":
        weights = None if population is None else np.asarray(population, dtype=float)
        correlation = np.atleast_2d(np.cov(z.T, aweights=weights, bias=True))
        spread, axes = np.linalg.eigh(correlation)
        if spread[0] < 1e-10:
            raise ValueError("a variable follows from the others: leave one out")
        apart = difference @ (axes / np.sqrt(spread))
    elif metric != "standardised":
        raise ValueError(f"metric must be standardised or mahalanobis, got {metric!r}")
    distance = np.sqrt(np.mean(apart**2, axis=1))
    distance[to] = np.inf
    areas = np.argsort(distance, kind="stable")[:k]
    return Similar(areas, distance[areas], difference[areas])
