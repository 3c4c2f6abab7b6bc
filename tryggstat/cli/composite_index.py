"""`tryggstat index`: a composite index, and how sure every rank is."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryggstat.cli import BadInput
from tryggstat.cli.compass import add_random, area_ids, finished
from tryggstat.cli.tables import Table, read_table
from tryggstat.compass import Indicator, composite_index, rank_uncertainty
from tryggstat.parallel import workers

SOURCE = "OECD and JRC 2008, Handbook on Constructing Composite Indicators"

Floats = NDArray[np.float64]


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("table", metavar="TABLE", help="CSV or Parquet, - for input")
    parser.add_argument("--spec", required=True, metavar="SPEC.toml")
    parser.add_argument("--id", metavar="I", help="column of area codes")
    add_random(parser)


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run the command and return its answer."""
    answer = _index(read_table(options.table), options)
    return finished(answer, options, SOURCE)


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
    ids = area_ids(table, options, columns)
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
