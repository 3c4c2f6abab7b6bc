"""`tryggstat typology`, `similar` and `segregation`: areas compared."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryggstat import __version__
from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.tables import PARQUET, Table, read_table
from tryggstat.compass import (
    count_groups,
    groups_test,
    multigroup_segregation,
    segregation,
    similar,
    spatial_dissimilarity,
    typology,
)
from tryggstat.compass.standardise import TRANSFORMS
from tryggstat.parallel import workers

SOURCES = {
    "typology": "Ward 1963; Hennig 2007; Rousseeuw 1987; Hartigan and Hartigan 1985",
    "similar": "Mahalanobis 1936",
    "segregation": "Massey and Denton 1988; Carrington and Troske 1997; Morrill 1991",
}
FEW_PEOPLE = 100  # an area with fewer is counted in the warnings
MANY = 1000  # areas from which on the gap statistic takes fewer reference samples

Floats = NDArray[np.float64]


def _names(text: str) -> list[str]:
    return text.split(",")


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**64:
        raise argparse.ArgumentTypeError("must be 0 to 2^64 - 1")
    return seed


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of a command."""
    add = parser.add_argument
    add("table", metavar="TABLE", help="CSV or Parquet, - for standard input")
    add("--id", metavar="I", help="column of area codes, else the first not used")
    if command in ("typology", "similar"):
        add("--columns", type=_names, required=True, metavar="A,B,C")
        add("--population", metavar="P", help="weights of means and deviations")
        add(
            "--transform",
            type=_names,
            metavar="T[,T]",
            help=f"one for all or one for each column: {', '.join(TRANSFORMS)}",
        )
    if command == "typology":
        add("--groups", type=int, default=6, metavar="K")
        add("--method", choices=["ward", "kmeans"], default="ward")
        add("--bootstraps", type=int, default=100, metavar="N")
        add("--previous", metavar="OLD.json", help="answer of an earlier run")
    if command == "similar":
        add("--to", required=True, metavar="CODE", help="the area whose like is sought")
        add("--most", type=int, default=5, metavar="K", help="areas to list")
        add("--metric", choices=["standardised", "mahalanobis"], default="standardised")
    if command == "segregation":
        add("--group", type=_names, required=True, metavar="A[,B]")
        add("--total", required=True, metavar="T")
        add("--areas", metavar="GEO", help="map with the same codes, for neighbours")
    if command == "typology":
        add_random(parser)


