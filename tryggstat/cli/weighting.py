"""`tryggstat weight`: weights for non-response and to known totals."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tryggstat import __version__
from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.tables import Table, read_table
from tryggstat.survey.calibration import calibrate, check_margins, post_stratify, rake
from tryggstat.survey.design import Coded, Floats
from tryggstat.survey.nonresponse import adjust_by_class
from tryggstat.survey.weighting import WeightingError, Weights, trim

Totals = dict[str, dict[str, float] | float]

SOURCES = {
    "poststratify": "Holt and Smith (1979)",
    "rake": "Deming and Stephan (1940); Deville, Särndal and Sautory (1993)",
    "linear": "Deville and Särndal (1992), linear distance",
    "logit": "Deville and Särndal (1992), logit distance",
    "nonresponse": "Little (1986), weighting classes",
}


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("data", metavar="DATA", help="CSV or Parquet, - for standard input")
    add("--margins", metavar="MARGINS", help="CSV variable,level,total")
    add("--method", required=True, choices=list(SOURCES))
    add("-o", "--output", required=True, metavar="OUT", help="DATA with the weights")
    add("--into", default="weight", metavar="NAME", help="column of OUT")
    add("--weight", metavar="W", help="weights to start from; else all 1")
    add("--bounds", type=_pair, metavar="L,U", help="limits of the adjustment")
    add("--trim-median", type=float, metavar="X", help="limit, in medians, afterwards")
    add("--tolerance", type=float, default=1e-10, help="relative error of a margin")
    add("--response", metavar="R", help="nonresponse: 1 answered, 0 not")
    add("--classes", type=lambda text: text.split(","), default=[], metavar="A,B")


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Weight, write OUT and return the report."""
    _check_options(options)
    table = read_table(options.data)
    totals = read_margins(options.margins) if options.margins else {}
    variables = margin_variables(table, totals)
    base = _base_weights(table, options.weight)
    try:
        weights = _weigh(table, base, variables, totals, options)
        if options.trim_median:
            limit = options.trim_median * float(
                np.median(weights.weight[weights.weight > 0])
            )
            trimmed = trim(weights.weight, upper=limit).weight
            margins = check_margins(trimmed, variables, totals)
            weights = replace(weights, weight=trimmed, margins=margins)
    except WeightingError as problem:
        raise FailedJob(str(problem)) from None
    except ValueError as problem:
        raise BadInput(f"{table.source}: {problem}") from None
    warnings = list(weights.warnings)
    if options.into in table.names:
        warnings.append(f"the column {options.into} of DATA is replaced in OUT")
    _write(table, options.output, options.into, weights.weight)
    return {
        "rows_in": "margins",
        "n": table.rows,
        "iterations": weights.iterations,
        "largest_margin_error": weights.largest_margin_error,
        "smallest_adjustment": weights.smallest_adjustment,
        "largest_adjustment": weights.largest_adjustment,
        "design_effect": weights.design_effect,
        "margins": [
            {
                "variable": margin.variable,
                "level": margin.level,
                "total": margin.total,
                "reached": margin.reached,
                "error": margin.error,
            }
            for margin in weights.margins
        ],
        "warnings": warnings,
        "method": {
            **{k: v for k, v in vars(options).items() if k != "format"},
            "version": __version__,
            "source": SOURCES[options.method],
        },
    }


def read_margins(path: str) -> Totals:
    """
    Read totals of the population: variable, level, total; no level: continuous.

    Raises
    ------
    BadInput
        A column is missing, a total is no number, or a level stands there twice.
    """
    table = read_table(path)
    variables = table.labels("variable", complete=True)
    levels = table.labels("level")
    numbers = table.numbers("total", complete=True)
    totals: Totals = {}
    for row, total in enumerate(numbers.tolist()):
        name = str(variables.labels[variables.codes[row]])
        before = totals.get(name)
        if levels.codes[row] < 0:
            if before is not None:
                raise table.fault(row, "level", f"is empty, but {name} stood before")
            totals[name] = total
            continue
        level = str(levels.labels[levels.codes[row]])
        if isinstance(before, float) or (before and level in before):
            raise table.fault(row, "level", f"{name} {level} stands there twice")
        if total < 0:
            raise table.fault(row, "total", f"{total:g} is below 0")
        totals[name] = {**(before or {}), level: total}
    return totals


