"""The steps of a composite index, shared by the index and the draws of its ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CATEGORIES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])  # percentiles between classes
CLASS_SCORES = np.array([0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
SKEWNESS, KURTOSIS, TREATED = 2.0, 3.5, 5  # limits of the handbook; points at most


@dataclass(frozen=True)
class Indicator:
    """
    One indicator or group of indicators of an index.

    Attributes
    ----------
    name : str
        Unique name.
    direction : {1, -1}
        1 when more raises the index, -1 when more lowers it.
    weight : float
        Weight among those with the same parent; only their ratios matter.
    parent : str
        Name of the group that it belongs to, "index" for the top.
    """

    name: str
    direction: int = 1
    weight: float = 1.0
    parent: str = "index"


class Hierarchy:
    """Who belongs to whom: indicators first, then groups, the top last."""

    def __init__(self, indicators: Sequence[Indicator], groups: Sequence[Indicator]):
        named = {node.name for node in (*indicators, *groups)}
        parents = dict.fromkeys(i.parent for i in (*indicators, *groups))
        plain = [Indicator(p) for p in parents if p not in named and p != "index"]
        self.nodes = [*indicators, *groups, *plain]
        self.leaves = len(indicators)
        self.directions = np.array([i.direction for i in indicators])
        place = {node.name: i for i, node in enumerate(self.nodes)}
        place["index"] = len(self.nodes)
        if len(place) != len(self.nodes) + 1:
            raise ValueError(
                "names of indicators and groups must differ, and not be index"
            )
        self.parent = np.array([place[node.parent] for node in self.nodes])
        self.given = np.array([float(node.weight) for node in self.nodes])
        if not (np.isfinite(self.given) & (self.given >= 0)).all():
            raise ValueError("weights must be 0 or more")
        if not np.isin(self.directions, (1, -1)).all():
            raise ValueError("directions must be 1 or -1")
        self._above = [self._chain(leaf) for leaf in range(self.leaves)]

    def _chain(self, leaf: int) -> list[int]:
        chain = [leaf]
        while (up := int(self.parent[chain[-1]])) < len(self.nodes):
            if up in chain or up < self.leaves:
                raise ValueError(f"{self.nodes[up].name} cannot be a parent here")
            chain.append(up)
        return chain

    def effective(self, own: Floats, without: int | None = None) -> Floats:
        """Return each indicator's weight in the whole, all levels multiplied."""
        own = own.copy()
        if without is not None:
            own[without] = 0
        filled = np.zeros(len(self.nodes) + 1, dtype=bool)
        for leaf, chain in enumerate(self._above):
            filled[chain] |= leaf != without
        own[~filled[:-1]] = 0  # a group whose only indicator is left out
        siblings = np.bincount(self.parent, own, minlength=len(self.nodes) + 1)
        if (siblings[self.parent][filled[:-1]] <= 0).any():
            raise ValueError("the weights below one parent must not all be 0")
        relative = own / np.where(siblings > 0, siblings, 1)[self.parent]
        return np.array([relative[chain].prod() for chain in self._above])

    def parts(self, own: Floats) -> dict[str, Floats]:
        """Return for each group the weights of the indicators in it."""
        effective = self.effective(own)
        parts = {}
        for i in range(self.leaves, len(self.nodes)):
            inside = np.array([i in chain for chain in self._above])
            part = np.where(inside, effective, 0)
            if part.sum() > 0:
                parts[self.nodes[i].name] = part / part.sum()
        return parts


ADDS: dict[str, Callable[[Floats], Floats]] = {
    "arithmetic": lambda n: n,
    "geometric": np.log,
    "harmonic": np.reciprocal,
}
UNDOES: dict[str, Callable[[Floats], Floats]] = {
    "arithmetic": lambda n: n,
    "geometric": np.exp,
    "harmonic": np.reciprocal,
}


def combine(normalised: Floats, effective: Floats, aggregate: str) -> Floats:
    """Return the weighted arithmetic, geometric or harmonic mean of each row."""
    return UNDOES[aggregate](ADDS[aggregate](normalised) @ effective)


