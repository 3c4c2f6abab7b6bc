"""
From rows to estimates and variances of domains, by sums per cell.

A cell is a domain within a stratum, or within a unit where units are clusters. The rows
are read twice: once for the sums, once for the spread round them. All else is done on
the small table of cells, and only that table need ever leave a machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tryggstat.survey._columns import Codes, Floats, pair, sums
from tryggstat.survey.design import Design

BLOCK = 16  # domains of a calibrated design whose residuals are held at once
FAST_FROM = 50_000  # rows; below it the import of numba costs more than it saves


class Moments(NamedTuple):
    """What one variable has to say about each domain."""

    estimate: Floats
    variance: Floats  # under the design
    random_variance: Floats  # of a simple random sample of as many, with replacement
    answers: Floats  # rows that count
    persons: Floats  # the sum of their weights
    df: Floats

    @classmethod
    def join(cls, parts: Sequence[Moments]) -> Moments:
        """Return the moments of several variables one after another."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))


def cell_sums_plain(
    top: Floats, bottom: Floats, w: Floats, cell: Codes, cells: int
) -> Floats:
    """Return per cell the sums of `w * top`, `w * bottom`, w, and rows that count."""
    valid = ~(np.isnan(top) | np.isnan(bottom)) & (w > 0)
    columns = w * top, w * bottom, w, np.ones(1)
    return np.stack(
        [sums(cell, np.where(valid, column, 0), cells) for column in columns], axis=1
    )


def cell_spread_plain(
    top: Floats, bottom: Floats, w: Floats, cell: Codes, centres: Floats
) -> Floats:
    """
    Return the spread of the scores, and of the variable itself, per cell.

    With a, b and c the three centres of a cell, they are the sums of
    `(w (top - b bottom) - c)**2` and of `w (top - a bottom)**2`.
    """
    valid = ~(np.isnan(top) | np.isnan(bottom)) & (w > 0)
    a, b, c = centres.T[:, cell]
    columns = (w * (top - b * bottom) - c) ** 2, w * (top - a * bottom) ** 2
    cells = len(centres)
    return np.stack(
        [sums(cell, np.where(valid, column, 0), cells) for column in columns], axis=1
    )


class Level(NamedTuple):
    """One stage of the design for the cells that occur."""

    parent: Codes  # of each cell, among the next coarser cells
    domain: Codes  # of each coarser cell
    units: Floats  # of its stratum
    scale: Floats
    centred: NDArray[np.bool_]
    all_units: int  # of the stage


