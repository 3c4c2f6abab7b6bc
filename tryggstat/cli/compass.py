"""`tryggstat typology`, `similar`, `index` and `segregation`: areas compared."""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryggstat import __version__
from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.tables import Table, read_table
from tryggstat.compass import (
    Indicator,
    composite_index,
    count_groups,
    groups_test,
    multigroup_segregation,
    rank_uncertainty,
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
    "index": "OECD and JRC 2008, Handbook on Constructing Composite Indicators",
    "segregation": "Massey and Denton 1988; Carrington and Troske 1997; Morrill 1991",
}
FEW_PEOPLE = 100  # an area with fewer is named in the warnings

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
    if command == "index":
        add("--spec", required=True, metavar="SPEC.toml")
    if command == "segregation":
        add("--group", type=_names, required=True, metavar="A[,B]")
        add("--total", required=True, metavar="T")
        add("--areas", metavar="GEO", help="map with the same codes, for neighbours")
    if command in ("typology", "index"):
        add("--seed", type=_seed, default=1, metavar="N")
        add("--workers", type=int, default=1, metavar="N", help="threads")
        add("--scheduler", metavar="ADDRESS", help="of a Dask cluster")


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a command and return its answer."""
    table = read_table(options.table)
    commands = {
        "typology": _typology,
        "similar": _similar,
        "index": _index,
        "segregation": _segregation,
    }
    answer: dict[str, Any] = _plain(commands[command](table, options))
    used = {k: v for k, v in vars(options).items() if k not in ("command", "format")}
    answer["method"] = {
        **_plain(used),
        **answer["method"],
        "version": __version__,
        "source": SOURCES[command],
    }
    return answer


def _typology(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    names = options.columns
    ids = _ids(table, options, names)
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
            test = groups_test(
                values, population, options.seed, transform=transform, pool=pool
            )
            most = min(10, len(ids) - 1)
            count = count_groups(
                values, population, most, options.seed, transform=transform, pool=pool
            )
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
    ids = _ids(table, options, names)
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


def _index(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    spec = _read_spec(options.spec)
    asked = spec.pop("uncertainty", None)
    nodes = spec.pop("indicators")
    parents = {node.get("parent") for node in nodes}
    groups = spec.pop("groups", [])
    groups += [
        n for n in nodes if n["name"] in parents and n["name"] not in table.names
    ]
    nodes = [node for node in nodes if node not in groups]
    names = [node["name"] for node in nodes]
    columns = [node.get("column", node["name"]) for node in nodes]
    options.id = options.id or spec.pop("id", None)
    ids = _ids(table, options, columns)
    values = np.column_stack([table.numbers(column) for column in columns])
    indicators = [_node(node, options.spec) for node in nodes]
    try:
        found = composite_index(
            values,
            indicators,
            groups=[_node(group, options.spec) for group in groups],
            **spec,
        )
    except (TypeError, ValueError) as problem:
        raise BadInput(f"{options.spec}: {problem}") from None
    warnings = [
        f"{ids[i]} has no index: a value is missing"
        for i in np.flatnonzero(np.isnan(found.value))
    ]
    warnings += [
        f"{name} is skewed and heavy-tailed: a few areas decide its scale"
        for name, beyond in zip(names, found.beyond, strict=True)
        if beyond
    ]
    known = np.isfinite(found.value)
    sure = None
    if asked is not None and asked is not False:
        sure = _uncertainty(table, options, asked, found, nodes, groups, values, known)
    place = np.cumsum(known) - 1
    return {
        "areas": [
            {
                "id": code,
                "value": found.value[i],
                "rank": int(found.rank[i]) if known[i] else None,
                **({} if sure is None else _bounds(sure, place[i], bool(known[i]))),
                "scores": {name: score[i] for name, score in found.scores.items()},
                "contributions": dict(zip(names, found.contributions[i], strict=True)),
                "imputed": [names[j] for j in np.flatnonzero(found.imputed[i])],
            }
            for i, code in enumerate(ids)
        ],
        "indicators": [
            {
                "name": name,
                "direction": indicators[j].direction,
                "weight": indicators[j].weight,
                "parent": indicators[j].parent,
                "effective_weight": found.effective_weights[j],
                "importance": found.importance[j],
                "influence": found.influence[j],
                "winsorised": found.treated[j],
                "rank_without": dict(zip(ids, found.rank_without[j], strict=True)),
            }
            for j, name in enumerate(names)
        ],
        "rank_change_by_choice": None if sure is None else sure.by_choice,
        "rows_in": "areas",
        "warnings": warnings,
        "method": {**found.method, "uncertainty": sure and sure.method},
    }


def _uncertainty(
    table: Table,
    options: argparse.Namespace,
    asked: Any,
    found: Any,
    nodes: list[dict[str, Any]],
    groups: list[dict[str, Any]],
    values: Floats,
    known: NDArray[np.bool_],
) -> Any:
    """Draw methods and values for the areas that have an index."""
    asked = dict(asked) if isinstance(asked, Mapping) else {}
    errors = np.column_stack(
        [_errors(table, n, v) for n, v in zip(nodes, values.T, strict=True)]
    )
    effective = zip(nodes, found.effective_weights, strict=True)
    if found.method["weights"] in ("pca", "optimised"):  # as they came out, once
        nodes = [{**n, "weight": w, "parent": "index"} for n, w in effective]
        groups = []
    if found.method["weights"] == "equal":
        nodes = [{**n, "weight": 1} for n in nodes]
        groups = [{**g, "weight": 1} for g in groups]
    typical = np.nanmedian if found.method["impute"] == "median" else np.nanmean
    filled = np.where(np.isnan(values), typical(values, axis=0), values)
    first, second = found.method["normalise"], found.method["aggregate"]
    try:
        with workers(options.workers, options.scheduler) as pool:
            return rank_uncertainty(
                filled[known],
                [_node(node, options.spec) for node in nodes],
                groups=[_node(group, options.spec) for group in groups],
                normalise=_first(first, asked.get("normalise", ["minmax", "zscore"])),
                aggregate=_first(second, asked.get("aggregate", ["arithmetic"])),
                weight_noise=float(asked.get("weights", 0.25)),
                errors=errors[known] if errors.any() else None,
                level=float(asked.get("level", 0.9)),
                draws=int(asked.get("draws", 10_000)),
                seed=options.seed,
                pool=pool,
            )
    except (TypeError, ValueError) as problem:
        raise BadInput(f"{options.spec}, uncertainty: {problem}") from None


def _segregation(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    total = table.numbers(options.total, complete=True)
    groups = [table.numbers(name, complete=True) for name in options.group]
    warnings: list[str] = []
    rows = []
    near = None
    if options.areas:
        near = _neighbours(options.areas, _ids(table, options, [options.total]))
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


def _ids(table: Table, options: argparse.Namespace, used: Sequence[str]) -> list[str]:
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


def _read_spec(path: str) -> dict[str, Any]:
    try:
        spec = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: {error}") from None
    for section in ("indicators", "groups"):
        nodes = spec.get(section, [])
        if isinstance(nodes, Mapping):  # [indicators.NAME] instead of [[indicators]]
            nodes = [{"name": name, **node} for name, node in nodes.items()]
        if not all(isinstance(node, dict) and "name" in node for node in nodes):
            raise BadInput(f"{path}: every entry of {section} needs a name")
        spec[section] = nodes
    if not spec["indicators"]:
        raise BadInput(f"{path}: names no indicators")
    known = {
        *("id", "normalise", "aggregate", "treat", "impute", "weights", "limits"),
        *("required", "indicators", "groups", "uncertainty"),
    }
    if unknown := sorted(set(spec) - known):
        raise BadInput(f"{path}: does not know {', '.join(unknown)}")
    return spec


def _node(node: Mapping[str, Any], path: str) -> Indicator:
    try:
        return Indicator(
            str(node["name"]),
            int(node.get("direction", 1)),
            float(node.get("weight", 1)),
            str(node.get("parent", "index")),
        )
    except (TypeError, ValueError):
        raise BadInput(
            f"{path}, {node['name']}: direction must be 1 or -1, and weight a number"
        ) from None


def _errors(table: Table, node: Mapping[str, Any], values: Floats) -> Floats:
    """Return standard errors: a column of them, or those of a share of so many."""
    if "error" in node:
        return np.nan_to_num(table.numbers(node["error"]))
    if "share_of" not in node:
        return np.zeros(len(values))
    people = table.numbers(node["share_of"])
    whole = 100.0 if node.get("unit") == "percent" else 1.0
    share = values / whole
    if (people <= 0).any() or ((share < 0) | (share > 1)).any():
        wrong = (people <= 0) | (share < 0) | (share > 1)
        raise table.fault(
            int(wrong.argmax()), node["name"], f"is no share of {node['share_of']}"
        )
    # one success and one failure more, so that a share of 0 is not certain either
    near = (share * people + 1) / (people + 2)
    return np.nan_to_num(whole * np.sqrt(near * (1 - near) / people))


def _bounds(sure: Any, place: int, known: bool) -> dict[str, int | None]:
    """Return the rank intervals of one area."""
    names = {
        "rank_low": sure.low,
        "rank_high": sure.high,
        "rank_median": sure.median,
        "rank_low_method": sure.method_low,
        "rank_high_method": sure.method_high,
        "rank_low_sampling": sure.sampling_low,
        "rank_high_sampling": sure.sampling_high,
    }
    return {name: int(b[place]) if known else None for name, b in names.items()}


def _first(one: Any, others: Sequence[Any]) -> list[Any]:
    """Return what was decided, and then the other choices."""
    return [one, *(other for other in others if other != one)]


def _neighbours(path: str, ids: list[str]) -> tuple[NDArray[np.int64], ...]:
    """Return pairs of areas that share a border or a corner."""
    import shapely
    from pyogrio.errors import DataSourceError
    from pyogrio.raw import read

    try:
        meta, _, shapes, columns = read(path)
    except DataSourceError as error:
        raise BadInput(f"{path}: {error}") from None
    codes = next(
        (
            [str(code) for code in column]
            for column in columns
            if set(ids) <= {str(code) for code in column}
        ),
        None,
    )
    if codes is None:
        raise BadInput(
            f"{path}: none of {', '.join(meta['fields'])} has the codes of the table"
        )
    place = {code: i for i, code in enumerate(codes)}
    areas = shapely.from_wkb(shapes)[[place[code] for code in ids]]
    one, other = shapely.STRtree(areas).query(areas, predicate="intersects")
    return one[one != other], other[one != other]


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
