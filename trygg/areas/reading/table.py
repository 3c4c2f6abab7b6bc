"""The one shape in which every reader hands over figures: long records, in columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trygg.areas.reading.problems import Problem


@dataclass(frozen=True)
class Coded:
    """A column of texts: each label once, and for every record the label's number."""

    labels: list[str]
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, texts: list[str]) -> Coded:
        labels = list(dict.fromkeys(texts))
        number = {label: i for i, label in enumerate(labels)}
        return cls(labels, np.array([number[t] for t in texts], dtype=np.int32))

    @classmethod
    def constant(cls, text: str, length: int) -> Coded:
        return cls([text], np.zeros(length, dtype=np.int32))

    def texts(self) -> list[str]:
        return [self.labels[code] for code in self.codes.tolist()]


@dataclass(frozen=True)
class Table:
    """
    Figures as records: area, measure, period, group, value, and the line they stood on.

    `value` is NaN where the source says that there is none.
    """

    area: Coded
    measure: Coded
    period: Coded
    group: Coded
    value: NDArray[np.float64]
    line: NDArray[np.int32]
    names: dict[str, str] = field(default_factory=dict)  # names of areas, by label
    title: str = ""
    source: str = ""
    problems: list[Problem] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.value)
