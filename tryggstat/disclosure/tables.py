"""Tables that share margins, as one set of cells with the relations between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from tryggstat.disclosure.audit import Floats, InconsistentCounts, Ints, Relation

Key = frozenset[tuple[str, str]]  # (variable, level) pairs; totals are left out


@dataclass(frozen=True)
class Table:
    """
    Counts of the same persons by one or more variables, without totals.

    Attributes
    ----------
    levels : mapping from str to sequence of str
        The variables in the order of the array's axes, each with its levels.
    counts : array of int
        One axis per variable.
    """

    levels: Mapping[str, Sequence[str]]
    counts: ArrayLike


@dataclass(frozen=True)
class LinkedTables:
    """
    All cells of some tables and of their margins, each once.

    Attributes
    ----------
    keys : tuple of frozenset of (str, str)
        What each cell counts, as (variable, level) pairs: the empty set is everybody.
    counts : array of int, shape (n_cells,)
    relations : tuple of (int, tuple of int)
        Totals and their parts, as `protect` takes them.
    cost : array of float, shape (n_cells,)
        What it costs to hide each cell: 1 + its count, 100,000 more for a total, and
        1,000,000 more for a total that several tables share.
    """

    keys: tuple[Key, ...]
    counts: Ints
    relations: tuple[Relation, ...]
    cost: Floats

    def cell(self, levels: Mapping[str, str] | None = None) -> int:
        """
        Return the index of a cell.

        Parameters
        ----------
        levels : mapping from str to str, optional
            Variable and level; a variable that is left out is summed over.

        Returns
        -------
        int

        Raises
        ------
        KeyError
            No table has such a cell.

        Examples
        --------
        >>> linked_tables([Table({"sex": ["f", "m"]}, [3, 4])]).cell({"sex": "m"})
        1
        """
        return self._place[frozenset((levels or {}).items())]

    @cached_property
    def _place(self) -> dict[Key, int]:
        return {key: i for i, key in enumerate(self.keys)}


def linked_tables(
    tables: Sequence[Table], hierarchies: Mapping[str, Mapping[str, str]] | None = None
) -> LinkedTables:
    """
    Put tables of the same persons together, so that they are protected together.

    Margins are added to each table. A margin that several tables have, such as the
    answers of the whole municipality, becomes one cell that ties them together.

    Parameters
    ----------
    tables : sequence of Table
    hierarchies : mapping from str to mapping from str to str, optional
        For a variable the parent of each level, e.g. of each small area the district.
        Parents may have parents. Levels without parent add up to the total; if there is
        only one such level, it is the total.

    Returns
    -------
    LinkedTables

    Raises
    ------
    ValueError
        A table's array does not fit its levels, or levels are repeated.
    InconsistentCounts
        Two tables disagree on a margin that they share.

    Examples
    --------
    >>> linked = linked_tables(
    ...     [
    ...         Table({"area": ["a", "b"], "answer": ["yes", "no"]}, [[9, 1], [5, 5]]),
    ...         Table({"sex": ["f", "m"], "answer": ["yes", "no"]}, [[8, 2], [6, 4]]),
    ...     ]
    ... )
    >>> linked.counts[linked.cell({"answer": "yes"})]
    np.int64(14)
    >>> len(linked.keys)
    15
    """
    place: dict[Key, int] = {}
    counts: list[int] = []
    tables_with: list[int] = []
    relations: dict[Relation, None] = {}
    for table in tables:
        variables = list(table.levels)
        trees = [
            _tree(variable, table.levels[variable], (hierarchies or {}).get(variable))
            for variable in variables
        ]
        full = np.asarray(table.counts)
        if full.shape != tuple(len(table.levels[v]) for v in variables):
            raise ValueError(
                f"counts have shape {full.shape}, which does not fit levels"
            )
        for axis, tree in enumerate(trees):
            full = np.moveaxis(np.tensordot(tree.members, full, (1, axis)), 0, axis)
        numbers = np.empty(full.shape, dtype=np.int64)
        for at in product(*(range(n) for n in full.shape)):
            key = frozenset(
                (variable, tree.names[i])
                for variable, tree, i in zip(variables, trees, at, strict=True)
                if i != tree.total
            )
            number = place.setdefault(key, len(counts))
            if number == len(counts):
                counts.append(int(full[at]))
                tables_with.append(0)
            elif counts[number] != full[at]:
                raise InconsistentCounts(
                    f"tables disagree on {dict(sorted(key)) or 'the total'}: "
                    f"{counts[number]} and {full[at]}"
                )
            tables_with[number] += 1
            numbers[at] = number
        for axis, tree in enumerate(trees):
            slices = np.moveaxis(numbers, axis, 0).reshape(len(tree.names), -1)
            for parent, children in tree.children.items():
                for total, *parts in slices[[parent, *children]].T.tolist():
                    relations[total, tuple(parts)] = None
    return LinkedTables(
        keys=tuple(place),
        counts=np.array(counts, dtype=np.int64),
        relations=tuple(relations),
        cost=_cost(np.array(counts), tuple(relations), np.array(tables_with)),
    )


@dataclass(frozen=True)
class _Tree:
    names: list[str]
    members: Ints  # name × level: is the level under the name?
    children: dict[int, list[int]]
    total: int


def _tree(
    variable: str, levels: Sequence[str], parents: Mapping[str, str] | None
) -> _Tree:
    """Arrange the levels of a variable, their ancestors and the total."""
    parents = parents or {}
    if len(set(levels)) != len(levels) or set(levels) & set(parents.values()):
        raise ValueError(
            f"a level of {variable} is there twice, or is a parent as well"
        )
    under: dict[str, list[int]] = {}
    for i, level in enumerate(levels):
        name: str | None = level
        while name is not None:
            if i in under.setdefault(name, []):
                raise ValueError(f"{name} is its own ancestor in {variable}")
            under[name].append(i)
            name = parents.get(name)
    names = list(under)
    members = np.zeros((len(names), len(levels)), dtype=np.int64)
    children: dict[int, list[int]] = {}
    tops = []
    for n, name in enumerate(names):
        members[n, under[name]] = 1
        if name in parents:
            children.setdefault(names.index(parents[name]), []).append(n)
        else:
            tops.append(n)
    if len(tops) > 1:
        children[len(names)] = tops
        members = np.vstack([members, np.ones_like(members[:1])])
        names.append("")
    return _Tree(
        names, members, children, total=tops[0] if len(tops) == 1 else len(names) - 1
    )


def _cost(counts: Ints, relations: Sequence[Relation], tables_with: Ints) -> Floats:
    totals = np.zeros(counts.size, dtype=bool)
    totals[[total for total, _ in relations]] = True
    return 1.0 + counts + 1e5 * totals + 1e6 * (totals & (tables_with > 1))
