"""What is asked of a sample: which variables, in which groups, with which options."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey._columns import Coded, Codes, Floats, encode
from tryggstat.survey._intervals import Interval
from tryggstat.survey.design import Design

Kind = Literal["mean", "share", "total", "ratio", "quantile"]
By = Mapping[str, ArrayLike | Coded]
ONE = np.ones(1)


class Groups(NamedTuple):
    """The groups of `by`, crossed, as far as they occur in the sample."""

    code: Codes  # of each row, -1 for rows outside
    size: int
    labels: dict[str, NDArray[Any]]
    warnings: tuple[str, ...] = ()


def groups_of(design: Design, by: By | None, where: ArrayLike | None) -> Groups:
    """Cross the grouping variables and leave out the rows that are not `where`."""
    code, count = np.zeros(design.rows, dtype=np.intp), 1
    labels: dict[str, NDArray[Any]] = {}
    warnings = []
    for name, column in (by or {}).items():
        codes, names = encode(column)
        if codes.shape != code.shape:
            raise ValueError(
                f"{name} must be as long as weight, got {codes.size} and {code.size}"
            )
        if nameless := int((codes < 0).sum()):
            warnings.append(f"{name}: {nameless} rows without a group are left out")
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
    return Groups(code, count, labels, tuple(warnings))


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


def default_interval(kind: Kind) -> str:
    """Return the interval of a kind when none is asked for."""
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


def quotient(totals: Floats, kind: Kind) -> Floats:
    """Return the estimate from the sums of top and bottom in the last dimension."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(totals[..., 0] / (1 if kind == "total" else totals[..., 1]))


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
