"""`tryggstat moran`, `geary`, `getis` and `lisa`: what lies near, and whether alike."""

from __future__ import annotations

import argparse
import json
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.compass import add_random, area_ids, finished
from tryggstat.cli.tables import PARQUET, Table, read_table
from tryggstat.parallel import workers
from tryggstat.spatial import autocorrelation, local, neighbours, rates
from tryggstat.spatial.neighbours import Floats, Neighbours
from tryggstat.survey.small_area import smooth_rates

SOURCES = {
    "moran": "Moran 1950; Cliff and Ord 1981, as in spdep moran.test",
    "geary": "Geary 1954; Cliff and Ord 1981, as in spdep geary.test",
    "getis": "Getis and Ord 1992; Ord and Getis 1995, as in spdep globalG.test, localG",
    "lisa": "Anselin 1995; Sokal, Oden and Thomson 1998, as in spdep localmoran",
}
MAPS = (".shp", ".fgb", ".gml", ".kml")  # known by name; others by their first bytes
NAMED = 5  # areas named in a warning

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Areas:
    """A table with one row per area, and its shapes if it is a map."""

    table: Table
    shapes: NDArray[np.object_] | None = None
    crs: str | None = None


def _rate(text: str) -> str:
    cases, _, population = text.partition("/")
    if not cases or not population:
        raise argparse.ArgumentTypeError("must be CASES/POPULATION")
    return text


def _nearness(text: str) -> str:
    kind, _, number = text.partition(":")
    try:
        if (
            (kind in ("queen", "rook") and not number)
            or (kind == "knn" and int(number) >= 1)
            or (kind == "distance" and 0 < float(number) < float("inf"))
        ):
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError("must be queen, rook, knn:K or distance:M")


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of a command."""
    add = parser.add_argument
    add("areas", metavar="AREAS", help="a map, or a table with --neighbour-list")
    add("--value", metavar="V")
    add("--rate", type=_rate, metavar="CASES/POPULATION", help="empirical-Bayes rates")
    add("--neighbours", type=_nearness, metavar="queen|rook|knn:K|distance:M")
    add("--neighbour-list", metavar="FILE", help="focal,neighbour[,weight]")
    add("--id", metavar="I", help="column of area codes")
    add("--x", metavar="X", help="with --y: points, for a table that is no map")
    add("--y", metavar="Y")
    add("--style", choices=["W", "B"], default="W", help="rows sum to 1, or as given")
    add("--permutations", type=_whole, metavar="N", help="9999; 99999 for each area")
    add("--alternative", choices=["greater", "less", "two-sided"])
    if command in ("moran", "geary"):
        add(
            "--assumption",
            choices=["randomisation", "normality"],
            default="randomisation",
        )
    if command in ("moran", "lisa"):
        add("--with", dest="other", metavar="W", help="another value, of neighbours")
    if command == "getis":
        add("--star", action="store_true", help="count the area itself: Gi*")
    if command == "lisa":
        add("--statistic", choices=["moran", "geary"], default="moran")
        add("--moments", choices=["conditional", "total"], default="conditional")
    if command in ("getis", "lisa"):
        add("--adjust", choices=["bh", "holm", "none"], default="bh")
    add_random(parser)


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a command and return its answer."""
    unused = _unused(options)
    areas = read_areas(options.areas)
    table = areas.table
    ids = _ids(table, options)
    values, other, known = _values(command, table, options)
    everyone = _neighbours(areas, ids, options)
    near = everyone.among(known)
    if options.style == "W":
        near = near.row_standardised()
    kept = [code for code, is_known in zip(ids, known, strict=True) if is_known]
    warnings = [*unused, *_about(kept, near)]
    if not known.all():
        left_out = [c for c, is_known in zip(ids, known, strict=True) if not is_known]
        warnings.append(f"without a value, and left out: {_named(left_out)}")
    answer: dict[str, Any] = {}
    try:
        with workers(options.workers, options.scheduler) as pool:
            if command != "lisa":
                found = _global(command, values[known], other, near, options, pool)
                answer |= vars(found) if found else {}
                if found is None:
                    warnings.append("a value is negative: G is a share of a sum")
            if command in ("getis", "lisa"):
                each = _local(command, values[known], other, near, options, pool)
                answer["areas"] = _rows(ids, known, each)
    except ValueError as problem:
        raise FailedJob(f"{table.source}: {problem}") from None
    if "areas" not in answer and options.format != "json":
        answer["rows"] = [dict(answer)]
    counts = near.counts
    return finished(
        {
            **answer,
            "neighbours": {
                "areas": near.size,
                "links": int(counts.sum()),
                "least": int(counts.min()) if counts.size else 0,
                "most": int(counts.max()) if counts.size else 0,
                "islands": [kept[i] for i in near.islands],
            },
            "rows_in": "areas" if "areas" in answer else "rows",
            "warnings": warnings,
            "method": {
                "permutations": _per_test(
                    command,
                    options.permutations,
                    autocorrelation.GLOBAL_DRAWS,
                    local.LOCAL_DRAWS,
                ),
                "alternative": _per_test(
                    command,
                    options.alternative,
                    "two-sided" if other is not None else "greater",
                    "two-sided",
                ),
            },
        },
        options,
        SOURCES[command],
    )


