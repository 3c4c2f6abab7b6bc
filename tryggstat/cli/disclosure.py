"""`tryggstat protect` and `tryggstat attack`: tables of counts made safe, and tried."""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryggstat import __version__
from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.tables import Table, read_table
from tryggstat.disclosure import (
    CannotProtect,
    Contradiction,
    Earlier,
    InconsistentCounts,
    LinkedTables,
    Rules,
    attack,
    linked_tables,
    perturb,
    perturbation_table,
    protect,
    published_tables,
    record_keys,
)
from tryggstat.disclosure import Table as Counts
from tryggstat.disclosure.tables import Key

SUPPRESSION = (
    "Fischetti and Salazar (2001), Management Science 47(7), 1008-1027; "
    "Hundepool et al. (2012), Statistical Disclosure Control, chapter 4"
)
CELL_KEY = "Fraser and Wooton (2005), UNECE work session; Giessing (2016), PSD, 237-251"
HIDDEN = ("", "NA", "..", ".", "x", "X", ":", "-")
YES, NO = ("1", "true", "True"), ("0", "false", "False")


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("tables", nargs="+", metavar="TABLE", help="one row per cell; - standard input")
    add("--rows", required=True, type=_names, metavar="A[,…]")
    add("--columns", required=True, type=_names, metavar="B[,…]")
    add("--count", required=True, metavar="N", help="the column with the counts")
    add("--hierarchy", metavar="FILE", help="columns level,parent and maybe variable")
    add("--total", default="Total", metavar="LABEL", help="how totals are labelled")
    add("--threshold", type=int, default=5, metavar="K")
    if command == "attack":
        return
    add("--zeros", action="store_true", help="zeros are small as well")
    add("--dominance", type=_dominance, metavar="n,k", help="one row per contributor")
    add("--p-percent", type=float, metavar="P", help="one row per contributor")
    add("--contributors", type=int, default=1, metavar="M", help="fewest to a sum")
    add("--method", choices=["optimal", "heuristic", "cellkey"], default="optimal")
    cost = "hide the fewest cells, or rather spare totals and what tables share"
    add("--cost", choices=["cells", "tables"], default="cells", help=cost)
    hidden = "releases before; hidden cells are empty, or 0 in a column `published`"
    add("--earlier", nargs="+", default=[], metavar="FILE", help=hidden)
    add("--audit", action="store_true", help="add the interval an attacker can reach")
    add("--seed", type=int, help="of the record keys for cellkey: a secret")


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Protect or attack the tables and return the answer."""
    source = _Source(options)
    if command == "attack":
        answer = _attacked
    else:
        answer = _perturbed if options.method == "cellkey" else _protected
    with _solver_speaks_elsewhere():
        return answer(source, options)


@contextmanager
def _solver_speaks_elsewhere() -> Iterator[None]:
    """Send to standard error what HiGHS now and then prints on standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # the solver's own buffer
        os.dup2(kept, 1)
        os.close(kept)


def _names(text: str) -> list[str]:
    return text.split(",")


def _dominance(text: str) -> tuple[int, float]:
    n, k = text.split(",")
    return int(n), float(k)


@dataclass(frozen=True)
class _Row:
    """One row of a table: which cell it is about, and its figure, NaN where hidden."""

    file: _File
    number: int
    key: Key
    figure: float

    def fault(self, what: str) -> BadInput:
        """Return the error that names the file, the line and the count's column."""
        return self.file.table.fault(self.number, self.file.count, what)


class _File:
    """A table with its columns told apart: what a row is about, and its figure."""

    def __init__(self, path: str, options: argparse.Namespace) -> None:
        self.table: Table = read_table(path)
        self.count, self.total = options.count, options.total
        wanted = [*options.rows, *options.columns]
        self.variables = [name for name in wanted if name in self.table.names]
        if not self.variables:
            raise BadInput(
                f"{self.table.source}, line 1: no column {' or '.join(wanted)}"
            )
        self.labels = {name: self.table.text(name) for name in self.variables}
        for name, column in self.labels.items():
            if "" in column:
                raise self.table.fault(column.index(""), name, "is empty")

    def rows(self, roots: frozenset[tuple[str, str]]) -> Iterator[_Row]:
        """Yield the rows; totals, and what is the same as the total, name no level."""
        cells = zip(*self.labels.values(), strict=True)
        figures = self.table.text(self.count)
        for number, (labels, cell) in enumerate(zip(cells, figures, strict=True)):
            pairs = zip(self.variables, labels, strict=True)
            key = frozenset(pair for pair in pairs if pair[1] != self.total) - roots
            row = _Row(self, number, key, np.nan)
            if cell.strip() not in HIDDEN:
                try:
                    row = _Row(self, number, key, float(cell))
                except ValueError:
                    raise row.fault(f"{cell!r} is not a number") from None
            yield row


