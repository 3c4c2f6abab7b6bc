"""Variables of areas put on one scale, so that distances mean something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

TRANSFORMS = ("none", "log", "logit")


def standardise(
    values: ArrayLike,
    population: ArrayLike | None = None,
    transform: Sequence[str] | None = None,
) -> NDArray[np.float64]:
    """
    Transform each variable and give it mean 0 and standard deviation 1 over the people.

    Parameters
    ----------
    values : array of float, shape (m, p)
        One row per area, one column per variable. Leave areas with missing values out.
    population : array of float, shape (m,), optional
        Persons in each area, the weights of mean and standard deviation. Left out, all
        areas weigh the same.
    transform : sequence of str, length p, optional
        For each column "none", "log" (amounts above 0) or "logit" (shares from 0 to 1).
        Left out, no column is transformed.

    Returns
    -------
    array of float, shape (m, p)
        Standard deviations from the mean.

    Raises
    ------
    ValueError
        A value is missing, a population is not above 0, shapes or names do not fit, a
        column is the same in all areas, or a value lies outside what its transform
        takes.

    Notes
    -----
    With weights w that sum to 1, and y = x, log x or log(x / (1 - x))::

        z = (y - sum(w y)) / sqrt(sum(w (y - sum(w y))^2))

    With a population N, shares go through the empirical logit
    log((N x + 1/2) / (N (1 - x) + 1/2)), which also takes the shares 0 and 1. It treats
    N as the number that the share was counted in.

    References
    ----------
    Cox (1970), The Analysis of Binary Data, section 3.2 (empirical logit).

    Examples
    --------
    >>> standardise([[1.0], [3.0]]).ravel().tolist()
    [-1.0, 1.0]
    >>> standardise([[1.0], [3.0]], population=[300, 100]).round(3).ravel().tolist()
    [-0.577, 1.732]
    """
    x = np.asarray(values, dtype=float)
    if x.ndim != 2 or x.shape[0] < 2 or x.shape[1] < 1:
        raise ValueError(
            f"values must have two areas or more and a column or more, got {x.shape}"
        )
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"the value of area {row} in column {column} is missing")
    persons = None if population is None else np.asarray(population, dtype=float)
    if persons is not None and persons.shape != x.shape[:1]:
        raise ValueError(
            f"population must have shape {x.shape[:1]}, got {persons.shape}"
        )
    if persons is not None and not (np.isfinite(persons) & (persons > 0)).all():
        raise ValueError("population must be above 0 in every area")
    names = ["none"] * x.shape[1] if transform is None else list(transform)
    if len(names) != x.shape[1]:
        raise ValueError(
            f"transform must name {x.shape[1]} transforms, got {len(names)}"
        )
    y = np.column_stack(
        [_transformed(x[:, j], name, persons, j) for j, name in enumerate(names)]
    )
    centred = y - np.average(y, axis=0, weights=persons)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=persons))
    if (spread <= 1e-12 * np.abs(y).max(axis=0)).any():
        column = np.argmax(spread <= 1e-12 * np.abs(y).max(axis=0))
        raise ValueError(f"column {column} is the same in all areas")
    return np.ascontiguousarray(centred / spread)


def _transformed(
    x: NDArray[np.float64], name: str, persons: NDArray[np.float64] | None, column: int
) -> NDArray[np.float64]:
    if name == "none":
        return x
    if name == "log":
        if (x <= 0).any():
            raise ValueError(f"column {column} has values of 0 or less: no logarithm")
        return np.log(x)
    if name == "logit":
        inside = (x > 0) & (x < 1) if persons is None else (x >= 0) & (x <= 1)
        if not inside.all():
            raise ValueError(
                f"column {column} has values outside 0 to 1: no logit"
                if persons is not None
                else f"column {column} has shares of 0 or 1 or outside: no logit"
                " without a population"
            )
        if persons is None:
            return np.log(x / (1 - x))
        return np.log((persons * x + 0.5) / (persons * (1 - x) + 0.5))
    raise ValueError(f"transform must be one of {', '.join(TRANSFORMS)}, got {name!r}")
