"""Controlled rounding: rounded cells that still add up to rounded totals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack

from tryggstat.disclosure.audit import Relation, check_counts, relation_matrix


class CannotRound(Exception):
    """No rounding within the steps allowed adds up."""


def controlled_rounding(
    counts: ArrayLike, relations: Sequence[Relation], *, base: int = 5, steps: int = 1
) -> NDArray[np.int64]:
    """
    Round all cells to multiples of a base so that totals still are sums.

    Parameters
    ----------
    counts : array of int, shape (n_cells,)
    relations : sequence of (int, sequence of int)
        The index of each total, and the indices of the cells that add up to it.
    base : int, default 5
    steps : int, default 1
        How many multiples away from its count a cell may lie: with 1 it is one of the
        two beside it, and multiples stay as they are.

    Returns
    -------
    array of int, shape (n_cells,)
        Of all roundings that add up, one that is nearest to the counts in sum.

    Raises
    ------
    CannotRound
        Nothing adds up within the steps; it always does in a two-way table.
    InconsistentCounts
        A total differs from the sum of its parts.
    ValueError
        Base or steps are below 1, or a count is none.

    Notes
    -----
    ::

        minimise  sum |r - counts|   over r = base z,  z >= 0 whole,  M r = 0,
                                     |r - counts| < base steps

    The rounding is the same each time, so it protects by what a reader does not know,
    not by chance: audit it through `protect(..., shown=...)`.

    References
    ----------
    Cox (1987), Journal of the American Statistical Association 82, 520-524.

    Examples
    --------
    2 + 2 + 2 = 6 cannot become 0 + 0 + 0 = 5: one of the parts is rounded up.

    >>> controlled_rounding([6, 2, 2, 2], [(0, [1, 2, 3])]).sum()
    np.int64(10)
    """
    if base < 1 or steps < 1:
        raise ValueError("base and steps must be 1 or more")
    c = check_counts(counts, relations)
    n = c.size
    matrix = relation_matrix(n, relations)
    least = np.maximum(c // base - (steps - 1), 0)
    most = -(-c // base) + steps - 1
    # the unknowns are z, and how far base z is from the count
    unit, nothing = eye_array(n), np.zeros(n)
    answer = milp(
        np.concatenate([nothing, np.ones(n)]),
        integrality=np.repeat([1, 0], n),
        bounds=Bounds(np.append(least, nothing), np.append(most, nothing + np.inf)),
        constraints=[
            LinearConstraint(hstack([matrix, csr_array(matrix.shape)]), 0, 0),
            LinearConstraint(hstack([base * unit, unit]), c, np.inf),
            LinearConstraint(hstack([-base * unit, unit]), -c, np.inf),
        ],
        options={"mip_rel_gap": 0.0},
    )
    if answer.x is None:
        raise CannotRound(f"no multiples of {base} within {steps} steps add up")
    return np.asarray(base * answer.x[:n].round(), dtype=np.int64)
