"""`tryggstat scan`: where, and when, cases lie closer than chance explains."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryggstat.cli import BadInput, FailedJob
from tryggstat.cli.compass import add_random, finished
from tryggstat.cli.tables import Table, read_table
from tryggstat.parallel import workers
from tryggstat.spatial import scan
from tryggstat.spatial.scan_zones import Zones, circles, ellipses

SOURCE = "Kulldorff 1997, 2001, 2005, 2006; Abrams et al. 2010, as in SaTScan"
NEEDED = {
    "poisson": ("population",),
    "bernoulli": ("controls",),
    "space-time-permutation": ("time",),
    "space-time-poisson": ("time", "population"),
}
DAYS = 100_000  # time steps; more than that is a mistake in a date

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


def _share(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError("must be above 0 and at most 1")
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _positive(text: str) -> int:
    number = _whole(text)
    if not number:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def configure(command: str, parser: argparse.ArgumentParser) -> None:
    """Add the options of a command."""
    add = parser.add_argument
    add("table", metavar="TABLE", help="a row for each area, or each area and time")
    add("--id", metavar="I", required=True, help="column of area codes")
    add("--x", metavar="X", required=True, help="longitude, for --great-circle")
    add("--y", metavar="Y", required=True)
    add("--cases", metavar="C", required=True)
    add("--population", metavar="P", help="or the expected cases, if adjusted")
    add("--controls", metavar="K")
    add("--time", metavar="T", help="whole numbers, or dates such as 2026-01-31")
    add("--model", choices=list(NEEDED), help="what the other columns ask for")
    add("--max-share", type=_share, default=0.5, metavar="S", help="of the population")
    add("--max-duration", type=_positive, metavar="N", help="time steps; half of all")
    add("--time-step", type=_positive, default=1, metavar="N", help="days or numbers")
    add("--prospective", action="store_true", help="only what is there at the end")
    add("--shape", choices=["circle", "ellipse"], default="circle")
    add("--great-circle", action="store_true", help="on a globe, km")
    add("--replicates", type=_whole, default=999, metavar="N")
    add_random(parser)


def run(command: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a command and return its answer."""
    model = options.model = options.model or _model(options)
    _check(model, options)
    table = read_table(options.table)
    ids, area, x, y = _areas(table, options)
    cases = _amounts(table, options.cases)
    steps = _Steps(table, options) if "time" in NEEDED[model] else None
    if steps is None and len(ids) < table.rows:
        row = next(i for i in range(table.rows) if area[i] in area[:i])
        raise table.fault(row, options.id, f"{ids[area[row]]!r} stands there twice")
    try:
        with workers(options.workers, options.scheduler) as pool:
            found, zones = _scan(table, options, area, cases, steps, x, y, pool)
    except ValueError as problem:
        raise FailedJob(f"{table.source}: {problem}") from None
    rows = [_row(c, ids, x, y, steps, options) for c in found.clusters]
    if options.format != "json":
        rows = [{**row, "members": " ".join(row["members"])} for row in rows]
    return finished(
        {
            "clusters": rows,
            "areas": len(ids),
            "places": len(zones.points),
            "cases": float(cases.sum()),
            "warnings": _warnings(found, cases, options),
            "method": {"model": model, "least_cases": scan.LEAST},
            "rows_in": "clusters",
        },
        options,
        SOURCE,
    )


def _model(options: argparse.Namespace) -> str:
    """Return the model that the named columns ask for."""
    if options.time:
        kind = "poisson" if options.population else "permutation"
        return f"space-time-{kind}"
    return "bernoulli" if options.controls else "poisson"


def _check(model: str, options: argparse.Namespace) -> None:
    for name in ("population", "controls", "time"):
        wanted, given = name in NEEDED[model], getattr(options, name) is not None
        if wanted != given:
            verb = "needs" if wanted else "takes no"
            raise BadInput(f"the model {model} {verb} --{name}")
    if "time" not in NEEDED[model] and (options.prospective or options.max_duration):
        raise BadInput(f"the model {model} has no time to limit")
    if options.great_circle and options.shape == "ellipse":
        raise BadInput("ellipses need coordinates in a plane, not --great-circle")


def _areas(
    table: Table, options: argparse.Namespace
) -> tuple[list[str], Whole, Floats, Floats]:
    """Return the codes of the areas, the area of each row, and where areas lie."""
    text = table.text(options.id)
    number = {code: i for i, code in enumerate(dict.fromkeys(text))}
    area = np.array([number[code] for code in text], dtype=np.intp)
    if not area.size:
        raise BadInput(f"{table.source}: has no rows")
    first = np.unique(area, return_index=True)[1]
    where = []
    for name in (options.x, options.y):
        column = table.numbers(name, complete=True)
        wrong = column != column[first][area]
        if wrong.any():
            row = int(wrong.argmax())
            raise table.fault(row, name, f"{text[row]!r} lies elsewhere in a row above")
        where.append(column[first])
    return list(number), area, where[0], where[1]


