"""How far one cell can be moved while all relations hold: flows and programs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array, csr_array, eye_array, hstack
from scipy.sparse.csgraph import (
    breadth_first_order,
    connected_components,
    maximum_flow,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEARLY = 1e-6  # what a linear program's figure may differ from a whole number
LARGEST_FLOW = 2**31 - 1


class Move(NamedTuple):
    """
    The farthest that one cell can be moved.

    `prices`, one per relation, prove that it is not farther; None where they were not
    asked for, or nothing limits it. `table` holds the moves of all cells that reach it,
    where a program found them. While it is not `exact` whole numbers may not reach it.
    """

    distance: float
    prices: Floats | None = None
    table: Floats | None = None
    exact: bool = True


class Flow:
    """
    Cells as arcs between relations, and moves as flows.

    That is possible when each cell stands in at most two relations, and the signs of
    the relations can be turned so that it leaves the one and enters the other: in
    two-way tables, also where one of the ways is a hierarchy. The largest flow is then
    a whole number. `turn` holds 1 or -1 for each relation and for the outside.
    """

    def __init__(
        self, matrix: csr_array, down: Floats, up: Floats, turn: Floats
    ) -> None:
        n_rows, n_cells = matrix.shape
        columns = csc_array(matrix)
        first, second = columns.indptr[:-1], columns.indptr[1:] - 1
        tail = columns.indices[first].astype(np.int64)
        head = np.where(second > first, columns.indices[second], n_rows)  # or outside
        backwards = columns.data[first] * turn[tail] < 0
        tail[backwards], head[backwards] = head[backwards], tail[backwards]
        self.down, self.up, self.turn, self.tail, self.head = down, up, turn, tail, head

        self.endless = endless(down, up)
        rooms = np.minimum([up, down], self.endless).astype(np.int32)
        ends = np.concatenate([tail, head]), np.concatenate([head, tail])
        nodes = n_rows + 1
        keys, place = np.unique(ends[0] * nodes + ends[1], return_inverse=True)
        self.own, self.place = rooms, place.reshape(2, n_cells)
        self.capacity = np.bincount(place, weights=rooms.ravel()).astype(np.int32)
        self.graph = csr_array(
            (self.capacity.copy(), (keys // nodes, keys % nodes)), shape=(nodes, nodes)
        )

    def farthest(self, cell: int, sign: int, *, prices: bool) -> Move:
        """Move a cell: as much as can flow back from its head to its tail."""
        source, sink, own = self.head[cell], self.tail[cell], self.up[cell]
        if sign < 0:
            source, sink, own = sink, source, self.down[cell]
        self.graph.data[:] = self.capacity
        self.graph.data[self.place[:, cell]] -= self.own[:, cell]
        flow = maximum_flow(self.graph, source, sink)
        carried = float(flow.flow_value) if flow.flow_value < self.endless else np.inf
        if own <= carried:
            return Move(float(own), np.zeros(self.turn.size - 1))
        if not prices:
            return Move(carried)
        left = self.graph.copy()
        left.data = self.graph.data - flow.flow.data.astype(np.int32)
        left.eliminate_zeros()
        inside = np.zeros(self.turn.size)
        inside[breadth_first_order(left, source, return_predecessors=False)] = 1.0
        return Move(carried, (self.turn * (inside[-1] - inside))[:-1])


class Program:
    """Cells tied together in any way, and moves by linear and integer programming."""

    def __init__(
        self, matrix: csr_array, down: Floats, up: Floats, whole: bool
    ) -> None:
        self.matrix, self.down, self.up, self.whole = matrix, down, up, whole

    def farthest(self, cell: int, sign: int, *, prices: bool) -> Move:
        """Move a cell by a linear program, with its prices whether asked for or not."""
        n_rows = self.matrix.shape[0]
        answer = linprog(  # type: ignore[call-overload]  # its stubs know no sparse A
            self._aim(cell, sign),
            A_eq=self.matrix,
            b_eq=np.zeros(n_rows),
            bounds=np.column_stack([-self.down, self.up]),
            method="highs",
        )
        if answer.status == 3:
            return Move(np.inf)
        if answer.status != 0:
            raise RuntimeError(f"the linear program failed: {answer.message}")
        farthest, proof = -float(answer.fun), -answer.eqlin.marginals
        if not self.whole:
            return Move(farthest, proof)
        table = answer.x.round()
        if abs(answer.x - table).max() > NEARLY:
            return Move(float(np.floor(farthest + NEARLY)), proof, exact=False)
        return Move(float(sign * table[cell]), proof, table)

    def farthest_whole(self, cell: int, sign: int, prices: Floats | None) -> Move:
        """Move a cell by an integer program; the prices are those of the linear one."""
        n_cells = self.matrix.shape[1]
        answer = milp(
            self._aim(cell, sign),
            integrality=np.ones(n_cells, dtype=int),
            bounds=Bounds(-self.down, self.up),
            constraints=LinearConstraint(self.matrix, 0, 0),
            options={"mip_rel_gap": 0.0},
        )
        if answer.status != 0:
            raise RuntimeError(f"the integer program failed: {answer.message}")
        table = answer.x.round()
        return Move(float(sign * table[cell]), prices, table)

    def _aim(self, cell: int, sign: int) -> Floats:
        aim = np.zeros(self.matrix.shape[1])
        aim[cell] = -sign
        return aim

    def nearby(self, cell: int, move: float) -> Floats | None:
        """Find the table nearest to the true one in which a cell is moved so much."""
        n_cells = self.matrix.shape[1]
        least, most = np.zeros(2 * n_cells), np.append(self.up, self.down)
        here, there = (cell, n_cells + cell)[:: 1 if move > 0 else -1]
        least[here], most[here], most[there] = abs(move), abs(move), 0.0
        answer = milp(
            np.ones(2 * n_cells),
            bounds=Bounds(least, most),
            constraints=LinearConstraint(hstack([self.matrix, -self.matrix]), 0, 0),
        )
        if answer.x is None:
            return None
        table = answer.x[:n_cells] - answer.x[n_cells:]
        whole = table.round()
        return whole if abs(table - whole).max() < NEARLY else None

    def many(self, cells: Ints, signs: Floats, most: Floats) -> Floats | None:
        """Find one table in which many cells lie up to `most` off their counts."""
        n_rows, n_cells = self.matrix.shape
        n = cells.size
        pick = csr_array((signs, (np.arange(n), cells)), shape=(n, n_cells))
        answer = milp(
            np.concatenate([np.zeros(n_cells), -np.ones(n)]),
            integrality=np.ones(n_cells + n, dtype=int),
            bounds=Bounds(
                np.concatenate([-self.down, np.zeros(n)]),
                np.concatenate([self.up, most]),
            ),
            constraints=[
                LinearConstraint(hstack([self.matrix, csr_array((n_rows, n))]), 0, 0),
                LinearConstraint(hstack([pick, -eye_array(n)]), 0, np.inf),
            ],
            options={"mip_rel_gap": 0.1},
        )
        return None if answer.x is None else np.asarray(answer.x[:n_cells].round())


def solver(matrix: csr_array, down: Floats, up: Floats, whole: bool) -> Flow | Program:
    """Return the quicker way that fits the relations."""
    n_cells = matrix.shape[1]
    degree = np.diff(csc_array(matrix).indptr)
    if degree.min() >= 1 and degree.max() <= 2:
        turn = _turned(matrix)
        if turn is not None and endless(down, up) * (2 * n_cells + 1) < LARGEST_FLOW:
            return Flow(matrix, down, up, turn)
    return Program(matrix, down, up, whole)


def endless(down: Floats, up: Floats) -> int:
    """Return more than any cut can carry that is not endless."""
    return int(down[np.isfinite(down)].sum() + up[np.isfinite(up)].sum()) + 1


def _turned(matrix: csr_array) -> Floats | None:
    """
    Turn the signs of relations so that each cell has opposite signs in its two.

    Returns 1 or -1 for each relation and for the outside, or None if it cannot be.
    """
    columns = csc_array(matrix)
    first, second = columns.indptr[:-1], columns.indptr[1:] - 1
    first, second = first[second > first], second[second > first]
    u, v = columns.indices[first], columns.indices[second]
    same = columns.data[first] == columns.data[second]
    # Each relation stands twice, as it is and turned; a cell joins what goes together.
    n = matrix.shape[0]
    joined = csr_array(
        (
            np.ones(2 * u.size),
            (
                np.concatenate([u, u + n]),
                np.concatenate([np.where(same, v + n, v), np.where(same, v, v + n)]),
            ),
        ),
        shape=(2 * n, 2 * n),
    )
    _, label = connected_components(joined, directed=False)
    if (label[:n] == label[n:]).any():
        return None
    return np.append(np.where(label[:n] < label[n:], 1.0, -1.0), 1.0)
