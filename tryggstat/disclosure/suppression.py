"""Hide small cells, and as few others as will keep them hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csc_array, csr_array, eye_array

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
ROUNDS = 100  # after which a choice only grows, whatever the method
NODES = 100_000  # branches tried before a choice passes as good enough, not as optimal


class CannotProtect(Exception):
    """A cell stays exposed even when everything that may be hidden is hidden."""

    def __init__(self, cell: int, window: float) -> None:
        super().__init__(
            f"cell {cell} can be bounded within a window below {window:g} by the cells "
            "that must be published"
        )
        self.cell, self.window = cell, window


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
        rule's window (the former included). Both are 0.
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


@dataclass(frozen=True)
class Earlier:
    """
    A release that is out already, about the persons counted then.

    Everybody counted then must be counted now: the same answers again, a wave with
    those who answered late, a year so far with its earlier months.

    Attributes
    ----------
    cells : array of int, shape (n,)
        Which of the present cells were part of it.
    counts : array of int, shape (n,)
        Their counts then.
    published : array of bool, shape (n,)
        Whether they were shown.
    """

    cells: ArrayLike
    counts: ArrayLike
    published: ArrayLike


def rounded(counts: ArrayLike, base: int) -> tuple[Ints, Ints]:
    """
    Return what counts tell that are published rounded to the nearest multiple.

    Parameters
    ----------
    counts : array of int
    base : int
        What they are rounded to multiples of; halves are rounded up.

    Returns
    -------
    low, high : array of int
        The smallest and the largest count that would be rounded to the same.

    Raises
    ------
    ValueError
        The base is below 1.

    Examples
    --------
    >>> rounded([2, 3, 12], 5)
    (array([0, 3, 8]), array([ 2,  7, 12]))
    """
    if base < 1:
        raise ValueError(f"base must be 1 or more, got {base}")
    nearest = (np.asarray(counts, dtype=np.int64) + base // 2) // base * base
    return np.maximum(nearest - base // 2, 0), nearest + (base - 1) // 2


@dataclass
class _Demands:
    """
    Inequalities weights @ hidden >= 1 that each safe choice of cells fulfils.

    They come from pairs of dual certificates (`Reach.slope`): a hidden cell widens a
    target's window by no more than its slope times the room that it has itself.
    """

    counts: Ints
    shown: tuple[Floats, Floats]  # room below and above that a published figure leaves
    forced: Mask  # hidden whatever is chosen
    open: Mask  # may be hidden or not
    windows: Floats  # the width that each target needs
    rows: list[tuple[Ints, Floats]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def add(self, target: int, up_slope: Floats, down_slope: Floats) -> bool:
        """Add what a target's certificates demand; False where that is nothing."""
        window = self.windows[target]
        down, up = self.shown
        given = 0.0
        widens = np.zeros(self.counts.size)
        for slope in (up_slope, down_slope):
            above, below = np.maximum(slope, 0.0), np.maximum(-slope, 0.0)
            given += float(above @ up + below @ down)
            widens += np.where(slope > ZERO, window, below * (self.counts - down))
        need = window - given - widens[self.forced].sum()
        if need < ZERO:
            return False
        cells = np.flatnonzero((widens > ZERO) & self.open)
        self._append(target, cells, np.minimum(widens[cells] / need, 1.0))
        return True

    def room(self, hidden: Mask) -> tuple[Floats, Floats]:
        """Return how far below and above its count each cell may be thought to lie."""
        down, up = self.shown
        return np.where(hidden, self.counts, down), np.where(hidden, np.inf, up)

    def add_other_than(self, target: int, hidden: Mask) -> None:
        """Rule out a choice that fails, with all smaller ones: they hide even less."""
        cells = np.flatnonzero(self.open & ~hidden)
        self._append(target, cells, np.ones(cells.size))

    def _append(self, target: int, cells: Ints, weights: Floats) -> None:
        if weights.sum() < 1.0 - ZERO:
            raise CannotProtect(int(target), float(self.windows[target]))
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
    shown: tuple[ArrayLike, ArrayLike] | None = None,
    earlier: Sequence[Earlier] = (),
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
    sensitive : array of bool or int, shape (n_cells,), optional
        Cells to hide for other reasons than their counts, and how wide their intervals
        must stay: True for the rules' window, 0 or False for cells that may be
        shown. See `Rules.windows_of_sums`.
    shown : pair of arrays of int, shape (n_cells,), optional
        What a published figure tells, if not the count itself: the smallest and the
        largest count that it may stand for. See `rounded` and `Rules.bounds`.
    earlier : sequence of Earlier, optional
        Releases about some of the same persons, whose differences from this one are
        protected as well.
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

        max y_p - min y_p >= window      over all y with   M y = 0,  y >= 0 whole,
                                         y_i as shown where i is published

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
    known, unpublished = _mask(always_published, c.size), _mask(never_published, c.size)
    if (known & unpublished).any():
        raise ValueError("a cell is both always and never published")
    windows = np.where(rules.small(c), rules.width, _windows(sensitive, c, rules))
    windows[known] = 0
    price = _fewest_cells(c) if cost is None else np.asarray(cost, dtype=float)
    if price.shape != c.shape or not (price > 0).all():
        raise ValueError(f"cost must hold {c.size} numbers above 0")
    low, high = (c, c) if shown is None else np.asarray(shown, dtype=np.int64)
    if not ((low <= c) & (c <= high) & (low >= 0)).all():
        raise ValueError("what is shown must be an interval that holds the count")
    told = _Told(c, relation_matrix(c.size, relations), windows, known, unpublished)
    for release in earlier:
        told = told.after(release, rules)
    grown = told.counts.size - c.size
    primary = told.windows > 0
    forced = primary | told.unpublished
    demands = _Demands(
        counts=told.counts,
        shown=(np.pad(c - low, (0, grown)), np.pad(high - c, (0, grown))),
        forced=forced,
        open=~forced & ~told.known,
        windows=told.windows,
    )
    search = _search(demands, told.matrix, np.pad(price, (0, grown)), method)
    hidden = forced | search.chosen
    down, up = search.attacker.intervals(exact=audit)
    width = (up + down)[primary]
    cost_of_chosen = float(price[search.chosen[: c.size]].sum())
    return Protection(
        published=~hidden[: c.size],
        primary=primary[: c.size],
        secondary=(hidden & ~primary & ~told.unpublished)[: c.size],
        low=c - down[: c.size],
        high=c + up[: c.size],
        exactly_disclosed=int((width == 0).sum()),
        too_narrow=int((width < told.windows[primary]).sum()),
        certificate={
            "rules": asdict(rules) | {"version": VERSION},
            "method": method,
            "targets": int(primary.sum()),
            "programs": search.programs,
            "rounds": search.rounds,
            "smallest_window": float(width.min()) if width.size else None,
            "cost": cost_of_chosen,
            "cost_at_least": search.least,
            "optimal": cost_of_chosen <= search.least * (1 + 1e-9) + ZERO,
        },
    )


