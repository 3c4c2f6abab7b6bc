"""Means, shares, totals and ratios of domains, and how sure we are of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat import __version__, parallel
from tryggstat.survey import _quantiles, intervals
from tryggstat.survey._domains import Domains, Moments
from tryggstat.survey.design import Coded, Codes, Design, Floats, encode
from tryggstat.survey.intervals import Interval
from tryggstat.survey.replicates import replicate_sums

Kind = Literal["mean", "share", "total", "ratio", "quantile"]
By = Mapping[str, ArrayLike | Coded]
FIGURES = ("estimate", "se", "low", "high", "n", "n_effective", "df", "deff", "cv")
ONE = np.ones(1)
ROUNDING = 1e-14  # a spread this small beside the estimate is none


@dataclass(frozen=True, eq=False)
class Estimates:
    """
    Estimates, one row per variable, level and group, each in the variable's unit.

    Attributes
    ----------
    value : array of str, shape (rows,)
        The variable.
    level : array of object, shape (rows,)
        The answer whose share it is, or the quantile; None for other kinds.
    by : dict of arrays, shape (rows,)
        The group, one array per grouping variable.
    estimate, se : array, shape (rows,)
        Estimate and standard error. Shares are between 0 and 1.
    low, high : array, shape (rows,)
        Confidence interval.
    n : array of int, shape (rows,)
        Answers that the estimate rests on.
    n_effective : array, shape (rows,)
        Answers of a simple random sample that would say as much: n / deff.
    df : array, shape (rows,)
        Degrees of freedom: sampled units less strata that the group is seen in.
    deff : array, shape (rows,)
        Design effect: variance over that of a simple random sample of n.
    cv : array, shape (rows,)
        Coefficient of variation, se / abs(estimate).
    warnings : tuple of str
        A reason for each kind of NaN, and other doubts.
    method : dict
        The options in force, the library's version and the source of the method.
    """

    value: NDArray[Any]
    level: NDArray[Any]
    by: dict[str, NDArray[Any]]
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    n: NDArray[np.int64]
    n_effective: Floats
    df: Floats
    deff: Floats
    cv: Floats
    warnings: tuple[str, ...]
    method: dict[str, Any]

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.estimate.size

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one plain dictionary per row, None where a figure is missing."""
        yield from plain_rows(self, FIGURES)


