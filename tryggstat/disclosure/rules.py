"""Which cells need protection for their own sake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

VERSION = "1"


@dataclass(frozen=True)
class Rules:
    """
    What is too small to be shown, and how uncertain a hidden cell must stay.

    Parameters
    ----------
    threshold : int, default 5
        Counts from 1 to threshold - 1 are hidden, and an attacker's interval for them
        must be at least this wide.
    zeros_are_small : bool, default False
        Hide zeros as well. A zero that everybody can foresee (a structural zero) is
        then exempted through `always_published`.

    Raises
    ------
    ValueError
        The threshold is below 2.

    Examples
    --------
    >>> Rules(threshold=10).threshold
    10
    """

    threshold: int = 5
    zeros_are_small: bool = False

    def __post_init__(self) -> None:
        if self.threshold < 2:
            raise ValueError(f"threshold must be 2 or more, got {self.threshold}")

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
