"""Hide small cells, and as few others as will keep them hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, csr_array

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
DEFAULT = Rules()
ZERO = 1e-6
MANY = 40  # unsafe cells found by programs, after which a new choice is made
SCALE = 1000  # parts of a cell that can be hidden in thought
GAPS: dict[Method, float] = {"optimal": 0.0, "heuristic": 0.01}
NODES = 100_000  # branches tried before a choice passes as good enough, not as optimal


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
        `rules` with their `version`, `method`, number of `targets`, of `programs`
        solved and of `rounds`, `smallest_window`, `cost` of the secondary cells, what
        any safe choice costs at least, and whether ours is proven `optimal`.
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
class _Demands:
    """
    Inequalities weights @ hidden >= 1 that each safe choice of cells fulfils.

    They come from pairs of dual certificates (`Reach.slope`): a hidden cell widens a
    target's window by no more than its slope times the room that it has itself.
    """

    counts: Ints
    forced: Mask  # hidden whatever is chosen
    open: Mask  # may be hidden or not
    window: float
    rows: list[tuple[Ints, Floats]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def add(self, target: int, up: Floats, down: Floats) -> bool:
        """Add what a target's certificates demand; False where that is nothing."""
        widens = np.zeros(self.counts.size)
        for slope in (up, down):
            widens += np.where(slope > ZERO, self.window, -slope * self.counts)
        need = self.window - widens[self.forced].sum()
        if need < ZERO:
            return False
        cells = np.flatnonzero((widens > ZERO) & self.open)
        self._append(target, cells, np.minimum(widens[cells] / need, 1.0))
        return True

    def add_other_than(self, target: int, hidden: Mask) -> None:
        """Rule out a choice that fails, with all smaller ones: they hide even less."""
        cells = np.flatnonzero(self.open & ~hidden)
        self._append(target, cells, np.ones(cells.size))

    def _append(self, target: int, cells: Ints, weights: Floats) -> None:
        if weights.sum() < 1.0 - ZERO:
            raise CannotProtect(
                f"cell {target} can be bounded within a window below {self.window:g} "
                "by the cells that must be published"
            )
        key = cells.tobytes() + weights.round(9).tobytes()
        if key not in self.seen:
            self.seen.add(key)
            self.rows.append((cells, weights))

    def cheapest(
        self, cost: Floats, keep: Mask, *, whole: bool = True, gap: float = 0.0
    ) -> tuple[Floats, float]:
        """
        Return the cheapest choice that fulfils all, and what any choice must cost.

        A choice is 1 for cells to hide and 0 for others, or if it need not be `whole`
        something between. Cells to `keep` are hidden again.
        """
        chosen = keep.astype(float)
        if not self.rows:
            return chosen, 0.0
        used, cells = np.unique(
            np.concatenate([cells for cells, _ in self.rows]), return_inverse=True
        )
        starts = np.cumsum([0] + [cells.size for cells, _ in self.rows])
        weights = np.concatenate([weights for _, weights in self.rows])
        matrix = csr_array((weights, cells, starts), shape=(len(self.rows), used.size))
        answer = milp(
            cost[used],
            integrality=np.full(used.size, int(whole)),
            bounds=Bounds(chosen[used], 1),
            constraints=LinearConstraint(matrix, 1.0 - ZERO, np.inf),
            options={"mip_rel_gap": gap, "node_limit": NODES},
        )
        if answer.x is None:
            raise RuntimeError(f"the integer program failed: {answer.message}")
        chosen[used] = answer.x.round() if whole else answer.x
        return chosen, float(answer.mip_dual_bound if whole else answer.fun)


