"""How sure the ranks of an index are: choices of method and small populations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.compass._steps import ADDS, Floats, Hierarchy, Indicator, normaliser
from tryggstat.compass.index import Aggregate, Normalise, composite_index
from tryggstat.parallel import replicates, streams

NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
NODE_WEIGHTS = NODE_WEIGHTS / NODE_WEIGHTS.sum()


@dataclass(frozen=True)
class RankUncertainty:
    """
    Intervals of every area's rank. 1 is the highest index.

    Attributes
    ----------
    rank : array of float, shape (m,)
        The rank by the index as it was decided.
    low, high : array of int, shape (m,)
        Interval when method and sampling noise vary together.
    method_low, method_high : array of int, shape (m,)
        Interval when only the method varies.
    sampling_low, sampling_high : array of int, shape (m,)
        Interval when only the values vary, as far as small populations let them.
    median : array of int, shape (m,)
        Middle rank when both vary.
    by_choice : mapping of str to float
        Mean change of rank if one choice alone were another ("zscore", "geometric" …).
    method : mapping
        All options in force.
    """

    rank: Floats
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    method_low: NDArray[np.int64]
    method_high: NDArray[np.int64]
    sampling_low: NDArray[np.int64]
    sampling_high: NDArray[np.int64]
    median: NDArray[np.int64]
    by_choice: Mapping[str, float]
    method: Mapping[str, object]


def rank_uncertainty(
    values: ArrayLike,
    indicators: Sequence[Indicator],
    *,
    groups: Sequence[Indicator] = (),
    normalise: Sequence[Normalise] = ("minmax", "zscore", "percentile"),
    aggregate: Sequence[Aggregate] = ("arithmetic", "geometric"),
    weight_noise: float = 0.25,
    errors: ArrayLike | None = None,
    level: float = 0.9,
    draws: int = 10_000,
    seed: int = 1,
    pool: Executor | None = None,
) -> RankUncertainty:
    """
    Draw methods and values many times, and see which ranks an area can have.

    Parameters
    ----------
    values : array of float, shape (m, p)
        One row per area, one column per indicator, none missing.
    indicators, groups : sequence of Indicator
        As in `composite_index`.
    normalise, aggregate : sequence of str
        The choices to draw from, each as likely; the first of each is the index as it
        was decided. Pairs that exclude each other (a geometric mean of z-scores) are
        left out.
    weight_noise : float from 0 to 1, default 0.25
        Every weight is multiplied by a number between 1 - noise and 1 + noise.
    errors : array of float, shape (m, p), optional
        Standard error of each value: for a share x of N persons sqrt(x (1 - x) / N).
        Left out, the values are taken as exact.
    level : float between 0 and 1, default 0.9
        Share of the draws inside the intervals.
    draws : int, default 10,000
        Number of draws.
    seed : int, default 1
        The same seed gives the same numbers, however many workers share the work.
    pool : Executor, optional
        Threads, processes or a cluster to share the draws.

    Returns
    -------
    RankUncertainty
        Three intervals for every area: both kinds together, and each alone.

    Raises
    ------
    ValueError
        As `composite_index`; or a value is missing, or an option does not fit.

    Notes
    -----
    A value x with standard error s is itself a draw round the area's true value, so the
    true one is drawn from what is known of it (normal, empirical Bayes by moments)::

        A = max(var x - mean s^2, 0),  B = A / (A + s^2)
        true value ~ N(mean + B (x - mean), B s^2)

    Small areas are thus pulled to the mean before they vary. With f the scale on which
    the aggregation adds, f(n) of an indicator gets mean and variance by nine-point
    Gauss-Hermite quadrature, the normalisation being that of the values as they are;
    the index then varies as the weighted sum, taken as normal and independent between
    areas. In a draw, equal areas rank in their order.

    The intervals hold for each area by itself, not for the whole order at once.

    References
    ----------
    Saisana, Saltelli and Tarantola (2005), J. Royal Statistical Society A 168, 307-323.
    Goldstein and Spiegelhalter (1996), J. Royal Statistical Society A 159, 385-443.

    Examples
    --------
    >>> found = rank_uncertainty(
    ...     [[1, 5], [2, 4], [6, 20], [9, 30]],
    ...     [Indicator("a"), Indicator("b")],
    ...     draws=500,
    ... )
    >>> found.rank.astype(int).tolist()
    [4, 3, 2, 1]
    >>> found.low.tolist(), found.high.tolist()
    ([3, 3, 2, 1], [4, 4, 2, 1])
    """
    x = np.asarray(values, dtype=float)
    if not normalise or not aggregate:
        raise ValueError("normalise and aggregate must each name one choice or more")
    if not 0 <= weight_noise <= 1:
        raise ValueError(f"weight_noise must be 0 to 1, got {weight_noise}")
    if not 0 < level < 1 or draws < 1:
        raise ValueError(f"level must be 0 to 1, draws 1 or more: {level}, {draws}")
    if np.isnan(x).any():
        raise ValueError("no value may be missing: impute first")
    noise = np.zeros(x.shape) if errors is None else np.asarray(errors, dtype=float)
    if noise.shape != x.shape or not (np.isfinite(noise) & (noise >= 0)).all():
        raise ValueError(f"errors must be 0 or more, in the shape {x.shape}")
    pairs = [
        pair
        for pair in product(normalise, aggregate)
        if pair[1] == "arithmetic" or pair[0] in ("minmax", "rank", "reference")
    ]
    plain = composite_index(
        x, indicators, groups=groups, normalise=normalise[0], aggregate=aggregate[0]
    )
    tree = Hierarchy(indicators, groups)
    centre, spread = _posterior(x, noise)
    exact = [_moments(x, np.zeros_like(x), x, tree, pair) for pair in pairs]
    noisy = [_moments(centre, spread, x, tree, pair) for pair in pairs]
    run = partial(
        _ranks_of_draws, tree=tree, seed=seed, draws=draws, level=level, pool=pool
    )
    low, median, high = method = run(exact, weight_noise=weight_noise)
    sampling = run(exact[:1], weight_noise=0.0, draws=1)
    if noise.any():
        sampling = run(noisy[:1], weight_noise=0.0)
        low, median, high = run(noisy, weight_noise=weight_noise)
    return RankUncertainty(
        rank=plain.rank,
        low=low,
        high=high,
        method_low=method[0],
        method_high=method[2],
        sampling_low=sampling[0],
        sampling_high=sampling[2],
        median=median,
        by_choice=_by_choice(x, indicators, groups, plain.rank, normalise, aggregate),
        method={
            "normalise": list(normalise),
            "aggregate": list(aggregate),
            "pairs": [list(pair) for pair in pairs],
            "weight_noise": weight_noise,
            "sampling_noise": errors is not None,
            "level": level,
            "draws": draws,
            "seed": seed,
        },
    )


def _posterior(x: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the true values, given those seen."""
    mean = x.mean(axis=0)
    between = np.maximum(x.var(axis=0, ddof=1) - (noise**2).mean(axis=0), 0)
    total = between + noise**2
    own = np.divide(between, total, out=np.ones_like(x), where=total > 0)
    return mean + own * (x - mean), np.sqrt(own) * noise