def _unused(options: argparse.Namespace) -> list[str]:
    """Refuse to run without values or neighbours; say which of two is not used."""
    notes = []
    for first, second in (("rate", "value"), ("neighbour_list", "neighbours")):
        names = [f"--{name.replace('_', '-')}" for name in (second, first)]
        given = [getattr(options, name) is not None for name in (first, second)]
        if not any(given):
            raise BadInput(f"give {' or '.join(names)}")
        if all(given):
            notes.append(f"{names[1]} is used, {names[0]} is not")
    return notes


def _per_test(command: str, given: Any, overall: Any, each: Any) -> Any:
    """Return the option in force, which differs between global and local tests."""
    if given is not None:
        return given
    if command == "getis":
        return {"global": overall, "local": each}
    return each if command == "lisa" else overall


def _ids(table: Table, options: argparse.Namespace) -> list[str]:
    """Return codes from --id, or the first column of codes that differ, or numbers."""
    if options.id:
        return area_ids(table, options, [])
    for name in table.names:
        codes = table.text(name)
        if len(set(codes)) == len(codes) and not table.is_numeric(name):
            return codes
    return [str(row) for row in range(1, table.rows + 1)]


def _global(
    command: str,
    values: Floats,
    other: Floats | None,
    near: Neighbours,
    options: argparse.Namespace,
    pool: Executor | None,
) -> autocorrelation.GlobalTest | None:
    how: dict[str, Any] = {"seed": options.seed, "pool": pool}
    if options.permutations is not None:
        how["permutations"] = options.permutations
    if options.alternative:
        how["alternative"] = options.alternative
    if command == "getis":
        if (values < 0).any():
            return None
        return autocorrelation.getis_ord(values, near, **how)
    if other is not None:
        return autocorrelation.bivariate_moran(values, other, near, **how)
    how["assumption"] = options.assumption
    test = autocorrelation.moran if command == "moran" else autocorrelation.geary
    return test(values, near, **how)


def _local(
    command: str,
    values: Floats,
    other: Floats | None,
    near: Neighbours,
    options: argparse.Namespace,
    pool: Executor | None,
) -> local.LocalTest:
    how: dict[str, Any] = {
        "seed": options.seed,
        "pool": pool,
        "adjust": options.adjust,
        "alternative": options.alternative or "two-sided",
    }
    if options.permutations is not None:
        how["permutations"] = options.permutations
    if command == "getis":
        return local.local_getis_ord(values, near, star=options.star, **how)
    if other is not None:
        return local.local_bivariate_moran(values, other, near, **how)
    if options.statistic == "geary":
        return local.local_geary(values, near, **how)
    return local.local_moran(values, near, moments=options.moments, **how)


