"""Any vector file → codes, names and polygons in SWEREF 99 TM (EPSG:3006)."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from trygg.areas.reading import files
from trygg.areas.reading.problems import BadFile, Problem, Problems

EPSG = 3006
SWEDEN = (200_000.0, 6_000_000.0, 1_000_000.0, 7_800_000.0)  # metres, with room around
PARQUET = (".parquet", ".geoparquet")
# GDAL would also open files that only point at other files or addresses (VRT, WFS)
FORMATS = (".gpkg", ".geojson", ".json", ".shp", ".zip", ".fgb", *PARQUET)
# Columns in the files of SCB and of municipalities, the most exact first
CODE_COLUMNS = (
    "desokod", "deso", "regsokod", "regsokod_2020", "kommunkod", "kommun_kod",
    "lan_kod", "nyko", "nykokod", "areacode", "kod", "code", "id",
)  # fmt: skip
NAME_COLUMNS = (
    "regsonamn", "regso_2020", "regso", "kommunnamn", "kommun", "lan", "namn", "name",
)  # fmt: skip


@dataclass(frozen=True)
class MapFile:
    """The areas of a vector file, all arrays in the same order."""

    codes: list[str]
    names: list[str]
    shapes: NDArray[np.object_]  # polygons and multipolygons, metres
    fields: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read(path: Path, *, code: str = "", name: str = "", layer: str = "") -> MapFile:
    """
    Read a GeoPackage, GeoJSON, GeoParquet, FlatGeobuf or Shapefile (also zipped).

    `code` and `name` are the columns to use; without them the usual names are tried.

    Raises
    ------
    BadFile
        The file cannot be used. Its problem says why and what to do.
    """
    files.check(path, largest=files.LARGEST_MAP)
    if path.suffix.lower() not in FORMATS:
        raise refuse_format(path)
    problems = Problems(path.name)
    if path.suffix.lower() in PARQUET:
        shapes, fields, crs = _parquet(path)
    else:
        shapes, fields, crs = _vector(path, layer)
    if not len(shapes):
        raise files.refuse(path, _("The file holds no areas."))

    shapes = _in_metres(path, shapes, crs)
    code_column = _column(path, fields, code, CODE_COLUMNS)
    codes = fields[code_column]
    if not name:
        lower = {key.lower(): key for key in fields}
        name = next((lower[n] for n in NAME_COLUMNS if n in lower), code_column)
    names = fields[_column(path, fields, name, ())]
    _check_codes(path, code_column, codes)
    shapes = _polygons(shapes, codes, problems)
    _check_place(path, shapes)
    names = [n or c for n, c in zip(names, codes, strict=True)]
    return MapFile(codes, names, shapes, fields, problems.all())


def refuse_format(path: Path) -> BadFile:
    return files.refuse(
        path,
        _("The file cannot be read as a map."),
        _("Use GeoPackage, GeoJSON, GeoParquet or Shapefile."),
    )


def _vector(
    path: Path, layer: str
) -> tuple[NDArray[np.object_], dict[str, list[str]], Any]:
    import pyogrio

    source = f"/vsizip/{path}" if path.suffix.lower() == ".zip" else path
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # we look for ourselves
            meta, _fids, wkb, columns = pyogrio.raw.read(source, layer=layer or None)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError):
        raise refuse_format(path) from None
    fields = {
        str(name): [_text(cell) for cell in column]
        for name, column in zip(meta["fields"], columns, strict=True)
    }
    return _shapes(path, wkb), fields, meta["crs"]


def _parquet(path: Path) -> tuple[NDArray[np.object_], dict[str, list[str]], Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
        geo = json.loads(table.schema.metadata[b"geo"])
        column = geo["primary_column"]
        described = geo["columns"][column]
        wkb = [cell.as_py() for cell in table.column(column)]
    except (pyarrow.ArrowException, KeyError, TypeError, ValueError):
        raise files.refuse(
            path, _("The file is not GeoParquet."), _("Save it as GeoPackage.")
        ) from None
    fields = {
        name: [_text(cell) for cell in table.column(name).to_pylist()]
        for name in table.column_names
        if name != column
    }
    crs = described.get("crs", "OGC:CRS84")  # the standard's default
    return _shapes(path, np.array(wkb, dtype=object)), fields, crs


def _shapes(path: Path, wkb: NDArray[np.object_] | None) -> NDArray[np.object_]:
    """Return the geometries; rings that are left open are closed."""
    shapes = None if wkb is None else shapely.from_wkb(wkb, on_invalid="fix")
    if shapes is None or shapely.is_missing(shapes).any():
        raise files.refuse(path, _("There are rows without a polygon."))
    return np.asarray(shapes, dtype=object)


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def _in_metres(
    path: Path, shapes: NDArray[np.object_], crs: Any
) -> NDArray[np.object_]:
    """Carry the coordinates over to EPSG:3006, x eastwards and y northwards."""
    import pyproj

    if not crs:
        raise files.refuse(
            path,
            _("The file does not say which coordinates it uses."),
            _("Save it with its coordinate system, best EPSG:3006 or EPSG:4326."),
        )
    try:
        given = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise files.refuse(path, _("Its coordinate system is not known.")) from None
    if given.to_epsg() == EPSG:
        return shapes
    carry = pyproj.Transformer.from_crs(given, EPSG, always_xy=True).transform

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(carry(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(shapes, moved), dtype=object)


def _column(
    path: Path, fields: dict[str, list[str]], wanted: str, usual: tuple[str, ...]
) -> str:
    lower = {name.lower(): name for name in fields}
    for name in (wanted.lower(),) if wanted else usual:
        if name in lower:
            return lower[name]
    raise files.refuse(
        path,
        _("No column with the codes of the areas was found among: %(columns)s.")
        % {"columns": ", ".join(fields) or "–"}
        if not wanted
        else _("There is no column “%(name)s” among: %(columns)s.")
        % {"name": wanted, "columns": ", ".join(fields) or "–"},
        _("Say which column it is."),
    )


def _check_codes(path: Path, column: str, codes: list[str]) -> None:
    seen: set[str] = set()
    for line, code in enumerate(codes, start=1):
        if not code or code in seen:
            what = (
                _("The code %(code)s stands twice.") % {"code": code}
                if code
                else _("An area has no code.")
            )
            raise BadFile(Problem(path.name, line, column, what))
        seen.add(code)


def _polygons(
    shapes: NDArray[np.object_], codes: list[str], problems: Problems
) -> NDArray[np.object_]:
    """Return the shapes as polygons, mended where they cross themselves."""
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        what = _("There are coordinates that are not numbers.")
        raise BadFile(Problem(problems.file, None, None, what))
    shapes = shapely.force_2d(shapes)
    for i in np.flatnonzero(~shapely.is_valid(shapes)):
        shapes[i] = shapely.make_valid(shapes[i], method="structure")
        problems.add(
            "mended",
            _("The outline of %(code)s crosses itself and was mended.")
            % {"code": codes[i]},
            level="warning",
            line=int(i) + 1,
        )
    kinds = shapely.get_type_id(shapes)
    for i in np.flatnonzero(~np.isin(kinds, (3, 6)) | shapely.is_empty(shapes)):
        what = _("The area %(code)s is not a polygon.") % {"code": codes[i]}
        raise BadFile(Problem(problems.file, int(i) + 1, None, what))
    return shapes


def _check_place(path: Path, shapes: NDArray[np.object_]) -> None:
    """Catch swapped axes and wrong coordinate systems."""
    x0, y0, x1, y1 = shapely.total_bounds(shapes)
    if x0 < SWEDEN[0] or y0 < SWEDEN[1] or x1 > SWEDEN[2] or y1 > SWEDEN[3]:
        raise files.refuse(
            path,
            _("The areas do not lie in Sweden."),
            _("Are the axes swapped, or is the coordinate system another one?"),
        )
