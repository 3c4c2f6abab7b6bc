"""Which cells need protection for their own sake, and how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

VERSION = "1"


@dataclass(frozen=True)
class Rules:
    """
    What is too small or too lopsided to be shown, and how uncertain it must stay.

    Parameters
    ----------
    threshold : int, default 5
        Counts from 1 to threshold - 1 are hidden.
    window : int, optional
        How wide an attacker's interval for them must be, from the smallest to the
        largest count that it holds. The threshold, if it is not given.
    zeros_are_small : bool, default False
        Hide zeros as well. A zero that everybody can foresee (a structural zero) is
        then exempted through `always_published`.
    extreme_share : float between 0.5 and 1, optional
        Groups of which at least this share, or at most the rest, answered alike: see
        `extreme`.
    extreme_share_of_few, few : float and int, default 0.9 and 60
        The share for groups of fewer than `few`.
    dominance : (int, float), optional
        For sums: hide a sum of which the n largest contributors make more than k per
        cent: see `windows_of_sums`.
    p_percent : float, optional
        For sums: hide a sum from which the second contributor can estimate the largest
        contribution to within p per cent.
    contributors : int, default 1
        For sums: hide a sum with fewer contributors.

    Raises
    ------
    ValueError
        A setting is out of its range.

    Examples
    --------
    >>> Rules(threshold=10).threshold
    10
    """

    threshold: int = 5
    window: int | None = None
    zeros_are_small: bool = False
    extreme_share: float | None = None
    extreme_share_of_few: float = 0.9
    few: int = 60
    dominance: tuple[int, float] | None = None
    p_percent: float | None = None
    contributors: int = 1

    def __post_init__(self) -> None:
        if self.threshold < 2:
            raise ValueError(f"threshold must be 2 or more, got {self.threshold}")
        if self.width < 1:
            raise ValueError(f"window must be 1 or more, got {self.window}")
        for share in (self.extreme_share, self.extreme_share_of_few):
            if share is not None and not 0.5 < share <= 1:
                raise ValueError(f"an extreme share is between 0.5 and 1, got {share}")
        if self.dominance is not None:
            n, k = self.dominance
            if n < 1 or not 0 < k < 100:
                raise ValueError(f"dominance must be n >= 1, 0 < k < 100, got {n}, {k}")
        if self.p_percent is not None and self.p_percent <= 0:
            raise ValueError(f"p_percent must be above 0, got {self.p_percent}")

    @property
    def width(self) -> int:
        """How wide the interval of a small count must be."""
        return self.threshold if self.window is None else self.window

    def small(self, counts: ArrayLike) -> NDArray[np.bool_]:
        """
        Say which counts are too small to be shown.

        Parameters
        ----------
        counts : array of int

        Returns
        -------
        array of bool, of the same shape

        Examples
        --------
        >>> Rules(threshold=5).small([0, 1, 4, 5]).tolist()
        [False, True, True, False]
        """
        c = np.asarray(counts)
        return (c < self.threshold) & ((c > 0) | self.zeros_are_small)

    def extreme(self, counts: ArrayLike, bases: ArrayLike) -> NDArray[np.int64]:
        """
        Say which shares tell nearly for sure what each member of a group answered.

        Parameters
        ----------
        counts, bases : array of int
            Those who gave the answer, and all who answered.

        Returns
        -------
        array of int, of the same shape
            1 where the share is at least the extreme share, -1 where it is at most the
            rest, 0 elsewhere, and everywhere if there is no such rule.

        Notes
        -----
        Such a share is published as a bound only. What a bound tells goes into
        `protect` through `shown`: see `bounds`.

        Examples
        --------
        >>> Rules(extreme_share=0.95).extreme([96, 3, 50, 19], [100, 100, 100, 20])
        array([ 1, -1,  0,  1])
        """
        c, b = np.asarray(counts), np.asarray(bases)
        if self.extreme_share is None:
            return np.zeros(c.shape, dtype=np.int64)
        limit = self._extreme_limit(b) * b
        many, hardly = c >= limit - 1e-9, c <= b - limit + 1e-9
        return np.where(b > 0, many.astype(np.int64) - hardly, 0)

    def bounds(
        self, counts: ArrayLike, bases: ArrayLike
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """
        Return what a table tells in which extreme shares are shown as bounds.

        Parameters
        ----------
        counts, bases : array of int
            Those who gave the answer, and all who answered.

        Returns
        -------
        low, high : array of int, of the same shape
            The smallest and the largest count that a reader may believe: both the
            count itself where the share is not extreme.

        Examples
        --------
        >>> Rules(extreme_share=0.95).bounds([96, 3, 50], [100, 100, 100])
        (array([95,  0, 50]), array([100,   5,  50]))
        """
        c, b = np.asarray(counts), np.asarray(bases)
        side = self.extreme(c, b)
        limit = self._extreme_limit(b) * b
        low = np.where(side > 0, np.ceil(limit - 1e-9), np.where(side < 0, 0, c))
        high = np.where(side > 0, b, np.where(side < 0, np.floor(b - limit + 1e-9), c))
        return low.astype(np.int64), high.astype(np.int64)

    def _extreme_limit(self, bases: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.where(
            bases < self.few, self.extreme_share_of_few, self.extreme_share or 1.0
        )

    def windows_of_sums(
        self, sums: ArrayLike, largest: ArrayLike, contributors: ArrayLike
    ) -> NDArray[np.int64]:
        """
        Say how uncertain each sum (of costs, of hours) must stay.

        Parameters
        ----------
        sums : array, shape (n_cells,)
        largest : array, shape (n_cells, m)
            The m largest contributions to each sum, the largest first, 0 where there
            are fewer. m must be at least 2, and at least the n of the dominance rule.
        contributors : array of int, shape (n_cells,)
            How many contribute to each sum.

        Returns
        -------
        array of int, shape (n_cells,)
            The width that an attacker's interval must have; 0 where the sum may be
            shown. It goes into `protect` as `sensitive`.

        Notes
        -----
        With contributions x1 >= x2 >= ... to a sum X, it is hidden, and kept uncertain
        by what the formula gives, where that is above 0::

            p per cent      p/100 x1 - (X - x1 - x2)
            (n, k)          100/k (x1 + ... + xn) - X

        A sum of too few contributors must be uncertain by as much as itself.

        References
        ----------
        Hundepool et al. (2012), Statistical Disclosure Control, Wiley, section 4.2.

        Examples
        --------
        80 of 100 is more than 75 per cent: 80 / 0.75 - 100 = 6.7.

        >>> rules = Rules(dominance=(1, 75))
        >>> rules.windows_of_sums([100, 90], [[80, 9], [50, 30]], [4, 4])
        array([7, 0])
        """
        total, x = np.asarray(sums, dtype=float), np.asarray(largest, dtype=float)
        needed = np.where(np.asarray(contributors) < self.contributors, total, 0.0)
        if self.dominance is not None:
            n, k = self.dominance
            if x.shape[1] < n:
                raise ValueError(f"dominance needs the {n} largest contributions")
            needed = np.maximum(needed, 100 / k * x[:, :n].sum(axis=1) - total)
        if self.p_percent is not None:
            rest = total - x[:, :2].sum(axis=1)
            needed = np.maximum(needed, self.p_percent / 100 * x[:, 0] - rest)
        return np.ceil(needed - 1e-9).astype(np.int64)
