"""Replicate weights: handed in, or made by jackknife, bootstrap or balanced halves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat import parallel
from tryggstat.survey._columns import Codes, Floats
from tryggstat.survey.design import Design, Stage

Method = Literal["jk1", "jkn", "bootstrap", "subbootstrap", "multistage", "brr"]
Words = NDArray[np.uint64]
Factors = Callable[[range], Iterator[Floats]]
MIXERS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # SplitMix64's
LANES = 4  # replicates whose sums are made in one pass over the rows
FAST_FROM = 50_000  # rows; below it the import of numba costs more than it saves


@dataclass(frozen=True, eq=False)
class Replicates:
    """
    A set of replicate weights, and how their spread becomes a variance.

    Attributes
    ----------
    unit : array of int, shape (n,)
        The unit that each row belongs to.
    base : array, shape (n,)
        What the factor of its unit multiplies, row by row.
    factors : callable
        Takes a range of numbers, yields each replicate's factors, shape (units,), which
        stay until `LANES` more have been asked for.
    total : int
        How many replicates there are.
    scale : float
        Factor of the sum of squares.
    rscales : array, shape (total,)
        Factor of each square.
    mse : bool
        Whether squares are taken about the estimate, else about the replicates' mean.
    given : array, shape (n, total), or None
        The weights, if they were handed in.
    calibrate : callable or None
        Applied to each replicate's weights.
    method : dict
        How they were made.
    """

    unit: Codes
    base: Floats
    factors: Factors
    total: int
    scale: float
    rscales: Floats
    mse: bool
    given: Floats | None
    calibrate: Callable[[Floats], Floats] | None
    method: dict[str, Any]

    def weights(self, numbers: range) -> Iterator[Floats]:
        """Yield the weights of each replicate, shape (n,)."""
        for factor in self.factors(numbers):
            w = self.base * factor[self.unit]
            yield w if self.calibrate is None else self.calibrate(w)

    def sums(
        self,
        group: Codes,
        groups: int,
        variables: Iterable[tuple[Floats, Floats]],
        pool: Executor | None = None,
    ) -> Floats:
        """
        Return the sums of top and bottom in all replicates, by variable and group.

        The shape is (total, variables, groups, 2).
        """
        rows = np.arange(group.size)
        base = np.ones(group.size)
        if self.calibrate is None:  # in the order of the units, to spare the memory
            rows = _order(self.unit)
            base = self.base[rows]
        weighted = []
        for top, bottom in variables:
            w = np.where(np.isnan(top) | np.isnan(bottom), np.nan, 1)[rows] * base
            whole = w * top[rows], w * np.broadcast_to(bottom, top.shape)[rows]
            weighted.append((np.nan_to_num(whole[0]), np.nan_to_num(whole[1])))
        work = _Sums(
            dataclasses.replace(self, unit=self.unit[rows]),
            np.where(group < 0, groups, group)[rows].astype(np.int32),
            groups + 1,
            weighted,
        )
        return parallel.replicates(work, self.total, pool=pool)[:, :, :-1]

    def variance(self, thetas: Floats, estimate: Floats) -> Floats:
        """
        Return the variance of each estimate from its replicates, shape (k,).

        Replicates in which an estimate cannot be computed are left out for it.
        """
        deviations, weight = self._deviations(thetas, estimate)
        return np.asarray((weight * deviations**2).sum(axis=0))

    def covariance(self, thetas: Floats, estimate: Floats) -> Floats:
        """Return the covariance matrix of the estimates, shape (k, k)."""
        deviations, weight = self._deviations(thetas, estimate)
        return np.asarray((weight * deviations).T @ deviations)

    def _deviations(self, thetas: Floats, estimate: Floats) -> tuple[Floats, Floats]:
        known = np.isfinite(thetas)
        kept = np.where(known, thetas, 0)
        counts = known & (self.rscales > 0)[:, None]
        with np.errstate(invalid="ignore"):
            mean = np.where(counts, thetas, 0).sum(axis=0) / counts.sum(axis=0)
        middle = estimate if self.mse else mean
        deviations = np.where(known, kept - middle, 0)
        return deviations, self.scale * self.rscales[:, None]

    def degrees_of_freedom(self, df: Floats, group: Codes, groups: int) -> Floats:
        """
        Return the degrees of freedom of each estimate, given those of the design.

        They are at most the number of replicates less 1. Weights that were handed in
        know no design: theirs is the rank of the group's weights less 1.
        """
        if self.given is None:
            return np.minimum(df, self.total - 1)
        ranks = [_rank(self.given[group == g]) - 1 for g in range(groups)]
        return np.tile(np.array(ranks, dtype=float), df.size // groups)


def _rank(weights: Floats) -> int:
    """Return the rank, from the first rows where these suffice to reach the largest."""
    most = min(weights.shape)
    for rows in (2 * weights.shape[1], len(weights)):
        rank = int(np.linalg.matrix_rank(weights[:rows])) if most else 0
        if rank == most:
            break
    return rank


def given_replicates(
    design: Design,
    weights: ArrayLike,
    *,
    scale: float,
    rscales: ArrayLike = 1.0,
    mse: bool = False,
) -> Design:
    """
    Let the variance come from replicate weights that are handed in.

    Parameters
    ----------
    design : Design
        The sample; only its weights are used then.
    weights : array, shape (n, replicates)
        The weights of each replicate, not factors of the sampling weights.
    scale : float
        Factor of the sum of squares.
    rscales : float or array, shape (replicates,), default 1
        Factor of each square.
    mse : bool, default False
        Take squares about the estimate, not about the mean of the replicates.

    Returns
    -------
    Design
        The same sample with these replicates.

    Raises
    ------
    ValueError
        The weights do not fit the sample or are not finite, or a scale is negative.

    Notes
    -----
    ::

        v = scale sum_r rscales_r (theta_r - m)^2

    with m the mean of the theta_r whose rscales are above 0, or the estimate.

    References
    ----------
    Lumley (2010), Complex Surveys: A Guide to Analysis Using R, chapter 2.

    Examples
    --------
    >>> from tryggstat.survey import estimate
    >>> jackknife = 1.5 * (1 - np.eye(3))
    >>> design = given_replicates(Design(np.ones(3)), jackknife, scale=2 / 3)
    >>> estimate(design, {"y": [1.0, 2.0, 6.0]}).se.round(3).tolist()
    [1.528]
    """
    matrix = np.asarray(weights, dtype=float)
    if matrix.ndim != 2 or len(matrix) != design.rows or not np.isfinite(matrix).all():
        raise ValueError(
            f"replicate weights must be finite and have {design.rows} rows, got shape "
            f"{matrix.shape}"
        )
    factor = np.asarray(rscales, dtype=float)
    if factor.shape not in ((), (matrix.shape[1],)) or not (factor >= 0).all():
        raise ValueError("rscales must be 0 or more, one or as many as replicates")
    if not scale >= 0:
        raise ValueError(f"scale must be 0 or more, got {scale}")
    total = matrix.shape[1]
    replicates = Replicates(
        unit=np.arange(design.rows),
        base=np.ones(design.rows),
        factors=partial(_columns, matrix),
        total=total,
        scale=scale,
        rscales=np.broadcast_to(factor, (total,)),
        mse=mse,
        given=matrix,
        calibrate=None,
        method={"variance": "given replicate weights", "replicates": total},
    )
    return Design(design.weight, fpc=None, replicates=replicates)


@dataclass(frozen=True, eq=False)
class _Sums:
    """
    The weighted sums of a block of replicates, by group.

    It can be sent to another process. Rows outside all groups are in a last one.
    """

    replicates: Replicates
    group: NDArray[np.int32]
    groups: int
    variables: list[tuple[Floats, Floats]]  # weighted, 0 for missing

    def __call__(self, numbers: range) -> Floats:
        """Return the sums, shape (len(numbers), variables, groups, 2)."""
        add = _group_sums_plain
        if self.group.size >= FAST_FROM:
            from tryggstat.survey import _replicate_kernels

            add = _replicate_kernels.group_sums
        r = self.replicates
        unit, factors = r.unit, r.factors(numbers)
        if r.calibrate is not None:
            unit, factors = np.arange(unit.size), r.weights(numbers)
        result = np.empty((len(numbers), len(self.variables), self.groups, 2))
        for first in range(0, len(numbers), LANES):
            some = list(islice(factors, LANES))
            tables = result[first : first + LANES]
            lanes = (*some, *some[:1] * (LANES - len(some)))
            for i, (top, bottom) in enumerate(self.variables):
                sums = add(top, bottom, unit, lanes, self.group, self.groups)
                tables[:, i] = sums[: len(some)]
        return result


def _order(codes: Codes) -> Codes:
    """Return the stable order of codes from 0, by radix: sixteen bits at a time."""
    order = np.argsort(codes.astype(np.uint16), kind="stable")
    if codes.size and codes.max() >= 1 << 16:
        order = order[_order(codes[order] >> 16)]
    return order


def _columns(matrix: Floats, numbers: range) -> Iterator[Floats]:
    for number in numbers:
        yield matrix[:, number]


def replicate(
    design: Design,
    method: Method,
    total: int = 500,
    *,
    seed: int = 0,
    fay: float = 0.0,
    calibrate: Callable[[Floats], Floats] | None = None,
) -> Design:
    """
    Make replicate weights for a design, and let the variance come from them.

    Parameters
    ----------
    design : Design
        The sample with its strata, units and population sizes.
    method : {"jk1", "jkn", "bootstrap", "subbootstrap", "multistage", "brr"}
        Leave out one unit at a time, without or with strata; the rescaled bootstrap of
        Rao, Wu and Yue; the bootstrap of McCarthy and Snowden; Preston's rescaled
        bootstrap of all stages; balanced half samples of two units per stratum.
    total : int, default 500
        Replicates of a bootstrap; the others have their own number.
    seed : int, default 0
        The same seed gives the same bytes on any number of workers.
    fay : float from 0 to below 1, default 0
        How much of a unit's weight stays when its half is left out (brr only).
    calibrate : callable, optional
        Takes the weights of a replicate, returns them calibrated: needed when those of
        the sample are calibrated.

    Returns
    -------
    Design
        The same sample with these replicates.

    Raises
    ------
    ValueError
        The method is unknown or does not fit the design, or there are fewer than 2
        replicates.
    LonelyUnit
        A stratum has a single unit and the design says "fail".

    Notes
    -----
    With n units in a stratum, sampling fraction f, and k the times that a unit is
    drawn, a unit's weight is multiplied by::

        jk1, jkn      0 for the unit left out, n/(n-1) for the others of its stratum
        bootstrap     1 + sqrt(1-f) (k n/(n-1) - 1), n-1 draws with replacement
        subbootstrap  k n/m, m = (n-1)/(1-f) draws with replacement, rounded at random
        multistage    sums of half samples without replacement at every stage
        brr           2 - fay or fay, by the signs of a Hadamard matrix

    Without fpc "bootstrap" and "subbootstrap" are the same, and are what R's survey
    calls subbootstrap; "multistage" is its mrbbootstrap. The variance of a total agrees
    with Taylor's, exactly for the jackknife and in expectation for the bootstraps.

    References
    ----------
    Rao, Wu and Yue (1992), Survey Methodology 18, 209-217.
    McCarthy and Snowden (1985), Vital and Health Statistics 2(95).
    Preston (2009), Survey Methodology 35, 227-234.
    Judkins (1990), Journal of Official Statistics 6, 223-239.
    Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators.

    Examples
    --------
    >>> from tryggstat.survey import estimate
    >>> design = replicate(Design(np.ones(3)), "jk1")
    >>> estimate(design, {"y": [1.0, 2.0, 6.0]}).se.round(3).tolist()
    [1.528]
    """
    if method not in get_args(Method):
        raise ValueError(
            f"method must be one of {', '.join(get_args(Method))}, got {method!r}"
        )
    if design.calibration is not None and calibrate is None:
        raise ValueError("calibrated weights need a way to calibrate their replicates")
    first = _Units.of(design, design.stages[0])
    finest = _Units.of(design, design.stages[-1])
    rscales, scale, units = np.ones(1), 1.0, first
    factors: Factors
    match method:
        case "jk1" | "jkn":
            if method == "jk1" and first.size.size > 1:
                raise ValueError("jk1 is for a sample without strata; use jkn")
            total = first.stratum.size
            left = 1 - first.fraction[first.stratum]
            rscales = left * (1 - 1 / first.size)[first.stratum]
            if method == "jk1":
                scale, rscales = float(rscales[0]), np.ones(1)
            factors = partial(_leave_one_out, first)
        case "brr":
            if (first.size != 2).any():
                raise ValueError("brr needs two units in every stratum")
            if not 0 <= fay < 1:
                raise ValueError(f"fay must be from 0 to below 1, got {fay}")
            total = 1 << int(first.size.size).bit_length()
            scale = 1 / (total * (1 - fay) ** 2)
            factors = partial(_half_samples, first, fay)
        case "multistage":
            stages = [_Units.of(design, stage) for stage in design.stages]
            factors, units = partial(_multistage, stages, seed), finest
        case _:
            work = _rao_wu_yue if method == "bootstrap" else _mccarthy_snowden
            factors = partial(work, first, seed, design.rows >= FAST_FROM)
    if total < 2:
        raise ValueError(f"there must be at least 2 replicates, got {total}")
    if method in ("bootstrap", "subbootstrap", "multistage"):
        scale = 1 / (total - 1)
    replicates = Replicates(
        unit=units.of_row,
        base=design.w,
        factors=factors,
        total=total,
        scale=scale,
        rscales=np.broadcast_to(rscales, (total,)),
        mse=False,
        given=None,
        calibrate=calibrate,
        method={"variance": method, "replicates": total, "seed": seed},
    )
    return dataclasses.replace(design, replicates=replicates)


@dataclass(frozen=True, eq=False)
class _Units:
    """The units of one stage, ordered by stratum."""

    of_row: Codes
    stratum: Codes  # of each unit
    start: Codes  # the first unit of each stratum
    size: Codes
    fraction: Floats

    @classmethod
    def of(cls, design: Design, stage: Stage) -> _Units:
        """Number the units of a stage so that those of a stratum stand together."""
        start = np.cumsum(stage.units) - stage.units
        stratum = np.repeat(np.arange(stage.units.size), stage.units)
        unit = stage.unit
        if unit is None:
            unit = np.empty(design.rows, dtype=np.intp)
            unit[_order(stage.stratum)] = np.arange(design.rows)
        return cls(unit, stratum, start, stage.units, stage.fraction)


def _leave_one_out(units: _Units, numbers: range) -> Iterator[Floats]:
    for number in numbers:
        h = units.stratum[number]
        n = units.size[h]
        factor = np.ones(units.stratum.size)
        if n > 1:
            factor[units.start[h] : units.start[h] + n] = n / (n - 1)
            factor[number] = 0
        yield factor


def _half_samples(units: _Units, fay: float, numbers: range) -> Iterator[Floats]:
    column = (
        np.arange(units.size.size) + 1
    )  # the first column of the matrix is constant
    for number in numbers:
        parity = np.bitwise_count(column & number) % 2  # Sylvester's Hadamard matrix
        taken = np.ravel(np.stack([parity == 0, parity == 1], axis=1))
        yield np.where(taken, 2 - fay, fay)


def _rao_wu_yue(
    units: _Units, seed: int, fast: bool, numbers: range
) -> Iterator[Floats]:
    n = units.size
    shrink = np.where(n > 1, np.sqrt(1 - units.fraction), 0)
    slope = shrink * n / np.maximum(n - 1, 1)
    room = _room(units)
    for stream in _streams(seed, numbers):
        yield _draw(units, n - 1, 1 - shrink, slope, stream, fast, next(room))


def _mccarthy_snowden(
    units: _Units, seed: int, fast: bool, numbers: range
) -> Iterator[Floats]:
    n = units.size
    certain = (n == 1) | (units.fraction == 1)
    wanted = np.where(certain, 1, (n - 1) / np.where(certain, 1, 1 - units.fraction))
    low = np.floor(wanted)
    chance = low * ((low + 1) / wanted - 1)  # of low, so that the mean of 1/m is right
    random, room = parallel.streams(seed, numbers), _room(units)
    for stream, rng in zip(_streams(seed, numbers), random, strict=True):
        times = np.where(rng.random(n.size) < chance, low, low + 1)
        slope = np.where(certain, 0, n / times)
        times = np.where(certain, 0, times).astype(np.intp)
        level = certain.astype(float)
        yield _draw(units, times, level, slope, stream, fast, next(room))


def _room(units: _Units) -> Iterator[Floats]:
    """Lend the same arrays over and over: new memory costs more than the draws."""
    return cycle(np.empty((LANES, units.stratum.size)))


def _mix(z: Words) -> Words:
    """Return words in which every bit depends on every bit of the words given."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(MIXERS[1])
    z = (z ^ (z >> np.uint64(27))) * np.uint64(MIXERS[2])
    return z ^ (z >> np.uint64(31))


