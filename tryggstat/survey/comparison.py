"""Differences between groups and between waves, and what can be said of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat import __version__
from tryggstat.survey._columns import Codes, Floats, sums
from tryggstat.survey._intervals import normal
from tryggstat.survey._questions import (
    By,
    Groups,
    Kind,
    Variable,
    check_options,
    groups_of,
    plain_rows,
    quotient,
    variables_of,
)
from tryggstat.survey.design import Design
from tryggstat.survey.estimation import Estimates

Adjust = Literal["bh", "holm", "none"]
FIGURES = (
    "contrast",
    "estimate",
    "reference",
    "difference",
    "se",
    "low",
    "high",
    "df",
    "p",
    "p_adjusted",
    "verdict",
)
BLOCK = 16  # contrasts whose scores are held at once


@dataclass(frozen=True, eq=False)
class Contrasts:
    """
    Differences, one row per variable, level and contrast, in the variable's unit.

    Attributes
    ----------
    value, level, by : as in `Estimates`
        The variable, and the groups within which was compared.
    contrast : array of str, shape (rows,)
        The name of the contrast: its two groups.
    estimate, reference : array, shape (rows,)
        What is compared, and with what.
    difference, se : array, shape (rows,)
        estimate - reference, and its standard error.
    low, high : array, shape (rows,)
        Confidence interval of the difference.
    df : array, shape (rows,)
        Degrees of freedom.
    p, p_adjusted : array, shape (rows,)
        Two-sided p, alone and adjusted for the whole family.
    verdict : array of str, shape (rows,)
        "established" (statistiskt säkerställd) where p_adjusted < 1 - confidence, else
        "cannot_tell".
    warnings : tuple of str
        Doubts, and reasons for NaN.
    method : dict
        The options in force, the library's version and the source of the method.
    """

    value: NDArray[Any]
    level: NDArray[Any]
    by: dict[str, NDArray[Any]]
    contrast: NDArray[Any]
    estimate: Floats
    reference: Floats
    difference: Floats
    se: Floats
    low: Floats
    high: Floats
    df: Floats
    p: Floats
    p_adjusted: Floats
    verdict: NDArray[Any]
    warnings: tuple[str, ...]
    method: dict[str, Any]

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.difference.size

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one plain dictionary per row, None where a figure is missing."""
        yield from plain_rows(self, FIGURES)