@dataclass(frozen=True)
class _Told:
    """All that is told now and was told earlier: cells, relations, what they need."""

    counts: Ints
    matrix: csr_array
    windows: Floats  # 0 for cells that need no protection
    known: Mask
    unpublished: Mask

    def after(self, release: Earlier, rules: Rules) -> _Told:
        """Add a release about fewer of the same persons, and what came since."""
        cells, was = np.asarray(release.cells), np.asarray(release.counts)
        since = self.counts[cells] - was
        if (was < 0).any() or (since < 0).any():
            raise ValueError("an earlier release counts persons who are gone since")
        if not since.any():  # the same persons: what was shown is known now as well
            known = self.known.copy()
            known[cells[_mask(release.published, cells.size)]] = True
            return replace(self, known=known, windows=np.where(known, 0, self.windows))
        size, n = self.counts.size, cells.size
        among = csc_array(self.matrix)[:, cells]
        whole = np.diff(csr_array(among).indptr) == np.diff(self.matrix.indptr)
        own = csr_array(among)[np.flatnonzero(whole)]
        links = csr_array(
            (np.ones(n), (np.arange(n), cells)), shape=(n, size)
        )  # what is now = what was + what came since
        new = eye_array(n)
        blocks: Any = [
            [self.matrix, None, None],
            [links, -new, -new],
            [None, own, None],
        ]
        shown = _mask(release.published, n)
        nothing = np.zeros(n, dtype=bool)
        came = np.where(rules.small(since) & (since > 0), rules.width, 0)
        small = np.where(rules.small(was) & ~shown, rules.width, 0)
        return _Told(
            counts=np.concatenate([self.counts, was, since]),
            matrix=csr_array(block_array(blocks)),
            windows=np.concatenate([self.windows, small, came]),
            known=np.concatenate([self.known, shown, nothing]),
            unpublished=np.concatenate([self.unpublished, ~shown, ~nothing]),
        )