def _moments(
    centre: Floats, spread: Floats, seen: Floats, tree: Hierarchy, pair: tuple[str, str]
) -> tuple[Floats, Floats]:
    """Return mean and variance of each indicator on the scale that adds up."""
    how, aggregate = pair
    limits = (0.0, 100.0) if aggregate == "arithmetic" else (1.0, 100.0)
    scale = normaliser(seen, tree.directions, how, limits)
    sign = -1.0 if aggregate == "harmonic" else 1.0
    nodes = NODES if spread.any() else np.zeros(1)
    weights = NODE_WEIGHTS if spread.any() else np.ones(1)
    points = [sign * ADDS[aggregate](scale(centre + node * spread)) for node in nodes]
    mean = sum(w * point for w, point in zip(weights, points, strict=True))
    variance = sum(
        w * (point - mean) ** 2 for w, point in zip(weights, points, strict=True)
    )
    return np.asarray(mean), np.asarray(variance)


def _ranks_of_draws(
    moments: list[tuple[Floats, Floats]],
    *,
    weight_noise: float,
    tree: Hierarchy,
    seed: int,
    draws: int,
    level: float,
    pool: Executor | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the lower bound, the middle and the upper bound of every rank."""
    work = partial(
        _draw_ranks, moments=moments, tree=tree, weight_noise=weight_noise, seed=seed
    )
    # whole numbers of two bytes: as float64 they would fill the memory
    ranks = replicates(cast(Callable[[range], Floats], work), draws, pool=pool)
    tail = (1 - level) / 2
    places = [int(np.ceil(q * draws)) - 1 for q in (tail, 0.5, 1 - tail)]
    bounds = np.empty((3, ranks.shape[1]), dtype=np.int64)
    for first in range(0, ranks.shape[1], 64):
        columns = np.ascontiguousarray(ranks[:, first : first + 64].T)
        columns.sort(axis=1)
        bounds[:, first : first + 64] = columns[:, np.maximum(places, 0)].T
    return bounds[0] + 1, bounds[1] + 1, bounds[2] + 1


def _draw_ranks(
    numbers: range,
    *,
    moments: list[tuple[Floats, Floats]],
    tree: Hierarchy,
    weight_noise: float,
    seed: int,
) -> NDArray[np.unsignedinteger]:
    """Return for each draw the number of areas with a higher index than each."""
    m = len(moments[0][0])
    noisy = any(variance.any() for _, variance in moments)
    small: type[np.unsignedinteger] = np.uint16 if m < 2**16 else np.uint32
    order = np.arange(m, dtype=small)
    ranks = np.empty((len(numbers), m), dtype=small)
    for row, generator in zip(ranks, streams(seed, numbers), strict=True):
        mean, variance = moments[int(generator.random() * len(moments))]
        factor = 1 + weight_noise * (2 * generator.random(len(tree.nodes)) - 1)
        effective = tree.effective(tree.given * factor)
        # einsum, since the rounding of a BLAS product can differ between machines
        score = np.einsum("ij,j->i", mean, effective)
        if noisy:
            spread = np.sqrt(np.einsum("ij,j->i", variance, effective**2))
            score += spread * generator.standard_normal(m)
        row[_descending(score)] = order
    return ranks


def _descending(score: Floats) -> NDArray[np.int64]:
    """
    Return the order from the highest down, of equals the first area first.

    Sorting whole numbers that hold score and area takes a fifth of a stable argsort.
    """
    bits = len(score).bit_length()
    span = np.ptp(score) or 1.0
    key = ((score.max() - score) * (2.0 ** (62 - bits) / span)).astype(np.int64)
    key = (key << bits) | np.arange(len(score))
    key.sort()
    return np.asarray(key & ((1 << bits) - 1))


def _by_choice(
    x: Floats,
    indicators: Sequence[Indicator],
    groups: Sequence[Indicator],
    rank: Floats,
    normalise: Sequence[Normalise],
    aggregate: Sequence[Aggregate],
) -> dict[str, float]:
    changes: dict[str, float] = {}
    choices = [(n, aggregate[0]) for n in normalise[1:]]
    choices += [(normalise[0], a) for a in aggregate[1:]]
    for (how, combined), name in zip(
        choices, [*normalise[1:], *aggregate[1:]], strict=True
    ):
        try:
            other = composite_index(
                x, indicators, groups=groups, normalise=how, aggregate=combined
            )
        except ValueError:  # the pair excludes each other
            continue
        changes[name] = float(np.abs(other.rank - rank).mean())
    return changes
