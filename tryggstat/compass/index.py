"""A composite index: many indicators in one figure, with every step in the open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.compass._steps import (
    ADDS,
    Floats,
    Hierarchy,
    Indicator,
    beyond_limits,
    chosen_weights,
    combine,
    correlations,
    filled_in,
    in_place,
    normaliser,
    ranked,
    winsorised,
)

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
    filled, imputed = filled_in(x, impute, screened)
    treated = np.zeros(x.shape[1], dtype=np.int64)
    if treat == "winsorise":
        filled, treated = winsorised(filled)
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
    value = in_place(complete, combine(n, effective, aggregate))
    rank = ranked(value)
    without = np.full((tree.leaves, len(x)), np.nan)
    if tree.leaves > 1:
        for j, ranks in enumerate(without):
            others = tree.effective(own, j)
            ranks[:] = ranked(in_place(complete, combine(n, others, aggregate)))
    additive = ADDS[aggregate](n)
    added = np.full(x.shape, np.nan)
    added[complete] = effective * (additive - additive.mean(axis=0))
    return CompositeIndex(
        value=value,
        rank=rank,
        scores={
            group: in_place(complete, combine(n, part, aggregate))
            for group, part in tree.parts(own).items()
        },
        normalised=normalised,
        imputed=imputed,
        treated=treated,
        beyond=beyond_limits(known),
        effective_weights=effective,
        importance=correlations(n, value[complete]) ** 2,
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
