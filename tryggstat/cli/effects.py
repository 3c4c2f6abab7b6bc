"""`tryggstat effect its|did|synthetic`: did the measure help?"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tryggstat import __version__
from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.tables import Table, read_table
from tryggstat.effects.conclusion import Conclusion, Effect
from tryggstat.survey.design import Floats

SOURCES = {
    "its": "Bernal, Cummins and Gasparrini 2017; Newey and West 1987",
    "did": "Bell and McCaffrey 2002; Callaway and Sant'Anna 2021",
    "synthetic": "Abadie, Diamond and Hainmueller 2010; Firpo and Possebom 2018",
}
MONTH = re.compile(r"(\d{4})-(\d{2})(-01)?$")


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the designs and their options."""
    designs = parser.add_subparsers(dest="design", metavar="DESIGN", required=True)
    its = designs.add_parser("its", help="one series, interrupted by a measure")
    did = designs.add_parser("did", help="areas with a measure, and areas without")
    synthetic = designs.add_parser("synthetic", help="one area and a weighted mean")
    for design in (its, did, synthetic):
        add = design.add_argument
        add("table", metavar="TABLE", help="CSV or Parquet, - for standard input")
        add("--time", required=True, metavar="T", help="numbers, YYYY-MM, or labels")
        add("--value", required=True, metavar="V")
        add("--confidence", type=float, default=0.95)
        add(
            "--format",
            choices=["json", "csv", "table"],
            default=argparse.SUPPRESS,  # the command's own default stands
        )
    its.add_argument("--start", required=True, metavar="S", help="first with it")
    its.add_argument("--population", metavar="P")
    its.add_argument("--season", type=float, metavar="N", help="periods in a year")
    its.add_argument("--harmonics", type=int, default=1, metavar="K")
    its.add_argument(
        "--model",
        choices=["ar1-reml", "ar1", "newey-west", "ols", "quasipoisson"],
        default="ar1-reml",
    )
    its.add_argument("--lags", type=int, metavar="L", help="of newey-west")
    did.add_argument("--unit", required=True, metavar="U")
    did.add_argument("--treated", required=True, metavar="D", help="1 with the measure")
    did.add_argument("--cluster", metavar="C", help="the units, if left out")
    did.add_argument("--errors", choices=["cr0", "cr1", "cr2"], metavar="cr0|cr1|cr2")
    did.add_argument("--staggered", action="store_true")
    did.add_argument("--controls", choices=["never", "not-yet"], default="never")
    did.add_argument("--model", choices=["linear", "poisson"], default="linear")
    did.add_argument("--population", metavar="P", help="offset of the Poisson model")
    did.add_argument("--buffer", metavar="B", help="1 in areas around, while it runs")
    synthetic.add_argument("--unit", required=True, metavar="U")
    synthetic.add_argument("--treated", required=True, metavar="NAME")
    synthetic.add_argument("--start", required=True, metavar="S", help="first with it")
    synthetic.add_argument(
        "--predictors", type=lambda text: text.split(","), default=[], metavar="A,B"
    )
    synthetic.add_argument("--placebo", action="store_true")
    synthetic.add_argument("--augmented", action="store_true")


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a design and return its answer."""
    table = read_table(options.table)
    designs = {"its": _its, "did": _did, "synthetic": _synthetic}
    with _refusals(table):
        answer = designs[options.design](table, options)
    used = {k: v for k, v in vars(options).items() if k not in ("command", "format")}
    about = {"version": __version__, "source": SOURCES[options.design]}
    plain: dict[str, Any] = _plain(
        {**answer, "method": {**used, **answer["method"], **about}}
    )
    return plain


@contextmanager
def _refusals(table: Table) -> Iterator[None]:
    try:
        yield
    except ValueError as problem:
        raise FailedJob(f"{table.source}: {problem}") from None


def _its(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    from tryggstat.effects.its import interrupted_series

    time, start = _times(table, options.time, options.start)
    found = interrupted_series(
        time,
        table.numbers(options.value),
        start,
        population=table.numbers(options.population) if options.population else None,
        season=options.season,
        harmonics=options.harmonics,
        model=options.model,
        lags=options.lags,
        confidence=options.confidence,
    )
    coefficients = [
        {"name": name, "estimate": b, "se": se}
        for name, b, se in zip(found.names, found.coefficient, found.se, strict=True)
    ]
    return {
        "rows_in": "effects",
        **_headline(found.level, found.conclusion),
        "effects": [
            {"name": "level", **vars(found.level)},
            {"name": "trend", **vars(found.trend)},
            {"name": "average", **vars(found.average)},
        ],
        "coefficients": coefficients,
        "pretrend": {"p": found.pretrend_p, "test": "made-up start in the middle"},
        "periods": {"before": found.before, "after": found.after},
        "durbin_watson": found.durbin_watson,
        "autocorrelation_p": found.autocorrelation_p,
        "phi": found.phi,
        "loglik": found.loglik,
        "dispersion": found.dispersion,
        "fitted": found.fitted,
        "expected": found.expected,
        "warnings": _untested(found.pretrend_p),
        "method": {
            "lags": found.lags,
            "scale": _scale(options.model == "quasipoisson"),
            "concluded_from": "average",
        },
    }


def _did(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    from tryggstat.effects import did

    labels = table.labels(options.unit, complete=True)
    time, _ = _times(table, options.time, None)
    common: dict[str, Any] = {"confidence": options.confidence}
    if options.cluster:
        common["cluster"] = table.labels(options.cluster, complete=True).codes
    rows = (
        labels.codes,
        time,
        _marks(table, options.treated),
        table.numbers(options.value),
    )
    counts = options.model == "poisson"
    if options.population and not counts:
        raise BadInput("--population needs --model poisson")
    if options.staggered:
        if counts or options.buffer or options.errors not in (None, "cr2"):
            raise BadInput(
                "--staggered takes no --model, --buffer, --errors cr0 or cr1"
            )
        found = did.staggered_difference_in_differences(
            *rows, controls=options.controls, **common
        )
    else:
        if options.buffer:
            common["buffer"] = _marks(table, options.buffer)
        if options.population:
            common["population"] = table.numbers(options.population)
        if counts:
            found = did.poisson_difference_in_differences(
                *rows, errors=options.errors or "cr1", **common
            )
        else:
            found = did.difference_in_differences(
                *rows, errors=options.errors or "cr2", **common
            )
    return {
        "rows_in": "effects",
        **_headline(found.effect, found.conclusion),
        "effects": [
            {"name": "effect", **vars(found.effect)},
            *([{"name": "buffer", **vars(found.buffer)}] if found.buffer else []),
            *({"name": f"from {g:g}", **vars(e)} for g, e in found.groups.items()),
        ],
        "events": [
            {"when": e.when, "units": e.units, **vars(e.effect)} for e in found.events
        ],
        "pretrend": {**vars(found.pretrend), "test": "drift per period before"},
        "clusters": found.clusters,
        "treated_clusters": found.treated_clusters,
        "se_model": found.se_model,
        "se_quasi": found.se_quasi,
        "dispersion": found.dispersion,
        "deviance": found.deviance,
        "warnings": list(found.warnings),
        "method": {"errors": found.errors, "scale": _scale(counts)},
    }


def _synthetic(table: Table, options: argparse.Namespace) -> dict[str, Any]:
    from tryggstat.effects.synthetic_control import synthetic_control

    units, names = table.labels(options.unit, complete=True)
    time, start = _times(table, options.time, options.start)
    periods, rows = np.unique(time, return_inverse=True)
    if options.treated not in names:
        raise BadInput(
            f"{table.source}, column {options.unit}: there is no {options.treated}"
        )
    treated = int(np.flatnonzero(names == options.treated)[0])
    values = _grid(table, options.value, units, rows, (periods.size, names.size))
    if not np.isfinite(values).all():
        at, unit = np.argwhere(~np.isfinite(values))[0]
        raise BadInput(
            f"{table.source}, column {options.value}: there is no value for "
            f"{names[unit]} in period {at + 1} of {periods.size}"
        )
    before = periods < start
    predictors = [
        _mean_before(
            _grid(table, name, units, rows, (periods.size, names.size))[before],
            f"{table.source}, column {name}",
            names,
        )
        for name in options.predictors
    ]
    found = synthetic_control(
        values,
        treated,
        int(before.sum()),
        predictors=np.array(predictors) if predictors else None,
        placebo=options.placebo,
        augmented=options.augmented,
        confidence=options.confidence,
    )
    others = np.delete(names, treated)
    v = found.predictor_weights
    weights_of = {} if v is None else dict(zip(options.predictors, v, strict=True))
    missing = [] if options.placebo else ["no interval and no p: --placebo makes them"]
    return {
        "rows_in": "weights",
        **_headline(found.effect, found.conclusion),
        "placebo_p": found.placebo_p,
        "pretrend": {"p": found.placebo_in_time_p, "test": "placebo in time"},
        "weights": [
            {"unit": str(unit), "weight": float(weight)}
            for unit, weight in zip(others, found.weights, strict=True)
        ],
        "predictor_weights": weights_of,
        "rmspe_before": found.rmspe_before,
        "rmspe_after": found.rmspe_after,
        "placebos": [
            {"unit": str(unit), "ratio": float(ratio)}
            for unit, ratio in zip(
                [options.treated, *others][: found.ratios.size],
                found.ratios,
                strict=True,
            )
        ],
        "synthetic": found.synthetic,
        "gap": found.gap,
        "warnings": missing,
        "method": {"scale": _scale(False)},
    }


def _headline(effect: Effect, conclusion: Conclusion) -> dict[str, Any]:
    return {
        "effect": effect.estimate,
        "se": effect.se,
        "low": effect.low,
        "high": effect.high,
        "p": effect.p,
        "df": effect.df,
        "smallest_effect": effect.smallest,
        "conclusion": {
            "verdict": conclusion.verdict,
            "doubts": list(conclusion.doubts),
            "en": conclusion.english,
            "sv": conclusion.swedish,
        },
    }


def _scale(log: bool) -> str:
    return "logarithm of a ratio" if log else "unit of the value"


def _untested(p: float) -> list[str]:
    short = "the time before the start is too short to be tested"
    return [short] if math.isnan(p) else []


def _times(table: Table, name: str, start: str | None) -> tuple[Floats, float]:
    """Return times as numbers: as they are, months in a row, or places in order."""
    if table.is_numeric(name):
        times = table.numbers(name, complete=True)
        try:
            return times, float("nan" if start is None else start)
        except ValueError:
            raise BadInput(f"--start {start} is not a number like {name}") from None
    labels = table.labels(name, complete=True)
    months = [MONTH.match(str(label)) for label in labels.labels]
    places = np.arange(1.0, len(months) + 1)
    if all(months):
        places = np.array([12.0 * int(m[1]) + int(m[2]) for m in months if m])
        places -= places[0] - 1
    times = places[labels.codes]
    if start is None:
        return times, math.nan
    if start not in labels.labels:
        raise BadInput(f"{table.source}, column {name}: there is no period {start}")
    return times, float(places[list(labels.labels).index(start)])


def _marks(table: Table, name: str) -> Floats:
    marks = table.numbers(name, complete=True)
    wrong = ~np.isin(marks, (0, 1))
    if wrong.any():
        raise table.fault(int(wrong.argmax()), name, "must be 0 or 1")
    return marks


def _grid(
    table: Table, name: str, units: Any, rows: Any, shape: tuple[int, int]
) -> Floats:
    place = rows * shape[1] + units
    _, first = np.unique(place, return_index=True)
    if first.size < place.size:
        again = int(np.setdiff1d(np.arange(place.size), first)[0])
        raise table.fault(again, name, "the unit stands there twice in this period")
    grid = np.full(shape, np.nan)
    grid[rows, units] = table.numbers(name)
    return grid


def _mean_before(values: Floats, where: str, names: Any) -> Floats:
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    if (counts == 0).any():
        raise BadInput(f"{where}: empty before the start for {names[counts.argmin()]}")
    return np.asarray(np.where(known, values, 0).sum(axis=0) / counts)


def _plain(thing: Any) -> Any:
    """Return a thing as JSON can hold it, null for what is not a number."""
    if isinstance(thing, dict):
        return {key: _plain(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple, np.ndarray)):
        return [_plain(value) for value in thing]
    if isinstance(thing, (float, np.floating)):
        return float(thing) if math.isfinite(thing) else None
    return int(thing) if isinstance(thing, np.integer) else thing
