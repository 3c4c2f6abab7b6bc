"""The cross-table of categorical variables, on which weighting works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey.design import Coded, encode
from tryggstat.survey.weighting import (
    ContradictingMargins,
    UnknownLevel,
    WeightingError,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Column = ArrayLike | Coded
Variables = Mapping[str, Column]

DENSE = 1 << 20  # cells of a cross-table that is kept with its empty cells


@dataclass(frozen=True)
class Cells:
    """The cross-table of some variables; a cell that nobody has weighs nothing."""

    key: Integers  # the cell of each person
    codes: list[Integers]  # per variable, the level of each cell
    size: int

    def sums(self, weight: Floats) -> Floats:
        """Return the sum of the weights in each cell."""
        return np.bincount(self.key, weight, self.size).astype(float, copy=False)


def cross(variables: Variables, levels: Mapping[str, Any], n: int) -> Cells:
    """Cross the variables that have levels with totals, over n persons."""
    key, size = np.zeros(n, dtype=np.intp), 1
    codes: list[Integers] = []
    for name, wanted in levels.items():
        code, count = codes_of(name, variables[name], wanted), len(levels_of(wanted))
        if code.size != n:
            raise ValueError(f"{name} has {code.size} values, the weights have {n}")
        key *= count
        key += code
        codes = [np.repeat(above, count) for above in codes]
        codes.append(np.tile(np.arange(count), size))
        size *= count
        if size > DENSE:
            used, key = np.unique(key, return_inverse=True)
            codes, size = [code[used] for code in codes], used.size
    return Cells(key, codes, size)


def codes_of(name: str, values: Column, wanted: Mapping[Any, float]) -> NDArray[Any]:
    """Return the number of each person's level among those with a total above 0."""
    coded = encode(values)
    numbers = {level: number for number, level in enumerate(levels_of(wanted))}
    labels = coded.labels.tolist()
    # Small integers: in memory that must be fetched anew they took half the time. The
    # last entry serves the missing, whose code is -1.
    small = np.min_scalar_type(-len(numbers) - 1)
    lookup = np.array([*(numbers.get(label, -1) for label in labels), -1], dtype=small)
    codes = lookup[coded.codes]
    if codes.size and codes.min() < 0:
        code = coded.codes[codes.argmin()]
        raise _unknown(name, labels[code] if code >= 0 else None, wanted)
    return codes


def _unknown(name: str, level: object, wanted: Mapping[Any, float]) -> WeightingError:
    if level is None:
        return UnknownLevel(f"{name} is missing for somebody: give them a level")
    if level in wanted:
        return ContradictingMargins(
            f"{name}={level} has nobody in the population, but somebody in the sample"
        )
    return UnknownLevel(f"{name} has no total for {level!r}")


def levels_of(wanted: Mapping[Any, float]) -> list[Any]:
    """Return the levels on which somebody of the population is."""
    return [level for level, total in wanted.items() if total != 0]


def targets_of(wanted: Mapping[Any, float]) -> Floats:
    """Return their totals."""
    return np.array([total for total in wanted.values() if total != 0], dtype=float)


def observed(values: Column) -> dict[Any, float]:
    """Return every level that somebody has, with a total that only says so."""
    return dict.fromkeys(encode(values).labels.tolist(), 1.0)
