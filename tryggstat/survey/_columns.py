"""Columns as whole numbers, and sums over them: what the rest is built from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # spreads hashes of text


class Coded(NamedTuple):
    """A column of labels as whole numbers: `labels[codes]`, and -1 where missing."""

    codes: Codes
    labels: NDArray[Any]


def encode(values: ArrayLike | Coded) -> Coded:
    """
    Number the distinct values of a column in sorted order.

    Parameters
    ----------
    values : array, shape (n,), or Coded
        Numbers or strings. None, NaN and the empty string are missing. What is already
        coded is handed back as it is.

    Returns
    -------
    Coded
        `codes`, shape (n,), with -1 for missing, and the sorted `labels`.

    Raises
    ------
    ValueError
        `values` is not one-dimensional.

    Examples
    --------
    >>> encode(["b", "a", None, "b"])
    Coded(codes=array([ 1,  0, -1,  1]), labels=array(['a', 'b'], dtype='<U1'))
    """
    if isinstance(values, Coded):
        return values
    column = np.asarray(values)
    if column.ndim != 1:
        raise ValueError(f"a column must have one dimension, got shape {column.shape}")
    if column.dtype.kind in "iub" and column.size:
        column = column.astype(np.intp, copy=False)
        low, high = int(column.min()), int(column.max())
        if high - low <= 4 * column.size + 1000:
            present = np.bincount(column - low) > 0
            labels = np.flatnonzero(present) + low
            if labels.size == high - low + 1:
                return Coded(column - low if low else column, labels)
            return Coded((np.cumsum(present) - 1)[column - low], labels)
    if column.dtype.kind == "U" and (hashed := _encode_text(column)):
        return hashed
    if column.dtype.kind in "OUT":
        cells = column.tolist()
        known = sorted({c for c in cells if c is not None and c == c and c != ""})
        number = dict(zip(known, range(len(known)), strict=True))
        codes = np.fromiter((number.get(c, -1) for c in cells), np.intp, len(cells))
        return Coded(codes, np.array(known))
    labels, codes = np.unique(column, return_inverse=True)
    if labels.dtype.kind == "f" and labels.size and np.isnan(labels[-1]):
        labels = labels[:-1]
        codes = np.where(codes == labels.size, -1, codes)
    return Coded(codes, labels)


def _encode_text(column: NDArray[np.str_]) -> Coded | None:
    """Number text by hashes of its characters; None if two texts share a hash."""
    if not column.size:
        return None
    wide = np.ascontiguousarray(column).view(np.uint32).reshape(column.size, -1)
    used = np.flatnonzero(np.bitwise_or.reduce(wide, axis=0))  # the rest is padding
    hashes = np.zeros(column.size, dtype=np.uint64)
    for place in used:
        hashes *= MULTIPLIER
        hashes += wide[:, place]
    distinct, number = np.unique(hashes, return_inverse=True)
    somewhere = np.empty(distinct.size, dtype=np.intp)
    somewhere[number] = np.arange(column.size)
    text = column[somewhere]
    if (text[number] != column).any():
        return None
    known = sorted(set(text.tolist()) - {""})
    place_of = {label: place for place, label in enumerate(known)}
    codes = np.array([place_of.get(label, -1) for label in text.tolist()], np.intp)
    return Coded(codes[number], np.array(known))


class Pairs(NamedTuple):
    """The pairs (first, second) that occur in two columns, and each row's pair."""

    of_row: Codes
    first: Codes
    second: Codes


def pair(first: Codes, second: Codes, firsts: int, seconds: int) -> Pairs:
    """Number the pairs of two coded columns, ordered by first and then second."""
    key = first * seconds + second
    if firsts * seconds <= key.size + 1000:  # a full table is no larger than the data
        all_first = np.repeat(np.arange(firsts), seconds)
        return Pairs(key, all_first, np.tile(np.arange(seconds), firsts))
    present, index = np.unique(key, return_inverse=True)
    return Pairs(index, present // seconds, present % seconds)


def columns_of(columns: Any) -> list[Any]:
    """Return one array per stage from None, one array, or a sequence of arrays."""
    if columns is None:
        return []
    if isinstance(columns, Coded):
        return [columns]
    if isinstance(columns, np.ndarray):
        return [columns] if columns.ndim == 1 else list(columns.T)
    if all(isinstance(column, np.ndarray | list | tuple) for column in columns):
        return list(columns)
    return [np.asarray(columns)]


def sums(index: Codes, values: ArrayLike, size: int) -> Floats:
    """Return the sum of the values for each index, shape (size,)."""
    return np.asarray(np.bincount(index, values, size), dtype=float)


def sums_by(index: Codes, columns: Floats, size: int) -> Floats:
    """Return the sums of each column by index, shape (size, k)."""
    return np.stack([sums(index, column, size) for column in columns.T], axis=1)