def normaliser(
    known: Floats,
    directions: NDArray[np.int64],
    how: str,
    limits: tuple[float, float],
) -> Callable[[Floats], Floats]:
    """
    Fit a normalisation to the areas; it can then be applied to other values.

    Values beyond those seen get the score of the nearest one seen, except by "zscore".
    """
    x = known * directions
    m = len(x)
    if how == "zscore":
        mean, spread = x.mean(axis=0), x.std(axis=0, ddof=1)
        return lambda values: (values * directions - mean) / spread
    if how == "minmax":
        low, high = x.min(axis=0), x.max(axis=0)
        bottom, top = limits
        return lambda values: (
            bottom
            + (top - bottom)
            * ((np.clip(values * directions, low, high) - low) / (high - low))
        )
    if how == "reference":
        if (known <= 0).any():
            raise ValueError("a ratio to the mean needs values above 0")
        mean, low, high = known.mean(axis=0), known.min(axis=0), known.max(axis=0)
        return lambda values: (
            100 * (np.clip(values, low, high) / mean) ** directions.astype(float)
        )
    if how == "categories":
        borders = np.quantile(x, CATEGORIES, axis=0).T
        classes = [
            lambda column, b=b: CLASS_SCORES[np.searchsorted(b, column, side="right")]
            for b in borders
        ]
    else:
        factor = 1 / (m - 1) if how == "percentile" else 1.0
        first = 1.0 if how == "rank" else 0.0
        classes = [
            lambda column, s=s: (
                first + factor * np.minimum(np.searchsorted(s, column), m - 1)
            )
            for s in np.sort(x, axis=0).T
        ]
    return lambda values: np.column_stack(
        [of(c) for of, c in zip(classes, (values * directions).T, strict=True)]
    )


def chosen_weights(n: Floats, tree: Hierarchy, how: str, aggregate: str) -> Floats:
    """Return the weight of every indicator and group among its siblings."""
    if how == "given":
        return tree.given
    own = np.ones(len(tree.nodes))
    if how == "pca":
        for parent in set(tree.parent[: tree.leaves].tolist()):
            columns = np.flatnonzero(tree.parent[: tree.leaves] == parent)
            if len(columns) > 1:
                correlation = np.corrcoef(n[:, columns].T)
                own[columns] = np.linalg.eigh(correlation)[1][:, -1] ** 2
    if how == "optimised":
        from scipy.optimize import minimize

        target = tree.effective(tree.given)
        own = tree.given.copy()
        scale = np.bincount(tree.parent, own)[tree.parent]

        def distance(log_change: Floats) -> float:
            own[: tree.leaves] = (tree.given / scale)[: tree.leaves] * np.exp(
                log_change
            )
            value = combine(n, tree.effective(own), aggregate)
            found = correlations(n, value)
            return float(((found / found.sum() - target) ** 2).sum())

        start = np.zeros(tree.leaves)
        best = minimize(distance, start, bounds=[(-5, 5)] * tree.leaves)
        distance(best.x)
    return own


def filled_in(
    x: Floats, how: str, screened: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    missing = np.isnan(x) & screened[:, None]
    if how == "none":
        return x, np.zeros_like(missing)
    typical = np.nanmean(x, axis=0) if how == "mean" else np.nanmedian(x, axis=0)
    return np.where(missing, typical, x), missing


def winsorised(x: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Pull in the most extreme values until skewness or kurtosis is within limits."""
    result, treated = x.copy(), np.zeros(x.shape[1], dtype=np.int64)
    for j in range(x.shape[1]):
        column = result[:, j]
        sign = 1 if skewness_and_kurtosis(column)[0] > 0 else -1
        order = np.argsort(sign * column, kind="stable")  # missing values come last
        order = order[: np.isfinite(column).sum()][::-1]
        original = column.copy()
        most = min(TREATED, len(order) - 3)
        while treated[j] < most and beyond_limits(column[:, None])[0]:
            treated[j] += 1
            extreme = order[: treated[j]]
            column[extreme] = original[order[treated[j]]]
    return result, treated


def beyond_limits(x: Floats) -> NDArray[np.bool_]:
    shapes = np.array([skewness_and_kurtosis(column) for column in x.T])
    return (np.abs(shapes[:, 0]) > SKEWNESS) & (shapes[:, 1] > KURTOSIS)


def skewness_and_kurtosis(column: Floats) -> tuple[float, float]:
    """Return skewness and excess kurtosis, both corrected for sample size."""
    x = column[np.isfinite(column)]
    n = len(x)
    if n < 4 or x.min() == x.max():
        return 0.0, 0.0
    d = (x - x.mean()) / x.std()
    skew, kurt = (d**3).mean(), (d**4).mean() - 3
    return (
        float(skew * np.sqrt(n * (n - 1)) / (n - 2)),
        float((n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * kurt + 6)),
    )


def ranked(value: Floats) -> Floats:
    """Rank from the highest down; differences in the last digits are rounding."""
    largest = np.nanmax(np.abs(value))
    rounded = -np.round(value / largest, 12) if largest > 0 else -value
    ranks = np.searchsorted(np.sort(rounded), rounded) + 1.0
    return np.where(np.isnan(value), np.nan, ranks)


def in_place(complete: NDArray[np.bool_], known: Floats) -> Floats:
    result = np.full(len(complete), np.nan)
    result[complete] = known
    return result


def correlations(n: Floats, value: Floats) -> Floats:
    """Return the correlation of each column with the value; 0 where one is constant."""
    d, e = n - n.mean(axis=0), value - value.mean()
    size = np.sqrt((d**2).sum(axis=0) * (e @ e))
    return np.divide(d.T @ e, size, out=np.zeros(n.shape[1]), where=size > 0)
