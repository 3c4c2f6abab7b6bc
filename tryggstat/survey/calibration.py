"""Weights that meet known totals of the population."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey._cross_table import (
    Cells,
    Column,
    Variables,
    codes_of,
    cross,
    levels_of,
    targets_of,
)
from tryggstat.survey.design import encode
from tryggstat.survey.weighting import (
    ContradictingMargins,
    EmptyCell,
    Margin,
    MarginsNotMet,
    NegativeWeight,
    Weights,
    _checked,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Totals = Mapping[str, Mapping[Any, float] | float]


def post_stratify(
    weight: ArrayLike, cell: Column, totals: Mapping[Any, float]
) -> Weights:
    """
    Scale the weights in each cell to the number of persons who live there.

    Parameters
    ----------
    weight : array of float, shape (n,)
        Weights to start from.
    cell : array of shape (n,)
        The post-stratum of each person.
    totals : mapping from cell to float
        Persons of the population in each cell.

    Returns
    -------
    Weights

    Raises
    ------
    NegativeWeight, EmptyCell, UnknownLevel, ContradictingMargins
        As `rake`.

    Notes
    -----
    With sums over cell c::

        adjustment = N_c / sum(w)

    References
    ----------
    Holt and Smith (1979), Post stratification, JRSS A 142(1), 33-46.

    Examples
    --------
    >>> post_stratify([10, 10, 10], ["m", "k", "k"], {"m": 50, "k": 60}).weight
    array([50., 30., 30.])
    """
    return rake(weight, {"cell": cell}, {"cell": totals})


def rake(
    weight: ArrayLike,
    variables: Variables,
    totals: Mapping[str, Mapping[Any, float]],
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
) -> Weights:
    """
    Scale the weights until they meet several margins of the population at once.

    Parameters
    ----------
    weight : array of float, shape (n,)
        Weights to start from.
    variables : mapping from name to array of shape (n,)
        The level of each person. Variables without totals are left aside.
    totals : mapping from name to mapping from level to float
        Persons of the population on each level of each variable.
    tolerance : float, default 1e-10
        Largest relative error of a total to stop at.
    max_iterations : int, default 1000
        Rounds before giving up.

    Returns
    -------
    Weights

    Raises
    ------
    NegativeWeight
        A weight is negative or no number.
    EmptyCell
        A level with persons in the population has none in the sample.
    UnknownLevel
        A person of the sample has a level without a total.
    ContradictingMargins
        A total is negative, or two variables have different sums.
    MarginsNotMet
        The rounds did not reach the totals; the worst margin is named.

    Notes
    -----
    Iterative proportional fitting: each variable in turn multiplies the weights on
    level l by N_l / sum(w). Persons with the same levels keep the same factor, so the
    rounds run over the cross-table of the observed combinations and not over persons.
    The result minimises sum(w' log(w'/w) - w' + w) under the totals.

    References
    ----------
    Deming and Stephan (1940), Annals of Mathematical Statistics 11(4), 427-444.
    Deville, Särndal and Sautory (1993), JASA 88(423), 1013-1020.

    Examples
    --------
    >>> raked = rake(
    ...     [1, 1, 1, 1],
    ...     {"sex": ["m", "m", "k", "k"], "age": [1, 2, 1, 2]},
    ...     {"sex": {"m": 40, "k": 60}, "age": {1: 30, 2: 70}},
    ... )
    >>> raked.weight
    array([12., 28., 18., 42.])
    >>> raked.largest_margin_error < 1e-10
    True
    """
    w = _checked(weight)
    _check_totals(totals, tolerance)
    cells = cross(variables, totals, w.size)
    return _rake(w, cells, totals, tolerance, max_iterations)


def raker(
    variables: Variables,
    totals: Mapping[str, Mapping[Any, float]],
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
) -> Callable[[ArrayLike], Floats]:
    """
    Prepare raking of many sets of weights for the same persons.

    Parameters
    ----------
    variables, totals, tolerance, max_iterations
        As in `rake`.

    Returns
    -------
    callable
        Takes weights, shape (n,), and returns them raked. It can be handed to
        `replicate` as `calibrate`.

    Raises
    ------
    UnknownLevel, ContradictingMargins
        As `rake`; the callable raises the rest.

    Notes
    -----
    As `rake`; the cross-table is made once.

    References
    ----------
    Deming and Stephan (1940), Annals of Mathematical Statistics 11(4), 427-444.

    Examples
    --------
    >>> to_margins = raker({"sex": ["m", "m", "k"]}, {"sex": {"m": 60, "k": 40}})
    >>> to_margins([1, 2, 7]), to_margins([3, 0, 1])
    (array([20., 40., 40.]), array([60.,  0., 40.]))
    """
    _check_totals(totals, tolerance)
    persons = encode(next(iter(variables.values()))).codes.size
    cells = cross(variables, totals, persons)

    def to_margins(weight: ArrayLike) -> Floats:
        w = _checked(weight)
        return _rake(w, cells, totals, tolerance, max_iterations).weight

    return to_margins


def _rake(
    w: Floats,
    cells: Cells,
    totals: Mapping[str, Mapping[Any, float]],
    tolerance: float,
    max_iterations: int,
) -> Weights:
    table = cells.sums(w)
    before = table.copy()
    targets = [targets_of(totals[name]) for name in totals]
    _check_not_empty(table, cells, totals)

    errors: list[float] = []
    while not errors or errors[-1] > tolerance:
        if len(errors) == max_iterations:
            margins = _margins(totals, cells, table)
            raise MarginsNotMet(_worst(margins, f"after {max_iterations} rounds"))
        largest = 0.0
        for code, target in zip(cells.codes, targets, strict=True):
            factor = target / np.bincount(code, table, target.size)
            largest = max(largest, float(np.abs(1 / factor - 1).max()))
            table *= factor[code]
        errors.append(largest)
    adjustment = np.divide(table, before, out=np.ones_like(table), where=before > 0)
    margins = _margins(totals, cells, table)
    new = adjustment[cells.key]
    new *= w
    return Weights(new, w, len(errors), tuple(errors), margins)


def calibrate(
    weight: ArrayLike,
    variables: Variables,
    totals: Totals,
    *,
    method: Literal["linear", "raking", "logit"] = "linear",
    bounds: tuple[float, float] | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
) -> Weights:
    """
    Find the weights closest to the old ones that meet all totals.

    Parameters
    ----------
    weight : array of float, shape (n,)
        Weights to start from.
    variables : mapping from name to array of shape (n,)
        Levels, or numbers for continuous variables.
    totals : mapping from name to mapping from level to float, or to float
        Persons on each level; for a continuous variable its sum over the population.
    method : {"linear", "raking", "logit"}, default "linear"
        What "closest" means. "linear" is the generalised regression estimator, "raking"
        keeps weights positive, "logit" keeps the adjustments within the bounds.
    bounds : pair of float, optional
        Smallest and largest adjustment allowed, the first below 1 and the second
        above. Needed by "logit"; with the others the adjustments are cut off there.
    tolerance : float, default 1e-10
        Largest relative error of a total to stop at.
    max_iterations : int, default 100
        Newton steps before giving up.

    Returns
    -------
    Weights
        With a warning when weights came out negative, as "linear" without bounds can.

    Raises
    ------
    NegativeWeight, EmptyCell, UnknownLevel, ContradictingMargins
        As `rake`.
    MarginsNotMet
        No adjustments within the bounds meet the totals; the worst margin is named.
    ValueError
        The bounds do not enclose 1, or "logit" has none.

    Notes
    -----
    The adjustment is g = F(x'b), with b such that sum(w g x) = totals::

        linear   F(u) = 1 + u
        raking   F(u) = exp(u)
        logit    F(u) = (L (U-1) + U (1-L) e) / (U-1 + (1-L) e),
                 e = exp(u (U-L) / ((1-L) (U-1)))

    Newton's method, the step halved while it makes the totals worse. Redundant totals
    do no harm. Without continuous variables it runs over the cross-table.

    References
    ----------
    Deville and Särndal (1992), JASA 87(418), 376-382.

    Examples
    --------
    Two persons aged 20 and 40 are to stand for 10 persons aged 340 years in all:

    >>> result = calibrate(
    ...     [5, 5], {"all": [1, 1], "age": [20, 40]}, {"all": 10, "age": 340}
    ... )
    >>> result.weight.round(9)
    array([3., 7.])
    """
    distance = _distance(method, bounds)
    w = _checked(weight)
    _check_totals(totals, tolerance)
    levels = {k: v for k, v in totals.items() if isinstance(v, Mapping)}
    cells = cross(variables, levels, w.size)
    table = cells.sums(w)
    _check_not_empty(table, cells, levels)
    if len(levels) == len(totals):  # persons of a cell get the same adjustment
        base, row = table, cells.key
        sizes = [targets_of(wanted) for wanted in levels.values()]
        x = np.hstack(
            [_indicators(c, t.size) for c, t in zip(cells.codes, sizes, strict=True)]
        )
        target = np.concatenate(sizes)
    else:
        base, row = w, np.arange(w.size)
        x, target = margin_matrix(variables, totals)

    g, errors = _newton(base, x, target, distance, tolerance, max_iterations)
    margins = _named_margins(totals, (base * g) @ x)
    if errors[-1] > tolerance:
        within = f" with adjustments within {bounds}" if bounds else ""
        raise MarginsNotMet(_worst(margins, f"after {len(errors)} rounds{within}"))
    new = w * g[row]
    warnings: list[str] = []
    if negative := int((new < 0).sum()):
        warnings.append(f"{negative} weights are negative: use bounds or raking")
    return Weights(new, w, len(errors), tuple(errors), margins, tuple(warnings))


def _newton(
    base: Floats,
    x: Floats,
    target: Floats,
    distance: Callable[[Floats], tuple[Floats, Floats]],
    tolerance: float,
    max_iterations: int,
) -> tuple[Floats, list[float]]:
    """Return the adjustments that meet the targets, and the error after each step."""
    scale = np.where(target != 0, np.abs(target), base @ np.abs(x))
    scale = np.where(scale > 0, scale, 1.0)
    norm = np.sqrt(base @ x**2)
    norm = np.where(norm > 0, norm, 1.0)
    unit = x / norm

    def miss(g: Floats) -> Floats:
        return np.asarray((target - (base * g) @ x) / scale)

    u = np.zeros(base.size)
    g, slope = distance(u)
    missing = miss(g)
    errors: list[float] = []
    while not errors or (errors[-1] > tolerance and len(errors) < max_iterations):
        gram = (unit * (base * slope)[:, None]).T @ unit
        # margins of several variables are linearly dependent: the shortest solution
        b = np.linalg.lstsq(gram, missing * scale / norm, rcond=1e-12)[0]
        step = unit @ b
        for _ in range(30):
            g, slope = distance(u + step)
            after = miss(g)
            if after @ after <= missing @ missing:
                break
            step = step / 2
        u, missing = u + step, after
        errors.append(float(np.abs(missing).max()))
    return g, errors


def check_margins(
    weight: ArrayLike, variables: Variables, totals: Totals
) -> tuple[Margin, ...]:
    """
    Say what weights add up to, total by total.

    Parameters
    ----------
    weight : array of float, shape (n,)
        Any weights, such as trimmed ones.
    variables, totals
        As in `calibrate`.

    Returns
    -------
    tuple of Margin
        In the order of the totals.

    Raises
    ------
    UnknownLevel
        A person of the sample has a level without a total.

    Notes
    -----
    sum(w) over each level, sum(w x) for a continuous variable.

    References
    ----------
    Deville and Särndal (1992), JASA 87(418), 376-382.

    Examples
    --------
    >>> margin, = check_margins([5, 6], {"age": [20, 40]}, {"age": 350})
    >>> margin.reached, round(margin.error, 4)
    (340.0, 0.0286)
    """
    w = np.asarray(weight, dtype=float)
    sums: list[Floats] = []
    for name, wanted in totals.items():
        if isinstance(wanted, Mapping):
            code = codes_of(name, variables[name], wanted)
            sums.append(np.bincount(code, w, len(levels_of(wanted))).astype(float))
        else:
            sums.append(np.array([w @ np.asarray(variables[name], dtype=float)]))
    return _named_margins(totals, np.concatenate(sums) if sums else np.zeros(0))


def margin_matrix(variables: Variables, totals: Totals) -> tuple[Floats, Floats]:
    """
    Return what each person adds to each total, and the totals.

    The variance of a calibrated estimate is that of the residuals of the outcome on
    this matrix.

    Parameters
    ----------
    variables : mapping from name to array of shape (n,)
        Levels, or numbers for continuous variables.
    totals : mapping from name to mapping from level to float, or to float
        As in `calibrate`.

    Returns
    -------
    x : array of float, shape (n, p)
        An indicator per level with persons, and the value of each continuous variable.
        Columns of several variables are linearly dependent: each variable's sum to 1.
    totals : array of float, shape (p,)

    Raises
    ------
    UnknownLevel
        A person of the sample has a level without a total.
    ValueError
        A continuous variable has a value that is no number.

    Notes
    -----
    x'w = totals holds for calibrated weights w.

    References
    ----------
    Deville and Särndal (1992), JASA 87(418), 376-382.

    Examples
    --------
    >>> margin_matrix({"sex": ["m", "k"], "age": [20, 40]},
    ...               {"sex": {"k": 6, "m": 4}, "age": 340})
    (array([[ 0.,  1., 20.],
           [ 1.,  0., 40.]]), array([  6.,   4., 340.]))
    """
    columns: list[Floats] = []
    targets: list[float] = []
    for name, wanted in totals.items():
        if isinstance(wanted, Mapping):
            code = codes_of(name, variables[name], wanted)
            size = targets_of(wanted).size
            columns.append(_indicators(code, size))
            targets.extend(targets_of(wanted))
        else:
            value = np.asarray(variables[name], dtype=float)
            if not np.isfinite(value).all():
                raise ValueError(f"{name} has a value that is no number")
            columns.append(value[:, None])
            targets.append(float(wanted))
    return np.hstack(columns), np.array(targets)


@dataclass(frozen=True)
class RakedReplicates:
    """
    Raked replicate weights, kept as one factor per cell and replicate.

    Attributes
    ----------
    cell : array of int, shape (n,)
        The cell of each person.
    factor : array of float, shape (cells, replicates)
        What the replicate weights of a cell are multiplied by; 1 where it is empty.
    iterations : int
        Rounds until the last replicate was done.
    largest_margin_error : float
        Over all replicates.
    """

    cell: Integers
    factor: Floats
    iterations: int
    largest_margin_error: float

    def weights(self, weight: ArrayLike, multiplicity: ArrayLike) -> Floats:
        """Return the replicate weights in full, shape (n, replicates)."""
        w = np.asarray(weight, dtype=float)
        return np.asarray(w[:, None] * multiplicity * self.factor[self.cell])


def rake_replicates(
    weight: ArrayLike,
    multiplicity: ArrayLike,
    variables: Variables,
    totals: Mapping[str, Mapping[Any, float]],
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
) -> RakedReplicates:
    """
    Rake the weights of all replicates side by side, each to the same margins.

    Parameters
    ----------
    weight : array of float, shape (n,)
        Weights to start from. 1 for all when `multiplicity` holds replicate weights.
    multiplicity : array of int or float, shape (n, replicates)
        What the weight is multiplied by in each replicate: how often a bootstrap drew
        the person (bytes will do), or the factors of a jackknife.
    variables, totals, tolerance, max_iterations
        As in `rake`.

    Returns
    -------
    RakedReplicates

    Raises
    ------
    NegativeWeight, UnknownLevel, ContradictingMargins, MarginsNotMet
        As `rake`.
    EmptyCell
        In a replicate nobody is left on a level: join levels.

    Notes
    -----
    As `rake`. Only sums per cell and replicate are kept, not a weight per person and
    replicate.

    References
    ----------
    Deming and Stephan (1940), Annals of Mathematical Statistics 11(4), 427-444.
    Canty and Davison (1999), The Statistician 48(3), 379-391.

    Examples
    --------
    >>> raked = rake_replicates(
    ...     [10, 10, 10], [[1, 2], [2, 0], [0, 1]],
    ...     {"sex": ["m", "m", "k"]}, {"sex": {"m": 60}},
    ... )
    Traceback (most recent call last):
    ...
    tryggstat.survey.weighting.UnknownLevel: sex has no total for 'k'
    >>> raked = rake_replicates(
    ...     [10, 10, 10], [[1, 2], [2, 0], [1, 1]],
    ...     {"sex": ["m", "m", "k"]}, {"sex": {"m": 60, "k": 40}},
    ... )
    >>> raked.weights([10, 10, 10], [[1, 2], [2, 0], [1, 1]])
    array([[20., 60.],
           [40.,  0.],
           [40., 40.]])
    """
    from tryggstat.survey import _raking_kernels  # numba: only when it is needed

    w = _checked(weight)
    times = np.ascontiguousarray(multiplicity)
    if times.ndim != 2 or len(times) != w.size:
        raise ValueError(f"multiplicity must have {w.size} rows, got {times.shape}")
    if times.dtype.kind not in "ub" and not (times >= 0).all():
        raise NegativeWeight("multiplicity must be 0 or more for all")
    _check_totals(totals, tolerance)
    cells = cross(variables, totals, w.size)
    table = _raking_kernels.collapse(cells.key, w, times, cells.size)
    before = table.copy()
    for code, (name, wanted) in zip(cells.codes, totals.items(), strict=True):
        levels, target = levels_of(wanted), targets_of(wanted)
        sums = _raking_kernels.margin(table, code, target.size)
        for level, replicate in np.argwhere(sums == 0):
            raise EmptyCell(f"{name}={levels[level]} is empty in replicate {replicate}")
    targets = [targets_of(wanted) for wanted in totals.values()]
    iterations, error = _raking_kernels.rake_table(
        table,
        np.array(cells.codes),
        np.concatenate(targets),
        np.cumsum([0] + [target.size for target in targets]),
        tolerance,
        max_iterations,
    )
    if error > tolerance:
        raise MarginsNotMet(
            f"a margin of a replicate misses by {error:.2g} after {iterations} rounds"
        )
    factor = np.divide(table, before, out=np.ones_like(table), where=before > 0)
    return RakedReplicates(cells.key, factor, iterations, error)


def _check_totals(totals: Totals, tolerance: float) -> None:
    sums: dict[str, float] = {}
    for name, wanted in totals.items():
        if isinstance(wanted, Mapping):
            for level, total in wanted.items():
                if not (math.isfinite(total) and total >= 0):
                    raise ContradictingMargins(f"{name}={level} has the total {total}")
            sums[name] = math.fsum(wanted.values())
        elif not math.isfinite(wanted):
            raise ContradictingMargins(f"{name} has the total {wanted}")
    for name, total in sums.items():
        first, expected = next(iter(sums.items()))
        if abs(total - expected) > tolerance * expected:
            raise ContradictingMargins(
                f"{name} sums to {total:.12g}, but {first} to {expected:.12g}"
            )


def _check_not_empty(
    table: Floats, cells: Cells, totals: Mapping[str, Mapping[Any, float]]
) -> None:
    for margin in _margins(totals, cells, table):
        if margin.reached == 0:
            raise EmptyCell(
                f"{margin.variable}={margin.level} has {margin.total:g} persons in the "
                "population and nobody with a weight in the sample"
            )


def _margins(
    totals: Mapping[str, Mapping[Any, float]], cells: Cells, table: Floats
) -> tuple[Margin, ...]:
    sums = [
        np.bincount(code, table, len(levels_of(wanted)))
        for code, wanted in zip(cells.codes, totals.values(), strict=True)
    ]
    return _named_margins(totals, np.concatenate(sums) if sums else np.zeros(0))


def _named_margins(totals: Totals, reached: Floats) -> tuple[Margin, ...]:
    names: list[tuple[str, Hashable | None, float]] = []
    for name, wanted in totals.items():
        if isinstance(wanted, Mapping):
            names += [
                (name, level, float(wanted[level])) for level in levels_of(wanted)
            ]
        else:
            names.append((name, None, float(wanted)))
    return tuple(
        Margin(*named, float(sum_)) for named, sum_ in zip(names, reached, strict=True)
    )


def _indicators(code: NDArray[Any], size: int) -> Floats:
    return np.asarray(code[:, None] == np.arange(size), dtype=float)


def _worst(margins: Sequence[Margin], when: str) -> str:
    worst = max(margins, key=lambda margin: margin.error)
    level = "" if worst.level is None else f"={worst.level}"
    return (
        f"{worst.variable}{level} reaches {worst.reached:.12g} instead of "
        f"{worst.total:.12g} {when}"
    )


def _distance(
    method: str, bounds: tuple[float, float] | None
) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Return the function from x'b to the adjustment and its slope."""
    if method not in ("linear", "raking", "logit"):
        raise ValueError(f"method must be linear, raking or logit, got {method!r}")
    if bounds is None and method == "logit":
        raise ValueError("logit needs bounds")
    low, high = bounds if bounds is not None else (-math.inf, math.inf)
    if not low < 1 < high:
        raise ValueError(f"bounds must enclose 1, got {low:g} and {high:g}")

    def logit(u: Floats) -> tuple[Floats, Floats]:
        steep = (high - low) / ((1 - low) * (high - 1))
        # written with exp(-|v|) so that it cannot overflow
        v = steep * u
        e = np.exp(-np.abs(v))
        a = np.where(v > 0, (high - 1) * e, high - 1)
        b = np.where(v > 0, 1 - low, (1 - low) * e)
        g = (low * a + high * b) / (a + b)
        return g, (g - low) * (high - g) / (high - low) * steep

    def cut_off(u: Floats) -> tuple[Floats, Floats]:
        # 300: a step far too long must be seen to be so, not overflow
        g: Floats = 1 + u if method == "linear" else np.exp(np.minimum(u, 300))
        slope = np.ones_like(u) if method == "linear" else g
        inside = (g > low) & (g < high)
        return np.clip(g, low, high), slope * inside

    return logit if method == "logit" else cut_off
