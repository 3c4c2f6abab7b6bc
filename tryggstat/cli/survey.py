"""`tryggstat estimate` and `tryggstat compare`: figures from a survey sample."""

from __future__ import annotations

import argparse
from typing import Any, get_args

import numpy as np

from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.tables import Table, read_table
from tryggstat.cli.where import rows_where
from tryggstat.survey.design import Coded, Design, Floats, LonelyPsu, LonelyUnit
from tryggstat.survey.estimation import Estimates, Kind, estimate


def _names(text: str) -> list[str]:
    return text.split(",")


def _figures(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of a command."""
    add = parser.add_argument
    add("data", metavar="DATA", help="CSV or Parquet, - for standard input")
    add("--value", nargs="+", required=True, metavar="NAME", help="what to estimate")
    add("--kind", required=True, choices=get_args(Kind))
    add("--by", type=_names, default=[], metavar="A[,B]", help="groups, crossed")
    add("--weight", metavar="W", help="else from --fpc, else all count alike")
    add("--stratum", metavar="S")
    add("--psu", type=_names, default=[], metavar="P[,P2]", help="units, by stage")
    add("--fpc", type=_names, default=[], metavar="F[,F2]", help="sizes or fractions")
    add("--level", nargs="+", metavar="X", help="share: the answers counted as yes")
    add("--denominator", metavar="D", help="ratio: what it is divided by")
    add("--quantile", type=_figures, metavar="0.25,0.5")
    add("--interval", choices=["logit", "beta", "wilson", "asin", "normal"])
    add("--confidence", type=float, default=0.95)
    add("--where", metavar="EXPR", help="a domain, such as 'age >= 18'")
    add("--lonely-psu", choices=get_args(LonelyPsu), default="fail")
    add("--calibrated-to", metavar="MARGINS", help="CSV variable,level,total")
    add("--base-weight", metavar="B", help="the weight before calibration")


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a command and return its answer."""
    options.value = [name for names in options.value for name in names.split(",")]
    table = _table(options)
    try:
        design = _design(table, options)
        result = estimate(design, **_question(table, options))
    except LonelyUnit as problem:
        raise FailedJob(str(problem)) from None
    except ValueError as problem:
        raise BadInput(f"{table.source}: {problem}") from None
    return answer(result, options)


def answer(result: Estimates, options: argparse.Namespace) -> dict[str, Any]:
    """Return the estimates as one JSON object."""
    rows = [
        {**row, "by": {name: str(label) for name, label in row["by"].items()}}
        for row in result.rows()
    ]
    return {
        "rows_in": "estimates",
        "estimates": rows,
        "warnings": list(result.warnings),
        "method": {**_in_force(options), **result.method},
    }


def _in_force(options: argparse.Namespace) -> dict[str, Any]:
    return {k: v for k, v in vars(options).items() if k != "format"}


def _table(options: argparse.Namespace) -> Table:
    """Read the columns that the options name; all of them if there is an expression."""
    numbers = {options.weight, options.base_weight, options.denominator, *options.fpc}
    labels = {*options.by, options.stratum, *options.psu}
    (labels if options.level else numbers).update(options.value)
    only = None if options.where or options.calibrated_to else numbers | labels
    return read_table(options.data, only=only, numbers=numbers - labels)


def _design(table: Table, options: argparse.Namespace) -> Design:
    weight = _positive(table, options.weight)
    if weight is None and not options.fpc:
        weight = np.ones(table.rows)
    return Design(
        weight,
        stratum=_labels(table, options.stratum),
        psu=[table.labels(name, complete=True) for name in options.psu],
        fpc=[table.numbers(name, complete=True) for name in options.fpc],
        lonely_psu=options.lonely_psu,
        calibration=_margins(table, weight, options.calibrated_to),
        base_weight=_positive(table, options.base_weight),
    )


def _labels(table: Table, name: str | None) -> Coded | None:
    return table.labels(name, complete=True) if name else None


def _positive(table: Table, name: str | None) -> Floats | None:
    """Return a column of weights, naming the first cell that cannot be one."""
    if name is None:
        return None
    weight = table.numbers(name, complete=True)
    if (weight < 0).any():
        raise table.fault(int((weight < 0).argmax()), name, "is below 0")
    return weight


def _margins(table: Table, weight: Floats | None, path: str | None) -> Floats | None:
    """Return the auxiliary variables that a file of margins names, one per total."""
    if path is None:
        return None
    margins = read_table(path)
    columns: list[Floats] = []
    rows = zip(margins.text("variable"), margins.text("level"), strict=True)
    totals = margins.numbers("total", complete=True)
    for row, (name, level) in enumerate(rows):
        if level:
            codes, labels = table.labels(name, complete=True)
            if level not in labels:
                raise margins.fault(row, "level", f"nobody in the sample has {level!r}")
            column = np.asarray(labels[codes] == level, dtype=float)
        else:
            column = table.numbers(name, complete=True)
        reached = float(column @ weight) if weight is not None else np.nan
        if not abs(reached - totals[row]) <= 1e-3 * abs(totals[row]):
            raise margins.fault(
                row, "total", f"the weights add up to {reached:g}, not {totals[row]:g}"
            )
        columns.append(column)
    return np.stack(columns, axis=1)


def _question(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    """Return what is asked: the arguments of `estimate` but for the design."""
    values: dict[str, Any] = {}
    for name in options.value:
        by_number = not options.level or (
            all(map(_is_number, options.level)) and table.is_numeric(name)
        )
        values[name] = table.numbers(name) if by_number else table.labels(name)
    return {
        "values": values,
        "kind": options.kind,
        "by": {name: table.labels(name) for name in options.by},
        "level": options.level,
        "denominator": options.denominator and table.numbers(options.denominator),
        "quantiles": options.quantile,
        "where": options.where and rows_where(table, options.where),
        "interval": options.interval,
        "confidence": options.confidence,
    }


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