def add_random(parser: argparse.ArgumentParser) -> None:
    """Add the options of a command that draws random numbers."""
    add = parser.add_argument
    add("--seed", type=_seed, default=1, metavar="N")
    add("--workers", type=int, default=1, metavar="N", help="threads")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster")


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a command and return its answer."""
    table = read_table(options.table)
    commands = {
        "typology": _typology,
        "similar": _similar,
        "segregation": _segregation,
    }
    return finished(commands[command](table, options), options, SOURCES[command])


def finished(
    answer: dict[str, Any], options: argparse.Namespace, source: str
) -> dict[str, Any]:
    """Return an answer as JSON can hold it, with all that its method needs."""
    others = ("command", "format", "workers", "scheduler")  # they change no figure
    used = {k: v for k, v in vars(options).items() if k not in others}
    about = {"version": __version__, "source": source}
    plain: dict[str, Any] = _plain(
        {**answer, "method": {**used, **answer["method"], **about}}
    )
    return plain


def _typology(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    names = options.columns
    ids = area_ids(table, options, names)
    values, population, warnings = _values(table, options)
    used = np.asarray(np.isfinite(values).all(axis=1))
    ids = [code for code, known in zip(ids, used, strict=True) if known]
    values = values[used]
    population = None if population is None else population[used]
    transform = _transform(options)
    previous = _previous(options.previous, ids) if options.previous else None
    with _refusals(table, names), workers(options.workers, options.scheduler) as pool:
        found = typology(
            values,
            population,
            options.groups,
            options.method,
            transform,
            options.bootstraps,
            options.seed,
            previous,
            pool=pool,
        )
        test = count = None
        if len(ids) >= 10:
            how = {
                "seed": options.seed,
                "transform": transform,
                "references": 50 if len(ids) < MANY else 10,
                "pool": pool,
            }
            test = groups_test(values, population, **how)
            count = count_groups(values, population, min(10, len(ids) - 1), **how)
        else:
            warnings.append(
                "fewer than 10 areas: whether there are groups is not tested"
            )
    if not options.bootstraps:
        warnings.append("no bootstrap samples: stability is not known")
    profiles = found.profile(names)
    words = {language: found.words(names, language) for language in ("sv", "en")}
    return {
        "areas": [
            {
                "id": code,
                "group": found.labels[i],
                "silhouette": found.silhouette[i],
                "certainty": found.membership[i, found.labels[i]],
            }
            for i, code in enumerate(ids)
        ],
        "groups": [
            {
                "group": g,
                "areas": found.sizes[g],
                "population": None
                if population is None
                else population[found.labels == g].sum(),
                "stability": found.stability[g],
                "former": found.former[g] if found.former[g] >= 0 else None,
                "centre": dict(zip(names, found.centres[g], strict=True)),
                "profile": [{"variable": name, "z": z} for name, z in profiles[g]],
                "description": {lang: said[g] for lang, said in words.items()},
            }
            for g in range(options.groups)
        ],
        "silhouette": found.silhouette_mean,
        "moved": [
            {
                "id": ids[move.area],
                "was": move.was,
                "now": move.now,
                "probability": move.probability,
            }
            for move in found.moved
        ],
        "do_areas_form_groups": test and vars(test) | {"columns": names},
        "number_of_groups": count and vars(count),
        "rows_in": "areas",
        "warnings": warnings,
        "method": dict(found.method),
    }


def _similar(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    names = options.columns
    ids = area_ids(table, options, names)
    values, population, warnings = _values(table, options)
    if options.to not in ids:
        raise BadInput(f"{table.source}: there is no area {options.to}")
    used = np.asarray(np.isfinite(values).all(axis=1))
    if not used[ids.index(options.to)]:
        raise FailedJob(f"{options.to} has no value in one of {', '.join(names)}")
    ids = [code for code, known in zip(ids, used, strict=True) if known]
    with _refusals(table, names):
        found = similar(
            values[used],
            ids.index(options.to),
            min(options.most, len(ids) - 1),
            None if population is None else population[used],
            transform=_transform(options),
            metric=options.metric,
        )
    differs = found.differs(names)
    return {
        "areas": [
            {
                "id": ids[area],
                "distance": found.distance[i],
                "difference": dict(zip(names, found.difference[i], strict=True)),
                "differs_most": dict(differs[i]),
            }
            for i, area in enumerate(found.areas)
        ],
        "rows_in": "areas",
        "warnings": warnings,
        "method": {"transform": _transform(options) or ["none"] * len(names)},
    }


def _segregation(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    total = table.numbers(options.total, complete=True)
    groups = [table.numbers(name, complete=True) for name in options.group]
    warnings: list[str] = []
    rows = []
    near = None
    if options.areas:
        near = _neighbours(options.areas, area_ids(table, options, [options.total]))
    for name, group in zip(options.group, groups, strict=True):
        wrong = ~((group >= 0) & (group <= total))
        if wrong.any():
            raise table.fault(int(wrong.argmax()), name, "is not 0 to the total")
        with _refusals(table, [name]):
            found: dict[str, Any] = {"group": name, **vars(segregation(group, total))}
            if near is not None:
                spatial = spatial_dissimilarity(group, total, *near)
                found["spatial_dissimilarity"] = spatial
        rows.append(found)
    many = None
    if len(groups) > 1:
        rest = total - sum(groups)
        if (rest < 0).any():
            raise table.fault(
                int((rest < 0).argmax()), options.total, "is less than the groups' sum"
            )
        parts = [*groups, rest] if rest.any() else groups
        many = vars(multigroup_segregation(np.column_stack(parts)))
        if rest.any():
            warnings.append(
                "several groups at once: the others count as one more group"
            )
    return {
        "segregation": rows,
        "multigroup": many,
        "rows_in": "segregation",
        "warnings": warnings,
        "method": {"areas_with_people": int((total > 0).sum())},
    }


def area_ids(
    table: Table, options: argparse.Namespace, used: Sequence[str]
) -> list[str]:
    """Return the codes of the areas, from --id or the first column not used."""
    taken = {*used, getattr(options, "population", None)}
    name = options.id or next((n for n in table.names if n not in taken), None)
    if name is None:
        return [str(row) for row in range(table.rows)]
    ids = table.text(name)
    if len(set(ids)) < len(ids):
        row = next(i for i, code in enumerate(ids) if code in ids[:i])
        raise table.fault(row, name, f"{ids[row]!r} stands there twice")
    return ids


def _values(
    table: Table, options: argparse.Namespace
) -> tuple[Floats, Floats | None, list[str]]:
    """Return the columns, the population, and warnings about both."""
    values = np.column_stack([table.numbers(name) for name in options.columns])
    missing = int((~np.isfinite(values)).any(axis=1).sum())
    warnings = [f"{missing} areas are left out: a value is missing"] if missing else []
    if options.population is None:
        return values, None, warnings
    population = table.numbers(options.population, complete=True)
    if (population <= 0).any():
        row = int((population <= 0).argmax())
        raise table.fault(row, options.population, "is not above 0")
    small = int((population < FEW_PEOPLE).sum())
    if small:
        warnings.append(f"{small} areas have fewer than {FEW_PEOPLE} people")
    return values, population, warnings


def _transform(options: argparse.Namespace) -> list[str] | None:
    given = options.transform
    return given * len(options.columns) if given and len(given) == 1 else given


def _previous(path: str, ids: list[str]) -> NDArray[np.int64]:
    """Read the groups of an earlier answer; areas unknown to it get -1."""
    try:
        answer = json.loads(Path(path).read_text(encoding="utf-8"))
        groups = {str(area["id"]): int(area["group"]) for area in answer["areas"]}
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{path}: is not an answer of tryggstat typology") from None
    return np.array([groups.get(code, -1) for code in ids])


def _neighbours(path: str, ids: list[str]) -> tuple[NDArray[np.int64], ...]:
    """Return pairs of areas that share a border or a corner."""
    import shapely

    shapes, columns = _map(path)
    codes = next((codes for codes in columns.values() if set(ids) <= set(codes)), None)
    if codes is None:
        names = ", ".join(columns)
        raise BadInput(f"{path}: none of {names} has all the codes of the table")
    place = {code: i for i, code in enumerate(codes)}
    areas = shapely.from_wkb(shapes)[[place[code] for code in ids]]
    one, other = shapely.STRtree(areas).query(areas, predicate="intersects")
    return one[one != other], other[one != other]


def _map(path: str) -> tuple[NDArray[np.object_], dict[str, list[str]]]:
    """Read shapes and columns of GeoPackage, GeoJSON, GeoParquet and the like."""
    from pyogrio.errors import DataSourceError
    from pyogrio.raw import read

    try:
        with Path(path).open("rb") as file:
            start = file.read(len(PARQUET))
        if start == PARQUET:
            import polars as pl

            frame = pl.read_parquet(path)
            shapes = frame["geometry"].to_numpy()
            columns = {n: frame[n].to_list() for n in frame.columns if n != "geometry"}
        else:
            meta, _, shapes, values = read(path)
            columns = dict(zip(meta["fields"], values, strict=True))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except DataSourceError:
        raise BadInput(f"{path}: cannot be read as a map") from None
    return shapes, {name: list(map(str, column)) for name, column in columns.items()}


@contextmanager
def _refusals(table: Table, names: Sequence[str]) -> Iterator[None]:
    """Let the library's refusals name the file and the column."""
    try:
        yield
    except ValueError as problem:
        text = re.sub(
            r"\bcolumn (\d+)",
            lambda match: f"column {names[int(match[1])]}",
            str(problem),
        )
        raise BadInput(f"{table.source}: {text}") from None


def _plain(value: Any) -> Any:
    """Turn arrays and numbers into what JSON can hold; not a number becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value
