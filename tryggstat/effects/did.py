"""Difference-in-differences: areas with a measure beside areas without it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.effects._panel import Floats, TwoWay, Whole, codes_of
from tryggstat.effects._poisson import PoissonFit, fit_poisson
from tryggstat.effects.conclusion import (
    Conclusion,
    Doubt,
    Effect,
    conclude,
    effect_of,
)

Errors = Literal["cr0", "cr1", "cr2"]
Controls = Literal["never", "not-yet"]
OFF_BEFORE = 0.05


@dataclass(frozen=True)
class EventTime:
    """
    The effect a number of periods after the start (before it where negative).

    Attributes
    ----------
    when : int
        Periods since the first one with the measure; -1, just before, is what all
        others are compared with.
    effect : Effect
        Treated less comparison areas.
    units : int
        Treated areas that were measured then.
    """

    when: int
    effect: Effect
    units: int


@dataclass(frozen=True)
class DifferenceInDifferences:
    """
    What happened in areas with a measure beyond what happened elsewhere.

    Attributes
    ----------
    effect : Effect
        In the unit of the outcome; the logarithm of a ratio for counts.
    buffer : Effect or None
        The same for the areas around, where the trouble may have moved.
    events : tuple of EventTime
        Effects before and after the start; empty for counts, and where areas lack
        periods or lose the measure again.
    groups : mapping from float to Effect
        With staggered adoption, the effect in the areas of each first period.
    pretrend : Effect
        How the treated areas drifted from the others before the start, per period.
    clusters, treated_clusters : int
        How many, and how many of them ever had the measure.
    errors : str
        How standard errors were made.
    se_model, se_quasi, dispersion, deviance : float or None
        Of the Poisson model, for independent counts without and with overdispersion.
    warnings : tuple of str
        What a reader must know.
    conclusion : Conclusion
        About `effect`.
    """

    effect: Effect
    buffer: Effect | None
    events: tuple[EventTime, ...]
    groups: Mapping[float, Effect]
    pretrend: Effect
    clusters: int
    treated_clusters: int
    errors: str
    se_model: float | None
    se_quasi: float | None
    dispersion: float | None
    deviance: float | None
    warnings: tuple[str, ...]
    conclusion: Conclusion


@dataclass(frozen=True, eq=False)
class _Panel:
    """Rows that can be used, and when each unit first had the measure."""

    unit: Whole
    period: Whole
    times: Floats
    treated: NDArray[np.bool_]
    buffer: NDArray[np.bool_]
    value: Floats
    population: Floats
    cluster: Whole
    first: Whole  # of each unit, the number of periods where never
    warnings: tuple[str, ...]

    @property
    def is_absorbing(self) -> bool:
        """Return whether no area lost the measure again."""
        return bool((self.treated == (self.period >= self.first[self.unit])).all())

    @property
    def never(self) -> int:
        """Return the number that stands for no first period."""
        return self.times.size

    def matrix(self) -> Floats | None:
        """Return values by unit and period, None where any is missing."""
        values = np.full((self.first.size, self.times.size), np.nan)
        values[self.unit, self.period] = self.value
        return None if np.isnan(values).any() else values

    def treated_clusters(self) -> tuple[int, int]:
        """Return the numbers of clusters, and of those that ever had the measure."""
        ever = np.unique(self.cluster[self.treated]).size
        return int(self.cluster.max()) + 1, ever


def difference_in_differences(
    unit: ArrayLike,
    time: ArrayLike,
    treated: ArrayLike,
    value: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    errors: Errors = "cr2",
    buffer: ArrayLike | None = None,
    confidence: float = 0.95,
) -> DifferenceInDifferences:
    """
    Estimate the effect of a measure from areas with and without it, over time.

    Parameters
    ----------
    unit : array, shape (n,)
        The area of each row.
    time : array of float, shape (n,)
        The period of each row.
    treated : array of bool, shape (n,)
        Whether the area had the measure in that period.
    value : array of float, shape (n,)
        The outcome. Rows where it is missing (NaN) are left out.
    cluster : array, shape (n,), optional
        Areas whose errors are tied together; each area by itself if left out.
    errors : {"cr2", "cr1", "cr0"}
        Corrected for few clusters, by a factor as in Stata, or not.
    buffer : array of bool, shape (n,), optional
        Whether the row is an area beside one with the measure, while it runs. Its
        effect is estimated too, and it does not count as a comparison area.
    confidence : float between 0 and 1, default 0.95
        Level of the intervals.

    Returns
    -------
    DifferenceInDifferences
        Effects in the unit of the outcome.

    Raises
    ------
    ValueError
        Columns differ in length, a row stands there twice, an area belongs to several
        clusters, or there is nobody to compare with.

    Notes
    -----
    With a level for each area i and each period t::

        y_it = a_i + b_t + effect treated_it + e_it

    With X the treatment less the levels, H the projection on all columns, and the sum
    over clusters g::

        V = (X'X)^-1 sum(X_g' A_g e_g e_g' A_g X_g) (X'X)^-1

    A_g is I for cr0; for cr1 there is a factor G / (G - 1) × (n - 1) / (n - p), p with
    all levels; for cr2 A_g = (I - H_gg)^(-1/2), on the space where that exists, with
    the degrees of freedom of Bell and McCaffrey. Others have G - 1.

    Where areas start at different times and effects grow or differ, this estimate is
    no mean of the effects: use `staggered_difference_in_differences`.

    The test of the time before asks whether treated areas drifted from the others, per
    period, in the rows without measure. That it finds nothing is no proof.

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28(2), 169-181.
    Pustejovsky and Tipton (2018), J. of Business & Economic Statistics 36(4), 672-683.
    Goodman-Bacon (2021), Journal of Econometrics 225(2), 254-277.

    Examples
    --------
    >>> unit, time = np.repeat([1, 2, 3, 4], 2), np.tile([0, 1], 4)
    >>> treated = (unit <= 2) & (time == 1)
    >>> value = [10, 8, 12, 9, 10, 11, 12, 12]
    >>> found = difference_in_differences(unit, time, treated, value)
    >>> found.effect.estimate, found.conclusion.verdict
    (-3.0, 'cannot be told')
    """
    if errors not in get_args(Errors):
        raise ValueError(f"errors must be one of {', '.join(get_args(Errors))}")
    panel = _panel(unit, time, treated, value, cluster, buffer, None)
    x = _treatments(panel)
    fit = TwoWay(panel.unit, panel.period, x, panel.value, panel.cluster)
    covariance, df = fit.sandwich(errors)
    effects = [
        effect_of(b, se, d, confidence)
        for b, se, d in zip(
            fit.coefficient, np.sqrt(np.diag(covariance)), df, strict=True
        )
    ]
    warnings = list(panel.warnings)
    starts = np.unique(panel.first[panel.first < panel.never])
    if starts.size > 1:
        warnings.append(
            "areas start at different times: this estimate mixes their effects, and "
            "staggered adoption should be estimated as such"
        )
    events: tuple[EventTime, ...] = ()
    if panel.is_absorbing and panel.matrix() is not None and not panel.buffer.any():
        events = _Cells(panel, "not-yet", confidence).events()
    else:
        warnings.append(
            "no effects before and after the start: areas lack periods, lose the "
            "measure again or are buffers"
        )
    return _told(
        panel,
        effects,
        events,
        {},
        _pretrend(panel, errors, confidence),
        errors,
        warnings,
    )


def staggered_difference_in_differences(
    unit: ArrayLike,
    time: ArrayLike,
    treated: ArrayLike,
    value: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    controls: Controls = "never",
    confidence: float = 0.95,
) -> DifferenceInDifferences:
    """
    Estimate the effect of a measure that areas took up at different times.

    Parameters
    ----------
    unit, time, treated, value, cluster, confidence : as for the other
        See `difference_in_differences`. Every area must have every period.
    controls : {"never", "not-yet"}
        Compare with areas that never had the measure, or had it not yet.

    Returns
    -------
    DifferenceInDifferences
        With `events` and `groups`; `effect` is the mean over areas with the measure of
        their mean effect since they took it up.

    Raises
    ------
    ValueError
        As there; or an area lacks a period, loses the measure again, or there is
        nobody to compare with.

    Notes
    -----
    For the areas that start in period g, with the period g - 1 as base::

        ATT(g, t) = mean(y_t - y_(g-1) of g) - mean(y_t - y_(g-1) of the controls)

    An aggregate of these is, for the areas of a group, a mean of one contrast over time
    of each area's own values. Its variance is the sum over groups of the variance of
    that contrast between areas, over their number, with degrees of freedom after
    Satterthwaite. A group of one area has no variance of its own and gets that of the
    largest group. Numbers of areas are taken as fixed, and areas are independent unless
    there are clusters.

    Areas that have the measure from the first period on are left out.

    References
    ----------
    Callaway and Sant'Anna (2021), Journal of Econometrics 225(2), 200-230.

    Examples
    --------
    >>> unit, time = np.repeat(np.arange(6), 3), np.tile([1, 2, 3], 6)
    >>> start = np.array([2, 2, 3, 3, 9, 9])[unit]
    >>> value = unit + time**2 - 4.0 * (time >= start)
    >>> found = staggered_difference_in_differences(unit, time, time >= start, value)
    >>> round(found.effect.estimate, 9)
    -4.0
    """
    if controls not in get_args(Controls):
        raise ValueError(f"controls must be one of {', '.join(get_args(Controls))}")
    panel = _panel(unit, time, treated, value, cluster, None, None, leave_always=True)
    if not panel.is_absorbing:
        raise ValueError("an area loses the measure again")
    if panel.matrix() is None:
        raise ValueError("staggered adoption needs every area in every period")
    cells = _Cells(panel, controls, confidence)
    pretrend = _pretrend(panel, "cr2", confidence)
    warnings = list(panel.warnings)
    if cells.lonely:
        warnings.append(
            f"{cells.lonely} groups of one area get the variance of the largest group"
        )
    return _told(
        panel,
        [cells.overall()],
        cells.events(),
        cells.by_group(),
        pretrend,
        f"groups, {controls} treated",
        warnings,
    )


def poisson_difference_in_differences(
    unit: ArrayLike,
    time: ArrayLike,
    treated: ArrayLike,
    count: ArrayLike,
    *,
    population: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    errors: Literal["cr0", "cr1"] = "cr1",
    buffer: ArrayLike | None = None,
    confidence: float = 0.95,
) -> DifferenceInDifferences:
    """
    Estimate by what factor a measure changed counts, from areas with and without it.

    Parameters
    ----------
    unit, time, treated, cluster, buffer, confidence : as for the other
        See `difference_in_differences`.
    count : array of float, shape (n,)
        Events. Rows where it is missing (NaN) are left out.
    population : array of float, shape (n,), optional
        Persons, as an offset.
    errors : {"cr1", "cr0"}
        With a factor G / (G - 1) for the number of clusters, or without.

    Returns
    -------
    DifferenceInDifferences
        Effects are logarithms of ratios.

    Raises
    ------
    ValueError
        As there; or counts are below 0, or the model has no maximum.

    Notes
    -----
    ::

        log E y_it = log population_it + a_i + b_t + effect treated_it

    Areas and periods without any event tell nothing of the effect and are left out.
    `se_model` holds if counts vary as chance makes them, `se_quasi` allows for more.

    References
    ----------
    Wooldridge (1999), Journal of Econometrics 90(1), 77-97.

    Examples
    --------
    >>> unit, time = np.repeat([1, 2, 3, 4], 2), np.tile([0, 1], 4)
    >>> treated = (unit <= 2) & (time == 1)
    >>> count = [20, 10, 40, 20, 30, 30, 10, 10]
    >>> found = poisson_difference_in_differences(unit, time, treated, count)
    >>> round(float(np.exp(found.effect.estimate)), 3)
    0.5
    """
    if errors not in ("cr0", "cr1"):
        raise ValueError("errors of a Poisson model must be one of cr0, cr1")
    persons = np.ones(np.shape(unit)) if population is None else population
    panel = _panel(unit, time, treated, count, cluster, buffer, persons)
    x = _treatments(panel)
    fit = _fit_counts(panel, x, np.ones(panel.unit.size, dtype=bool))
    k = x.shape[1]
    effects = [
        effect_of(b, se, panel.treated_clusters()[0] - 1, confidence)
        for b, se in zip(
            fit.coefficient[:k], _count_errors(panel, fit, errors)[:k], strict=True
        )
    ]
    residual = panel.value - fit.mean
    df = residual.size - fit.coefficient.size - panel.first.size
    dispersion = float(np.sum(residual**2 / fit.mean) / df) if df > 0 else math.nan
    se_model = math.sqrt(fit.inverse[0, 0])
    found = _told(
        panel,
        effects,
        (),
        {},
        _count_pretrend(panel, errors, confidence),
        errors,
        list(panel.warnings),
        counts=(se_model, se_model * math.sqrt(dispersion), dispersion, fit.deviance),
    )
    return found


def _panel(
    unit: ArrayLike,
    time: ArrayLike,
    treated: ArrayLike,
    value: ArrayLike,
    cluster: ArrayLike | None,
    buffer: ArrayLike | None,
    population: ArrayLike | None,
    *,
    leave_always: bool = False,
) -> _Panel:
    units, times = np.asarray(unit), np.asarray(time, dtype=float)
    has, y = np.asarray(treated, dtype=float), np.asarray(value, dtype=float)
    near = np.zeros_like(y) if buffer is None else np.asarray(buffer, dtype=float)
    persons = np.ones_like(y) if population is None else np.asarray(population, float)
    clusters = units if cluster is None else np.asarray(cluster)
    columns = (units, times, has, y, near, persons, clusters)
    if len({column.shape for column in columns}) > 1 or y.ndim != 1:
        raise ValueError("all columns must be equally long")
    if not (np.isin(has, (0, 1)).all() and np.isin(near, (0, 1)).all()):
        raise ValueError("treated and buffer must be 0 or 1")
    if (has * near).any():
        raise ValueError("an area cannot have the measure and be a buffer at once")
    if (persons <= 0).any():
        raise ValueError("population must be above 0")
    used = np.isfinite(y) & np.isfinite(persons)
    warnings = []
    counts = population is not None
    for what, column in (("areas", units), ("periods", times)):
        names, codes = codes_of(column)
        here = np.bincount(codes[used], np.abs(y[used]), names.size)[codes]
        if counts and (here[used] == 0).any():
            lost = np.unique(codes[used & (here == 0)]).size
            warnings.append(f"{lost} {what} without any event are left out")
            used &= here > 0
    names, codes = codes_of(units)
    always = np.ones(names.size, dtype=bool)
    np.logical_and.at(always, codes[used], has[used] == 1)
    always &= np.isin(np.arange(names.size), codes[used])
    if always.any():
        what = "are left out" if leave_always else "serve as comparison"
        warnings.append(f"{always.sum()} areas always had the measure and {what}")
        if leave_always:
            used &= ~always[codes]
    unit_names, unit_codes = codes_of(units[used])
    periods, period_codes = codes_of(times[used])
    if np.unique(unit_codes * periods.size + period_codes).size < unit_codes.size:
        raise ValueError("an area stands there twice in the same period")
    _, cluster_codes = codes_of(clusters[used])
    pairs = np.unique(unit_codes * unit_codes.size + cluster_codes)
    if pairs.size > unit_names.size:
        raise ValueError("an area belongs to several clusters")
    on = has[used] == 1
    first = np.full(unit_names.size, periods.size)
    np.minimum.at(first, unit_codes[on], period_codes[on])
    if not on.any() or ((first < periods.size).all() and np.unique(first).size == 1):
        raise ValueError("there must be areas with the measure and areas without it")
    if np.unique(cluster_codes).size < 2:
        raise ValueError("there must be at least two clusters")
    return _Panel(
        unit_codes,
        period_codes,
        np.asarray(periods, dtype=float),
        on,
        near[used] == 1,
        y[used],
        persons[used],
        cluster_codes,
        first,
        tuple(warnings),
    )


def _treatments(panel: _Panel) -> Floats:
    near = [panel.buffer] if panel.buffer.any() else []
    return np.column_stack([panel.treated, *near]).astype(float)


def _told(
    panel: _Panel,
    effects: list[Effect],
    events: tuple[EventTime, ...],
    groups: Mapping[float, Effect],
    pretrend: Effect,
    errors: str,
    warnings: list[str],
    counts: tuple[float, ...] | None = None,
) -> DifferenceInDifferences:
    clusters, treated = panel.treated_clusters()
    doubts: list[Doubt] = []
    untreated = np.setdiff1d(panel.cluster, panel.cluster[panel.treated]).size
    staggered = np.unique(panel.first[panel.first < panel.never]).size > 1
    if treated < 2 or (untreated < 2 and not staggered):
        doubts.append("too few units")
    if pretrend.p < OFF_BEFORE:
        doubts.append("trend before the start")
    if math.isnan(pretrend.p):
        warnings.append("the time before the start is too short to be tested")
    se_model, se_quasi, dispersion, deviance = counts or (None,) * 4
    return DifferenceInDifferences(
        effects[0],
        effects[1] if len(effects) > 1 else None,
        events,
        groups,
        pretrend,
        clusters,
        treated,
        errors,
        se_model,
        se_quasi,
        dispersion,
        deviance,
        tuple(warnings),
        conclude(effects[0], "comparison", doubts, ratio=counts is not None),
    )


def _before(panel: _Panel) -> tuple[NDArray[np.bool_], Floats]:
    """Return the rows without measure near, and periods to the start where it came."""
    first = panel.first[panel.unit]
    rows = ~panel.treated & ~panel.buffer & (panel.period < first)
    return rows, np.where(first < panel.never, panel.period - first, 0).astype(float)


def _pretrend(panel: _Panel, errors: str, confidence: float) -> Effect:
    rows, drift = _before(panel)
    try:
        fit = TwoWay(
            codes_of(panel.unit[rows])[1],
            codes_of(panel.period[rows])[1],
            drift[rows, None],
            panel.value[rows],
            codes_of(panel.cluster[rows])[1],
        )
        covariance, df = fit.sandwich(errors)
    except ValueError:
        return Effect(*[math.nan] * 7)
    se = math.sqrt(covariance[0, 0])
    return effect_of(fit.coefficient[0], se, df[0], confidence)


def _fit_counts(panel: _Panel, x: Floats, rows: NDArray[np.bool_]) -> PoissonFit:
    unit = codes_of(panel.unit[rows])[1]
    period = codes_of(panel.period[rows])[1]
    levels = np.eye(period.max() + 1)[period][:, 1:]

    def within(weight: Floats, columns: Floats) -> Floats:
        table = columns.reshape(unit.size, -1)
        sums = np.zeros((unit.max() + 1, table.shape[1]))
        np.add.at(sums, unit, weight[:, None] * table)
        means = sums / np.bincount(unit, weight)[:, None]
        return (table - means[unit]).reshape(columns.shape)

    offset = np.log(panel.population[rows])
    matrix = np.column_stack([x[rows], levels])
    return fit_poisson(matrix, panel.value[rows], offset, within)


def _count_errors(
    panel: _Panel,
    fit: PoissonFit,
    errors: str,
    rows: NDArray[np.bool_] | slice = slice(None),
) -> Floats:
    cluster = codes_of(panel.cluster[rows])[1]
    clusters = int(cluster.max()) + 1
    scores = np.zeros((clusters, fit.coefficient.size))
    residual = panel.value[rows] - fit.mean
    np.add.at(scores, cluster, fit.columns * residual[:, None])
    covariance = fit.inverse @ (scores.T @ scores) @ fit.inverse
    if errors == "cr1":
        covariance *= clusters / (clusters - 1)
    return np.sqrt(np.diag(covariance))


def _count_pretrend(panel: _Panel, errors: str, confidence: float) -> Effect:
    rows, drift = _before(panel)
    unit, period = panel.unit, panel.period
    some = np.bincount(unit[rows], panel.value[rows], panel.first.size) > 0
    rows &= some[unit]
    some = np.bincount(period[rows], panel.value[rows], panel.times.size) > 0
    rows &= some[period]
    try:
        # what the levels say already shows exactly in the linear model
        _ = TwoWay(
            codes_of(unit[rows])[1],
            codes_of(period[rows])[1],
            drift[rows, None],
            panel.value[rows],
            codes_of(panel.cluster[rows])[1],
        ).inverse
        fit = _fit_counts(panel, drift[:, None], rows)
    except ValueError:
        return Effect(*[math.nan] * 7)
    se = _count_errors(panel, fit, errors, rows)[0]
    df = np.unique(panel.cluster[rows]).size - 1
    return effect_of(fit.coefficient[0], se, df, confidence)


class _Cells:
    """The effects of each group in each period, and means of them with their errors."""

    def __init__(self, panel: _Panel, controls: Controls, confidence: float) -> None:
        """Take a panel without gaps."""
        values = panel.matrix()
        if values is None:
            raise ValueError("an area lacks a period")
        self._values, self._confidence = values, confidence
        starts, self._group = codes_of(panel.first)
        self._starts = starts.astype(int)  # the number of periods where never
        self._sizes = np.bincount(self._group)
        self._periods = panel.times
        of_unit = np.zeros(self._group.size, dtype=int)
        of_unit[panel.unit] = panel.cluster
        own = np.unique(of_unit).size == of_unit.size
        self._cluster = None if own else of_unit
        never = self._starts == panel.never
        if controls == "never" and not never.any():
            raise ValueError("there is no area that never had the measure")
        self._treated = [
            int(g) for g in np.flatnonzero(~never) if self._starts[g] > 0
        ]  # groups with a period before
        self._controls = {
            (g, t): c
            for g in self._treated
            for t in range(panel.times.size)
            if (c := self._controls_of(g, t, never, controls)).size
        }
        if not any(t >= self._starts[g] for g, t in self._controls):
            raise ValueError("no period has areas with the measure and areas without")

    @property
    def lonely(self) -> int:
        """Return the number of groups of one area."""
        return int((self._sizes[self._treated] == 1).sum())

    def _controls_of(
        self, g: int, t: int, never: NDArray[np.bool_], controls: Controls
    ) -> Whole:
        if controls == "never":
            return np.flatnonzero(never)
        not_yet = self._starts > max(t, self._starts[g] - 1)
        not_yet[g] = False
        return np.flatnonzero(not_yet)

    def _mean(self, weights: Mapping[tuple[int, int], float]) -> Effect:
        """Return the weighted mean of cells, one contrast over time for each group."""
        contrast = np.zeros((self._sizes.size, self._periods.size))
        total = sum(weights.values())
        for (g, t), weight in weights.items():
            controls = self._controls[g, t]
            difference = np.zeros(self._periods.size)
            difference[t] += weight / total
            difference[self._starts[g] - 1] -= weight / total
            contrast[g] += difference / self._sizes[g]
            contrast[controls] -= difference / self._sizes[controls].sum()
        each = np.einsum("it,it->i", self._values, contrast[self._group])
        involved = np.flatnonzero(np.abs(contrast).sum(axis=1) > 0)
        return self._effect(each, contrast, involved)

    def _effect(self, each: Floats, contrast: Floats, involved: Whole) -> Effect:
        sizes = self._sizes.astype(float)
        means = np.bincount(self._group, each) / sizes
        deviation = each - means[self._group]
        if self._cluster is not None:
            widened = np.sqrt(sizes / np.maximum(sizes - 1, 1))[self._group]
            sums = np.bincount(self._cluster, deviation * widened)
            df = np.unique(self._cluster[np.isin(self._group, involved)]).size
            return effect_of(
                each.sum(),
                math.sqrt(sums @ sums),
                df - involved.size,
                self._confidence,
            )
        largest = int(np.argmax(self._sizes))
        variance, df_of = np.zeros(sizes.size), np.ones(sizes.size)
        for h in involved:
            pool = h if self._sizes[h] > 1 else largest
            values = self._values[self._group == pool] @ contrast[h]
            if values.size < 2:
                return effect_of(each.sum(), math.nan, 0, self._confidence)
            variance[h] = sizes[h] * values.var(ddof=1)
            df_of[h] = values.size - 1
        total = variance.sum()
        satterthwaite = total**2 / np.sum(variance**2 / df_of) if total > 0 else 0.0
        return effect_of(each.sum(), math.sqrt(total), satterthwaite, self._confidence)

    def events(self) -> tuple[EventTime, ...]:
        """Return the effects by periods since the start."""
        found: dict[int, dict[tuple[int, int], float]] = {}
        for g, t in self._controls:
            when = t - int(self._starts[g])
            found.setdefault(when, {})[g, t] = float(self._sizes[g])
        return tuple(
            EventTime(when, self._mean(cells), int(sum(cells.values())))
            for when, cells in sorted(found.items())
            if when != -1
        )

    def _since(self, g: int) -> dict[tuple[int, int], float]:
        cells = [c for c in self._controls if c[0] == g and c[1] >= self._starts[g]]
        return {cell: float(self._sizes[g]) / len(cells) for cell in cells}

    def by_group(self) -> dict[float, Effect]:
        """Return the mean effect of each group since its start."""
        return {
            float(self._periods[self._starts[g]]): self._mean(cells)
            for g in self._treated
            if (cells := self._since(g))
        }

    def overall(self) -> Effect:
        """Return the mean over treated areas of their mean effect since the start."""
        return self._mean(
            {k: v for g in self._treated for k, v in self._since(g).items()}
        )