@dataclass
class _Search:
    """A safe choice of cells, the attacker who proved it, and how it was found."""

    chosen: Mask
    attacker: Attacker
    programs: int
    rounds: int
    least: float


def _search(
    demands: _Demands, matrix: csr_array, price: Floats, method: Method
) -> _Search:
    """Choose and audit in turn, until the audit finds nothing."""
    targets = np.flatnonzero(demands.windows > 0)
    _demand_in_each_relation(demands, matrix, targets)
    chosen = np.zeros(price.size, dtype=bool)
    programs, rounds, least, tables = 0, 0, 0.0, None
    while True:
        # A choice that only grows stays safe where it was, and is soon safe elsewhere.
        keep = chosen & (method == "heuristic" or rounds >= ROUNDS)
        choice, bound = demands.cheapest(price, keep, gap=GAPS[method])
        least = least if keep.any() else bound
        chosen = choice > 0
        hidden = demands.forced | chosen
        attacker = Attacker(matrix, *demands.room(hidden), tables=tables)
        before = len(demands.rows)
        exposed = _exposed(attacker, targets, hidden, demands)
        if exposed.size and len(demands.rows) == before:  # too slight for the solver
            demands.add_other_than(exposed[0], hidden)
        tables = attacker.tables
        programs += attacker.programs
        rounds += 1
        if not exposed.size:
            return _Search(chosen, attacker, programs, rounds, least)
        if method == "optimal":
            _tighten(demands, matrix, exposed, price)


def _exposed(
    attacker: Attacker, targets: Ints, hidden: Mask, demands: _Demands
) -> Ints:
    """Return targets that lack their window, and demand what would give it to them."""
    attacker.look_around(targets, demands.windows[targets])
    exposed, slow = [], 0
    for target in targets.tolist():
        window = demands.windows[target]
        if attacker.below[target] + attacker.above[target] >= window:
            continue
        if attacker.window(target, enough=window) >= window:
            continue
        exposed.append(target)
        above, below = attacker.reach(target, 1), attacker.reach(target, -1)
        if not demands.add(target, above.slope, below.slope):
            demands.add_other_than(target, hidden)
        slow += not attacker.flows(target)
        if slow == MANY:
            break
    return np.array(exposed, dtype=np.int64)


def _tighten(
    demands: _Demands, matrix: csr_array, targets: Ints, price: Floats
) -> None:
    """Add demands until cells hidden in part, a cheaper choice, fulfil them too."""
    nothing = np.zeros(demands.counts.size, dtype=bool)
    most = demands.windows.max()
    before = -1
    while len(demands.rows) > before:
        before = len(demands.rows)
        choice, _ = demands.cheapest(price, nothing, whole=False)
        choice[demands.forced] = 1.0
        down, up = demands.shown
        attacker = Attacker(
            matrix,
            _parts(down, np.minimum(demands.counts, most), choice),
            _parts(up, most, choice),
            whole=False,
        )
        for target in filter(attacker.flows, targets.tolist()):
            enough = demands.windows[target] * SCALE
            if attacker.window(target, enough=enough) < 0.99 * enough:
                up_reach, down_reach = (
                    attacker.reach(target, 1),
                    attacker.reach(target, -1),
                )
                demands.add(target, up_reach.slope, down_reach.slope)


def _parts(shown: Floats, hidden: Floats | float, choice: Floats) -> Floats:
    """Return the room of cells that are hidden in part, in small parts of a count."""
    return np.floor((shown + np.maximum(hidden - shown, 0.0) * choice) * SCALE)


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


def _windows(sensitive: ArrayLike | None, counts: Ints, rules: Rules) -> Floats:
    """Return the width that the caller demands for each cell, 0 where none."""
    if sensitive is None:
        return np.zeros(counts.size)
    given = np.asarray(sensitive)
    if given.shape != counts.shape or given.dtype.kind not in "biu":
        raise ValueError(f"sensitive must hold {counts.size} truth values or widths")
    return given * (rules.width if given.dtype == bool else 1.0)


def _mask(given: ArrayLike | None, size: int) -> Mask:
    if given is None:
        return np.zeros(size, dtype=bool)
    mask = np.asarray(given)
    if mask.dtype != bool or mask.shape != (size,):
        raise ValueError(f"a mask must hold {size} truth values")
    return mask