def adjust_p(p: ArrayLike, method: Adjust = "bh") -> Floats:
    """
    Adjust p-values for being many.

    Parameters
    ----------
    p : array, shape (k,)
        The p-values of the whole family; NaN stays NaN and does not count.
    method : {"bh", "holm", "none"}
        Benjamini and Hochberg bound the share of false findings, Holm that of any.

    Returns
    -------
    array, shape (k,)
        Adjusted p-values: significant where they are below the level.

    Raises
    ------
    ValueError
        The method is unknown.

    Notes
    -----
    With p sorted in rising order and m of them::

        bh      min over j >= i of  p_j m / j
        holm    max over j <= i of  p_j (m - j + 1),  at most 1

    References
    ----------
    Benjamini and Hochberg (1995), JRSS B 57, 289-300.
    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> adjust_p([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    >>> adjust_p([0.01, 0.04, 0.03], "holm").round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    if method not in get_args(Adjust):
        raise ValueError(
            f"adjust must be one of {', '.join(get_args(Adjust))}, got {method!r}"
        )
    given = np.array(p, dtype=float)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    m = order.size
    rank = np.arange(1, m + 1)
    if method == "bh":
        stepped = np.minimum.accumulate((given[order] * (m / rank))[::-1])[::-1]
        given[order] = np.minimum(stepped, 1)
    elif method == "holm":
        stepped = np.maximum.accumulate(given[order] * (m - rank + 1))
        given[order] = np.minimum(stepped, 1)
    return given


class Pairing(NamedTuple):
    """Which groups are compared: 0/1 per contrast and group, shape (k, groups)."""

    names: list[str]
    one: Floats
    other: Floats
    by: dict[str, NDArray[Any]]
    warnings: list[str]


def compare(
    design: Design,
    values: Mapping[str, ArrayLike],
    *,
    kind: Kind = "mean",
    by: By,
    against: Any = "rest",
    contrasts: Mapping[str, tuple[Any, Any]] | None = None,
    level: Any = None,
    denominator: ArrayLike | None = None,
    where: ArrayLike | None = None,
    adjust: Adjust = "bh",
    confidence: float = 0.95,
    pool: Executor | None = None,
) -> Contrasts:
    """
    Compare groups of one sample, with the covariance that the design gives them.

    Parameters
    ----------
    design : Design
        How the sample was drawn.
    values, kind, level, denominator, where, pool : as in `estimate`
        What to compare; quantiles cannot be.
    by : mapping from str to array, shape (n,)
        The last variable is compared, within each combination of the others.
    against : "rest" or a label, default "rest"
        Compare every group with all other groups together, or with one of them.
    contrasts : mapping from str to pair of labels, optional
        Compare these pairs instead, first minus second; the second may be "rest".
    adjust : {"bh", "holm", "none"}
        How p is adjusted for all rows of the answer.
    confidence : float between 0 and 1, default 0.95
        Confidence level of intervals and verdicts.

    Returns
    -------
    Contrasts
        One row per variable, level and contrast.

    Raises
    ------
    ValueError
        As `estimate`; or a label is in no group, or quantiles are asked for.
    LonelyUnit
        A stratum has a single unit and the design says "fail".

    Notes
    -----
    With u the linearised score of each side, 0 outside it::

        d = theta_1 - theta_2,   v = v(total of u_1 - u_2),   t = d / sqrt(v)

    with Satterthwaite's degrees of freedom (v_1 + v_2)^2 / (v_1^2/df_1 + v_2^2/df_2),
    v_i and df_i those of each side alone, so that a small group against a large one has
    about those of the small one. A share of 0 or 1 shows no spread, however few have
    answered; there q (1-q) / n is added to v, with q = 1 / (2n + 2), half an answer
    more. Non-overlap of two intervals is not this test.

    References
    ----------
    Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, chapter 5.
    Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
    Benjamini and Hochberg (1995), JRSS B 57, 289-300.

    Examples
    --------
    >>> y, area = {"y": [1, 2, 2, 3, 7, 8, 8, 9]}, {"area": list("aaaabbbb")}
    >>> result = compare(Design(np.ones(8)), y, by=area, against="a")
    >>> result.contrast.tolist(), result.difference.tolist(), result.verdict.tolist()
    (['b - a'], [6.0], ['established'])
    """
    check_options(kind, None, confidence, None)
    if kind == "quantile":
        raise ValueError("quantiles cannot be compared")
    groups = groups_of(design, by, where)
    pairing = _pairing(groups, against, contrasts)
    variables = list(variables_of(design, values, kind, level, denominator))
    parts = [_differences(design, v, kind, groups, pairing, pool) for v in variables]
    one, other, variance, df = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    return _conclude(
        Labels(
            np.repeat([v.name for v in variables], len(pairing.names)),
            np.repeat(
                np.array([v.level for v in variables], object), len(pairing.names)
            ),
            {k: np.tile(v, len(variables)) for k, v in pairing.by.items()},
            np.tile(np.array(pairing.names), len(variables)),
        ),
        one,
        other,
        variance,
        df,
        adjust,
        confidence,
        [*groups.warnings, *pairing.warnings],
        {"kind": kind, "variance": "Taylor linearisation"}
        | (design.replicates.method if design.replicates else {}),
    )


def compare_waves(
    before: Estimates,
    after: Estimates,
    *,
    adjust: Adjust = "bh",
    confidence: float = 0.95,
) -> Contrasts:
    """
    Compare two independent samples, such as two waves of a survey.

    Parameters
    ----------
    before, after : Estimates
        Of the same variables and groups; rows that only one of them has are left out.
    adjust : {"bh", "holm", "none"}
        How p is adjusted for all rows of the answer.
    confidence : float between 0 and 1, default 0.95
        Confidence level of intervals and verdicts.

    Returns
    -------
    Contrasts
        after - before, one row for each row that both have.

    Raises
    ------
    ValueError
        The two have different kinds, or no row in common.

    Notes
    -----
    The samples must have been drawn independently: then v = v_1 + v_2, with
    Satterthwaite's degrees of freedom (v_1 + v_2)^2 / (v_1^2/df_1 + v_2^2/df_2). It is
    too large where the same persons are asked twice. Shares of 0 or 1: see `compare`.

    References
    ----------
    Satterthwaite (1946), Biometrics Bulletin 2, 110-114.

    Examples
    --------
    >>> from tryggstat.survey import estimate
    >>> waves = [
    ...     estimate(Design(np.ones(50)), {"unsafe": np.arange(50) < n}, kind="share")
    ...     for n in (10, 30)
    ... ]
    >>> change = compare_waves(*waves)
    >>> round(float(change.difference[0]), 3), str(change.verdict[0])
    (0.4, 'established')
    """
    if before.method["kind"] != after.method["kind"]:
        raise ValueError("the two waves must be estimates of the same kind")
    keys = [_keys(wave) for wave in (before, after)]
    place = {key: i for i, key in enumerate(keys[0])}
    pairs = [(place[key], j) for j, key in enumerate(keys[1]) if key in place]
    if not pairs:
        raise ValueError("the two waves have no row in common")
    old, new = np.array(pairs).T
    kind = after.method["kind"]
    v = [
        wave.se[i] ** 2 + _half_an_answer(kind, wave.estimate[i], wave.n[i])
        for wave, i in ((before, old), (after, new))
    ]
    df = _satterthwaite(v[0], v[1], before.df[old], after.df[new])
    left = len(before) + len(after) - 2 * len(pairs)
    return _conclude(
        Labels(
            after.value[new],
            after.level[new],
            {k: labels[new] for k, labels in after.by.items()},
            np.repeat("after - before", new.size),
        ),
        after.estimate[new],
        before.estimate[old],
        v[0] + v[1],
        df,
        adjust,
        confidence,
        [f"{left} rows are in one wave only"] if left else [],
        {"kind": kind, "variance": "independent samples"},
    )


def _keys(wave: Estimates) -> list[tuple[Any, ...]]:
    groups = zip(*(labels.tolist() for labels in wave.by.values()), strict=True)
    by = list(groups) or [()] * len(wave)
    return list(zip(wave.value.tolist(), wave.level.tolist(), by, strict=True))


def _pairing(
    groups: Groups, against: Any, contrasts: Mapping[str, tuple[Any, Any]] | None
) -> Pairing:
    """Pair the groups of the last variable within each combination of the others."""
    if not groups.labels:
        raise ValueError("there must be groups to compare: by is empty")
    *others, last = groups.labels
    labels = [str(label) for label in groups.labels[last].tolist()]
    combination = list(
        zip(*(groups.labels[name].tolist() for name in others), strict=True)
    ) or [()] * len(labels)
    if contrasts is None:
        wanted = {
            f"{label} - {against}": (label, str(against))
            for label in dict.fromkeys(labels)
            if label != str(against)
        }
    else:
        wanted = {name: (str(x), str(y)) for name, (x, y) in contrasts.items()}
    for label in {label for pair in wanted.values() for label in pair} - {"rest"}:
        if label not in labels:
            raise ValueError(f"there is no group {label} of {last}")
    rows: list[tuple[str, Floats, Floats, tuple[Any, ...]]] = []
    warnings = []
    for here in dict.fromkeys(combination):
        inside = np.array([c == here for c in combination])
        for name, (x, y) in wanted.items():
            one = inside & np.array([label == x for label in labels])
            is_other = [label != x if y == "rest" else label == y for label in labels]
            other = inside & np.array(is_other)
            if one.any() and other.any():
                rows.append((name, one.astype(float), other.astype(float), here))
            else:
                warnings.append(f"{name} cannot be compared where {here}")
    if not rows:
        raise ValueError(f"there are no two groups of {last} to compare")
    names, ones, rest, places = zip(*rows, strict=True)
    by = {
        name: np.array([place[i] for place in places]) for i, name in enumerate(others)
    }
    return Pairing(list(names), np.stack(ones), np.stack(rest), by, warnings)


def _differences(
    design: Design,
    variable: Variable,
    kind: Kind,
    groups: Groups,
    pairing: Pairing,
    pool: Executor | None,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return both sides of each contrast, the variance of the difference, and df."""
    top = variable.top
    bottom = np.broadcast_to(variable.bottom, top.shape)
    valid = ~np.isnan(top) & ~np.isnan(bottom) & (groups.code >= 0) & (design.w > 0)
    code = np.where(valid, groups.code, groups.size)  # a last group for all others
    top, bottom = np.where(valid, top, 0), np.where(valid, bottom, 0)
    w, size = design.w, groups.size + 1
    totals = np.stack([sums(code, w * top, size), sums(code, w * bottom, size)], axis=1)
    answers = sums(code, valid, size)
    sides = [np.pad(side, ((0, 0), (0, 1))) for side in (pairing.one, pairing.other)]
    one, other = (quotient(side @ totals, kind) for side in sides)
    added = _half_an_answer(kind, one, sides[0] @ answers)
    added += _half_an_answer(kind, other, sides[1] @ answers)
    df = np.array(
        [
            [design.degrees_of_freedom_of(rows[code]) for rows in side > 0]
            for side in sides
        ],
        dtype=float,
    )
    # of both sides and of their difference, so that the smaller side decides on df
    variances = np.empty((3, one.size))
    if (r := design.replicates) is not None:
        pair = (variable.top, variable.bottom)
        made = r.sums(groups.code, groups.size, [pair], pool)[:, 0]
        thetas = [quotient(side[:, :-1] @ made, kind) for side in sides]
        for i, (theta, point) in enumerate(
            ((thetas[0], one), (thetas[1], other), (thetas[0] - thetas[1], one - other))
        ):
            variances[i] = r.variance(theta, point)
        df = np.minimum(df, r.degrees_of_freedom(df[0], 0 * code, 1))
    elif kind != "total" and _rows_are_drawn_at_once(design):
        variances = _variances_by_cells(design, top, bottom, code, sides, totals, kind)
    else:
        for start in range(0, one.size, BLOCK):
            block = slice(start, start + BLOCK)
            scores = [
                _scores(top, bottom, code, side[block], side[block] @ totals, kind)
                for side in sides
            ]
            for i, score in enumerate((*scores, scores[0] - scores[1])):
                variances[i, block] = np.diag(design.covariance(score))
    return one, other, variances[2] + added, _satterthwaite(*variances[:2], *df)