def _rows(ids: list[str], known: Bools, each: local.LocalTest) -> list[dict[str, Any]]:
    names = (
        "statistic", "expectation", "variance", "z", "p",
        "p_permutation", "p_adjusted", "quadrant", "draws",
    )  # fmt: skip
    columns = {name: getattr(each, name).tolist() for name in names}
    place = np.cumsum(known) - 1
    return [
        {
            "id": code,
            **{name: columns[name][place[i]] if known[i] else None for name in names},
        }
        for i, code in enumerate(ids)
    ]


def _values(
    command: str, table: Table, options: argparse.Namespace
) -> tuple[Floats, Floats | None, Bools]:
    """Return values, the other values where both are known, and where they are."""
    other = getattr(options, "other", None)
    if other and options.rate:
        raise BadInput("--with needs --value, not --rate")
    if other and getattr(options, "statistic", "moran") == "geary":
        raise BadInput("--with is for --statistic moran")
    if not options.rate:
        values = table.numbers(options.value)
        known = np.isfinite(values)
        if not other:
            return values, None, known
        others = table.numbers(other)
        known &= np.isfinite(others)
        return values, others[known], known
    names = options.rate.split("/", 1)
    cases, people = (table.numbers(name) for name in names)
    known = np.isfinite(cases) & np.isfinite(people) & ~((people == 0) & (cases == 0))
    for name, wrong in ((names[0], cases < 0), (names[1], people <= 0)):
        if (known & wrong).any():
            row = int((known & wrong).argmax())
            raise table.fault(row, name, "is negative, or 0 people have cases")
    values = np.full(cases.size, np.nan)
    make = smooth_rates if command == "getis" else rates.standardised_rates
    try:
        values[known] = make(cases[known], people[known])
    except ValueError as problem:
        raise FailedJob(f"{table.source}: {problem}") from None
    return values, None, known


def _neighbours(
    areas: Areas, ids: list[str], options: argparse.Namespace
) -> Neighbours:
    table = areas.table
    if options.neighbour_list:
        return _listed(options.neighbour_list, ids)
    kind, _, number = options.neighbours.partition(":")
    try:
        if kind in ("queen", "rook"):
            if areas.shapes is None:
                raise BadInput(
                    f"{table.source}: has no shapes; give a map or --neighbour-list"
                )
            return neighbours.contiguity(areas.shapes, kind)
        points, globe, unit = _points(areas, options)
        if kind == "knn":
            return neighbours.nearest(points, int(number), great_circle=globe)
        return neighbours.within_distance(
            points, float(number) / unit, great_circle=globe
        )
    except ValueError as problem:
        raise BadInput(f"{table.source}: {problem}") from None


def _points(areas: Areas, options: argparse.Namespace) -> tuple[Floats, bool, float]:
    """Return a point for each area, whether it is in degrees, and metres per unit."""
    if options.x and options.y:
        columns = (
            areas.table.numbers(n, complete=True) for n in (options.x, options.y)
        )
        return np.column_stack(list(columns)), False, 1.0
    if areas.shapes is None:
        raise BadInput(f"{areas.table.source}: has no shapes; give --x and --y")
    import shapely

    points = shapely.get_coordinates(shapely.centroid(areas.shapes))
    if not areas.crs:
        return points, False, 1.0
    from pyproj import CRS

    crs = CRS.from_user_input(areas.crs)
    if crs.is_geographic:
        return points, True, 1.0
    return points, False, crs.axis_info[0].unit_conversion_factor