def protect(
    counts: ArrayLike,
    relations: Sequence[Relation],
    *,
    rules: Rules = DEFAULT,
    cost: ArrayLike | None = None,
    always_published: ArrayLike | None = None,
    never_published: ArrayLike | None = None,
    sensitive: ArrayLike | None = None,
    method: Method = "optimal",
    audit: bool = True,
) -> Protection:
    """
    Hide small counts, and so many others that nobody can work out the small ones.

    Parameters
    ----------
    counts : array of int, shape (n_cells,)
        All cells, totals included, each once.
    relations : sequence of (int, sequence of int)
        The index of each total, and the indices of the cells that add up to it.
    rules : Rules, default Rules()
        What is small, and how wide an attacker's interval must stay.
    cost : array of float, shape (n_cells,), optional
        What it costs to hide each cell, above 0. Without it the fewest cells are
        hidden, and of equally few those with the smallest counts.
    always_published : array of bool, shape (n_cells,), optional
        Cells that are known anyway: published earlier or elsewhere, or zeros that
        everybody foresees. They are never hidden, however small.
    never_published : array of bool, shape (n_cells,), optional
        Cells that are no part of the release, but stand in the relations, such as the
        overlaps of two divisions into areas. The small ones are protected.
    sensitive : array of bool, shape (n_cells,), optional
        Cells to hide for other reasons than their counts.
    method : {"optimal", "heuristic"}, default "optimal"
        Hide at the smallest cost, or near it and faster; both are equally safe, and the
        certificate says how near.
    audit : bool, default True
        Find the whole interval of each hidden cell. Without it the intervals reach only
        as far as the proof of safety had to look, where cells are tied together in more
        than two ways: a great deal faster there.

    Returns
    -------
    Protection

    Raises
    ------
    CannotProtect
        A small cell can be worked out from cells that are always published.
    InconsistentCounts
        A total differs from the sum of its parts.
    ValueError
        An argument has the wrong shape or values.

    Notes
    -----
    The attacker knows the published counts, the relations, and that counts are whole
    numbers and not negative. A cell p is safe when::

        max y_p - min y_p >= threshold   over all y with   M y = 0,  y >= 0 whole,
                                         y_i = counts_i where i is published

    The window itself is tested: a small count known to lie between 8 and 12 is not
    safe. In two-way tables, also with a hierarchy of areas, the extremes are maximum
    flows; elsewhere they are linear programs, and integer programs where the linear one
    has no whole solution.

    Where a target's window is too narrow, its two dual certificates say which cells
    hold it. Each gives an inequality that all safe choices fulfil (Benders); the
    cheapest choice that fulfils all is found by integer programming, until the audit
    finds nothing. Hence the result is safe by the audit, not by the way it was found,
    and optimal when the last integer program was solved to the end.

    References
    ----------
    Fischetti and Salazar (2001), Management Science 47(7), 1008-1027.
    Hundepool et al. (2012), Statistical Disclosure Control, Wiley, chapter 4.

    Examples
    --------
    Of 1 + 9 = 10 and 8 + 7 = 15 the 1 is small; three more cells must go with it.

    >>> counts = [1, 9, 10, 8, 7, 15, 9, 16, 25]
    >>> rows = [(2, [0, 1]), (5, [3, 4]), (8, [6, 7])]
    >>> columns = [(6, [0, 3]), (7, [1, 4]), (8, [2, 5])]
    >>> protection = protect(counts, rows + columns)
    >>> protection.published.reshape(3, 3).astype(int).tolist()
    [[0, 0, 1], [0, 0, 1], [1, 1, 1]]
    >>> protection.low[0], protection.high[0]
    (np.float64(0.0), np.float64(9.0))
    """
    c = check_counts(counts, relations)
    known = _mask(always_published, c.size)
    unpublished = _mask(never_published, c.size)
    if (known & unpublished).any():
        raise ValueError("a cell is both always and never published")
    primary = (rules.small(c) | _mask(sensitive, c.size)) & ~known
    forced = primary | unpublished
    targets = np.flatnonzero(primary)
    price = _fewest_cells(c) if cost is None else np.asarray(cost, dtype=float)
    if price.shape != c.shape or not (price > 0).all():
        raise ValueError(f"cost must hold {c.size} numbers above 0")
    matrix = relation_matrix(c.size, relations)
    demands = _Demands(c, forced, ~forced & ~known, float(rules.threshold))
    _demand_in_each_relation(demands, matrix, targets)

    chosen = np.zeros(c.size, dtype=bool)
    programs, rounds, least, tables, safe = 0, 0, 0.0, None, False
    while not safe:
        # A choice that only grows stays safe where it was, and is soon safe elsewhere.
        keep = chosen & (method == "heuristic")
        choice, bound = demands.cheapest(price, keep, gap=GAPS[method])
        least = least if keep.any() else bound
        chosen = choice > 0
        attacker = Attacker(matrix, *_room(c, forced | chosen), tables=tables)
        safe = _all_safe(attacker, targets, forced | chosen, demands)
        if not safe and method == "optimal":
            _tighten(demands, matrix, targets, price)
        tables = attacker.tables
        programs += attacker.programs
        rounds += 1
    hidden = forced | chosen
    down, up = attacker.intervals(exact=audit)
    window = (up + down)[primary]
    return Protection(
        published=~hidden,
        primary=primary,
        secondary=hidden & ~primary & ~unpublished,
        low=c - down,
        high=c + up,
        exactly_disclosed=int((window == 0).sum()),
        too_narrow=int((window < rules.threshold).sum()),
        certificate={
            "rules": asdict(rules) | {"version": VERSION},
            "method": method,
            "targets": int(targets.size),
            "programs": programs,
            "rounds": rounds,
            "smallest_window": float(window.min()) if window.size else None,
            "cost": float(price[chosen].sum()),
            "cost_at_least": least,
            "optimal": bool(price[chosen].sum() <= least * (1 + 1e-9) + ZERO),
        },
    )