class _Source:
    """The tables of one command with their hierarchies."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.total = options.total
        self.all_levels = options.command == "attack"
        self.parents = _parents(options)
        files = [_File(path, options) for path in options.tables]
        self.levels = self._levels(files)
        self.roots = self._roots()
        self.rows = [list(file.rows(self.roots)) for file in files]
        self.name = ", ".join(file.table.source for file in files)

    def _levels(self, files: Sequence[_File]) -> list[dict[str, list[str]]]:
        """Return the variables and lowest levels of each kind of table."""
        kinds: dict[tuple[str, ...], dict[str, dict[str, None]]] = {}
        for file in files:
            kind = kinds.setdefault(
                tuple(file.variables), {v: {} for v in file.variables}
            )
            for variable, column in file.labels.items():
                kind[variable] |= dict.fromkeys(column)
        return [
            {
                variable: self._lowest(variable, list(seen))
                for variable, seen in kind.items()
            }
            for kind in kinds.values()
        ]

    def _lowest(self, variable: str, seen: list[str]) -> list[str]:
        """
        Put in a parent's place the levels that make it up.

        An attacker has to think of all levels there are, also those without a row.
        """
        children: dict[str, list[str]] = {}
        for level, ups in self.parents.get(variable, {}).items():
            for up in ups:
                children.setdefault(up, []).append(level)
        if self.all_levels and not children.keys().isdisjoint(seen):
            seen += children
        lowest: dict[str, None] = {}
        while seen:
            label = seen.pop(0)
            if label in children:
                seen += children[label]
            elif label != self.total:
                lowest[label] = None
        if not lowest:
            raise BadInput(f"no table has a level of {variable}, only the total")
        return list(lowest)

    def _roots(self) -> frozenset[tuple[str, str]]:
        """Return the label of each hierarchy that stands above all others, if any."""
        roots = set()
        for variable, parents in self.parents.items():
            levels = {x for kind in self.levels for x in kind.get(variable, [])}
            ups = {up for ups in parents.values() for up in ups}
            tops = (levels | ups) - set(parents)
            if len(tops) == 1 and not tops & levels:
                roots.add((variable, tops.pop()))
        return frozenset(roots)

    def counts(self) -> dict[Key, _Row]:
        """Return the count of each cell given: rows of one file add up, files agree."""
        given: dict[Key, _Row] = {}
        for rows in self.rows:
            own: dict[Key, _Row] = {}
            for row in rows:
                if not (row.figure >= 0 and row.figure % 1 == 0):
                    raise row.fault("must be a whole number, 0 or more")
                before = own[row.key].figure if row.key in own else 0.0
                own[row.key] = _Row(row.file, row.number, row.key, before + row.figure)
            for key, row in own.items():
                if key in given and given[key].figure != row.figure:
                    raise row.fault(
                        f"is {row.figure:g}, the same cell in "
                        f"{given[key].file.table.source} is {given[key].figure:g}"
                    )
            given |= own
        return given

    def linked(self) -> LinkedTables:
        """Link the tables by the margins that they share; given totals must agree."""
        given = self.counts()
        tables = []
        for levels in self.levels:
            cells = product(*([(v, name) for name in x] for v, x in levels.items()))
            figures = [
                given[k].figure if (k := frozenset(c)) in given else 0 for c in cells
            ]
            shape = [len(names) for names in levels.values()]
            tables.append(Counts(levels, np.array(figures, dtype=int).reshape(shape)))
        try:
            linked = linked_tables(tables, self.parents)
        except (InconsistentCounts, ValueError) as problem:
            raise BadInput(f"{self.name}: {problem}") from None
        for key, row in given.items():
            added = linked.counts[linked.cell(dict(key))]
            if added != row.figure:
                raise row.fault(f"is {row.figure:g}, its parts add up to {added}")
        return linked

    def contributions(self, linked: LinkedTables) -> list[list[float]]:
        """Return for each cell the figures of the rows that belong to it."""
        given: dict[Key, list[float]] = {key: [] for key in linked.keys}
        inner = [{(v, x) for v, names in k.items() for x in names} for k in self.levels]
        for row in (row for rows in self.rows for row in rows):
            if len(row.key) == len(row.file.variables) and any(
                row.key <= pairs for pairs in inner
            ):
                for key in self.above(row.key):
                    given[key].append(row.figure)
        return list(given.values())

    def above(self, key: Key) -> set[Key]:
        """Return a cell and all its margins."""
        choices = []
        for variable, label in key:
            names, more = {label}, {label}
            while more:
                ups = [self.parents.get(variable, {}).get(name, []) for name in more]
                more = {up for some in ups for up in some} - names
                names |= more
            own = [frozenset([(variable, name)]) - self.roots for name in names]
            choices.append([*own, frozenset()])
        return {frozenset().union(*some) for some in product(*choices)}


def _parents(options: argparse.Namespace) -> dict[str, dict[str, list[str]]]:
    """Read for each variable the parents of each level."""
    if options.hierarchy is None:
        return {}
    table = read_table(options.hierarchy)
    first = [options.rows[0]] * table.rows
    variables = table.text("variable") if "variable" in table.names else first
    parents: dict[str, dict[str, list[str]]] = {}
    for variable, level, parent in zip(
        variables, table.text("level"), table.text("parent"), strict=True
    ):
        if parent and parent != options.total:
            parents.setdefault(variable, {}).setdefault(level, []).append(parent)
    return parents


def _protected(source: _Source, options: argparse.Namespace) -> dict[str, Any]:
    linked = source.linked()
    try:
        rules = Rules(
            threshold=options.threshold,
            zeros_are_small=options.zeros,
            dominance=options.dominance,
            p_percent=options.p_percent,
            contributors=options.contributors,
        )
    except ValueError as problem:
        raise BadInput(str(problem)) from None
    earlier = [_earlier(path, source, linked, options) for path in options.earlier]
    try:
        p = protect(
            linked.counts,
            linked.relations,
            rules=rules,
            cost=linked.cost if options.cost == "tables" else None,
            sensitive=_lopsided(source, linked, rules),
            earlier=earlier,
            method=options.method,
            audit=options.audit,
        )
    except CannotProtect as problem:
        raise FailedJob(
            f"{source.name}: {_named(problem.cell, linked)} can be bounded within a "
            f"window below {problem.window:g} by figures that are out already"
        ) from None
    except ValueError as problem:
        raise BadInput(f"{', '.join(options.earlier)}: {problem}") from None
    cells = []
    for i, key in enumerate(linked.keys):
        cell = {
            "by": _by(key, options),
            "count": int(linked.counts[i]) if p.published[i] else None,
            "published": bool(p.published[i]),
            "primary": bool(p.primary[i]),
            "secondary": bool(p.secondary[i]),
        }
        if options.audit:
            cell |= {"low": _number(p.low[i]), "high": _number(p.high[i])}
        cells.append(cell)
    return {
        "rows_in": "cells",
        "cells": cells,
        "exactly_disclosed": p.exactly_disclosed,
        "too_narrow": p.too_narrow,
        "certificate": {
            **p.certificate,
            "smallest_window": _number(p.certificate["smallest_window"]),
        },
        "warnings": _warnings(source, rules),
        "method": _method(options, SUPPRESSION),
        "exit_code": int(p.too_narrow > 0),
    }


def _named(cell: int, linked: LinkedTables) -> str:
    """Say which cell it is; those behind the last are counts of persons who came."""
    if cell >= len(linked.keys):
        return "what came since an earlier release"
    return " ".join(f"{v} {x}" for v, x in sorted(linked.keys[cell])) or "the total"


def _warnings(source: _Source, rules: Rules) -> list[str]:
    keys = [row.key for rows in source.rows for row in rows]
    if (rules.dominance or rules.p_percent) and len(set(keys)) == len(keys):
        return ["each cell has one row, and so one contributor, who dominates it"]
    return []


def _lopsided(
    source: _Source, linked: LinkedTables, rules: Rules
) -> NDArray[np.int64] | None:
    """Return how uncertain sums must stay that few contribute to, row by row."""
    if rules.dominance is None and rules.p_percent is None and rules.contributors < 2:
        return None
    given = source.contributions(linked)
    most = max(2, rules.dominance[0] if rules.dominance else 0)
    largest = [(sorted(x, reverse=True) + [0.0] * most)[:most] for x in given]
    return rules.windows_of_sums(linked.counts, largest, [len(x) for x in given])


def _earlier(
    path: str, source: _Source, linked: LinkedTables, options: argparse.Namespace
) -> Earlier:
    """Read an earlier release; hidden counts without a figure are what they are now."""
    file = _File(path, options)
    told = file.table.text("published") if "published" in file.table.names else None
    cells, counts, published = [], [], []
    missing: list[_Row] = []
    for row in file.rows(source.roots):
        try:
            cell = linked.cell(dict(row.key))
        except KeyError:
            raise row.fault("is about a cell that the tables do not have") from None
        now = float(linked.counts[cell])
        if told is not None and told[row.number] not in YES + NO:
            raise file.table.fault(row.number, "published", "must be 1 or 0")
        if np.isnan(row.figure):
            missing.append(row)
        cells.append(cell)
        counts.append(now if np.isnan(row.figure) else row.figure)
        published.append(
            not np.isnan(row.figure) and (told is None or told[row.number] in YES)
        )
    if missing and (np.array(counts) != linked.counts[cells]).any():
        raise missing[0].fault(
            "is empty, but the release is about other persons: give the counts of "
            "hidden cells as well, and a column `published`"
        )
    return Earlier(np.array(cells), np.array(counts, dtype=int), np.array(published))


def _perturbed(source: _Source, options: argparse.Namespace) -> dict[str, Any]:
    """Add noise; each row is a group of records with one key for all of them."""
    if options.seed is None:
        raise BadInput("--method cellkey needs --seed, which must be kept secret")
    linked = source.linked()
    names = sorted(linked.keys, key=sorted)
    drawn = dict(zip(names, record_keys(len(names), options.seed), strict=True))
    keys: dict[Key, float] = {}
    for levels in source.levels:
        own: dict[Key, float] = {}
        for cell in product(*([(v, name) for name in x] for v, x in levels.items())):
            key = frozenset(cell)
            if linked.counts[linked.cell(dict(key))] > 0:
                for above in source.above(key):
                    own[above] = own.get(above, 0.0) + drawn[key]
        keys = own | keys  # a margin of several tables has the key of the first
    cell_keys = [keys.get(key, 0.0) % 1 for key in linked.keys]
    noisy = perturb(linked.counts, cell_keys, perturbation_table())
    return {
        "rows_in": "cells",
        "cells": [
            {"by": _by(key, options), "count": int(count), "published": True}
            for key, count in zip(linked.keys, noisy, strict=True)
        ],
        "warnings": ["totals have noise of their own and are no sums of their parts"],
        "method": _method(options, CELL_KEY),
    }


def _attacked(source: _Source, options: argparse.Namespace) -> dict[str, Any]:
    figures: dict[Key, float] = {}
    for row in (row for rows in source.rows for row in rows):
        before = figures.setdefault(row.key, row.figure)
        if np.isnan(before):
            figures[row.key] = row.figure
        elif not np.isnan(row.figure) and before != row.figure:
            raise row.fault(
                f"is {row.figure:g}, and {before:g} for the same cell before"
            )
    try:
        keys, values, relations = published_tables(
            source.levels, figures, source.parents
        )
        found = attack(values, relations, threshold=options.threshold)
    except Contradiction as problem:
        raise FailedJob(f"{source.name}: {problem}") from None
    except ValueError as problem:
        raise BadInput(f"{source.name}: {problem}") from None
    cells = [
        {
            "by": _by(key, options),
            "published": not bool(np.isnan(values[i])),
            "recovered": bool(found.recovered[i]),
            "narrowed": bool(found.narrowed[i]),
            "low": _number(found.low[i]),
            "high": _number(found.high[i]),
            "means": str(found.means[i]) or None,
        }
        for i, key in enumerate(keys)
    ]
    return {
        "rows_in": "cells",
        "cells": cells,
        "hidden": int(np.isnan(values).sum()),
        "recovered": int(found.recovered.sum()),
        "narrowed": int(found.narrowed.sum()),
        "small": int((found.narrowed & (found.high < options.threshold)).sum()),
        "warnings": [],
        "method": _method(options, SUPPRESSION),
    }


def _by(key: Key, options: argparse.Namespace) -> dict[str, str]:
    """Return the labels of a cell, all variables named."""
    return {v: dict(key).get(v, options.total) for v in options.rows + options.columns}


def _number(value: float | None) -> int | None:
    """Return a whole number, None where there is none or nothing limits it."""
    return None if value is None or np.isinf(value) else int(value)


def _method(options: argparse.Namespace, source: str) -> dict[str, Any]:
    given = {k: v for k, v in vars(options).items() if k not in ("format", "seed")}
    return {**given, "version": __version__, "source": source}
