"""Multidimensional sources (PX, JSON-stat): dimensions and one long row of figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from trygg.areas.reading import files
from trygg.areas.reading.problems import BadFile
from trygg.areas.reading.table import Coded, Table
from trygg.areas.reading.tables import Layout

MOST_CELLS = 5_000_000
# What dimensions are called where the source gives them no role
AREA_NAMES = ("region", "område", "area", "geo", "deso", "regso", "kommun")
TIME_NAMES = ("tid", "år", "year", "time", "månad", "kvartal")
METRIC_NAMES = ("contentscode", "tabellinnehåll", "contents")


@dataclass(frozen=True)
class Dimension:
    """One direction of the cube: code and label of it and of each category."""

    code: str
    label: str
    codes: list[str]
    labels: list[str]
    role: str = ""  # "geo", "time", "metric"

    def find(self, alternatives: Iterable[str]) -> str | None:
        """
        Return the code of the first alternative that is there, by code or by label.

        An alternative that ends in "…" is the beginning of a label.
        """
        for wanted in (text.casefold() for text in alternatives):
            for code, label in zip(self.codes, self.labels, strict=True):
                begins = wanted.endswith("…") and label.casefold().startswith(
                    wanted[:-1]
                )
                if begins or wanted in (code.casefold(), label.casefold()):
                    return code
        return None

    def is_called(self, name: str) -> bool:
        return name.casefold() in (self.code.casefold(), self.label.casefold())


def table_of(
    path: Path,
    dimensions: list[Dimension],
    values: NDArray[np.float64],
    layout: Layout,
    *,
    title: str = "",
    source: str = "",
) -> Table:
    """
    Return the cube as records, the last dimension running fastest.

    Area, period and measure are the dimensions that the layout names, else those with
    the role or the usual name. Of what is left, dimensions with several categories
    make the group. A line is the number of the figure in the source.
    """
    size = [len(dimension.codes) for dimension in dimensions]
    if prod(size) != len(values):
        raise files.refuse(
            path,
            _("The file holds %(found)d figures where its headings make %(made)d.")
            % {"found": len(values), "made": prod(size)},
            _("Fetch it again."),
        )
    place = np.indices(size, dtype=np.int32).reshape(len(size), -1)

    def find(name: str, role: str, usual: tuple[str, ...]) -> int | None:
        for i, dimension in enumerate(dimensions):
            if dimension.is_called(name) if name else dimension.role == role:
                return i
        if name:
            raise _no_dimension(path, name, dimensions)
        for i, dimension in enumerate(dimensions):
            if any(dimension.is_called(one) for one in usual):
                return i
        return None

    area = find(layout.area, "geo", AREA_NAMES)
    if area is None:
        raise _no_dimension(path, "area", dimensions)
    period = find(layout.period_column, "time", TIME_NAMES)
    if layout.measure_dimensions:
        measures = [find(name, "", ()) for name in layout.measure_dimensions]
    else:
        measures = [find("", "metric", METRIC_NAMES)]
    used = {area, period, *measures}
    groups = [i for i in range(len(size)) if i not in used and size[i] > 1]
    return Table(
        area=Coded(dimensions[area].codes, place[area]),
        measure=_measure(
            dimensions, place, [m for m in measures if m is not None], layout
        ),
        period=Coded.constant(layout.period, len(values))
        if period is None or layout.period
        else Coded(dimensions[period].codes, place[period]),
        group=_group(dimensions, place, groups),
        value=values,
        line=np.arange(1, len(values) + 1, dtype=np.int32),
        names=dict(zip(dimensions[area].codes, dimensions[area].labels, strict=True)),
        title=title,
        source=source,
    )


def _no_dimension(path: Path, name: str, dimensions: list[Dimension]) -> BadFile:
    present = ", ".join(dimension.code for dimension in dimensions)
    return files.refuse(
        path,
        _("There is no dimension “%(name)s” among: %(present)s.")
        % {"name": name, "present": present},
        _("Change the mapping file."),
    )


def _joined(
    dimensions: list[Dimension], place: NDArray[np.int32], which: list[int]
) -> tuple[list[tuple[int, ...]], NDArray[np.int32]]:
    """Return the combinations of categories, and that of each record."""
    size = [len(dimensions[i].codes) for i in which]
    code = np.ravel_multi_index(tuple(place[i] for i in which), size)
    combinations = [tuple(int(x) for x in combo) for combo in np.ndindex(*size)]
    return combinations, code.astype(np.int32)


def _measure(
    dimensions: list[Dimension],
    place: NDArray[np.int32],
    which: list[int],
    layout: Layout,
) -> Coded:
    """Name each measure by its codes, or by its labels where the mapping does so."""
    if not which:
        only = layout.measures[0] if layout.measures else "value"
        return Coded.constant(only, place.shape[1])
    combinations, codes = _joined(dimensions, place, which)
    names = []
    for combination in combinations:
        pairs = list(zip(which, combination, strict=True))
        by_label = "/".join(dimensions[i].labels[c] for i, c in pairs)
        by_code = "/".join(dimensions[i].codes[c] for i, c in pairs)
        names.append(by_label if by_label in layout.measures else by_code)
    return Coded(names, codes)


def _group(
    dimensions: list[Dimension], place: NDArray[np.int32], which: list[int]
) -> Coded:
    if not which:
        return Coded.constant("", place.shape[1])
    combinations, codes = _joined(dimensions, place, which)
    names = [
        ";".join(
            f"{dimensions[i].code}={dimensions[i].codes[c]}"
            for i, c in zip(which, combination, strict=True)
        )
        for combination in combinations
    ]
    return Coded(names, codes)
