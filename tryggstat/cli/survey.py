"""`tryggstat estimate` and `tryggstat compare`: figures from a survey sample."""

from __future__ import annotations

import argparse
import fnmatch
from typing import Any, get_args

import numpy as np

from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.tables import Table, read_table
from tryggstat.cli.where import rows_where
from tryggstat.parallel import workers
from tryggstat.survey.comparison import Adjust, Contrasts, compare
from tryggstat.survey.design import Coded, Design, Floats, LonelyPsu, LonelyUnit
from tryggstat.survey.estimation import Estimates, Kind, estimate
from tryggstat.survey.replicates import Method, given_replicates, replicate

MADE = ", ".join(get_args(Method))


def _names(text: str) -> list[str]:
    return text.split(",")


def _figures(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of a command."""
    add = parser.add_argument
    add("data", metavar="DATA", help="CSV or Parquet, - for standard input")
    several: dict[str, Any] = {"nargs": "+", "action": "extend"}
    add("--value", **several, required=True, metavar="NAME", help="what to estimate")
    add("--kind", required=True, choices=get_args(Kind))
    add("--by", type=_names, default=[], metavar="A[,B]", help="groups, crossed")
    add("--weight", metavar="W", help="else from --fpc, else all count alike")
    add("--stratum", metavar="S")
    add("--psu", type=_names, default=[], metavar="P[,P2]", help="units, by stage")
    add("--fpc", type=_names, default=[], metavar="F[,F2]", help="sizes or fractions")
    add("--level", **several, metavar="X", help="share: the answers counted as yes")
    add("--denominator", metavar="D", help="ratio: what it is divided by")
    add("--quantile", type=_figures, metavar="0.25,0.5")
    add("--interval", choices=["logit", "beta", "wilson", "asin", "normal"])
    add("--confidence", type=float, default=0.95)
    add("--where", metavar="EXPR", help="a domain, such as 'age >= 18'")
    add("--lonely-psu", choices=get_args(LonelyPsu), default="fail")
    add("--calibrated-to", metavar="MARGINS", help="CSV variable,level,total")
    add("--base-weight", metavar="B", help="the weight before calibration")
    add("--replicate-weights", metavar="'rw*'", help="columns of replicate weights")
    add("--replicate-scale", type=float, metavar="SCALE")
    add("--rscales", type=_figures, default=[1.0], metavar="R1[,R2]")
    add("--mse", action="store_true", help="squares about the estimate")
    add("--replicates", nargs="+", metavar=("METHOD", "N"), help="made here: " + MADE)
    add("--seed", type=int, default=0)
    add("--workers", type=int, default=1, help="threads; changes no figure")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster; changes no figure")
    if command == "compare":
        add("--against", default="rest", help="a group, or rest: all others together")
        add("--contrast", **several, metavar="A=x:y", help="groups x and y of column A")
        add("--adjust", choices=get_args(Adjust), default="bh")


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a command and return its answer."""
    options.value = [name for names in options.value for name in names.split(",")]
    table = _table(options)
    try:
        design = _replicated(table, _design(table, options), options)
        question = _question(table, options)
        with workers(options.workers, options.scheduler) as pool:
            if command == "compare":
                return _compared(table, design, options, question | {"pool": pool})
            result = estimate(design, **question, pool=pool)
    except LonelyUnit as problem:
        raise FailedJob(str(problem)) from None
    except ValueError as problem:
        raise BadInput(f"{table.source}: {problem}") from None
    return _answer("estimates", result, options)


def _compared(
    table: Table,
    design: Design,
    options: argparse.Namespace,
    question: dict[str, Any],
) -> dict[str, Any]:
    """Compare the last of the groups, or those that --contrast names."""
    if question.pop("quantiles") or question.pop("interval"):
        raise BadInput("compare has no --quantile and no --interval")
    by, contrasts = question["by"], None
    if options.contrast:
        columns, contrasts = _contrasts(table, options.contrast, by)
        name = columns.pop()
        by = {k: v for k, v in by.items() if k != name} | {name: table.labels(name)}
    question |= {"by": by, "contrasts": contrasts, "against": options.against}
    return _answer(
        "contrasts", compare(design, **question, adjust=options.adjust), options
    )


def _contrasts(
    table: Table, words: list[str], by: dict[str, Any]
) -> tuple[set[str], dict[str, tuple[str, str]]]:
    """Read A=x:y: the groups x and y of the column A, or of --by if A is a name."""
    columns: set[str] = set()
    contrasts: dict[str, tuple[str, str]] = {}
    for word in words:
        name, sign, pair = word.partition("=")
        one, colon, other = pair.partition(":")
        if not sign or not colon:
            raise BadInput(f"--contrast {word}: is not of the form A=x:y")
        if name not in table.names and not by:
            raise BadInput(f"--contrast {word}: there is no column {name}")
        columns.add(name if name in table.names else list(by)[-1])
        named = f"{one} - {other}" if name in table.names else name
        contrasts[named] = (one, other)
    if len(columns) > 1:
        raise BadInput("--contrast: all contrasts must be of one column")
    return columns, contrasts


def _answer(
    rows_in: str, result: Estimates | Contrasts, options: argparse.Namespace
) -> dict[str, Any]:
    """Return the rows of a result as one JSON object."""
    rows = [
        {**row, "by": {name: str(label) for name, label in row["by"].items()}}
        for row in result.rows()
    ]
    return {
        "rows_in": rows_in,
        rows_in: rows,
        "warnings": list(result.warnings),
        "method": {**_in_force(options), **result.method},
    }


def _in_force(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that can change a figure."""
    others = ("command", "format", "workers", "scheduler")
    return {name: value for name, value in vars(options).items() if name not in others}


def _table(options: argparse.Namespace) -> Table:
    """Read the columns that the options name; all of them if there is an expression."""
    numbers = {options.weight, options.base_weight, options.denominator, *options.fpc}
    labels = {*options.by, options.stratum, *options.psu}
    (labels if options.level else numbers).update(options.value)
    labels |= {
        word.partition("=")[0] for word in getattr(options, "contrast", ()) or ()
    }
    all_of_them = options.where or options.calibrated_to or options.replicate_weights
    only = None if all_of_them else numbers | labels
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


def _replicated(table: Table, design: Design, options: argparse.Namespace) -> Design:
    """Add the replicate weights that the options hand in or ask for."""
    if options.replicate_weights:
        names = fnmatch.filter(table.names, options.replicate_weights)
        if not names or options.replicate_scale is None:
            raise BadInput(
                f"{table.source}: --replicate-weights {options.replicate_weights!r} "
                f"finds {len(names)} columns, and needs --replicate-scale"
            )
        columns = [table.numbers(name, complete=True) for name in names]
        rscales = options.rscales if len(options.rscales) > 1 else options.rscales[0]
        return given_replicates(
            design,
            np.stack(columns, axis=1),
            scale=options.replicate_scale,
            rscales=rscales,
            mse=options.mse,
        )
    if options.replicates:
        method, *number = options.replicates
        total = int(number[0]) if number else 500
        return replicate(design, method, total, seed=options.seed)
    return design


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
