"""Means, shares, totals and ratios of domains, and how sure we are of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat import __version__, parallel
from tryggstat.survey import _intervals, _quantiles
from tryggstat.survey._columns import Floats
from tryggstat.survey._domains import Domains, Moments
from tryggstat.survey._intervals import Interval
from tryggstat.survey._questions import (
    By,
    Groups,
    Kind,
    Variable,
    check_options,
    default_interval,
    groups_of,
    plain_rows,
    quotient,
    variables_of,
)
from tryggstat.survey.design import Design

FIGURES = ("estimate", "se", "low", "high", "n", "n_effective", "df", "deff", "cv")
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
    estimate plus and minus t se.

    The design effect compares with a simple random sample of n, with s^2 the weighted
    mean square times n/(n-1)::

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
    m = _measure(
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
        low, high = _intervals.share(
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
        low, high = _intervals.normal(point, se, m.moments.df, confidence)
    options = {
        "kind": kind,
        "interval": interval or default_interval(kind),
        "confidence": confidence,
    }
    return _assemble(design, m, (se, low, high), options)


class _Measured(NamedTuple):
    """Estimates with their variances, before intervals and names."""

    variables: list[Variable]
    groups: Groups
    rows: int  # inside a group, and with a weight
    moments: Moments
    thetas: Floats | None  # the estimates of each replicate
    limits: tuple[Floats, Floats] | None  # of quantiles


def _measure(
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
) -> _Measured:
    """Return estimates and variances."""
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
            totals = r.sums(groups.code, groups.size, pairs, pool)
            thetas = quotient(totals, kind).reshape(r.total, -1)
        moments = moments._replace(
            variance=r.variance(thetas, moments.estimate),
            df=r.degrees_of_freedom(moments.df, groups.code, groups.size),
        )
        limits = None
    if kind == "quantile":
        variables = [v._replace(level=str(p)) for v in variables for p in quantiles]
    return _Measured(variables, groups, domains.weighted_rows, moments, thetas, limits)


def _logit_se(design: Design, thetas: Floats, point: Floats) -> Floats:
    """Return the spread of log(p / (1-p)), NaN where a replicate has none."""
    assert design.replicates is not None
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.log(thetas / (1 - thetas))
        usable = np.isfinite(logits).all(axis=0)
        variance = design.replicates.variance(logits, np.log(point / (1 - point)))
    return np.where(usable, np.sqrt(variance), np.nan)


def _assemble(
    design: Design,
    measured: _Measured,
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
            *groups.warnings,
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
