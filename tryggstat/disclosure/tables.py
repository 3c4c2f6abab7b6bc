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
Parents = Mapping[str, str | Sequence[str]]


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
    tables: Sequence[Table], hierarchies: Mapping[str, Parents] | None = None
) -> LinkedTables:
    """
    Put tables of the same persons together, so that they are protected together.

    Margins are added to each table. A margin that several tables have, such as the
    answers of the whole municipality, becomes one cell that ties them together.

    Parameters
    ----------
    tables : sequence of Table
    hierarchies : mapping from str to mapping, optional
        For a variable the parent of each level, e.g. of each small area the district,
        or a sequence of parents where divisions overlap. Parents may have parents.
        What has no parent adds up to the total; if one parent is above all levels, it
        is the total.

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
    counts: dict[Key, int] = {}
    tables_with: dict[Key, int] = {}
    relations: dict[tuple[Key, tuple[Key, ...]], None] = {}
    for table in tables:
        trees = _trees(table.levels, hierarchies)
        full = np.asarray(table.counts)
        if full.shape != tuple(len(tree.levels) for tree in trees):
            raise ValueError(
                f"counts have shape {full.shape}, which does not fit levels"
            )
        for axis, tree in enumerate(trees):
            full = np.moveaxis(np.tensordot(tree.members, full, (1, axis)), 0, axis)
        keys, added = _keys_and_relations(trees)
        relations |= dict.fromkeys(added)
        for key, count in zip(keys, full.ravel().tolist(), strict=True):
            if counts.setdefault(key, count) != count:
                raise InconsistentCounts(
                    f"tables disagree on {dict(sorted(key)) or 'the total'}: "
                    f"{counts[key]} and {count}"
                )
            tables_with[key] = tables_with.get(key, 0) + 1
    place = {key: i for i, key in enumerate(counts)}
    numbered = tuple(
        (place[t], tuple(place[p] for p in parts)) for t, parts in relations
    )
    numbers = np.array(list(counts.values()), dtype=np.int64)
    return LinkedTables(
        keys=tuple(counts),
        counts=numbers,
        relations=numbered,
        cost=_cost(numbers, numbered, np.array(list(tables_with.values()))),
    )


def published_tables(
    tables: Sequence[Mapping[str, Sequence[str]]],
    figures: Mapping[Key, float],
    hierarchies: Mapping[str, Parents] | None = None,
) -> tuple[tuple[Key, ...], Floats, tuple[Relation, ...]]:
    """
    Put tables together from what was published of them, as an attacker would.

    Parameters
    ----------
    tables : sequence of mapping from str to sequence of str
        The variables of each table, with their levels.
    figures : mapping from frozenset of (str, str) to float
        What was published, by the (variable, level) pairs of the cell.
    hierarchies : mapping from str to mapping, optional
        As in `linked_tables`.

    Returns
    -------
    keys : tuple of frozenset of (str, str)
        All cells of the tables and their margins.
    values : array of float, shape (n_cells,)
        What was published, NaN for other cells.
    relations : tuple of (int, tuple of int)

    Raises
    ------
    ValueError
        Levels are repeated, or a figure belongs to no cell of the tables.

    Examples
    --------
    >>> sexes = frozenset({("sex", "f")}), frozenset()
    >>> keys, values, relations = published_tables(
    ...     [{"sex": ["f", "m"]}], {sexes[0]: 3, sexes[1]: 7}
    ... )
    >>> values, relations
    (array([ 3., nan,  7.]), ((2, (0, 1)),))
    """
    place: dict[Key, int] = {}
    relations: dict[Relation, None] = {}
    for levels in tables:
        keys, added = _keys_and_relations(_trees(levels, hierarchies))
        for key in keys:
            place.setdefault(key, len(place))
        relations |= {(place[t], tuple(place[p] for p in ps)): None for t, ps in added}
    values = np.full(len(place), np.nan)
    for key, figure in figures.items():
        if key not in place:
            raise ValueError(f"no table has the cell {dict(sorted(key))}")
        values[place[key]] = figure
    return tuple(place), values, tuple(relations)


@dataclass(frozen=True)
class _Tree:
    variable: str
    levels: Sequence[str]
    names: list[str]
    members: Ints  # name × level: is the level under the name?
    children: dict[int, list[int]]  # that add up to a name
    total: int

    def pairs(self, name: int) -> Key:
        """Return what the name adds to a key: nothing if it is the total."""
        return frozenset(
            () if name == self.total else [(self.variable, self.names[name])]
        )


def _trees(
    levels: Mapping[str, Sequence[str]], hierarchies: Mapping[str, Parents] | None
) -> list[_Tree]:
    parents = hierarchies or {}
    return [_tree(v, names, parents.get(v, {})) for v, names in levels.items()]


def _tree(variable: str, levels: Sequence[str], parents: Parents) -> _Tree:
    """Arrange the levels of a variable, their ancestors and the total."""
    above = {
        name: [up] if isinstance(up, str) else list(up) for name, up in parents.items()
    }
    if len(set(levels)) != len(levels):
        raise ValueError(f"a level of {variable} is there twice")
    if set(levels) & {up for ups in above.values() for up in ups}:
        raise ValueError(f"a level of {variable} is a parent as well")
    under: dict[str, set[int]] = {level: set() for level in levels}
    for i, level in enumerate(levels):
        path = [(level, {level})]
        while path:
            name, seen = path.pop()
            under.setdefault(name, set()).add(i)
            for up in above.get(name, []):
                if up in seen:
                    raise ValueError(f"{up} is its own ancestor in {variable}")
                path.append((up, seen | {up}))
    names = list(under)
    children: dict[int, list[int]] = {}
    for n, name in enumerate(names):
        for up in above.get(name, []):
            children.setdefault(names.index(up), []).append(n)
    tops = [n for n, name in enumerate(names) if not above.get(name)]
    total = tops[0]
    if len(tops) > 1 or names[total] in levels:
        total = len(names)
        names.append("")
        under[""] = set(range(len(levels)))
        children[total] = tops
    for parent, parts in children.items():
        if sum(len(under[names[n]]) for n in parts) != len(under[names[parent]]):
            children[parent] = sorted(under[names[parent]])  # the children overlap
    members = np.zeros((len(names), len(levels)), dtype=np.int64)
    for n, name in enumerate(names):
        members[n, list(under[name])] = 1
    return _Tree(variable, levels, names, members, children, total)


def _keys_and_relations(
    trees: Sequence[_Tree],
) -> tuple[list[Key], list[tuple[Key, tuple[Key, ...]]]]:
    """List the cells of a table with its margins, and what adds up to what."""
    pairs = [[tree.pairs(n) for n in range(len(tree.names))] for tree in trees]
    keys = [frozenset().union(*parts) for parts in product(*pairs)]
    numbers = np.arange(len(keys)).reshape([len(p) for p in pairs])
    relations = []
    for axis, tree in enumerate(trees):
        slices = np.moveaxis(numbers, axis, 0).reshape(len(tree.names), -1)
        for parent, children in tree.children.items():
            for total, *parts in slices[[parent, *children]].T.tolist():
                relations.append((keys[total], tuple(keys[p] for p in parts)))
    return keys, relations


def _cost(counts: Ints, relations: Sequence[Relation], tables_with: Ints) -> Floats:
    totals = np.zeros(counts.size, dtype=bool)
    totals[[total for total, _ in relations]] = True
    return 1.0 + counts + 1e5 * totals + 1e6 * (totals & (tables_with > 1))
