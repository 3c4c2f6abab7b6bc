"""What an attacker can work out about hidden cells from those that are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from tryggstat.disclosure._programs import Floats, Flow, Ints, Move, Program, solver

Relation = tuple[int, Sequence[int]]
Mask = NDArray[np.bool_]

TABLES = 24  # tries to move many cells at once
IDLE = 4  # tables in a row that show nothing new, after which no more are sought


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
    tables : array of float, shape (n_tables, n_cells), optional
        Moves away from the true counts that an earlier attacker had to admit. Those
        that are still possible are remembered.

    Notes
    -----
    Cells that share no relation with unknown cells are independent, so the tables fall
    into components, each with its own small programs.

    Examples
    --------
    3 + 4 = 7, and only the 7 is published: the 3 may be 0 to 7.

    >>> matrix = relation_matrix(3, [(2, [0, 1])])
    >>> room = np.array([3.0, 4.0, 0.0]), np.array([np.inf, np.inf, 0.0])
    >>> attacker = Attacker(matrix, *room)
    >>> attacker.distance(0, -1), attacker.distance(0, 1)
    (3.0, 4.0)
    """

    def __init__(
        self,
        matrix: csr_array,
        down: Floats,
        up: Floats,
        *,
        whole: bool = True,
        tables: Floats | None = None,
    ) -> None:
        self.matrix, self.down, self.up, self.whole = matrix, down, up, whole
        self.programs = 0
        n_rows, n_cells = matrix.shape
        old = np.zeros((0, n_cells)) if tables is None else tables
        still = (old >= -down).all(axis=1) & (old <= up).all(axis=1)
        self._tables = list(old[still])
        self.below = (-old[still]).max(axis=0, initial=0.0)
        self.above = old[still].max(axis=0, initial=0.0)

        free = np.flatnonzero((down > 0) | (up > 0))
        part = csr_array(csc_array(matrix)[:, free])
        n_parts, found = connected_components(_two_sided(part), directed=False)
        label = found.astype(np.int64)
        self.home = np.full(n_cells, -1)
        self.home[free] = label[n_rows:]
        self._rows = _groups(label[:n_rows], n_parts)
        self._cells = [free[cells] for cells in _groups(label[n_rows:], n_parts)]
        self._solvers: dict[int, Flow | Program] = {}
        self._moves: dict[tuple[int, int], Move] = {}

    @property
    def tables(self) -> Floats:
        """All moves of all cells that the attacker was seen to have to admit."""
        return np.array(self._tables).reshape(-1, self.home.size)

    def solver(self, part: int) -> Flow | Program:
        """Return what finds the farthest moves in one component."""
        if part not in self._solvers:
            rows, cells = self._rows[part], self._cells[part]
            self._solvers[part] = solver(
                csr_array(self.matrix[rows][:, cells]),
                self.down[cells],
                self.up[cells],
                self.whole,
            )
        return self._solvers[part]

    def flows(self, cell: int) -> bool:
        """Say whether the moves of a cell are flows, and therefore quickly found."""
        return self.home[cell] >= 0 and isinstance(self.solver(self.home[cell]), Flow)

    def distance(self, cell: int, sign: int) -> float:
        """
        Return how far from its count the attacker must admit that a cell may lie.

        Parameters
        ----------
        cell : int
        sign : {1, -1}
            Upwards or downwards.

        Returns
        -------
        float
            A whole number, or infinity where nothing limits the cell.
        """
        return self._farthest(cell, sign, exact=True).distance

    def window(self, cell: int, *, enough: float) -> float:
        """
        Return the width of a cell's interval, where that is below `enough`.

        Otherwise it is any number not below `enough`. A linear program can say that an
        interval is too narrow; that it is wide must be seen in whole numbers.

        Parameters
        ----------
        cell : int
        enough : float

        Returns
        -------
        float
        """
        if self._finds_nearby(cell, enough):
            return enough
        ends = [self._farthest(cell, 1)]
        if ends[0].distance < enough:
            ends.append(self._farthest(cell, -1))
        width = sum(end.distance for end in ends)
        if width < enough or all(end.exact for end in ends):
            return width
        if self.below[cell] + self.above[cell] >= enough:
            return float(self.below[cell] + self.above[cell])
        up = self.distance(cell, 1)
        return up if up >= enough else up + self.distance(cell, -1)

    def _finds_nearby(self, cell: int, enough: float) -> bool:
        """Look for tables near the true one that make a cell's interval wide enough."""
        part = self.home[cell]
        program = self.solver(part) if part >= 0 else None
        if not isinstance(program, Program) or not program.whole:
            return False
        cells = self._cells[part]
        for move in (enough - self.below[cell], self.above[cell] - enough):
            if -self.down[cell] <= move <= self.up[cell]:
                self.programs += 1
                table = program.nearby(int(np.searchsorted(cells, cell)), move)
                if table is not None:
                    self._remember(cells, table)
                    return True
        return False

    def reach(self, cell: int, sign: int) -> Reach:
        """
        Return the distance and, where it is finite, what stops the cell.

        Parameters
        ----------
        cell : int
        sign : {1, -1}
            Upwards or downwards.

        Returns
        -------
        Reach
            For any numbers, not only whole ones.
        """
        move = self._farthest(cell, sign, prices=True)
        slope = np.zeros(self.home.size)
        slope[cell] = sign
        if move.prices is not None:
            slope -= self.matrix[self._rows[self.home[cell]]].T @ move.prices
        return Reach(move.distance, slope)

    def _farthest(
        self, cell: int, sign: int, *, prices: bool = False, exact: bool = False
    ) -> Move:
        """Move a cell as far as it goes; what was found before is not sought again."""
        part = self.home[cell]
        if part < 0:
            return Move(0.0)
        cells, rows = self._cells[part], self._rows[part]
        if rows.size == 0:
            return Move(float(self.up[cell] if sign > 0 else self.down[cell]))
        move, at = self._moves.get((cell, sign)), int(np.searchsorted(cells, cell))
        solver = self.solver(part)
        if move is None or (prices and move.prices is None and move.distance < np.inf):
            self.programs += 1
            move = solver.farthest(at, sign, prices=prices)
        if exact and not move.exact and isinstance(solver, Program):
            self.programs += 1
            move = solver.farthest_whole(at, sign, move.prices)
        if move is not self._moves.get((cell, sign)) and move.table is not None:
            self._remember(cells, move.table)
        self._moves[cell, sign] = move
        return move

    def _remember(self, cells: Ints, moves: Floats) -> None:
        table = np.zeros(self.home.size)
        table[cells] = moves
        self._tables.append(table)
        self.below = np.maximum(self.below, -table)
        self.above = np.maximum(self.above, table)

    def look_around(self, targets: Ints, windows: Floats) -> None:
        """
        Find tables that move many targets at once, where programs are needed.

        Which of them go up and which go down is drawn, always the same: it only decides
        how soon the tables are found.

        Parameters
        ----------
        targets : array of int, shape (n_targets,)
        windows : array of float, shape (n_targets,)
            How wide the interval of each is wanted.
        """
        sides = np.random.Generator(np.random.Philox(key=0)).choice(
            [-1.0, 1.0], (TABLES, self.home.size)
        )
        for part in np.unique(self.home[targets]).tolist():
            program = self.solver(part) if part >= 0 else None
            if not isinstance(program, Program):
                continue
            here, cells = self.home[targets] == part, self._cells[part]
            mine, need, idle = targets[here], windows[here], 0
            for side in sides:
                short = (self.below + self.above)[mine] < need
                idle = 0 if (~short).any() else idle + 1
                mine, need = mine[short], need[short]
                if not mine.size or idle > IDLE:
                    break
                self.programs += 1
                at = np.searchsorted(cells, mine)
                table = program.many(at, side[mine], need)
                if table is None:
                    break
                self._remember(cells, table)

    def intervals(self, *, exact: bool = True) -> tuple[Floats, Floats]:
        """
        Return the farthest that each cell may lie below and above its count.

        Parameters
        ----------
        exact : bool, default True
            If it need not be, programs are not solved for it: where they would be
            needed, it is the farthest that was seen.

        Returns
        -------
        low, high : array of float, shape (n_cells,)
        """
        low, high = self.below.copy(), self.above.copy()
        for cell in np.flatnonzero(self.home >= 0).tolist():
            if exact or self.flows(cell):
                low[cell], high[cell] = self.distance(cell, -1), self.distance(cell, 1)
        for (cell, sign), move in self._moves.items():
            if move.exact:
                side = high if sign > 0 else low
                side[cell] = max(side[cell], move.distance)
        return low, high


def _groups(label: Ints, n_groups: int) -> list[Ints]:
    """Return the positions of each label, in order."""
    order = np.argsort(label, kind="stable")
    return np.split(order, np.cumsum(np.bincount(label, minlength=n_groups))[:-1])


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