def _amounts(table: Table, name: str) -> Floats:
    column = table.numbers(name, complete=True)
    wrong = (column < 0) | ~np.isfinite(column)
    if wrong.any():
        raise table.fault(int(wrong.argmax()), name, "must be 0 or more")
    return column


class _Steps:
    """The time steps of the rows, and how they are called."""

    def __init__(self, table: Table, options: argparse.Namespace) -> None:
        text = table.text(options.time)
        self.dates = bool(text) and "-" in text[0][1:]
        values = [
            self._value(table, options.time, i, cell) for i, cell in enumerate(text)
        ]
        self.begin, self.length = min(values), options.time_step
        self.of_row = (np.array(values) - self.begin) // self.length
        self.number = int(self.of_row.max()) + 1
        if self.number > DAYS:
            raise BadInput(
                f"{table.source}, column {options.time}: has {self.number} time steps; "
                "use --time-step"
            )

    def _value(self, table: Table, name: str, row: int, cell: str) -> int:
        try:
            return (
                date.fromisoformat(cell[:10]).toordinal() if self.dates else int(cell)
            )
        except ValueError:
            kind = "a date" if self.dates else "a whole number"
            raise table.fault(row, name, f"{cell!r} is not {kind}") from None

    def name(self, step: int, *, end: bool = False) -> str | int:
        """Return the first (or last) day or number of a step."""
        value = self.begin + step * self.length + (self.length - 1 if end else 0)
        return date.fromordinal(value).isoformat() if self.dates else value


def _scan(
    table: Table,
    options: argparse.Namespace,
    area: Whole,
    cases: Floats,
    steps: _Steps | None,
    x: Floats,
    y: Floats,
    pool: Executor | None,
) -> tuple[scan.Scan, Zones]:
    drawn: Any = {"replicates": options.replicates, "seed": options.seed, "pool": pool}
    other = options.population or options.controls
    amounts = _amounts(table, other) if other else np.zeros_like(cases)
    if steps is None:
        people = amounts + cases if options.controls else amounts
        zones = _zones(options, x, y, people, pool)
        work = scan.scan_bernoulli if options.controls else scan.scan_poisson
        return work(cases, amounts, zones, **drawn), zones
    shape = len(x), steps.number
    counts, people = np.zeros(shape), np.zeros(shape)
    np.add.at(counts, (area, steps.of_row), cases)
    np.add.at(people, (area, steps.of_row), amounts)
    if other:
        seen = np.zeros(shape, dtype=bool)
        seen[area, steps.of_row] = True
        if not seen.all():
            i, step = np.argwhere(~seen)[0]
            code = table.text(options.id)[int(np.flatnonzero(area == i)[0])]
            raise BadInput(
                f"{table.source}, column {other}: there is no row for {code} at "
                f"{steps.name(int(step))}"
            )
    at_risk = (people if other else counts).sum(axis=1)
    zones = _zones(options, x, y, at_risk, pool)
    found = scan.scan_space_time(
        counts,
        zones,
        population=people if other else None,
        max_duration=options.max_duration,
        prospective=options.prospective,
        **drawn,
    )
    return found, zones


def _zones(
    options: argparse.Namespace,
    x: Floats,
    y: Floats,
    people: Floats,
    pool: Executor | None,
) -> Zones:
    # sorting distances is not worth the way to a cluster
    limits: Any = {
        "max_share": options.max_share,
        "pool": None if options.scheduler else pool,
    }
    if options.shape == "ellipse":
        return ellipses(x, y, people, **limits)
    return circles(x, y, people, great_circle=options.great_circle, **limits)


def _row(
    cluster: scan.Cluster,
    ids: Sequence[str],
    x: Floats,
    y: Floats,
    steps: _Steps | None,
    options: argparse.Namespace,
) -> dict[str, Any]:
    ratio = cluster.relative_risk
    row: dict[str, Any] = {
        "members": [ids[i] for i in cluster.members],
        "centre": ids[cluster.centre],
        "x": x[cluster.centre],
        "y": y[cluster.centre],
        "radius": cluster.radius,
    }
    if options.shape == "ellipse":
        row |= {"shape": cluster.shape, "angle": cluster.angle}
    if steps:
        row |= {
            "start": steps.name(cluster.first),
            "end": steps.name(cluster.last, end=True),
        }
    row |= {
        "cases": cluster.cases,
        "expected": cluster.expected,
        "relative_risk": ratio if np.isfinite(ratio) else None,
        "llr": cluster.llr,
        "p": cluster.p,
        "p_gumbel": cluster.p_gumbel,
    }
    if options.prospective:
        row["recurrence"] = cluster.recurrence
    return row


def _warnings(
    found: scan.Scan, cases: Floats, options: argparse.Namespace
) -> list[str]:
    warnings = []
    if not options.replicates:
        warnings.append("p is null: there were no replicates")
    elif found.clusters and found.clusters[0].p_gumbel is None:
        warnings.append("p_gumbel is null: the replicates do not differ")
    if (cases % 1).any() and options.replicates:
        warnings.append("cases are not whole: replicates hold their rounded sum")
    if any(np.isinf(cluster.relative_risk) for cluster in found.clusters):
        warnings.append("relative_risk is null where there is no case outside")
    return warnings