def _streams(seed: int, numbers: range) -> Words:
    """
    Return where the draws of each replicate begin: known from seed and number alone.

    The draws are those of SplitMix64, a counter made random by mixing its bits (Steele,
    Lea and Flood 2014). In a kernel it costs a quarter of what Philox does.
    """
    key = _mix(np.array([seed], dtype=np.uint64))
    return _mix(key + np.array(numbers, dtype=np.uint64))


def _draw(
    units: _Units,
    times: Codes,
    level: Floats,
    slope: Floats,
    stream: np.uint64,
    fast: bool,
    factor: Floats,
) -> Floats:
    """Set each unit's factor: `level`, and `slope` for every time it is drawn."""
    make = _drawn_factors_plain
    if fast:
        from tryggstat.survey import _replicate_kernels

        make = _replicate_kernels.drawn_factors
    make(stream, units.start, units.size, times, level, slope, factor)
    return factor


def _drawn_factors_plain(
    stream: np.uint64,
    start: Codes,
    size: Codes,
    times: Codes,
    level: Floats,
    slope: Floats,
    factor: Floats,
) -> None:
    """Draw `times` units per stratum: half a word times the size tells which."""
    counter = np.arange(1, times.sum() // 2 + 2, dtype=np.uint64)
    words = _mix(counter * np.uint64(MIXERS[0]) + stream)
    halves = np.stack([words & np.uint64(0xFFFFFFFF), words >> np.uint64(32)], axis=1)
    draws = halves.ravel()[: times.sum()]
    place = (draws * np.repeat(size, times).astype(np.uint64)) >> np.uint64(32)
    unit = np.repeat(start, times) + place.astype(np.intp)
    counts = np.bincount(unit, minlength=size.sum())
    factor[:] = np.repeat(level, size) + np.repeat(slope, size) * counts


def _multistage(stages: list[_Units], seed: int, numbers: range) -> Iterator[Floats]:
    for stream in parallel.streams(seed, numbers):
        factor, kept = np.ones(1), np.ones(1)  # of the unit that a stratum is
        fraction = np.ones(1)
        for units in stages:
            n, m = units.size, np.maximum(units.size // 2, 1)
            places = np.empty(units.stratum.size, dtype=np.intp)
            shuffled = stream.random(units.stratum.size)
            places[np.lexsort((shuffled, units.stratum))] = (
                np.arange(units.stratum.size) - units.start[units.stratum]
            )
            drawn = (places < m[units.stratum]) * (n / m)[units.stratum]
            if fraction.size != n.size:  # the first stage: all strata are one unit
                factor, kept, fraction = (np.repeat(x, n.size) for x in (
                    factor, kept, fraction
                ))  # fmt: skip
            spread = np.sqrt(m * fraction * (1 - units.fraction) / np.maximum(n - m, 1))
            spread = np.where(n > 1, spread, 0)
            step = (kept * spread)[units.stratum]
            factor = factor[units.stratum] + step * (drawn - 1)
            kept = kept[units.stratum] * np.sqrt(drawn)
            fraction = (fraction * units.fraction)[units.stratum]
        yield factor


def _group_sums_plain(
    top: Floats,
    bottom: Floats,
    unit: Codes,
    factors: tuple[Floats, ...],
    group: NDArray[np.int32],
    groups: int,
) -> Floats:
    """Return the sums of `factor top` and `factor bottom`, (LANES, groups, 2)."""
    sums = np.array(
        [
            [np.bincount(group, factor[unit] * x, groups) for x in (top, bottom)]
            for factor in factors
        ],
        dtype=float,
    )
    return sums.transpose(0, 2, 1)
