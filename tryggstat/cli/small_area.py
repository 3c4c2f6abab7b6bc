"""`tryggstat small-area`: model-based estimates for areas with few answers, or none."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from tryggstat import __version__
from tryggstat.cli import FailedJob
from tryggstat.cli.tables import Table, read_table
from tryggstat.survey.design import Floats
from tryggstat.survey.small_area import SmallAreas, fay_herriot

SOURCE = (
    "Fay and Herriot (1979); mean squared errors of Prasad and Rao (1990), "
    "Datta and Lahiri (2000) and Datta, Rao and Smith (2005), as in R sae mseFH"
)


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add = parser.add_argument
    add("table", metavar="TABLE", help="one row per area; - for standard input")
    add("--estimate", required=True, metavar="E", help="empty where there is no sample")
    add("--variance", required=True, metavar="V", help="sampling variance of E")
    add("--covariates", type=lambda text: text.split(","), default=[], metavar="A,B")
    add("--method", choices=["reml", "ml", "fh"], default="reml")
    add("--id", metavar="I", help="column that names the area in the answer")
    add("--confidence", type=float, default=0.95)


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Fit the model and return its answer."""
    table = read_table(options.table)
    direct = table.numbers(options.estimate)
    variance = table.numbers(options.variance)
    wrong = np.isfinite(direct) & ~(variance > 0)
    if wrong.any():
        row = int(wrong.argmax())
        raise table.fault(
            row, options.variance, "must be above 0 where there is an estimate"
        )
    terms, covariates = _covariates(table, options.covariates)
    try:
        fit = fay_herriot(
            direct,
            variance,
            covariates,
            method=options.method,
            confidence=options.confidence,
        )
    except ValueError as problem:
        raise FailedJob(f"{table.source}: {problem}") from None
    names = table.text(options.id) if options.id else None
    return {
        "rows_in": "areas",
        "areas": _rows(fit, names),
        "model": {
            "kind": fit.kind,
            "terms": ["intercept", *terms],
            "beta": fit.beta.tolist(),
            "beta_se": fit.beta_se.tolist(),
            "refvar": fit.refvar,
            "loglik": fit.loglik,
            "aic": fit.aic,
            "bic": fit.bic,
            "iterations": fit.iterations,
            "converged": fit.converged,
        },
        "warnings": _warnings(fit),
        "method": {
            **{k: v for k, v in vars(options).items() if k != "format"},
            "version": __version__,
            "source": SOURCE,
        },
    }


def _covariates(table: Table, names: list[str]) -> tuple[list[str], Floats | None]:
    """Return numbers as they are, labels as one indicator for each but the first."""
    terms: list[str] = []
    columns: list[Floats] = []
    for name in names:
        if table.is_numeric(name):
            terms.append(name)
            columns.append(table.numbers(name, complete=True))
            continue
        codes, labels = table.labels(name, complete=True)
        for number, label in enumerate(labels[1:], start=1):
            terms.append(f"{name}={label}")
            columns.append((codes == number).astype(float))
    return terms, np.column_stack(columns) if columns else None


def _rows(fit: SmallAreas, names: list[str] | None) -> list[dict[str, Any]]:
    rows = []
    for i in range(fit.estimate.size):
        rows.append(
            {
                **({"id": names[i]} if names else {}),
                "estimate": float(fit.estimate[i]),
                "mse": _or_null(fit.mse[i]),
                "low": _or_null(fit.low[i]),
                "high": _or_null(fit.high[i]),
                "shrinkage": float(fit.shrinkage[i]),
                "direct": _or_null(fit.direct[i]),
                "synthetic": float(fit.synthetic[i]),
                "residual": _or_null(fit.residual[i]),
            }
        )
    return rows


def _or_null(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _warnings(fit: SmallAreas) -> list[str]:
    without = int(np.isnan(fit.direct).sum())
    note = f"{without} areas have no sample: direct is null, estimate is synthetic"
    return [*fit.warnings, *([note] if without else [])]
