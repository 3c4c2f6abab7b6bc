"""Several answers of a person as one figure: means of items, top boxes, indices."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

INSECURE = (3, 4)  # rather, very insecure when out alone late in the evening
STAYS_IN = 5  # hardly ever goes out alone late in the evening


def item_mean(items: ArrayLike, *, minimum: float = 0.6) -> Floats:
    """
    Return each person's mean over the items answered.

    Parameters
    ----------
    items : array of float, shape (n, k)
        One column per item, all on the same scale and in the same direction. nan where
        there is no answer, "do not know" included.
    minimum : float between 0 and 1, default 0.6
        Share of the items that must be answered.

    Returns
    -------
    array of float, shape (n,)
        In the unit of the items; nan for those who answered too few.

    Raises
    ------
    ValueError
        `items` is not a table with at least one column, or `minimum` is not above 0
        and at most 1.

    Notes
    -----
    The items left out count as if answered like the mean of those answered, so items
    should be about equally hard. Otherwise a person's mean depends on what they skip.

    References
    ----------
    Schafer and Graham (2002), Missing data, Psychological Methods 7(2), 147-177.

    Examples
    --------
    >>> nan = float("nan")
    >>> item_mean([[0, 1, 2, 3, nan], [3, nan, nan, nan, 3]])
    array([1.5, nan])
    """
    table = _table(items)
    if not 0 < minimum <= 1:
        raise ValueError(f"minimum must be above 0 and at most 1, got {minimum}")
    answered = np.isfinite(table)
    count = answered.sum(axis=1)
    total = np.where(answered, table, 0.0).sum(axis=1)
    enough = count / table.shape[1] >= minimum
    means = np.full(len(table), np.nan)
    np.divide(total, count, out=means, where=enough)
    return means


def cronbach_alpha(items: ArrayLike, weight: ArrayLike | None = None) -> float:
    """
    Return how well the items of a scale hang together.

    Parameters
    ----------
    items : array of float, shape (n, k)
        As in `item_mean`. Only persons who answered all items count.
    weight : array of float, shape (n,), optional
        Weights of the persons; without them all count the same.

    Returns
    -------
    float
        At most 1; nan when the sum of the items does not vary, or fewer than two
        persons answered all.

    Raises
    ------
    ValueError
        Fewer than two items, or weights that do not fit or are negative.

    Notes
    -----
    With v_i the (weighted) variance of item i and v that of their sum::

        alpha = k / (k - 1) (1 - sum(v_i) / v)

    It rises with the number of items and does not prove that they measure one thing.

    References
    ----------
    Cronbach (1951), Psychometrika 16(3), 297-334.

    Examples
    --------
    Variances 2/3, 2/3 and of the sum 2, so 2 (1 - (4/3) / 2) = 2/3:

    >>> round(cronbach_alpha([[1, 2], [2, 1], [3, 3]]), 12)
    0.666666666667
    """
    table = _table(items)
    k = table.shape[1]
    if k < 2:
        raise ValueError("a scale needs at least two items")
    w = np.ones(len(table)) if weight is None else np.asarray(weight, dtype=float)
    if w.shape != (len(table),) or not (w >= 0).all():
        raise ValueError(f"{len(table)} weights of 0 or more are needed")
    counts = np.isfinite(table).all(axis=1) & (w > 0)
    if counts.sum() < 2:
        return float("nan")
    table, w = table[counts], w[counts] / w[counts].sum()
    centred = table - w @ table
    of_sum = float(w @ centred.sum(axis=1) ** 2)
    of_items = float((w @ centred**2).sum())
    rounding = 1e-14 * float(w @ (table**2).sum(axis=1))
    return k / (k - 1) * (1 - of_items / of_sum) if of_sum > rounding else float("nan")


def top_box(answers: ArrayLike, levels: Collection[float]) -> Floats:
    """
    Mark the answers that count as yes, such as "very" and "rather".

    Parameters
    ----------
    answers : array of float, shape (n,)
        Answer codes, nan where there is none.
    levels : collection of float
        The codes that count.

    Returns
    -------
    array of float, shape (n,)
        1 for yes, 0 for no, nan where there is no answer: its weighted mean is the
        share.

    Raises
    ------
    ValueError
        No level is given.

    Notes
    -----
    What is not asked of a person is nan, what is answered otherwise is 0: "do not know"
    belongs to one of the two, and the choice changes the share. Say which it was.

    References
    ----------
    Groves et al. (2009), Survey Methodology, 2nd ed., Wiley, chapter 10.

    Examples
    --------
    >>> top_box([1, 2, 5, float("nan")], [1, 2])
    array([ 1.,  1.,  0., nan])
    """
    if not levels:
        raise ValueError("at least one level must count as yes")
    values = np.asarray(answers, dtype=float)
    yes = np.isin(values, list(levels)).astype(float)
    return np.where(np.isfinite(values), yes, np.nan)


def problem_index(
    items: ArrayLike, *, highest: float = 3, minimum: float = 0.6
) -> Floats:
    """
    Return how large a person finds the problems of the neighbourhood, from 0 to 100.

    Parameters
    ----------
    items : array of float, shape (n, k)
        To what extent each thing is a problem, 0 (not at all) to `highest` (great). nan
        for "do not know" and no answer.
    highest : float, default 3
        Code of the largest extent.
    minimum : float, default 0.6
        Share of the items that must be answered.

    Returns
    -------
    array of float, shape (n,)
        0 no problem at all, 100 all to a great extent; nan for those who answered too
        few items.

    Raises
    ------
    ValueError
        An answer lies outside 0 to `highest`.

    Notes
    -----
    100 / highest times `item_mean`. It is this project's own index, not the police's
    safety index, whose cut-offs are not public. Publish it with Cronbach's alpha and
    the list of items; only waves with the same items can be compared.

    References
    ----------
    Skogan (1990), Disorder and Decline, Free Press, chapter 3 and appendix.

    Examples
    --------
    >>> nan = float("nan")
    >>> problem_index([[0, 3, nan], [3, 3, 3], [nan, nan, 1]])
    array([ 50., 100.,  nan])
    """
    table = _table(items)
    answered = table[np.isfinite(table)]
    if ((answered < 0) | (answered > highest)).any():
        raise ValueError(f"answers must lie between 0 and {highest:g}")
    return 100 / highest * item_mean(table, minimum=minimum)


def insecurity(out_alone: ArrayLike, stays_in_from_insecurity: ArrayLike) -> Floats:
    """
    Mark who is insecure, by the definition of the Swedish Crime Survey (NTU).

    Parameters
    ----------
    out_alone : array of float, shape (n,)
        How one feels out alone late in the evening where one lives: 1 very secure, 2
        rather secure, 3 rather insecure, 4 very insecure, 5 hardly ever goes out alone
        then. nan without answer.
    stays_in_from_insecurity : array of float, shape (n,)
        For those with 5: 1 if it is because they feel insecure, 0 if for other reasons.
        Not read for others.

    Returns
    -------
    array of float, shape (n,)
        1 insecure, 0 not, nan not known. Its weighted mean is the share.

    Raises
    ------
    ValueError
        Lengths differ, or a code is none of the above.

    Notes
    -----
    Insecure is who answers 3 or 4, or 5 because of insecurity. Those who stay in for
    other reasons count as not insecure and stay in the denominator; those who stay in
    and give no reason are not known. Shares by another rule cannot be compared with
    these.

    References
    ----------
    Brå, Nationella trygghetsundersökningen, technical report: definition of otrygghet.

    Examples
    --------
    >>> insecurity([1, 4, 5, 5, 5], [0, 0, 1, 0, float("nan")])
    array([ 0.,  1.,  1.,  0., nan])
    """
    answer = np.asarray(out_alone, dtype=float)
    reason = np.asarray(stays_in_from_insecurity, dtype=float)
    if answer.shape != reason.shape:
        raise ValueError(f"{answer.shape} answers, but {reason.shape} reasons")
    _check_codes("out_alone", answer, (1, 2, *INSECURE, STAYS_IN))
    stays_in = answer == STAYS_IN
    _check_codes("stays_in_from_insecurity", reason[stays_in], (0, 1))
    return np.where(stays_in, reason, top_box(answer, INSECURE))


def _table(items: ArrayLike) -> Floats:
    table = np.asarray(items, dtype=float)
    if table.ndim != 2 or not table.shape[1]:
        raise ValueError(
            f"items must be a table of persons by items, got {table.shape}"
        )
    return table


def _check_codes(name: str, values: Floats, allowed: Collection[int]) -> None:
    answered = values[~np.isnan(values)]
    wrong = answered[~np.isin(answered, list(allowed))]
    if wrong.size:
        raise ValueError(f"{name} must be one of {list(allowed)}, got {wrong[0]:g}")
