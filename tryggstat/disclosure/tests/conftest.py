"""Independent ways to know what an attacker can find out, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

Interval = tuple[float, float]


def two_way(inner: Any) -> tuple[Any, list[tuple[int, list[int]]]]:
    """Add margins to a two-way table; its cells row by row, and their relations."""
    inner = np.asarray(inner)
    full = np.pad(inner, ((0, 1), (0, 1)))
    full[-1] = full.sum(axis=0)
    full[:, -1] = full.sum(axis=1)
    at = np.arange(full.size).reshape(full.shape)
    lines = [*at, *at.T]
    return full.ravel(), [(int(x[-1]), [int(i) for i in x[:-1]]) for x in lines]


def bounds_by_programs(
    relations: Sequence[tuple[int, Sequence[int]]],
    bounds: Sequence[Any],
    cells: Sequence[int],
) -> dict[int, Interval]:
    """Bound some cells by two dense linear programs each, from what is known."""
    a = np.zeros((len(relations), len(bounds)))
    for r, (total, parts) in enumerate(relations):
        a[r, total] = 1
        a[r, list(parts)] = -1
    found = {}
    for cell in cells:
        aim = np.eye(len(bounds))[cell]
        low = linprog(aim, A_eq=a, b_eq=np.zeros(len(a)), bounds=bounds)
        high = linprog(-aim, A_eq=a, b_eq=np.zeros(len(a)), bounds=bounds)
        found[cell] = (low.fun, np.inf if high.status == 3 else -high.fun)
    return found


def by_linear_programs(
    counts: Any, relations: Sequence[tuple[int, Sequence[int]]], hidden: Any
) -> dict[int, Interval]:
    """Bound each hidden cell when the others are published as they are."""
    known = [(0, None) if h else (c, c) for c, h in zip(counts, hidden, strict=True)]
    return bounds_by_programs(relations, known, np.flatnonzero(hidden).tolist())


def by_trying_all(
    counts: Any, relations: Sequence[tuple[int, Sequence[int]]], hidden: Any
) -> dict[int, Interval]:
    """Bound each hidden cell by writing down every table; no total may be hidden."""
    cells = np.flatnonzero(hidden)
    counts = np.array(counts)
    most = [
        min(counts[t] for t, parts in relations if cell in list(parts))
        for cell in cells
    ]
    found: list[tuple[int, ...]] = []
    for values in product(*(range(m + 1) for m in most)):
        table = counts.copy()
        table[cells] = values
        if all(table[t] == table[list(parts)].sum() for t, parts in relations):
            found.append(values)
    columns = zip(*found, strict=True)
    return {int(c): (min(v), max(v)) for c, v in zip(cells, columns, strict=True)}


@pytest.fixture(scope="session")
def with_margins() -> Callable[..., Any]:
    return two_way


@pytest.fixture(scope="session")
def linear_attack() -> Callable[..., dict[int, Interval]]:
    return by_linear_programs


@pytest.fixture(scope="session")
def exhaustive_attack() -> Callable[..., dict[int, Interval]]:
    return by_trying_all


@pytest.fixture(scope="session")
def linear_bounds() -> Callable[..., dict[int, Interval]]:
    return bounds_by_programs
