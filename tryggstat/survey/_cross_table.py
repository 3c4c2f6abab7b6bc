"""The cross-table of categorical variables, on which weighting works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey.weighting import (
    ContradictingMargins,
    UnknownLevel,
    WeightingError,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Variables = Mapping[str, ArrayLike]

DENSE = 1 << 20  # cells of a cross-table that is kept with its empty cells


@dataclass(frozen=True)
class Cells:
    """The cross-table of some variables; a cell that nobody has weighs nothing."""

    key: Integers  # the cell of each person
    codes: list[Integers]  # per variable, the level of each cell
    person: Integers  # somebody of each cell

    @property
    def size(self) -> int:
        return self.person.size

    def sums(self, weight: Floats) -> Floats:
        return np.bincount(self.key, weight, self.size).astype(float, copy=False)


def cross(variables: Variables, levels: Mapping[str, Any], n: int) -> Cells:
    codes = [codes_of(name, variables[name], wanted) for name, wanted in levels.items()]
    key, size = np.zeros(n, dtype=np.intp), 1
    for (name, wanted), code in zip(levels.items(), codes, strict=True):
        if code.size != n:
            raise ValueError(f"{name} has {code.size} values, the weights have {n}")
        count = len(levels_of(wanted))
        key, size = key * count + code, size * count
        if size > DENSE:
            used, key = np.unique(key, return_inverse=True)
            size = used.size
    person = np.zeros(size, dtype=np.intp)
    person[key] = np.arange(n)
    return Cells(key, [code[person] for code in codes], person)


def codes_of(name: str, values: ArrayLike, wanted: Mapping[Any, float]) -> Integers:
    """Return the number of each person's level among those with a total above 0."""
    array = np.asarray(values)
    levels = levels_of(wanted)
    if array.dtype.kind in "iub" and array.size:
        low, high = int(array.min()), int(array.max())
        if high - low < DENSE:
            lookup = np.full(high - low + 1, -1, dtype=np.intp)
            for number, level in enumerate(levels):
                if isinstance(level, (int, np.integer)) and low <= level <= high:
                    lookup[int(level) - low] = number
            index = array.astype(np.intp, copy=False)
            codes = lookup[index - low if low else index]
            if codes.min() < 0:
                raise _unknown(name, array[codes < 0][0].item(), wanted)
            return codes
    numbers = {level: number for number, level in enumerate(levels)}
    try:
        return np.fromiter(
            map(numbers.__getitem__, array.tolist()), dtype=np.intp, count=array.size
        )
    except KeyError as missing:
        raise _unknown(name, missing.args[0], wanted) from None


def _unknown(name: str, level: object, wanted: Mapping[Any, float]) -> WeightingError:
    if level in wanted:
        return ContradictingMargins(
            f"{name}={level} has nobody in the population, but somebody in the sample"
        )
    return UnknownLevel(f"{name} has no total for {level!r}")


def levels_of(wanted: Mapping[Any, float]) -> list[Any]:
    return [level for level, total in wanted.items() if total != 0]


def targets_of(wanted: Mapping[Any, float]) -> Floats:
    return np.array([total for total in wanted.values() if total != 0], dtype=float)


def observed(name: str, values: ArrayLike) -> dict[Any, float]:
    return dict.fromkeys(np.asarray(values).tolist(), 1.0)
