"""What an attacker can work out about hidden cells from those that are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import (
    breadth_first_order,
    connected_components,
    maximum_flow,
)

Relation = tuple[int, Sequence[int]]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NEARLY = 1e-6  # what a linear program's figure may differ from a whole number
LARGEST_FLOW = 2**31 - 1


class InconsistentCounts(ValueError):
    """The counts do not add up as the relations say."""


def relation_matrix(n_cells: int, relations: Sequence[Relation]) -> csr_array:
    """
    Write the additive relations as a matrix M with M @ counts = 0.

    Parameters
    ----------
    n_cells : int
        Number of cells.
    relations : sequence of (int, sequence of int)
        The index of a total, and the indices of the cells that add up to it.

    Returns
    -------
    sparse array, shape (n_relations, n_cells)
        1 at the total and -1 at its parts.

    Raises
    ------
    ValueError
        An index is outside 0 to n_cells - 1, or a total is one of its own parts.

    Examples
    --------
    >>> relation_matrix(3, [(0, [1, 2])]).toarray().tolist()
    [[1.0, -1.0, -1.0]]
    """
    sizes = [1 + len(parts) for _, parts in relations]
    columns = np.array(
        [cell for total, parts in relations for cell in (total, *parts)], dtype=np.int64
    )
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    values = np.full(columns.size, -1.0)
    values[starts[:-1]] = 1.0
    if columns.size and (columns.min() < 0 or columns.max() >= n_cells):
        raise ValueError(f"relations name cells outside 0 to {n_cells - 1}")
    matrix = csr_array((values, columns, starts), shape=(len(relations), n_cells))
    matrix.sum_duplicates()
    if (abs(matrix.data) != 1.0).any():
        raise ValueError("a relation names the same cell twice")
    return matrix


@dataclass(frozen=True)
class Reach:
    """
    How far one cell can be moved from its true count, and what stops it.

    `slope` is the dual certificate: for all moves d of the cells that keep the
    relations, sign * d[cell] = slope @ d.
    """

    distance: float
    slope: Floats


class _Component:
    """Cells that can be moved, tied together by relations."""

    def __init__(
        self, matrix: csr_array, down: Floats, up: Floats, whole: bool
    ) -> None:
        self.matrix, self.down, self.up, self.whole = matrix, down, up, whole
        self.programs = 0
        self.network = self._network()

    def _network(self) -> bool:
        """
        See the cells as arcs between relations, where that is possible.

        It is when each cell stands in at most two relations and the signs of the
        relations can be turned so that it leaves one and enters the other. So it is in
        two-way tables, also where one of the ways is a hierarchy. Moves are then flows,
        and the largest one is a whole number.
        """
        n_rows, n_cells = self.matrix.shape
        columns = csc_array(self.matrix)
        degree = np.diff(columns.indptr)
        if degree.max() > 2 or degree.min() < 1:
            return False
        first, second = columns.indptr[:-1], columns.indptr[1:] - 1
        tail = columns.indices[first].astype(np.int64)
        head = np.where(degree > 1, columns.indices[second], n_rows)  # or outside
        turn = _turned(n_rows, tail, head, columns.data[first], columns.data[second])
        if turn is None:
            return False
        # Where the turned sign is negative the arc runs the other way.
        backwards = columns.data[first] * turn[tail] < 0
        tail[backwards], head[backwards] = head[backwards], tail[backwards]
        finite = np.concatenate(
            [self.down[np.isfinite(self.down)], self.up[np.isfinite(self.up)]]
        )
        self.endless = int(finite.sum()) + 1  # more than any finite cut can carry
        if self.endless * (2 * n_cells + 1) > LARGEST_FLOW:
            return False
        nodes = np.concatenate([tail, head]), np.concatenate([head, tail])
        capacity = np.minimum(np.concatenate([self.up, self.down]), self.endless)
        keys, place = np.unique(nodes[0] * (n_rows + 1) + nodes[1], return_inverse=True)
        self.capacity = np.bincount(place, weights=capacity).astype(np.int32)
        self.own = capacity.astype(np.int32).reshape(2, n_cells)
        self.place = place.reshape(2, n_cells)
        self.graph = csr_array(
            (self.capacity, (keys // (n_rows + 1), keys % (n_rows + 1))),
            shape=(n_rows + 1, n_rows + 1),
            copy=True,
        )
        self.tail, self.head, self.turn = tail, head, turn
        return True

    def reach(
        self, cell: int, sign: int, *, slope: bool
    ) -> tuple[float, Floats | None]:
        """Move one cell as far as it goes: the distance, and the relations' prices."""
        if self.matrix.shape[0] == 0:
            return float(self.up[cell] if sign > 0 else self.down[cell]), np.zeros(0)
        self.programs += 1
        return (self._by_flow if self.network else self._by_program)(cell, sign, slope)

    def _by_flow(
        self, cell: int, sign: int, slope: bool
    ) -> tuple[float, Floats | None]:
        source, sink = self.head[cell], self.tail[cell]
        own = self.up[cell]
        if sign < 0:
            source, sink, own = sink, source, self.down[cell]
        both = self.place[:, cell]
        self.graph.data[:] = self.capacity
        self.graph.data[both] -= self.own[:, cell]
        flow = maximum_flow(self.graph, source, sink)
        carried = float(flow.flow_value) if flow.flow_value < self.endless else np.inf
        if own <= carried:
            return float(own), np.zeros(self.matrix.shape[0])
        if not slope:
            return carried, None
        left = self.graph.copy()
        left.data = self.graph.data - flow.flow.data.astype(np.int32)
        left.eliminate_zeros()
        inside = np.zeros(self.turn.size)
        inside[breadth_first_order(left, source, return_predecessors=False)] = 1.0
        return carried, (self.turn * (inside[-1] - inside))[:-1]

    def _by_program(
        self, cell: int, sign: int, slope: bool
    ) -> tuple[float, Floats | None]:
        n_rows, n_cells = self.matrix.shape
        aim = np.zeros(n_cells)
        aim[cell] = -sign
        bounds = np.column_stack([-self.down, self.up])
        answer = linprog(  # type: ignore[call-overload]  # its stubs know no sparse A
            aim, A_eq=self.matrix, b_eq=np.zeros(n_rows), bounds=bounds, method="highs"
        )
        if answer.status == 3:
            return np.inf, None
        if answer.status != 0:
            raise RuntimeError(f"the linear program failed: {answer.message}")
        prices = -answer.eqlin.marginals if slope else None
        moves = answer.x
        if not self.whole:
            return -float(answer.fun), prices
        if abs(moves - moves.round()).max() < NEARLY:
            return float(round(-answer.fun)), prices
        whole = milp(
            aim,
            integrality=np.ones(n_cells, dtype=int),
            bounds=Bounds(-self.down, self.up),
            constraints=LinearConstraint(self.matrix, 0, 0),
            options={"mip_rel_gap": 0.0},
        )
        if whole.status != 0:
            raise RuntimeError(f"the integer program failed: {whole.message}")
        return float(round(-whole.fun)), prices