def margin_variables(
    table: Table, totals: Mapping[str, Any]
) -> dict[str, Coded | Floats]:
    """
    Return the columns that have totals; `sex:age` is the crossing of two.

    Raises
    ------
    BadInput
        There is no such column, or somebody has no value in it.
    """
    variables: dict[str, Coded | Floats] = {}
    for name, wanted in totals.items():
        if not isinstance(wanted, Mapping):
            variables[name] = table.numbers(name, complete=True)
        elif name not in table.names and ":" in name:
            parts = [table.labels(part, complete=True) for part in name.split(":")]
            variables[name] = _crossed(parts)
        else:
            variables[name] = table.labels(name, complete=True)
    return variables


def _crossed(parts: list[Coded]) -> Coded:
    codes, labels = parts[0]
    for more in parts[1:]:
        codes = codes * more.labels.size + more.codes
        labels = np.array([f"{a}:{b}" for a in labels for b in more.labels])
    return Coded(codes, labels)


def _pair(text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not L,U") from None
    return low, high


def _check_options(options: argparse.Namespace) -> None:
    nonresponse = options.method == "nonresponse"
    for wrong, sentence in [
        (nonresponse and not options.response, "--method nonresponse needs --response"),
        (nonresponse and not options.classes, "--method nonresponse needs --classes"),
        (nonresponse and options.margins, "--method nonresponse takes no --margins"),
        (not nonresponse and not options.margins, "--margins is missing"),
        (options.method == "logit" and not options.bounds, "logit needs --bounds"),
        (
            options.bounds and not options.bounds[0] < 1 < options.bounds[1],
            "--bounds must enclose 1",
        ),
        (
            options.bounds and options.method in ("poststratify", "nonresponse"),
            f"--method {options.method} takes no --bounds",
        ),
        (options.output == "-", "-o - would mix the weights with the answer"),
    ]:
        if wrong:
            raise BadInput(sentence)


def _base_weights(table: Table, name: str | None) -> Floats:
    if name is None:
        return np.ones(table.rows)
    weight = table.numbers(name, complete=True)
    if not (weight >= 0).all():
        raise table.fault(int((weight < 0).argmax()), name, "is a negative weight")
    return weight


def _weigh(
    table: Table,
    base: Floats,
    variables: dict[str, Coded | Floats],
    totals: Totals,
    options: argparse.Namespace,
) -> Weights:
    if options.method == "nonresponse":
        answered = table.numbers(options.response, complete=True)
        wrong = ~np.isin(answered, [0, 1])
        if wrong.any():
            row = int(wrong.argmax())
            raise table.fault(row, options.response, "must be 0 or 1")
        classes = {name: table.labels(name, complete=True) for name in options.classes}
        return adjust_by_class(base, answered, classes)
    categorical = {k: v for k, v in totals.items() if isinstance(v, dict)}
    if options.method == "poststratify":
        if len(totals) != 1 or not categorical:
            raise BadInput(
                f"{options.margins}: poststratify takes one variable with levels; "
                "cross several as a:b"
            )
        name = next(iter(totals))
        return post_stratify(base, variables[name], categorical[name])
    if options.method == "rake" and categorical == totals and not options.bounds:
        return rake(base, variables, categorical, tolerance=options.tolerance)
    return calibrate(
        base,
        variables,
        totals,
        method="raking" if options.method == "rake" else options.method,
        bounds=options.bounds,
        tolerance=options.tolerance,
    )


def _write(table: Table, path: str, into: str, weight: Floats) -> None:
    """Write the table with the weights; what was text stays text."""
    columns = table._columns  # a frame keeps its types only if handed on whole
    try:
        if isinstance(columns, Mapping) and not path.endswith(".parquet"):
            cells = {**columns, into: [repr(w) for w in weight.tolist()]}
            with open(path, "w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(cells)
                writer.writerows(zip(*cells.values(), strict=True))
            return
        import polars as pl

        frame = pl.DataFrame(columns).with_columns(pl.Series(into, weight))
        if path.endswith(".parquet"):
            frame.write_parquet(path)
        else:
            frame.write_csv(path)
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror or problem}") from None
