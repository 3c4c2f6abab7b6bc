"""Weights: what they are, from the design, and trimmed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class WeightingError(ValueError):
    """The weights asked for do not exist."""


class NegativeWeight(WeightingError):
    """A weight handed in is negative, or no number."""


class EmptyCell(WeightingError):
    """Somebody lives in a cell of the population, but the sample has nobody there."""


class UnknownLevel(WeightingError):
    """The sample has somebody in a cell for which there is no total."""


class ContradictingMargins(WeightingError):
    """No population can have these totals at once."""


class MarginsNotMet(WeightingError):
    """The totals are not reached: within the bounds, or with these persons."""


@dataclass(frozen=True)
class Margin:
    """One total of the population, and what the weights add up to."""

    variable: str
    level: Hashable | None  # None: the variable is continuous
    total: float
    reached: float

    @property
    def error(self) -> float:
        """The distance to the total, relative to it (absolute for a total of 0)."""
        return abs(self.reached - self.total) / (abs(self.total) or 1.0)


@dataclass(frozen=True)
class Weights:
    """
    Weights, and how they came about.

    Attributes
    ----------
    weight : array of float, shape (n,)
        The new weights.
    before : array of float, shape (n,)
        The weights it started from.
    iterations : int
        Rounds until the totals were met; 0 for a closed formula.
    errors : tuple of float
        Largest relative margin error met in each round: how fast it converged.
    margins : tuple of Margin
        Every total, with what the new weights add up to.
    warnings : tuple of str
        What the user should know, such as negative weights.
    """

    weight: Floats
    before: Floats
    iterations: int = 0
    errors: tuple[float, ...] = ()
    margins: tuple[Margin, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def adjustment(self) -> Floats:
        """New weight over old weight, shape (n,); 1 where the old weight is 0."""
        ones = np.ones_like(self.weight)
        return np.divide(self.weight, self.before, out=ones, where=self.before != 0)

    @property
    def largest_margin_error(self) -> float:
        """The largest relative distance to a total that remains."""
        return max((margin.error for margin in self.margins), default=0.0)

    @property
    def smallest_adjustment(self) -> float:
        """The smallest adjustment of anybody who has a weight."""
        return float(self.adjustment[self.weight != 0].min())

    @property
    def largest_adjustment(self) -> float:
        """The largest adjustment of anybody who has a weight."""
        return float(self.adjustment[self.weight != 0].max())

    @property
    def design_effect(self) -> float:
        """Kish's design effect of the weights."""
        return kish_design_effect(self.weight)


def kish_design_effect(weight: ArrayLike) -> float:
    """
    Return by what factor unequal weights swell the variance of a mean.

    Parameters
    ----------
    weight : array of float, shape (n,)
        The weights. Those of 0 do not count.

    Returns
    -------
    float
        1 when all weights are equal, more otherwise.

    Raises
    ------
    NegativeWeight
        A weight is no number, or all are 0.

    Notes
    -----
    With n persons of positive weight::

        deff = n sum(w^2) / sum(w)^2

    It holds for an outcome that has nothing to do with the weights. The effective
    sample size is n / deff.

    References
    ----------
    Kish (1992), Weighting for unequal Pi, Journal of Official Statistics 8(2), 183-200.

    Examples
    --------
    >>> kish_design_effect([1, 1, 2])
    1.125
    """
    w = np.asarray(weight, dtype=float)
    total = float(w.sum())
    if not np.isfinite(total) or total == 0:
        raise NegativeWeight("weights must be numbers, and not all 0")
    return float(np.count_nonzero(w) * (w @ w) / total**2)


def design_weights(probability: ArrayLike | Sequence[ArrayLike]) -> Floats:
    """
    Return the weight of each person from the probability of being selected.

    Parameters
    ----------
    probability : array of float, shape (n,), or a sequence of such arrays
        Probability of selection, above 0 and at most 1. For a sample in stages one
        array per stage, each given what was selected in the stage before.

    Returns
    -------
    array of float, shape (n,)
        How many persons of the population each one stands for.

    Raises
    ------
    WeightingError
        A probability is not above 0 and at most 1.

    Notes
    -----
    w = 1 / (p_1 p_2 ...), after Horvitz and Thompson.

    References
    ----------
    Horvitz and Thompson (1952), JASA 47(260), 663-685.

    Examples
    --------
    Every tenth household, and in it one of two adults or the only one:

    >>> design_weights([[0.1, 0.1], [0.5, 1.0]])
    array([20., 10.])
    """
    p = np.atleast_2d(np.asarray(probability, dtype=float))
    if not ((p > 0) & (p <= 1)).all():
        raise WeightingError("a selection probability must be above 0 and at most 1")
    return np.asarray(1 / p.prod(axis=0))


def trim(weight: ArrayLike, *, lower: float = 0.0, upper: float = math.inf) -> Weights:
    """
    Cut the weights off at limits and share out what was cut, until all are within.

    Parameters
    ----------
    weight : array of float, shape (n,)
        Weights to trim.
    lower, upper : float
        The limits.

    Returns
    -------
    Weights
        With the same sum. Margins met before are met only about: look at them again.

    Raises
    ------
    NegativeWeight
        A weight is negative or no number.
    WeightingError
        The mean weight lies outside the limits, so that no weights within them have
        the same sum.

    Notes
    -----
    In each round those outside get the limit, and all others the same share of what
    was cut, so that the sum stays. The rounds end when nobody is outside.

    References
    ----------
    Potter (1990), A study of procedures to identify and trim extreme sampling weights,
    Proceedings of the Section on Survey Research Methods, ASA, 225-230.
    Lumley (2010), Complex Surveys, Wiley, chapter 7.

    Examples
    --------
    >>> trim([1, 2, 3, 10], upper=7).weight
    array([2., 3., 4., 7.])
    """
    w = _checked(weight)
    mean = float(w.mean())
    if not lower <= mean <= upper:
        raise WeightingError(
            f"the mean weight {mean:g} lies outside {lower:g} to {upper:g}"
        )
    new, rounds = w, 0
    slack = 1e-13 * mean  # a share below rounding does not start another round
    while (outside := (new < lower - slack) | (new > upper + slack)).any():
        cut = np.clip(new, lower, upper)
        inside = ~outside
        share = (new - cut)[outside].sum() / max(int(inside.sum()), 1)
        new = np.where(inside, new + share, cut)
        rounds += 1
    return Weights(new, w, rounds)


def _checked(weight: ArrayLike) -> Floats:
    w = np.asarray(weight, dtype=float)
    if w.ndim != 1 or not w.size:
        raise ValueError(f"weights must be one row of numbers, got shape {w.shape}")
    if not (w.min() >= 0 and np.isfinite(w.max())):
        row = int(np.flatnonzero(~(w >= 0) | ~np.isfinite(w))[0])
        raise NegativeWeight(f"weight {w[row]} in row {row} is not a number from 0 up")
    if w.max() == 0:
        raise NegativeWeight("all weights are 0")
    return w
