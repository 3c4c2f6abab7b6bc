"""A composite index: many indicators in one figure, with every step in the open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

Normalise = Literal[
    "minmax", "zscore", "rank", "percentile", "borda", "reference", "categories"
]
Aggregate = Literal["arithmetic", "geometric", "harmonic"]
Weighting = Literal["given", "equal", "pca", "optimised"]

NORMALISE = (
    "minmax", "zscore", "rank", "percentile", "borda", "reference", "categories",
)  # fmt: skip
AGGREGATE = ("arithmetic", "geometric", "harmonic")
WEIGHTING = ("given", "equal", "pca", "optimised")
TREAT = ("none", "winsorise")
IMPUTE = ("none", "mean", "median")

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


@dataclass(frozen=True)
class CompositeIndex:
    """
    An index and what it is made of.

    Attributes
    ----------
    value : array of float, shape (m,)
        The index, on the scale of the normalised indicators; not a number where a value
        is missing and none was imputed.
    rank : array of float, shape (m,)
        1 for the highest index; equal areas share the better rank.
    scores : mapping of str to array, shape (m,)
        The index of each group.
    normalised : array of float, shape (m, p)
        Indicators after imputation, treatment and normalisation.
    imputed : array of bool, shape (m, p)
        Where a missing value was filled in.
    treated : array of int, shape (p,)
        Values of each indicator that were winsorised.
    beyond : array of bool, shape (p,)
        Indicators still skewed and heavy-tailed after that.
    effective_weights : array of float, shape (p,)
        Each indicator's weight in the whole, through all levels; they sum to 1.
    importance : array of float, shape (p,)
        Squared correlation of indicator and index: how much it really decides.
    contributions : array of float, shape (m, p)
        What lifts (above 0) or lowers an area against the mean area, on the scale on
        which the aggregation adds: itself, logarithm, or minus the reciprocal.
    rank_without : array of float, shape (p, m)
        Ranks when the indicator is left out; not a number where it is the only one.
    influence : array of float, shape (p,)
        Mean change of rank when the indicator is left out.
    method : mapping
        All options in force.
    """

    value: Floats
    rank: Floats
    scores: Mapping[str, Floats]
    normalised: Floats
    imputed: NDArray[np.bool_]
    treated: NDArray[np.int64]
    beyond: NDArray[np.bool_]
    effective_weights: Floats
    importance: Floats
    contributions: Floats
    rank_without: Floats
    influence: Floats
    method: Mapping[str, object]


def composite_index(
    values: ArrayLike,
    indicators: Sequence[Indicator],
    *,
    groups: Sequence[Indicator] = (),
    normalise: Normalise = "minmax",
    aggregate: Aggregate = "arithmetic",
    treat: Literal["none", "winsorise"] = "none",
    impute: Literal["none", "mean", "median"] = "none",
    weights: Weighting = "given",
    limits: tuple[float, float] | None = None,
    required: float = 0.0,
) -> CompositeIndex:
    """
    Combine indicators into an index, step by step, and show what each step does.

    Parameters
    ----------
    values : array of float, shape (m, p)
        One row per area, one column per indicator; not a number where it is missing.
    indicators : sequence of Indicator, length p
        Name, direction, weight and parent of each column.
    groups : sequence of Indicator, optional
        The groups named as parents that have a weight or a parent of their own.
        Others hang at the top with weight 1. A group's direction is not used.
    normalise : str
        "minmax" (to `limits`), "zscore", "rank", "percentile" (0 to 1), "borda" (rank
        minus 1), "reference" (100 times the ratio to the mean) or "categories" (0, 20
        … 100 between the 5th, 25th, 50th, 75th and 95th percentile).
    aggregate : {"arithmetic", "geometric", "harmonic"}
        "geometric" and "harmonic" let a high value make up less for a low one.
    treat : {"none", "winsorise"}
        "winsorise" pulls in up to five of the most extreme values of an indicator with
        skewness above 2 and excess kurtosis above 3.5, until one of them is within.
    impute : {"none", "mean", "median"}
        What stands for a missing value; "none" leaves the area without an index.
    weights : {"given", "equal", "pca", "optimised"}
        "given" are those of `indicators` and `groups`; "equal" the same for all with
        the same parent; "pca" squared loadings on the first principal component of
        those with the same parent; "optimised" such that the indicators' correlations
        with the index are in the ratio of the given weights.
    limits : (float, float), optional
        Lowest and highest score of "minmax": (0, 100), but (1, 100) with geometric and
        harmonic means, which know no 0.
    required : float between 0 and 1, default 0
        Share of the indicators that an area must have itself; one with fewer gets no
        index, and no value is imputed for it.

    Returns
    -------
    CompositeIndex
        Values and ranks, contributions, weights as they come out, influence of leaving
        each indicator out.

    Raises
    ------
    ValueError
        Names, shapes or options do not fit; an indicator is the same everywhere or has
        no value; a parent is its own ancestor; weights are below 0 or sum to 0; or a
        normalised value is 0 or less where the mean needs more.

    Notes
    -----
    With x the value times its direction, f the identity, the logarithm or the
    reciprocal, and W the product of the weights (each divided by the sum of its
    siblings') from the indicator up to the top::

        minmax      n = low + (high - low) (x - min) / (max - min)
        zscore      n = (x - mean) / sd            (divided by m - 1)
        rank        n = 1 + number of areas below;  borda n = rank - 1
        percentile  n = (rank - 1) / (m - 1)
        reference   n = 100 x / mean, or 100 mean / x where more lowers the index
        index       = f^-1(sum W f(n))

    Since every level uses the same mean, the levels may be taken one by one or at once.
    Importance is the squared correlation with the index. Nominal weights are seldom
    what decides (Paruolo, Saisana and Saltelli). "optimised" minimises the squared
    distance of normalised correlations from the given weights over weights that are 0
    or more; indicators that contradict each other cannot all be balanced.

    An index orders areas by the indicators chosen. It does not order their people, and
    says nothing about why.

    References
    ----------
    OECD and JRC (2008), Handbook on Constructing Composite Indicators, OECD Publishing.
    Paruolo, Saisana and Saltelli (2013), J. Royal Statistical Society A 176, 609-634.
    Becker et al. (2017), Ecological Indicators 80, 12-22.
    Becker et al. (2022), J. Open Source Software 7(78), 4567 (COINr).

    Examples
    --------
    >>> found = composite_index(
    ...     [[4, 90], [8, 80], [12, 40]],
    ...     [Indicator("unemployed", -1), Indicator("employed")],
    ... )
    >>> found.value.round(1).tolist(), found.rank.astype(int).tolist()
    ([100.0, 65.0, 0.0], [1, 2, 3])
    """
    x = np.asarray(values, dtype=float)
    _check_options(normalise, aggregate, treat, impute, weights)
    tree = Hierarchy(indicators, groups)
    _check_values(x, tree)
    low, high = limits or ((0.0, 100.0) if aggregate == "arithmetic" else (1.0, 100.0))
    if not low < high:
        raise ValueError(f"limits must be low, high, got {low}, {high}")

    screened = np.isfinite(x).mean(axis=1) >= required
    x = np.where(screened[:, None], x, np.nan)
    filled, imputed = _impute(x, impute, screened)
    treated = np.zeros(x.shape[1], dtype=np.int64)
    if treat == "winsorise":
        filled, treated = _winsorise(filled)
    complete = np.asarray(np.isfinite(filled).all(axis=1))
    known = filled[complete]
    if len(known) < 3:
        raise ValueError("fewer than three areas have all their indicators")
    scale = normaliser(known, tree.directions, normalise, (low, high))
    normalised = np.full(x.shape, np.nan)
    normalised[complete] = n = scale(known)
    if aggregate != "arithmetic" and n.min() <= 0:
        raise ValueError(
            f"a {aggregate} mean needs normalised values above 0, not {normalise}"
        )
    own = chosen_weights(n, tree, weights, aggregate)
    effective = tree.effective(own)
    value = _spread(complete, combine(n, effective, aggregate))
    rank = _rank(value)
    without = np.full((tree.leaves, len(x)), np.nan)
    if tree.leaves > 1:
        for j, ranks in enumerate(without):
            others = tree.effective(own, j)
            ranks[:] = _rank(_spread(complete, combine(n, others, aggregate)))
    additive = ADDS[aggregate](n)
    added = np.full(x.shape, np.nan)
    added[complete] = effective * (additive - additive.mean(axis=0))
    return CompositeIndex(
        value=value,
        rank=rank,
        scores={
            group: _spread(complete, combine(n, part, aggregate))
            for group, part in tree.parts(own).items()
        },
        normalised=normalised,
        imputed=imputed,
        treated=treated,
        beyond=_beyond_limits(known),
        effective_weights=effective,
        importance=_correlations(n, value[complete]) ** 2,
        contributions=added if aggregate != "harmonic" else -added,
        rank_without=without,
        influence=np.abs(without - rank)[:, complete].mean(axis=1),
        method={
            "normalise": normalise,
            "aggregate": aggregate,
            "treat": treat,
            "impute": impute,
            "weights": weights,
            "required": required,
            "limits": [low, high] if normalise == "minmax" else None,
            "indicators": [vars(i) for i in indicators],
            "groups": [vars(g) for g in groups],
        },
    )


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
            found = _correlations(n, value)
            return float(((found / found.sum() - target) ** 2).sum())

        start = np.zeros(tree.leaves)
        best = minimize(distance, start, bounds=[(-5, 5)] * tree.leaves)
        distance(best.x)
    return own


def _check_options(
    normalise: str, aggregate: str, treat: str, impute: str, weights: str
) -> None:
    for name, chosen, allowed in (
        ("normalise", normalise, NORMALISE),
        ("aggregate", aggregate, AGGREGATE),
        ("treat", treat, TREAT),
        ("impute", impute, IMPUTE),
        ("weights", weights, WEIGHTING),
    ):
        if chosen not in allowed:
            raise ValueError(
                f"{name} must be one of {', '.join(allowed)}, got {chosen!r}"
            )


def _check_values(x: Floats, tree: Hierarchy) -> None:
    if x.ndim != 2 or x.shape[1] != tree.leaves or len(x) < 3:
        raise ValueError(
            f"values must have three areas or more and {tree.leaves} columns,"
            f" got {x.shape}"
        )
    if np.isinf(x).any():
        raise ValueError("values must be finite, or not a number where missing")
    for node, column in zip(tree.nodes, x.T, strict=False):
        known = column[~np.isnan(column)]
        if not len(known) or known.min() == known.max():
            raise ValueError(f"{node.name} is the same in all areas, or unknown")


def _impute(
    x: Floats, how: str, screened: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_]]:
    missing = np.isnan(x) & screened[:, None]
    if how == "none":
        return x, np.zeros_like(missing)
    typical = np.nanmean(x, axis=0) if how == "mean" else np.nanmedian(x, axis=0)
    return np.where(missing, typical, x), missing


def _winsorise(x: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Pull in the most extreme values until skewness or kurtosis is within limits."""
    result, treated = x.copy(), np.zeros(x.shape[1], dtype=np.int64)
    for j in range(x.shape[1]):
        column = result[:, j]
        sign = 1 if _shape(column)[0] > 0 else -1
        order = np.argsort(sign * column, kind="stable")  # missing values come last
        order = order[: np.isfinite(column).sum()][::-1]
        original = column.copy()
        most = min(TREATED, len(order) - 3)
        while treated[j] < most and _beyond_limits(column[:, None])[0]:
            treated[j] += 1
            extreme = order[: treated[j]]
            column[extreme] = original[order[treated[j]]]
    return result, treated


def _beyond_limits(x: Floats) -> NDArray[np.bool_]:
    shapes = np.array([_shape(column) for column in x.T])
    return (np.abs(shapes[:, 0]) > SKEWNESS) & (shapes[:, 1] > KURTOSIS)


def _shape(column: Floats) -> tuple[float, float]:
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


def _rank(value: Floats) -> Floats:
    """Rank from the highest down; differences in the last digits are rounding."""
    largest = np.nanmax(np.abs(value))
    rounded = -np.round(value / largest, 12) if largest > 0 else -value
    ranks = np.searchsorted(np.sort(rounded), rounded) + 1.0
    return np.where(np.isnan(value), np.nan, ranks)


def _spread(complete: NDArray[np.bool_], known: Floats) -> Floats:
    result = np.full(len(complete), np.nan)
    result[complete] = known
    return result


def _correlations(n: Floats, value: Floats) -> Floats:
    """Return the correlation of each column with the value; 0 where one is constant."""
    d, e = n - n.mean(axis=0), value - value.mean()
    size = np.sqrt((d**2).sum(axis=0) * (e @ e))
    return np.divide(d.T @ e, size, out=np.zeros(n.shape[1]), where=size > 0)