def _listed(path: str, ids: list[str]) -> Neighbours:
    """Read neighbours from the columns focal, neighbour, weight, or the first ones."""
    table = read_table(path)
    if len(table.names) < 2:
        raise BadInput(f"{table.source}, line 1: needs focal,neighbour[,weight]")
    if {"focal", "neighbour"} <= set(table.names):
        ends = ["focal", "neighbour"]
        weight = "weight" if "weight" in table.names else None
    else:
        ends, rest = table.names[:2], table.names[2:]
        weight = rest[0] if rest else None
    place = {code: i for i, code in enumerate(ids)}
    pairs = []
    for name in ends:
        codes = table.text(name)
        unknown = next((row for row, c in enumerate(codes) if c not in place), None)
        if unknown is not None:
            raise table.fault(unknown, name, f"{codes[unknown]!r} is no area")
        pairs.append(np.array([place[code] for code in codes], dtype=np.intp))
    focal, other = pairs
    weights = table.numbers(weight, complete=True) if weight else None
    if (focal == other).any():
        raise table.fault(int((focal == other).argmax()), ends[1], "is the area itself")
    if weights is not None and not (weights > 0).all():
        raise table.fault(int((~(weights > 0)).argmax()), str(weight), "is not above 0")
    _, first = np.unique(focal * len(ids) + other, return_index=True)
    if first.size < focal.size:
        twice = np.setdiff1d(np.arange(focal.size), first)[0]
        raise table.fault(int(twice), ends[1], "this pair stands there twice")
    return neighbours.neighbour_pairs(focal, other, len(ids), weights)


def _about(ids: list[str], near: Neighbours) -> list[str]:
    islands = [ids[i] for i in near.islands]
    return [f"no neighbours, so no local figures: {_named(islands)}"] if islands else []


def _named(codes: list[str]) -> str:
    named = ", ".join(codes[:NAMED])
    more = len(codes) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def read_areas(path: str) -> Areas:
    """
    Read a map (GeoPackage, GeoJSON, GeoParquet and the like) or a plain table.

    Raises
    ------
    BadInput
        The file is missing or cannot be read, or a feature has no shape.
    """
    if path == "-":
        return Areas(read_table(path))
    try:
        with Path(path).open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    if start.startswith(PARQUET):
        return _read_geoparquet(path)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_map = text.startswith(b"{") or start.startswith(b"SQLite format 3")
    if not is_map and Path(path).suffix.lower() not in MAPS:
        return Areas(read_table(path))
    from pyogrio.errors import DataLayerError, DataSourceError
    from pyogrio.raw import read

    try:
        meta, _, shapes, columns = read(path)
    except (DataSourceError, DataLayerError):
        raise BadInput(f"{path}: cannot be read as a map") from None
    fields = dict(zip(meta["fields"], columns, strict=True))
    return _areas(path, fields, shapes, meta["crs"])


def _read_geoparquet(path: str) -> Areas:
    import pyarrow.parquet as pq

    try:
        frame = pq.read_table(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{path}: cannot be read as a table ({reason})") from None
    about = (frame.schema.metadata or {}).get(b"geo")
    if not about:
        return Areas(read_table(path))
    geo = json.loads(about)
    main = geo["primary_column"]
    crs = geo["columns"][main].get("crs", "OGC:CRS84")
    fields = {n: frame[n].to_pylist() for n in frame.column_names if n != main}
    shapes = np.array(frame[main].to_pylist(), dtype=object)
    return _areas(
        path, fields, shapes, json.dumps(crs) if isinstance(crs, dict) else crs
    )


def _areas(
    path: str, fields: dict[str, Any], shapes: NDArray[np.object_], crs: str | None
) -> Areas:
    import shapely

    found = shapely.from_wkb(shapes)
    missing = shapely.is_missing(found) | shapely.is_empty(found)
    lines = range(1, len(found) + 1)
    if missing.any():
        raise BadInput(f"{path}, line {lines[int(missing.argmax())]}: has no shape")
    text = {name: [_cell(cell) for cell in column] for name, column in fields.items()}
    return Areas(Table(path, text, lines), found, crs)


def _cell(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell)