def _room(counts: Ints, hidden: Mask) -> tuple[Floats, Floats]:
    return np.where(hidden, counts, 0.0), np.where(hidden, np.inf, 0.0)


def _all_safe(
    attacker: Attacker, targets: Ints, hidden: Mask, demands: _Demands
) -> bool:
    """Say whether each target has its window; where not, demand what it lacks."""
    window = demands.window
    attacker.look_around(targets, window)
    safe, slow = True, 0
    for target in targets.tolist():
        if attacker.below[target] + attacker.above[target] >= window:
            continue
        if attacker.window(target, enough=window) >= window:
            continue
        safe = False
        up, down = attacker.reach(target, 1), attacker.reach(target, -1)
        if not demands.add(target, up.slope, down.slope):
            demands.add_other_than(target, hidden)
        slow += not attacker.flows(target)
        if slow == MANY:
            break
    return safe


def _tighten(
    demands: _Demands, matrix: csr_array, targets: Ints, price: Floats
) -> None:
    """Add demands until cells hidden in part, a cheaper choice, fulfil them too."""
    nothing = np.zeros(demands.counts.size, dtype=bool)
    most = demands.window * SCALE
    before = -1
    while len(demands.rows) > before:
        before = len(demands.rows)
        choice, _ = demands.cheapest(price, nothing, whole=False)
        choice[demands.forced] = 1.0
        attacker = Attacker(
            matrix,
            np.floor(np.minimum(demands.counts, demands.window) * choice * SCALE),
            np.floor(most * choice),
            whole=False,
        )
        for target in filter(attacker.flows, targets.tolist()):
            if attacker.window(target, enough=most) < 0.99 * most:
                up, down = attacker.reach(target, 1), attacker.reach(target, -1)
                demands.add(target, up.slope, down.slope)


def _demand_in_each_relation(
    demands: _Demands, matrix: csr_array, targets: Ints
) -> None:
    """Start from what each relation alone gives away about a target."""
    columns = csc_array(matrix)
    for target in targets:
        own = np.zeros(matrix.shape[1])
        own[target] = 1.0
        relations = columns.indices[columns.indptr[target] : columns.indptr[target + 1]]
        for r in relations:
            start, end = matrix.indptr[r], matrix.indptr[r + 1]
            others = own.copy()
            others[matrix.indices[start:end]] -= (
                matrix.data[start:end] * columns[r, target]
            )
            demands.add(target, others, -own)
            demands.add(target, others, -others)


def _fewest_cells(counts: Ints) -> Floats:
    """Price cells so that the fewest are hidden, and of equally many the smallest."""
    return 1.0 + counts / (counts.sum() + 1.0)


def _mask(given: ArrayLike | None, size: int) -> Mask:
    if given is None:
        return np.zeros(size, dtype=bool)
    mask = np.asarray(given)
    if mask.dtype != bool or mask.shape != (size,):
        raise ValueError(f"a mask must hold {size} truth values")
    return mask