def _turned(
    n_rows: int, tail: Ints, head: Ints, at_tail: Floats, at_head: Floats
) -> Floats | None:
    """
    Turn the signs of relations so that each cell has opposite signs in its two.

    Returns 1 or -1 for each relation and for the outside, or None if it cannot be.
    """
    inner = head < n_rows
    u, v, same = tail[inner], head[inner], (at_tail * at_head)[inner] > 0
    # Each relation twice, unturned and turned; a cell joins what must go together.
    n = n_rows
    left = np.concatenate([u, u + n])
    right = np.concatenate([np.where(same, v + n, v), np.where(same, v, v + n)])
    joined = csr_array(
        (np.ones(left.size), (left, right)), shape=(2 * n_rows, 2 * n_rows)
    )
    _, label = connected_components(joined, directed=False)
    if (label[:n] == label[n:]).any():
        return None
    turn = np.where(label[:n] < label[n:], 1.0, -1.0)
    return np.append(turn, 1.0)


class Attacker:
    """
    Somebody who knows the relations and the published cells, and can compute.

    Parameters
    ----------
    matrix : sparse array, shape (n_relations, n_cells)
        Relations between the cells, as `relation_matrix` writes them.
    down, up : array of float, shape (n_cells,)
        How far below and above its true count each cell may lie for all that the
        attacker knows by itself: 0 and 0 where it is published, the count and infinity
        where it is hidden.
    whole : bool, default True
        Whether the attacker knows that counts are whole numbers.

    Notes
    -----
    Cells that share no relation with unknown cells are independent, so the tables fall
    into components, each with its own small programs.
    """

    def __init__(
        self, matrix: csr_array, down: Floats, up: Floats, *, whole: bool = True
    ) -> None:
        self.matrix, self.down, self.up, self.whole = matrix, down, up, whole
        self.columns = csc_array(matrix)
        n_rows, n_cells = matrix.shape
        free = np.flatnonzero((down > 0) | (up > 0))
        part = csr_array(self.columns[:, free])
        n_parts, label = connected_components(
            _two_sided(part), directed=False, return_labels=True
        )
        row_label, cell_label = label[:n_rows], label[n_rows:]
        self.home = np.full(n_cells, -1)
        self.home[free] = cell_label
        self.position = np.full(n_cells, -1)
        self.rows: dict[int, Ints] = {}
        self.cells: dict[int, Ints] = {}
        self._components: dict[int, _Component] = {}
        order = np.argsort(cell_label, kind="stable")
        row_order = np.argsort(row_label, kind="stable")
        row_from = np.searchsorted(row_label[row_order], np.arange(n_parts + 1))
        cell_from = np.searchsorted(cell_label[order], np.arange(n_parts + 1))
        for c in range(n_parts):
            cells = free[order[cell_from[c] : cell_from[c + 1]]]
            if cells.size:
                self.cells[c] = cells
                self.rows[c] = row_order[row_from[c] : row_from[c + 1]]
                self.position[cells] = np.arange(cells.size)

    @property
    def programs(self) -> int:
        """Number of flow, linear and integer programs solved so far."""
        return sum(c.programs for c in self._components.values())

    def _component(self, label: int) -> _Component:
        if label not in self._components:
            rows, cells = self.rows[label], self.cells[label]
            self._components[label] = _Component(
                csr_array(self.matrix[rows][:, cells]),
                self.down[cells],
                self.up[cells],
                self.whole,
            )
        return self._components[label]

    def distance(self, cell: int, sign: int) -> float:
        """Return how far the attacker must admit that a cell may lie up or down."""
        if self.home[cell] < 0:
            return 0.0
        component = self._component(self.home[cell])
        return component.reach(self.position[cell], sign, slope=False)[0]

    def reach(self, cell: int, sign: int) -> Reach:
        """Return the distance and, where it is finite, what stops the cell."""
        label = self.home[cell]
        slope = np.zeros(self.columns.shape[1])
        slope[cell] = sign
        if label < 0:
            return Reach(0.0, slope)
        component = self._component(label)
        distance, prices = component.reach(self.position[cell], sign, slope=True)
        if prices is not None:
            slope -= self.matrix[self.rows[label]].T @ prices
        return Reach(distance, slope)

    def intervals(self) -> tuple[Floats, Floats]:
        """Return the farthest that each cell may lie below and above its count."""
        low, high = np.zeros(self.home.size), np.zeros(self.home.size)
        for cell in np.flatnonzero(self.home >= 0).tolist():
            low[cell] = self.distance(cell, -1)
            high[cell] = self.distance(cell, 1)
        return low, high


