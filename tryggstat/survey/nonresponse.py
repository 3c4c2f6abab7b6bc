"""Weights that make up for those who did not answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tryggstat.survey._cross_table import Variables, codes_of, cross, observed
from tryggstat.survey.weighting import EmptyCell, MarginsNotMet, Weights, _checked

Floats = NDArray[np.float64]


def adjust_by_class(
    weight: ArrayLike, responded: ArrayLike, classes: Variables
) -> Weights:
    """
    Let those who answered stand for those of their class who did not.

    Parameters
    ----------
    weight : array of float, shape (n,)
        Design weights of all who were invited.
    responded : array of bool, shape (n,)
        Whether each one answered.
    classes : mapping from name to array of shape (n,)
        What is known of all who were invited, such as area and age group. The classes
        are the observed combinations.

    Returns
    -------
    Weights
        0 for those who did not answer. The sum over each class stays what it was.

    Raises
    ------
    NegativeWeight
        A weight is negative or no number.
    EmptyCell
        Nobody in a class answered: join it with another.

    Notes
    -----
    With sums over class c::

        adjustment = sum(w) / sum(w over those who answered)

    It takes away the bias from non-response when, within a class, those who answered
    are like those who did not.

    References
    ----------
    Little (1986), Survey nonresponse adjustments for estimates of means,
    International Statistical Review 54(2), 139-157.

    Examples
    --------
    >>> adjusted = adjust_by_class(
    ...     [10, 10, 20, 20], [1, 0, 1, 1], {"area": ["a", "a", "b", "b"]}
    ... )
    >>> adjusted.weight
    array([20.,  0., 20., 20.])
    """
    w = _checked(weight)
    answered = _booleans(responded, w.size)
    levels = {name: observed(values) for name, values in classes.items()}
    cells = cross(classes, levels, w.size)
    sums, reached = cells.sums(w), cells.sums(w * answered)
    for cell in np.flatnonzero((sums > 0) & (reached == 0)):
        named = ", ".join(
            f"{name}={list(levels[name])[code[cell]]}"
            for name, code in zip(levels, cells.codes, strict=True)
        )
        raise EmptyCell(f"nobody answered in the class {named}")
    factor = np.divide(sums, reached, out=np.ones_like(sums), where=reached > 0)
    return Weights(np.where(answered, w * factor[cells.key], 0.0), w)


def adjust_by_propensity(
    weight: ArrayLike,
    responded: ArrayLike,
    covariates: Variables,
    *,
    classes: int | None = None,
) -> Weights:
    """
    Divide the weights by how likely each kind of person was to answer.

    Parameters
    ----------
    weight : array of float, shape (n,)
        Design weights of all who were invited.
    responded : array of bool, shape (n,)
        Whether each one answered.
    covariates : mapping from name to array of shape (n,)
        What is known of all who were invited. Numbers enter as they are, text and
        booleans as one indicator per level.
    classes : int, optional
        Form this many equally large classes by the propensity and adjust by class,
        which is safer when the model is doubtful. Without it 1 / propensity is used.

    Returns
    -------
    Weights
        0 for those who did not answer.

    Raises
    ------
    NegativeWeight
        A weight is negative or no number.
    EmptyCell
        Nobody answered in a class of the propensity.
    MarginsNotMet
        The covariates tell exactly who answers, so there is no propensity.

    Notes
    -----
    A logistic regression, with the design weights, of answering on the covariates::

        logit p = x'b,    sum(w x (r - p)) = 0,    adjustment = 1 / p

    References
    ----------
    Rosenbaum and Rubin (1983), Biometrika 70(1), 41-55.
    Little (1986), International Statistical Review 54(2), 139-157.

    Examples
    --------
    With one covariate of two levels the propensity is the response rate of each:

    >>> adjusted = adjust_by_propensity(
    ...     [10, 10, 20, 20], [1, 0, 1, 1], {"area": ["a", "a", "b", "b"]}
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    tryggstat.survey.weighting.MarginsNotMet: the covariates tell who answers: ...
    >>> adjusted = adjust_by_propensity(
    ...     [10] * 5, [1, 0, 1, 1, 0], {"area": ["a", "a", "b", "b", "b"]}
    ... )
    >>> adjusted.weight.round(6).tolist()
    [20.0, 0.0, 15.0, 15.0, 0.0]
    """
    w = _checked(weight)
    answered = _booleans(responded, w.size)
    p = _propensity(w, answered, _model_matrix(covariates, w.size))
    if classes is None:
        return Weights(np.where(answered, w / p, 0.0), w)
    order = np.argsort(p, kind="stable")
    group = np.empty(w.size, dtype=int)
    group[order] = np.arange(w.size) * classes // w.size
    return adjust_by_class(w, answered, {"propensity class": group})


def _booleans(responded: ArrayLike, n: int) -> NDArray[np.bool_]:
    answered = np.asarray(responded)
    if answered.shape != (n,):
        raise ValueError(f"responded has shape {answered.shape}, the weights {n}")
    if not np.isin(answered, [0, 1]).all():
        raise ValueError("responded must be 0 or 1 for all")
    return answered.astype(bool)


def _model_matrix(covariates: Variables, n: int) -> Floats:
    columns = [np.ones((n, 1))]
    for name, values in covariates.items():
        array = np.asarray(values)
        if array.shape != (n,):
            raise ValueError(f"{name} has shape {array.shape}, the weights {n}")
        if array.dtype.kind in "iuf":
            if not np.isfinite(array).all():
                raise ValueError(f"{name} has a value that is no number")
            columns.append((array - array.mean())[:, None] / (array.std() or 1.0))
        else:
            levels = observed(array)
            code = codes_of(name, array, levels)
            indicators = code[:, None] == np.arange(1, len(levels))
            columns.append(indicators.astype(float))
    return np.hstack(columns)


def _propensity(w: Floats, answered: NDArray[np.bool_], x: Floats) -> Floats:
    beta = np.zeros(x.shape[1])
    weight = w / w.sum()
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        score = x.T @ (weight * (answered - p))
        information = (x * (weight * p * (1 - p))[:, None]).T @ x
        step = np.linalg.lstsq(information, score, rcond=1e-12)[0]
        beta = beta + step
        if np.abs(x @ step).max() < 1e-10:
            return np.asarray(1 / (1 + np.exp(-x @ beta)))
        if np.abs(x @ beta).max() > 30:
            break
    raise MarginsNotMet(
        "the covariates tell who answers: leave one out, or join levels"
    )