class Domains:
    """The cells of a design for one division of its rows into domains."""

    def __init__(self, design: Design, domain: Codes, domains: int) -> None:
        """Divide the rows; `domain` is -1 for rows that are in none."""
        self.design, self.domains, self.domain = design, domains, domain
        self.rows: Codes | slice = slice(None)
        if domain.size and domain.min() < 0:
            self.rows = np.flatnonzero(domain >= 0)
        inside = domain[self.rows]
        self.w = design.w[self.rows]
        self.weighted_rows = int(np.count_nonzero(self.w))
        last = design.stages[-1]
        self.rows_are_units = last.unit is None
        finest = last.stratum if last.unit is None else last.unit
        size = last.units.size if last.unit is None else int(last.units.sum())
        self.cell, self.domain_of_cell, code = pair(
            inside, finest[self.rows], domains, size
        )
        self.levels: list[Level] = []
        first = self.domain_of_cell
        for stage in reversed(design.stages):
            if stage.unit is None:
                parent, of_domain, stratum = np.arange(code.size), first, code
            else:
                parent, of_domain, stratum = pair(
                    first, stage.stratum_of_units[code], domains, stage.units.size
                )
            self.levels.append(
                Level(
                    parent,
                    of_domain,
                    stage.units[stratum].astype(float),
                    stage.scale[stratum],
                    stage.centred[stratum],
                    int(stage.units.sum()),
                )
            )
            first, code = of_domain, stratum

    def by_domain(self, cells: Floats) -> Floats:
        """Sum cells to domains."""
        return sums(self.domain_of_cell, cells, self.domains)

    def moments(self, top: Floats, bottom: Floats, *, total: bool = False) -> Moments:
        """
        Estimate top / bottom in each domain, or the total of top, with its variance.

        NaN in either is missing. `bottom` has the length of `top`, or is one number.
        """
        add, spread = cell_sums_plain, cell_spread_plain
        if top.size >= FAST_FROM:
            from tryggstat.survey import _sum_kernels

            add, spread = _sum_kernels.cell_sums, _sum_kernels.cell_spread
        top = top[self.rows]
        bottom = bottom[self.rows] if bottom.size > 1 else bottom
        rows = top, bottom, self.w, self.cell
        tops, bottoms, weights, answers = add(*rows, self.domain_of_cell.size).T
        whole, parts = self.by_domain(tops), self.by_domain(bottoms)
        n, persons = self.by_domain(answers), self.by_domain(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = whole / parts
            divisor = np.ones(self.domains) if total else parts
            centre = mean[self.domain_of_cell]
            theta = np.zeros(centre.size) if total else centre
            scores = tops - theta * bottoms
            centres = np.stack([centre, theta, scores / answers], axis=1)
            squares, deviance = spread(*rows, centres).T
            if self.design.calibration is None:
                variance = self._variance(scores, squares, answers) / divisor**2
            else:
                variance = self._calibrated_variance(
                    top - theta[self.cell] * bottom, divisor
                )
            random = persons * self.by_domain(deviance) / ((n - 1) * divisor**2)
        return Moments(
            estimate=whole if total else mean,
            variance=np.where(n > 0, variance, np.nan),
            random_variance=np.where(n > 1, random, np.nan),
            answers=n,
            persons=persons,
            df=self._degrees_of_freedom(answers),
        )

    def _variance(self, totals: Floats, squares: Floats, answers: Floats) -> Floats:
        """Return each domain's variance from the totals and spread of its cells."""
        result = np.zeros(self.domains)
        present = answers
        for level in self.levels:
            cells = level.domain.size
            s1 = sums(level.parent, totals, cells)
            overall = sums(level.domain, s1, self.domains) / level.all_units
            mean = np.where(level.centred, s1 / level.units, overall[level.domain])
            if self.rows_are_units and level is self.levels[0]:
                own = np.where(present > 0, totals / present, 0)
                s2 = squares + present * (own - mean) ** 2
                seen = present
            else:
                seen = sums(level.parent, present > 0, cells)
                around = np.where(present > 0, totals - mean[level.parent], 0)
                s2 = sums(level.parent, around**2, cells)
            s2 += (level.units - seen) * mean**2
            result += sums(level.domain, level.scale * s2, self.domains)
            totals = s1
            present = sums(level.parent, present, cells)
        return result

    def _calibrated_variance(self, scores: Floats, divisor: Floats) -> Floats:
        """Return each domain's variance; its residuals reach outside the domain."""
        counted = np.where(np.isnan(scores), 0, scores)
        inside = self.domain[self.rows]
        result = np.empty(self.domains)
        for start in range(0, self.domains, BLOCK):
            size = min(BLOCK, self.domains - start)
            columns = np.zeros((self.design.rows, size))
            here = (inside >= start) & (inside < start + size)
            row = np.arange(self.design.rows)[self.rows][here]
            columns[row, inside[here] - start] = counted[here]
            variance = np.diag(self.design.covariance(columns))
            result[start : start + size] = variance / divisor[start : start + size] ** 2
        return result

    def _degrees_of_freedom(self, answers: Floats) -> Floats:
        """Return units less strata, of the first stage, that each domain is seen in."""
        for level in self.levels[:-1]:
            answers = sums(level.parent, answers, level.domain.size)
        first = self.levels[-1]
        strata = sums(first.parent, answers, first.domain.size) > 0
        rows_are_units = self.rows_are_units and len(self.levels) == 1
        seen = answers if rows_are_units else answers > 0
        units = sums(first.parent, seen, first.domain.size)
        return sums(first.domain, units - strata, self.domains)