def _two_sided(part: csr_array) -> csr_array:
    """Make the graph whose nodes are relations and cells, joined where they meet."""
    n_rows, n_cells = part.shape
    coo = part.tocoo()
    return csr_array(
        (np.ones(coo.nnz), (coo.row, coo.col + n_rows)),
        shape=(n_rows + n_cells, n_rows + n_cells),
    )


def check_counts(counts: ArrayLike, relations: Sequence[Relation]) -> Ints:
    """
    Return the counts as whole numbers, if they are counts and add up.

    Parameters
    ----------
    counts : array of int, shape (n_cells,)
    relations : sequence of (int, sequence of int)

    Returns
    -------
    array of int, shape (n_cells,)

    Raises
    ------
    ValueError
        A count is negative or no whole number.
    InconsistentCounts
        A total differs from the sum of its parts; the first such relation is named.

    Examples
    --------
    >>> check_counts([3, 1, 2], [(0, [1, 2])]).tolist()
    [3, 1, 2]
    """
    given = np.asarray(counts)
    whole = given.astype(np.int64)
    if given.ndim != 1 or (whole != given).any() or (whole < 0).any():
        raise ValueError("counts must be one row of whole numbers, none below 0")
    difference = relation_matrix(whole.size, relations) @ whole
    if difference.any():
        first = int(np.flatnonzero(difference)[0])
        total, parts = relations[first]
        raise InconsistentCounts(
            f"relation {first}: cell {total} is {whole[total]}, "
            f"its parts add up to {whole[list(parts)].sum()}"
        )
    return whole
