"""Poisson regression by iterated least squares, with or without levels of areas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Within = Callable[[Floats, Floats], Floats]  # weights, columns -> columns less levels


@dataclass(frozen=True, eq=False)
class PoissonFit:
    """Coefficients; fitted means; inverse information; columns less their levels."""

    coefficient: Floats
    mean: Floats
    inverse: Floats
    columns: Floats
    deviance: float


def fit_poisson(
    x: Floats,
    y: Floats,
    offset: Floats,
    within: Within = lambda weight, columns: columns,
) -> PoissonFit:
    """
    Maximise the Poisson likelihood of log-linear means.

    `within` takes weighted levels (of each area, say) out of columns: they are then
    part of the model without being solved for.

    Raises
    ------
    ValueError
        Counts below 0, columns that repeat each other, or no maximum.
    """
    if (y < 0).any():
        raise ValueError("counts must be 0 or more")
    mean = y + 0.1
    log_mean, before = np.log(mean), np.inf
    for _ in range(100):
        working = log_mean - offset + (y - mean) / mean
        columns, target = within(mean, x), within(mean, working)
        information = columns.T @ (columns * mean[:, None])
        try:
            inverse = np.asarray(np.linalg.inv(information), dtype=float)
        except np.linalg.LinAlgError:
            raise ValueError("a variable can be computed from the others") from None
        b = inverse @ (columns.T @ (mean * target))
        log_mean = working - (target - columns @ b) + offset
        mean = np.asarray(np.exp(np.clip(log_mean, -700, 700)), dtype=float)
        deviance = 2 * float(np.sum(_xlogy(y, y / mean) - (y - mean)))
        if abs(deviance - before) < 1e-12 * (abs(deviance) + 0.1):
            return PoissonFit(b, mean, inverse, columns, deviance)
        before = deviance
    raise ValueError("the Poisson regression does not settle: too many zeros")


def _xlogy(x: Floats, y: Floats) -> Floats:
    return x * np.log(np.where(x > 0, y, 1))