def plain_rows(result: Any, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a result: value, level, by and these columns."""
    figures = {name: _plain(getattr(result, name)) for name in columns}
    groups = {name: labels.tolist() for name, labels in result.by.items()}
    for i, value in enumerate(result.value.tolist()):
        yield {
            "value": value,
            "level": result.level[i],
            "by": {name: labels[i] for name, labels in groups.items()},
            **{name: column[i] for name, column in figures.items()},
        }


def _plain(column: NDArray[Any]) -> list[Any]:
    if column.dtype.kind not in "fi":
        return column.tolist()
    return [x if math.isfinite(x) else None for x in column.tolist()]


class Groups(NamedTuple):
    """The groups of `by`, crossed, as far as they occur in the sample."""

    code: Codes  # of each row, -1 for rows outside
    size: int
    labels: dict[str, NDArray[Any]]


def groups_of(design: Design, by: By | None, where: ArrayLike | None) -> Groups:
    """Cross the grouping variables and leave out the rows that are not `where`."""
    code, count = np.zeros(design.rows, dtype=np.intp), 1
    labels: dict[str, NDArray[Any]] = {}
    for name, column in (by or {}).items():
        codes, names = encode(column)
        if codes.shape != code.shape:
            raise ValueError(
                f"{name} must be as long as weight, got {codes.size} and {code.size}"
            )
        missing = (code < 0) | (codes < 0)
        code = code * names.size + codes
        code = np.where(missing, -1, code) if missing.any() else code
        count *= names.size
        labels = {k: np.repeat(v, names.size) for k, v in labels.items()}
        repeats = count // max(names.size, 1)
        labels[name] = np.tile(names, repeats)
        if len(labels) > 1:
            seen = np.bincount(code[code >= 0], minlength=count) > 0
            code = np.where(code < 0, -1, (np.cumsum(seen) - 1)[code])
            count = int(seen.sum())
            labels = {k: v[seen] for k, v in labels.items()}
    if where is not None:
        inside = np.asarray(where, dtype=bool)
        if inside.shape != code.shape:
            raise ValueError(
                f"where must be as long as weight, got {inside.size} and {code.size}"
            )
        code = np.where(inside, code, -1)
    return Groups(code, count, labels)


class Variable(NamedTuple):
    """One thing to estimate: the mean of top, or the sum of top over that of bottom."""

    name: str
    level: Any
    top: Floats
    bottom: Floats


def variables_of(
    design: Design,
    values: Mapping[str, ArrayLike],
    kind: Kind,
    level: Any,
    denominator: ArrayLike | None,
) -> Iterator[Variable]:
    """Yield what is to be estimated, missing answers as NaN, one for each level."""
    bottom = ONE
    if kind == "ratio":
        if denominator is None:
            raise ValueError("a ratio needs a denominator")
        bottom = _numbers(denominator, "denominator", design.rows)
    elif denominator is not None:
        raise ValueError(f"a {kind} has no denominator")
    if level is not None and kind != "share":
        raise ValueError(f"a {kind} has no level")
    for name, column in values.items():
        if kind != "share" or level is None:
            y = _numbers(column, name, design.rows)
            if kind == "share" and not ((y == 0) | (y == 1) | np.isnan(y)).all():
                raise ValueError(f"{name} is not only 0 and 1: say which level is yes")
            yield Variable(name, "1" if kind == "share" else None, y, bottom)
            continue
        given = column if isinstance(column, Coded) else np.asarray(column)
        levels = [level] if isinstance(level, str) or np.ndim(level) == 0 else level
        for one in levels:
            yield Variable(name, str(one), _equals(given, one, name, design.rows), ONE)


def _numbers(column: ArrayLike, name: str, rows: int) -> Floats:
    try:
        y = np.asarray(column, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} holds something that is not a number") from None
    if y.shape != (rows,):
        raise ValueError(f"{name} must be as long as weight, got {y.shape} and {rows}")
    return y


def _equals(column: NDArray[Any] | Coded, level: Any, name: str, rows: int) -> Floats:
    """Return 1 where the answer is `level`, 0 where another, NaN where missing."""
    if not isinstance(column, Coded) and column.dtype.kind in "iufb":
        y = _numbers(column, name, rows)
        return np.where(np.isnan(y), np.nan, y == float(level))
    codes, labels = encode(column)
    if codes.shape != (rows,):
        raise ValueError(f"{name} must be as long as weight, got {codes.size}")
    yes = np.array([str(label) == str(level) for label in labels.tolist()], dtype=float)
    return np.append(yes, np.nan)[codes]  # -1 takes the last


def estimate(
    design: Design,
    values: Mapping[str, ArrayLike],
    *,
    kind: Kind = "mean",
    by: By | None = None,
    level: Any = None,
    denominator: ArrayLike | None = None,
    quantiles: Sequence[float] | None = None,
    where: ArrayLike | None = None,
    interval: Interval | None = None,
    confidence: float = 0.95,
    pool: Executor | None = None,
) -> Estimates:
    """
    Estimate means, shares, totals, ratios or quantiles of a population and its groups.

    Parameters
    ----------
    design : Design
        How the sample was drawn.
    values : mapping from str to array, shape (n,)
        The variables. NaN (None, or an empty string, when `level` is given) is missing:
        such rows are outside the domain, the design keeps them.
    kind : {"mean", "share", "total", "ratio", "quantile"}
        What to estimate. "share" takes a column of 0 and 1, or `level`.
    by : mapping from str to array, shape (n,), optional
        Groups; several are crossed. Every combination in the sample gets a row.
    level : value, or sequence of values, optional
        The answer whose share is asked for; several give several rows.
    denominator : array, shape (n,), optional
        What a ratio is divided by.
    quantiles : sequence of float between 0 and 1, optional
        Which quantiles; the median by default. Several give several rows.
    where : array of bool, shape (n,), optional
        The domain to stay within.
    interval : {"logit", "beta", "wilson", "asin", "normal"}, optional
        For shares; "logit" by default. Other kinds have the normal one.
    confidence : float between 0 and 1, default 0.95
        Confidence level of the intervals, which use t with the group's own df.
    pool : concurrent.futures.Executor, optional
        Where replicates are computed: see `tryggstat.parallel.workers`.

    Returns
    -------
    Estimates
        One row per variable, level and group, in that order.

    Raises
    ------
    ValueError
        A column has another length than the weights or holds what the kind cannot use,
        or an option is unknown or does not belong to the kind.
    LonelyUnit
        A stratum has a single unit and the design says "fail".

    Notes
    -----
    With y the numerator and x the denominator (1 for means and shares)::

        R = sum(w y) / sum(w x),   u = (y - R x) / sum(w x),   v = v(total of u)

    where u is 0 outside the group, and v is that of the design. If the design has
    replicate weights, v is theirs; the logit interval then uses their spread on the
    logit scale, if no replicate has a share of 0 or 1, and a quantile's interval is the
    estimate plus and minus t se. The design effect
    compares with a simple random sample of n, with s^2 the weighted mean square times
    n/(n-1)::

        deff = v / (s^2 / n),  times N / (N - n) when the design has an fpc

    with N the sum of the group's weights, as R's survey reports them (deff="replace"
    and deff=TRUE).

    A quantile is the smallest value at or below which the share p of the weights lies.
    Its interval is Woodruff's: the quantiles at the ends of the interval of that share;
    se is its width over 2 t, and deff that of the share.

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, chapter 5.
    Woodruff (1952), JASA 47, 635-646.
    Lumley (2010), Complex Surveys: A Guide to Analysis Using R.

    Examples
    --------
    >>> design = Design([10, 10, 20, 20], stratum=["a", "a", "b", "b"])
    >>> unsafe = estimate(design, {"unsafe": [1, 0, 1, 1]}, kind="share")
    >>> float(unsafe.estimate[0]), round(float(unsafe.se[0]), 4)
    (0.8333333333333334, 0.1667)
    """
    check_options(kind, interval, confidence, quantiles)
    m = measure(
        design,
        values,
        kind=kind,
        by=by,
        level=level,
        denominator=denominator,
        quantiles=quantiles or [0.5],
        where=where,
        confidence=confidence,
        pool=pool,
    )
    point, se = m.moments.estimate, np.sqrt(m.moments.variance)
    if kind == "share":
        low, high = intervals.share(
            interval or "logit",
            point,
            se,
            m.moments.df,
            m.moments.answers,
            confidence,
            None if m.thetas is None else _logit_se(design, m.thetas, point),
        )
    elif m.limits is not None:
        low, high = m.limits
    else:
        low, high = intervals.normal(point, se, m.moments.df, confidence)
    options = {
        "kind": kind,
        "interval": interval or default_interval(kind),
        "confidence": confidence,
    }
    return assemble(design, m, (se, low, high), options)


class Measured(NamedTuple):
    """Estimates with their variances, before intervals and names."""

    variables: list[Variable]
    groups: Groups
    rows: int  # inside a group, and with a weight
    moments: Moments
    thetas: Floats | None  # the estimates of each replicate
    limits: tuple[Floats, Floats] | None  # of quantiles


def measure(
    design: Design,
    values: Mapping[str, ArrayLike],
    *,
    kind: Kind,
    by: By | None,
    level: Any,
    denominator: ArrayLike | None,
    quantiles: Sequence[float],
    where: ArrayLike | None,
    confidence: float,
    pool: Executor | None,
) -> Measured:
    """Return what `estimate` and `compare` have in common."""
    groups = groups_of(design, by, where)
    domains = Domains(design, groups.code, groups.size)
    variables = list(variables_of(design, values, kind, level, denominator))
    limits = None
    if kind == "quantile":
        found = [
            _quantiles.quantiles(domains, v.top, quantiles, confidence)
            for v in variables
        ]
        flat = [one for several in found for one in several]
        moments = Moments.join([q.moments for q in flat])
        limits = (
            np.concatenate([q.low for q in flat]),
            np.concatenate([q.high for q in flat]),
        )
    else:
        moments = Moments.join(
            [domains.moments(v.top, v.bottom, total=kind == "total") for v in variables]
        )
    thetas = None
    if (r := design.replicates) is not None:
        if kind == "quantile":
            ladders = [
                _quantiles.Ladder(v.top, design.w, groups.code, groups.size)
                for v in variables
            ]
            work = _quantiles.ReplicateQuantiles(r, ladders, quantiles)
            thetas = parallel.replicates(work, r.total, pool=pool)
        else:
            pairs = [(v.top, v.bottom) for v in variables]
            totals = replicate_sums(r, groups.code, groups.size, pairs, pool)
            thetas = quotient(totals, kind).reshape(r.total, -1)
        moments = moments._replace(
            variance=r.variance(thetas, moments.estimate),
            df=r.degrees_of_freedom(moments.df, groups.code, groups.size),
        )
        limits = None
    if kind == "quantile":
        variables = [v._replace(level=str(p)) for v in variables for p in quantiles]
    return Measured(variables, groups, domains.weighted_rows, moments, thetas, limits)


def quotient(totals: Floats, kind: Kind) -> Floats:
    """Return the estimate from the sums of top and bottom in the last dimension."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(totals[..., 0] / (1 if kind == "total" else totals[..., 1]))


def _logit_se(design: Design, thetas: Floats, point: Floats) -> Floats:
    """Return the spread of log(p / (1-p)), NaN where a replicate has none."""
    assert design.replicates is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.log(thetas / (1 - thetas))
        usable = np.isfinite(logits).all(axis=0)
        variance = design.replicates.variance(logits, np.log(point / (1 - point)))
    return np.where(usable, np.sqrt(variance), np.nan)


def default_interval(kind: Kind) -> str:
    return {"share": "logit", "quantile": "woodruff"}.get(kind, "normal")


def check_options(
    kind: Kind,
    interval: Interval | None,
    confidence: float,
    quantiles: Sequence[float] | None,
) -> None:
    """Refuse what `estimate` and `compare` do not know, and say what they do."""
    if kind not in get_args(Kind):
        raise ValueError(
            f"kind must be one of {', '.join(get_args(Kind))}, got {kind!r}"
        )
    if interval is not None and interval not in get_args(Interval):
        raise ValueError(
            f"interval must be one of {', '.join(get_args(Interval))}, got {interval!r}"
        )
    if interval is not None and interval != "normal" and kind != "share":
        raise ValueError(f"interval {interval!r} is for shares, not for a {kind}")
    if quantiles and (kind != "quantile" or not all(0 < q < 1 for q in quantiles)):
        raise ValueError("quantiles are between 0 and 1, and for kind quantile only")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")


def assemble(
    design: Design,
    measured: Measured,
    limits: tuple[Floats, Floats, Floats],
    options: Mapping[str, Any],
) -> Estimates:
    """Put the columns together and give a reason for each kind of missing figure."""
    variables, groups, moments = measured.variables, measured.groups, measured.moments
    se, low, high = limits
    n, point, df = moments.answers, moments.estimate, moments.df
    random = moments.random_variance
    if design.fpc is not None:
        left = 1 - n / moments.persons
        random = np.where(left > 0, random * left, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        differ = random > (ROUNDING * point) ** 2
        deff = np.where(differ, se**2 / random, np.nan)
        n_effective = np.where(deff > 0, n / deff, np.nan)
        cv = np.where(point != 0, se / np.abs(point), np.nan)
    doubts = {
        "no answers": n == 0,
        "no degrees of freedom, so no interval": (n > 0) & ~(df > 0),
        "the interval goes beyond the data": (df > 0)
        & (np.isnan(low) | np.isnan(high)),
        "all answers are alike, so no design effect": (n > 1) & ~differ,
        "the estimate is 0, so no coefficient of variation": (n > 0) & (point == 0),
    }

    def name(row: int) -> str:
        variable, group = divmod(row, groups.size)
        v = variables[variable]
        parts = [
            v.name,
            v.level,
            *(f"{k}={g[group]}" for k, g in groups.labels.items()),
        ]
        return " ".join(str(part) for part in parts if part is not None)

    nobody = [
        f"{v.name}: nobody answered {v.level}"
        for v, shares in zip(variables, point.reshape(-1, groups.size), strict=True)
        if options["kind"] == "share" and not shares.any()
    ]
    missing = {
        v.name: measured.rows - int(counted)
        for v, counted in zip(
            variables, n.reshape(-1, groups.size).sum(axis=1), strict=True
        )
    }
    return Estimates(
        value=np.repeat([v.name for v in variables], groups.size),
        level=np.repeat(np.array([v.level for v in variables], object), groups.size),
        by={k: np.tile(v, len(variables)) for k, v in groups.labels.items()},
        estimate=point,
        se=se,
        low=low,
        high=high,
        n=n.astype(np.int64),
        n_effective=n_effective,
        df=df,
        deff=deff,
        cv=cv,
        warnings=(
            *nobody,
            *(
                f"{name}: {count} rows with a missing value are left out"
                for name, count in missing.items()
                if count
            ),
            *(
                f"{reason}: {', '.join(map(name, np.flatnonzero(where).tolist()))}"
                for reason, where in doubts.items()
                if where.any()
            ),
        ),
        method={
            **options,
            "lonely_psu": design.lonely_psu,
            "variance": "Taylor linearisation",
            **(design.replicates.method if design.replicates else {}),
            "version": __version__,
            "source": "Särndal, Swensson and Wretman (1992), chapter 5",
        },
    )
