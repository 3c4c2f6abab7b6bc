"""Displacement: did trouble move to the areas around, or did they gain as well?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.effects.conclusion import Conclusion, Effect, conclude, effect_of
from tryggstat.spatial.neighbours import Neighbours


@dataclass(frozen=True)
class Displacement:
    """
    Events in the area of a measure, in a buffer around it, and in areas to compare.

    Attributes
    ----------
    treated, buffer : Effect
        Logarithms of ratios: change beyond that of the areas to compare.
    avoided : Effect
        Events fewer than expected in area and buffer together; its interval is normal.
    quotient : float
        Weighted displacement quotient: above 0 the buffer gained as well, below 0
        trouble moved there, below -1 more than was avoided. NaN where the area itself
        did not do better than the areas to compare.
    conclusion : Conclusion
        About the buffer.
    """

    treated: Effect
    buffer: Effect
    avoided: Effect
    quotient: float
    conclusion: Conclusion


def displacement(
    treated: tuple[float, float],
    buffer: tuple[float, float],
    control: tuple[float, float],
    *,
    dispersion: float = 1.0,
    confidence: float = 0.95,
) -> Displacement:
    """
    Estimate whether events moved from the area of a measure to a buffer around it.

    Parameters
    ----------
    treated, buffer, control : tuple of two floats
        Events before and after the start, in periods of equal length.
    dispersion : float, default 1
        Variance of counts over their mean; 1 if they vary as chance makes them.
    confidence : float between 0 and 1, default 0.95
        Level of the intervals.

    Returns
    -------
    Displacement
        Effects, events avoided and the quotient.

    Raises
    ------
    ValueError
        A count is 0 or below, or the dispersion is.

    Notes
    -----
    With A, B and C the events in area, buffer and control, 0 before and 1 after::

        effect   = log(A1 C0 / (A0 C1)),   var = dispersion sum(1 / count)
        avoided  = (A0 + B0) C1 / C0 - (A1 + B1)
        quotient = (B1 / C1 - B0 / C0) / (A1 / C1 - A0 / C0)

    The quotient carries no interval: near a denominator of 0 it has none that means
    anything. Read the buffer's effect.

    References
    ----------
    Bowers and Johnson (2003), J. of Quantitative Criminology 19(3), 275-301.

    Examples
    --------
    >>> found = displacement((100, 60), (100, 110), (200, 200))
    >>> round(found.quotient, 2), round(found.avoided.estimate)
    (-0.25, 30)
    """
    counts = np.array([treated, buffer, control], dtype=float)
    if counts.shape != (3, 2) or not (counts > 0).all() or not dispersion > 0:
        raise ValueError("all counts and the dispersion must be above 0")
    (a0, a1), (b0, b1), (c0, c1) = counts.tolist()
    before, after = counts[:, 0] / c0, counts[:, 1] / c1
    shared = 1 / c0 + 1 / c1

    def ratio(x0: float, x1: float) -> Effect:
        se = math.sqrt(dispersion * (1 / x0 + 1 / x1 + shared))
        return effect_of(math.log(x1 * c0 / (x0 * c1)), se, 1e9, confidence)

    expected = (a0 + b0) * c1 / c0
    variance = expected**2 * (1 / (a0 + b0) + shared) + a1 + b1
    around = ratio(b0, b1)
    gain = after[0] - before[0]
    return Displacement(
        ratio(a0, a1),
        around,
        effect_of(
            expected - a1 - b1, math.sqrt(dispersion * variance), 1e9, confidence
        ),
        float((after[1] - before[1]) / gain) if gain < 0 else math.nan,
        conclude(around, "comparison", ratio=True),
    )


def buffer_areas(
    neighbours: Neighbours, treated: ArrayLike, *, steps: int = 1
) -> NDArray[np.bool_]:
    """
    Return the areas around those with a measure.

    Parameters
    ----------
    neighbours : Neighbours
        Which areas lie beside each other.
    treated : array of bool, shape (n,)
        The areas with the measure.
    steps : int, default 1
        How many neighbours away still counts.

    Returns
    -------
    array of bool, shape (n,)
        Never an area with the measure.

    Raises
    ------
    ValueError
        There are not as many areas as there are rows of neighbours.

    Notes
    -----
    Each step adds the neighbours of all areas reached so far.

    References
    ----------
    Clarke and Weisburd (1994), Crime Prevention Studies 2, 165-183.

    Examples
    --------
    >>> from tryggstat.spatial import neighbour_pairs
    >>> row = neighbour_pairs([0, 1, 1, 2], [1, 0, 2, 1], 4)
    >>> buffer_areas(row, [True, False, False, False], steps=2).tolist()
    [False, True, True, False]
    """
    start = np.asarray(treated, dtype=bool)
    if start.shape != (neighbours.size,):
        raise ValueError(f"treated must have {neighbours.size} areas")
    reached = start.copy()
    for _ in range(steps):
        reached = reached | (neighbours.lag(reached) > 0)
    return np.asarray(reached & ~start)