def _satterthwaite(v1: Floats, v2: Floats, df1: Floats, df2: Floats) -> Floats:
    """Return the degrees of freedom of the sum of two variances."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(v1 > 0, v1**2 / df1, 0) + np.where(v2 > 0, v2**2 / df2, 0)
        return np.where(shares > 0, (v1 + v2) ** 2 / shares, np.minimum(df1, df2))


def _rows_are_drawn_at_once(design: Design) -> bool:
    """Say whether rows are the units of the only stage, each stratum with two or so."""
    first, *later = design.stages
    plain = first.unit is None and not later and design.calibration is None
    return bool(plain and first.centred.all())


def _variances_by_cells(
    design: Design,
    top: Floats,
    bottom: Floats,
    code: Codes,
    sides: list[Floats],
    totals: Floats,
    kind: Kind,
) -> Floats:
    """
    Return the variances of both sides and of their difference, shape (3, k).

    They come from sums per stratum and group.

    A row's score is a (top - c bottom) - b bottom, with a and b the same for all rows
    of a group and c close to all ratios, so that no digits are lost in the squares.
    """
    stage, size = design.stages[0], len(totals)
    centre = totals[:, 0].sum() / max(totals[:, 1].sum(), np.finfo(float).tiny)
    x, y = design.w * bottom, design.w * (top - centre * bottom)
    pairs, cell = np.unique(stage.stratum * size + code, return_inverse=True)
    stratum, group = np.divmod(pairs, size)
    products = (y, x, y * y, y * x, x * x)
    s_y, s_x, s_yy, s_yx, s_xx = (sums(cell, p, pairs.size) for p in products)
    first = np.flatnonzero(np.diff(stratum, prepend=-1))
    here = stratum[first]
    both = []  # a and b of each side
    for side in sides:
        within = side @ totals
        with np.errstate(divide="ignore", invalid="ignore"):
            a = side / within[:, [1]]
            both.append((a, a * (quotient(within, kind) - centre)[:, None]))
    both.append((both[0][0] - both[1][0], both[0][1] - both[1][1]))
    variances = []
    for a, b in both:
        a, b = a[:, group], b[:, group]
        total = np.add.reduceat(a * s_y - b * s_x, first, axis=1)
        square = np.add.reduceat(
            a**2 * s_yy - 2 * a * b * s_yx + b**2 * s_xx, first, axis=1
        )
        spread = square - total**2 / stage.units[here]
        variances.append(np.maximum(spread, 0) @ stage.scale[here])
    return np.array(variances)


def _scores(
    top: Floats, bottom: Floats, code: Codes, side: Floats, totals: Floats, kind: Kind
) -> Floats:
    """Return the linearised scores of one side of each contrast, shape (n, k)."""
    inside = side.T[code]
    if kind == "total":
        return np.asarray(inside * top[:, None])
    residual = top[:, None] - quotient(totals, kind) * bottom[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(inside * residual / totals[:, 1])


def _half_an_answer(kind: Kind, p: Floats, answers: NDArray[Any]) -> Floats:
    """Return the variance that a share of 0 or 1 is given, 0 for all others."""
    n = np.maximum(answers, 1)
    q = 1 / (2 * n + 2)
    alike = (kind == "share") & ((p == 0) | (p == 1))
    return np.where(alike, q * (1 - q) / n, 0.0)


class Labels(NamedTuple):
    """What the rows of an answer are about."""

    value: NDArray[Any]
    level: NDArray[Any]
    by: dict[str, NDArray[Any]]
    contrast: NDArray[Any]


def _conclude(
    labels: Labels,
    one: Floats,
    other: Floats,
    variance: Floats,
    df: Floats,
    adjust: Adjust,
    confidence: float,
    warnings: list[str],
    method: dict[str, Any],
) -> Contrasts:
    """Test each difference, adjust for the family and say what can be said."""
    from scipy.special import stdtr

    difference, se = one - other, np.sqrt(variance)
    usable = (se > 0) & (df > 0)
    t = np.divide(np.abs(difference), se, out=np.full(se.size, np.nan), where=usable)
    p = np.where(usable, 2 * stdtr(np.where(usable, df, 1), -t), np.nan)
    p_adjusted = adjust_p(p, adjust)
    low, high = normal(difference, se, df, confidence)
    established = p_adjusted < 1 - confidence
    return Contrasts(
        *labels,
        estimate=one,
        reference=other,
        difference=difference,
        se=se,
        low=low,
        high=high,
        df=df,
        p=p,
        p_adjusted=p_adjusted,
        verdict=np.where(established, "established", "cannot_tell"),
        warnings=(
            *warnings,
            *(
                f"{name}: no spread or no degrees of freedom, so no test"
                for name in labels.contrast[~usable].tolist()
            ),
        ),
        method={
            **method,
            "adjust": adjust,
            "confidence": confidence,
            "version": __version__,
            "source": "Särndal, Swensson and Wretman (1992), chapter 5",
        },
    )
