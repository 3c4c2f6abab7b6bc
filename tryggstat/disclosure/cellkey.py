"""Cell-key perturbation: small noise that is the same wherever a cell appears."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import root

Floats = NDArray[np.float64]


class NoSuchNoise(ValueError):
    """No distribution of noise has the mean, variance and range that were asked for."""


def record_keys(n_records: int, seed: int) -> Floats:
    """
    Draw one key per record, to be kept with it for ever.

    Parameters
    ----------
    n_records : int
    seed : int
        A secret of the producer: whoever knows it can take the noise away.

    Returns
    -------
    array of float, shape (n_records,)
        Uniform between 0 and 1.

    Examples
    --------
    >>> record_keys(2, seed=1).round(3)
    array([0.304, 0.849])
    """
    return np.random.Generator(np.random.Philox(key=seed)).random(n_records)


def perturbation_table(
    *, largest: int = 4, suppressed: int = 2, variance: float = 3.0
) -> Floats:
    """
    Return the distribution of the noise for each true count.

    Parameters
    ----------
    largest : int, default 4
        The largest noise D, up or down.
    suppressed : int, default 2
        Results from 1 to this one never come out.
    variance : float, default 3.0
        Variance of the noise. Counts so small that it cannot be met exactly get the
        nearest possible.

    Returns
    -------
    array of float, shape (largest + suppressed + 2, 2 * largest + 1)
        Row i holds the probabilities of noise -largest to largest for the true count
        i; the last row holds for all counts from there on. Row 0 is no noise at all.

    Raises
    ------
    NoSuchNoise
        A count cannot have noise of mean 0 within the range.

    Notes
    -----
    Of all distributions on the allowed results with mean 0 and the variance V, the one
    of greatest entropy is taken::

        p(v) = exp(a + b v + c v^2),   sum p = 1,   sum v p = 0,   sum v^2 p = V

    The sums of a perturbed table need not add up: they get noise of their own. Never
    publish exact figures of a table beside perturbed ones.

    References
    ----------
    Fraser and Wooton (2005), A proposed method for confidentialising tabular output,
    UNECE work session on statistical data confidentiality.
    Giessing (2016), Computational issues in the design of transition probabilities and
    disclosure risk estimation for additive noise, Privacy in Statistical Databases,
    237-251.

    Examples
    --------
    A true 1 becomes 0, or 3 and more.

    >>> perturbation_table()[1].round(2)
    array([0.  , 0.  , 0.  , 0.74, 0.  , 0.  , 0.11, 0.08, 0.07])
    """
    noise = np.arange(-largest, largest + 1)
    rows = [np.where(noise == 0, 1.0, 0.0)]
    for count in range(1, largest + suppressed + 2):
        result = count + noise
        allowed = (result == 0) | (result > suppressed)
        rows.append(_most_entropy(noise, allowed, variance))
    return np.array(rows)


def _most_entropy(
    noise: NDArray[np.int64], allowed: NDArray[np.bool_], variance: float
) -> Floats:
    v = noise[allowed].astype(float)
    if v.min() > 0 or v.max() < 0:
        raise NoSuchNoise("noise with mean 0 must be able to go up and down")
    least, most = _variances(v)
    goal = np.clip(
        variance, least + 0.02 * (most - least), most - 0.02 * (most - least)
    )

    def moments(x: Floats) -> Floats:
        p = _exponential(v, x)
        return np.array([p @ v, p @ v**2 - goal])

    answer = root(moments, np.zeros(2))
    if not answer.success:
        raise NoSuchNoise(f"no noise of variance {goal:g} on {v.astype(int).tolist()}")
    row = np.zeros(noise.size)
    row[allowed] = _exponential(v, answer.x)
    return row


def _exponential(v: Floats, x: Floats) -> Floats:
    power = x[0] * v + x[1] * v**2
    p = np.exp(power - power.max())
    return np.asarray(p / p.sum())


def _variances(v: Floats) -> tuple[float, float]:
    """Return the smallest and largest variance of a distribution on v with mean 0."""
    around = -v[v < 0].max() * v[v > 0].min()  # on the two values beside 0
    least = 0.0 if (v == 0).any() else float(around)
    return least, float(-v.min() * v.max())


def perturb(
    counts: ArrayLike, cell_keys: ArrayLike, table: Floats
) -> NDArray[np.int64]:
    """
    Add the noise that a cell's key draws from the table.

    Parameters
    ----------
    counts : array of int, shape (n_cells,)
    cell_keys : array of float, shape (n_cells,)
        For each cell the sum of its records' keys, without the whole part.
    table : array of float
        From `perturbation_table`.

    Returns
    -------
    array of int, shape (n_cells,)

    Raises
    ------
    ValueError
        Counts and keys differ in length, or a key is not from 0 up to 1.

    Examples
    --------
    >>> table = perturbation_table()
    >>> perturb([0, 1, 1, 20], [0.5, 0.5, 0.95, 0.5], table)
    array([ 0,  0,  5, 20])
    """
    c, keys = np.asarray(counts, dtype=np.int64), np.asarray(cell_keys, dtype=float)
    if c.shape != keys.shape or c.ndim != 1:
        raise ValueError(f"{c.size} counts need as many keys, got {keys.size}")
    if ((keys < 0) | (keys >= 1)).any():
        raise ValueError("cell keys must be from 0 up to 1")
    rows = np.cumsum(table, axis=1)[np.minimum(c, len(table) - 1)]
    place = (keys[:, None] >= rows - 1e-12).sum(axis=1)
    return c + np.minimum(place, table.shape[1] - 1) - table.shape[1] // 2
