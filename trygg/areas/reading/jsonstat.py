"""JSON-stat 1 and 2; what turns out to be plain JSON of PxWeb goes on to `pxweb`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from trygg.areas.reading import files, pxweb
from trygg.areas.reading.cubes import MOST_CELLS, Dimension, table_of
from trygg.areas.reading.problems import BadFile
from trygg.areas.reading.table import Table
from trygg.areas.reading.tables import Layout, number

ROLES = ("time", "geo", "metric")
# What reading something else as statistics ends in
STRANGE = (KeyError, TypeError, AttributeError, IndexError, ValueError)


def read(path: Path, layout: Layout) -> Table:
    """Read a JSON file of statistics. Raises BadFile with what is wrong in it."""
    content = _content(path)
    try:
        if "columns" in content and "data" in content:
            return pxweb.from_columns(content, layout)
        return _dataset(path, _find_dataset(path, content), layout)
    except STRANGE:
        raise _not_statistics(path) from None


def dimensions_of(path: Path) -> list[Dimension]:
    """Return the dimensions of a dataset, which may lack figures (metadata)."""
    try:
        return _dimensions(_find_dataset(path, _content(path)))
    except STRANGE:
        raise _not_statistics(path) from None


def _content(path: Path) -> dict[str, Any]:
    files.check(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise files.refuse(
            path, _("The file is not complete JSON."), _("Fetch it again.")
        ) from None
    if not isinstance(content, dict):
        raise _not_statistics(path)
    return content


def _not_statistics(path: Path) -> BadFile:
    return files.refuse(
        path,
        _("The JSON is neither JSON-stat nor an answer from PxWeb."),
        _("Ask the source for the format json-stat2."),
    )


def _find_dataset(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Return the dataset in a response of version 2, or of version 1 under a name."""
    kind = content.get("class", "dataset")
    if kind != "dataset":
        what = _("The file is a %(kind)s, not a dataset with figures.") % {"kind": kind}
        raise files.refuse(path, what, _("Fetch one of its datasets."))
    if "value" in content or "id" in content:  # metadata may come without figures
        return content
    sets = [x for x in content.values() if isinstance(x, dict) and "value" in x]
    if len(sets) > 1:
        raise files.refuse(path, _("The file holds several datasets."))
    return sets[0]


def _dimensions(data: dict[str, Any]) -> list[Dimension]:
    described = data["dimension"]
    roles = data.get("role") or described.get("role") or {}
    role_of = {name: role for role in ROLES for name in roles.get(role, ())}
    ids = data["id"] if "id" in data else described["id"]
    return [_dimension(name, described[name], role_of.get(name, "")) for name in ids]


def _dataset(path: Path, data: dict[str, Any], layout: Layout) -> Table:
    dimensions = _dimensions(data)
    size = data["size"] if "size" in data else data["dimension"]["size"]
    cells = int(np.prod([int(s) for s in size]))
    if [len(d.codes) for d in dimensions] != [int(s) for s in size]:
        raise files.refuse(path, _("The sizes do not agree with the categories."))
    if cells > MOST_CELLS:
        what = _("The file holds more than %(most)d figures.") % {"most": MOST_CELLS}
        raise files.refuse(path, what)
    return table_of(
        path,
        dimensions,
        _values(data["value"], cells),
        layout,
        title=str(data.get("label", "")),
        source=str(data.get("source", "")),
    )


def _dimension(name: str, described: dict[str, Any], role: str) -> Dimension:
    category = described["category"]
    labels = category.get("label") or {}
    index = category.get("index") or list(labels)
    codes = sorted(index, key=index.__getitem__) if isinstance(index, dict) else index
    codes = [str(code) for code in codes]
    return Dimension(
        name,
        str(described.get("label") or name),
        codes,
        [str(labels.get(code, code)) for code in codes],
        role,
    )


def _values(given: Any, cells: int) -> NDArray[np.float64]:
    """Return the figures, from a list or from a mapping of those there are."""
    pairs = given.items() if isinstance(given, dict) else enumerate(given)
    values = np.full(cells if isinstance(given, dict) else len(given), np.nan)
    for at, figure in pairs:
        if figure is not None:
            place = int(at)
            if place < 0:
                raise IndexError(at)
            values[place] = number(str(figure))
    return values
