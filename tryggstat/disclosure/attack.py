"""Try to recover hidden cells, by other means than the audit that protects them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import null_space
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array

from tryggstat.disclosure.audit import Relation

NEARLY = 1e-6
MOST_UNKNOWN = 1500  # cells up to which subtraction is tried apart; else by programs


@dataclass(frozen=True)
class Attack:
    """
    What was found out about cells that are not published.

    Attributes
    ----------
    low, high : array of float, shape (n_cells,)
        The smallest and largest count that each cell can have; the figure itself where
        it is published, infinity where nothing limits it.
    recovered : array of bool, shape (n_cells,)
        Hidden cells of which the count is now known.
    narrowed : array of bool, shape (n_cells,)
        Hidden cells with high - low below the threshold, the recovered ones included.
    means : array of str, shape (n_cells,)
        The simplest way to know as much of a narrowed cell: "subtraction", "linear
        programming" or "integer programming"; "" for other cells.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    recovered: NDArray[np.bool_]
    narrowed: NDArray[np.bool_]
    means: NDArray[np.str_]


class Contradiction(ValueError):
    """No counts at all agree with what was published."""


def attack(
    values: ArrayLike,
    relations: Sequence[Relation],
    *,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    threshold: int = 5,
) -> Attack:
    """
    Find out as much as can be about hidden counts.

    Parameters
    ----------
    values : array of float, shape (n_cells,)
        Published figures; NaN for hidden cells.
    relations : sequence of (int, sequence of int)
        The index of each total, and the indices of the cells that add up to it. Tables
        for overlapping areas or for months and the year so far are linked by them.
    low, high : array of float, shape (n_cells,), optional
        What is known of cells beside that, such as the ends of a rounded figure.
    threshold : int, default 5
        How wide an interval must be to count as wide.

    Returns
    -------
    Attack

    Raises
    ------
    Contradiction
        What is published cannot all be true.

    Notes
    -----
    First subtraction: a cell is known if it is the same in all solutions of the linear
    equations, that is if its row in a basis of their null space is zero. Then linear
    programming, with counts of 0 or more; then integer programming, where the linear
    solution was not one of whole numbers.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, Wiley, section 4.3.

    Examples
    --------
    Two areas make 12, and the whole is published: so is the one that was hidden.

    >>> found = attack([np.nan, 9, 12], [(2, [0, 1])])
    >>> found.low[0], found.means[0]
    (np.float64(3.0), np.str_('subtraction'))
    """
    figures = np.asarray(values, dtype=float)
    hidden = np.isnan(figures)
    least = np.where(hidden, 0.0 if low is None else low, figures)
    most = np.where(hidden, np.inf if high is None else high, figures)
    unknown = np.flatnonzero(most > least)
    equations = np.zeros((len(relations), figures.size))
    for row, (total, parts) in enumerate(relations):
        equations[row, total] = -1.0
        equations[row, list(parts)] = 1.0
    known = least == most
    right = -equations[:, known] @ least[known]
    left = equations[:, unknown]
    if (abs(right) > NEARLY)[~left.any(axis=1)].any():
        raise Contradiction("published figures do not add up")

    means = np.full(figures.size, "", dtype="<U19")
    if 0 < unknown.size <= MOST_UNKNOWN:
        free = null_space(left) if len(relations) else np.eye(unknown.size)
        means[unknown[(abs(free) < NEARLY).all(axis=1)]] = "subtraction"
    system = _System(csc_array(left), right, least[unknown], most[unknown])
    for at, cell in enumerate(unknown.tolist()):
        ends = system.end(at, 1), system.end(at, -1)
        least[cell], most[cell] = ends[0].whole, ends[1].whole
        if not means[cell] and most[cell] - least[cell] < threshold:
            means[cell] = (
                "linear programming"
                if all(end.linear == end.whole for end in ends)
                else "integer programming"
            )
    return Attack(
        low=least,
        high=most,
        recovered=hidden & (least == most),
        narrowed=hidden & (most - least < threshold),
        means=means,
    )


class _End(NamedTuple):
    """One end of a cell's interval: by linear programming, and by integer too."""

    linear: float
    whole: float


@dataclass(frozen=True)
class _System:
    """What is known of the unknown cells: equations, and bounds on each."""

    left: csc_array
    right: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]

    def end(self, cell: int, sign: int) -> _End:
        """Find the smallest (sign 1) or largest (sign -1) value of a cell."""
        aim = np.zeros(self.least.size)
        aim[cell] = sign
        linear = linprog(  # type: ignore[call-overload]  # its stubs know no sparse A
            aim,
            A_eq=self.left,
            b_eq=self.right,
            bounds=np.column_stack([self.least, self.most]),
            method="highs-ds",
        )
        if linear.status == 3:
            return _End(-sign * np.inf, -sign * np.inf)
        if linear.status == 2:
            raise Contradiction("no counts agree with what was published")
        end = sign * np.ceil(linear.fun - NEARLY)
        if abs(linear.x - linear.x.round()).max() < NEARLY:
            return _End(end, end)
        whole = milp(
            aim,
            integrality=np.ones(aim.size, dtype=int),
            bounds=Bounds(self.least, self.most),
            constraints=LinearConstraint(self.left, self.right, self.right),
            options={"mip_rel_gap": 0.0},
        )
        if whole.status != 0:
            raise Contradiction("no whole counts agree with what was published")
        return _End(end, sign * round(whole.fun))
