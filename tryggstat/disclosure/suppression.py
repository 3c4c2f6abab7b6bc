"""Hide small cells, and as few others as will keep them hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import csr_array

from tryggstat.disclosure.audit import (
    Attacker,
    Floats,
    Ints,
    Mask,
    Relation,
    check_counts,
    relation_matrix,
)
from tryggstat.disclosure.rules import VERSION, Rules

Method = Literal["optimal", "heuristic"]


class CannotProtect(Exception):
    """A cell stays exposed even when everything that may be hidden is hidden."""


@dataclass(frozen=True)
class Protection:
    """
    Which cells are published, and what an attacker can find out about the others.

    Attributes
    ----------
    published, primary, secondary : array of bool, shape (n_cells,)
        Shown; hidden for its own sake; hidden to protect another.
    low, high : array of float, shape (n_cells,)
        The smallest and the largest whole number that the attacker must admit for each
        cell; both the count where it is published, and `inf` where nothing limits it.
    exactly_disclosed, too_narrow : int
        Primary cells with an interval of one value, and with one narrower than the
        rule's threshold (the former included). Both are 0.
    certificate : dict
        Rules and their version, number of targets and of programs solved, smallest
        window, cost, whether the cost is proven to be the smallest.
    """

    published: Mask
    primary: Mask
    secondary: Mask
    low: Floats
    high: Floats
    exactly_disclosed: int
    too_narrow: int
    certificate: dict[str, Any]


@dataclass
class _Cuts:
    """
    Inequalities weights @ hidden >= need that each safe choice of cells fulfils.

    Each comes from a pair of dual certificates (`Reach.slope`): a cell can help a
    target no more than its slope times the room that it has when it is hidden.
    """

    counts: Ints
    forced: Mask  # hidden whatever happens
    open: Mask  # may be hidden or not
    window: float
    rows: list[tuple[Ints, Floats]] = field(default_factory=list)
    needs: list[float] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def add(self, target: int, up: Floats, down: Floats) -> None:
        """Add what the certificates of a target's moves up and down demand."""
        help_ = np.zeros(self.counts.size)
        for slope in (up, down):
            help_ += np.where(slope > 1e-9, self.window, -slope * self.counts)
        need = self.window - help_[self.forced].sum()
        cells = np.flatnonzero((help_ > 1e-9) & self.open)
        if need <= 1e-9:
            return
        if not cells.size:
            raise CannotProtect(
                f"cell {target} can be bounded within a window below {self.window:g} "
                "from cells that may not be hidden"
            )
        self.demand(cells, np.minimum(help_[cells] / need, 1.0))

    def demand(self, cells: Ints, weights: Floats) -> None:
        """Add one inequality, scaled so that the need is 1."""
        key = cells.tobytes() + weights.round(9).tobytes()
        if key not in self.seen:
            self.seen.add(key)
            self.rows.append((cells, weights))

    def cheapest(self, cost: Floats) -> tuple[Mask, bool]:
        """Return the cheapest choice that fulfils all, and whether that is proven."""
        chosen = np.zeros(self.counts.size, dtype=bool)
        if not self.rows:
            return chosen, True
        used = np.unique(np.concatenate([cells for cells, _ in self.rows]))
        starts = np.cumsum([0] + [cells.size for cells, _ in self.rows])
        cells = np.searchsorted(used, np.concatenate([c for c, _ in self.rows]))
        weights = np.concatenate([w for _, w in self.rows])
        matrix = csr_array(
            (weights, cells, starts), shape=(len(self.rows), used.size)
        )
        answer = milp(
            cost[used],
            integrality=np.ones(used.size),
            bounds=(0, 1),
            constraints=LinearConstraint(matrix, 1.0, np.inf),
            options={"mip_rel_gap": 0.0, "node_limit": 100_000},
        )
        if answer.x is None:
            raise RuntimeError(f"the integer program failed: {answer.message}")
        chosen[used] = answer.x > 0.5
        return chosen, answer.status == 0


def protect(
    counts: ArrayLike,
    relations: Sequence[Relation],
    *,
    rules: Rules = Rules(),
    cost: ArrayLike | None = None,
    always_published: ArrayLike | None = None,
    never_published: ArrayLike | None = None,
    sensitive: ArrayLike | None = None,
    method: Method = "optimal",
) -> Protection:
    c = check_counts(counts, relations)
    known = _mask(always_published, c.size)
    unpublished = _mask(never_published, c.size)
    if (known & unpublished).any():
        raise ValueError("a cell is both always and never published")
    primary = (rules.small(c) | _mask(sensitive, c.size)) & ~known
    matrix = relation_matrix(c.size, relations)
    forced = primary | unpublished
    price = _price(c) if cost is None else np.asarray(cost, dtype=float)
    cuts = _Cuts(c, forced, ~forced & ~known, float(rules.threshold))
    targets = np.flatnonzero(primary)
    _demand_in_each_relation(cuts, matrix, targets)

    programs, proven = 0, True
    while True:
        chosen, best = cuts.cheapest(price)
        proven &= best
        hidden = forced | chosen
        attacker = Attacker(matrix, *_room(c, hidden))
        exposed = _exposed(attacker, targets, cuts)
        programs += attacker.programs
        if not exposed:
            break
    down, up = attacker.intervals()
    ...


def _mask(given: ArrayLike | None, size: int) -> Mask:
    if given is None:
        return np.zeros(size, dtype=bool)
    mask = np.asarray(given)
    if mask.dtype != bool or mask.shape != (size,):
        raise ValueError(f"a mask must hold {size} truth values")
    return mask
