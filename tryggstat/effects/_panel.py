"""Areas over time: levels taken out, errors tied together within clusters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.intp]


def codes_of(labels: ArrayLike) -> tuple[NDArray[np.generic], Whole]:
    """Return the labels in order, and the place of each row's label among them."""
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    return names, codes.reshape(-1)


@dataclass(frozen=True, eq=False)
class TwoWay:
    """
    A regression of y on x with a level for each unit and each period.

    Levels of units are taken out as means; those of periods are then
    a projection on orthonormal columns (`basis`). Both are exact, also where rows are
    missing.
    """

    unit: Whole
    period: Whole
    x: Floats
    y: Floats
    cluster: Whole

    @cached_property
    def basis(self) -> Floats:
        """Return orthonormal columns for what the periods' levels add to the units'."""
        dummies = np.eye(self.period.max() + 1)[self.period]
        within = self._less_units(dummies)
        size, turn = np.linalg.eigh(within.T @ within)
        kept = size > 1e-10 * max(size.max(), 1)
        return within @ (turn[:, kept] / np.sqrt(size[kept]))

    def _less_units(self, columns: Floats) -> Floats:
        return columns - self._unit_sums(columns)[self.unit] / self._counts[self.unit]

    def _unit_sums(self, columns: Floats) -> Floats:
        sums = np.zeros((self._counts.size, columns.shape[1]))
        np.add.at(sums, self.unit, columns)
        return sums

    @cached_property
    def _counts(self) -> Floats:
        return np.bincount(self.unit)[:, None].astype(float)

    def within(self, columns: Floats) -> Floats:
        """Return columns less the levels of units and periods."""
        less = self._less_units(columns)
        return less - self.basis @ (self.basis.T @ less)

    @cached_property
    def columns(self) -> Floats:
        """Return x less the levels."""
        return self.within(self.x)

    @cached_property
    def inverse(self) -> Floats:
        """Return (X'X)^-1 of x less the levels; refuse what the levels say already."""
        information = self.columns.T @ self.columns
        total = np.maximum(np.diag(self.x.T @ self.x), 1e-300)
        if (np.linalg.eigvalsh(information / np.sqrt(np.outer(total, total)))).min() < (
            1e-10
        ):
            raise ValueError(
                "the treatment cannot be told from the levels of areas and periods"
            )
        return np.asarray(np.linalg.inv(information), dtype=float)

    @cached_property
    def coefficient(self) -> Floats:
        """Return the coefficients of x."""
        return self.inverse @ (self.columns.T @ self.y)

    @cached_property
    def residual(self) -> Floats:
        """Return y less all that is fitted."""
        return self.within(self.y[:, None])[:, 0] - self.columns @ self.coefficient

    @property
    def rank(self) -> int:
        """Return the number of levels and coefficients."""
        return self._counts.size + self.basis.shape[1] + self.x.shape[1]

    @cached_property
    def members(self) -> list[Whole]:
        """Return the rows of each cluster."""
        order = np.argsort(self.cluster, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.cluster))[:-1])

    def sandwich(self, errors: str) -> tuple[Floats, Floats]:
        """Return covariance and degrees of freedom of each coefficient."""
        clusters, n = len(self.members), self.y.size
        adjusted = self._adjusted() if errors == "cr2" else self.columns
        scores = np.stack([adjusted[m].T @ self.residual[m] for m in self.members])
        covariance = self.inverse @ (scores.T @ scores) @ self.inverse
        if errors == "cr1":
            covariance *= clusters / (clusters - 1) * (n - 1) / (n - self.rank)
        if errors == "cr2":
            return covariance, self._satterthwaite(adjusted)
        return covariance, np.full(self.x.shape[1], clusters - 1.0)

    def _adjusted(self) -> Floats:
        """Return the columns, each cluster's multiplied by (I - H_gg)^(-1/2)."""
        adjusted = np.empty_like(self.columns)
        for rows in self.members:
            same_unit = self.unit[rows][:, None] == self.unit[rows]
            hat = same_unit / self._counts[self.unit[rows]]
            hat += self.basis[rows] @ self.basis[rows].T
            hat += self.columns[rows] @ self.inverse @ self.columns[rows].T
            size, turn = np.linalg.eigh(np.eye(rows.size) - hat)
            root = np.where(size > 1e-9, 1 / np.sqrt(np.maximum(size, 1e-9)), 0)
            adjusted[rows] = turn @ (root[:, None] * (turn.T @ self.columns[rows]))
        return adjusted

    def _satterthwaite(self, adjusted: Floats) -> Floats:
        """Return the degrees of freedom of Bell and McCaffrey, errors unrelated."""
        size, turn = np.linalg.eigh(self.inverse)
        everything = np.hstack([self.basis, self.columns @ (turn * np.sqrt(size))])
        found = []
        for direction in self.inverse.T:
            a = adjusted @ direction
            by_unit = np.zeros((len(self.members), self._counts.size))
            np.add.at(by_unit, (self.cluster, self.unit), a)
            by_unit /= np.sqrt(self._counts[:, 0])
            shared = np.stack([everything[m].T @ a[m] for m in self.members])
            products = -by_unit @ by_unit.T - shared @ shared.T
            products[np.diag_indices_from(products)] += [
                a[m] @ a[m] for m in self.members
            ]
            found.append(np.trace(products) ** 2 / np.sum(products**2))
        return np.array(found)
