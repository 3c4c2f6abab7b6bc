"""Quantiles of domains, with Woodruff's interval by way of the shares below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tryggstat.survey._columns import Codes, Floats
from tryggstat.survey._domains import Domains, Moments
from tryggstat.survey._intervals import normal, t_quantile
from tryggstat.survey.replicates import Replicates


class Quantile(NamedTuple):
    """A quantile of each domain, with its interval."""

    moments: Moments
    low: Floats
    high: Floats


class Ladder:
    """The values of each domain in order."""

    def __init__(self, y: Floats, w: Floats, domain: Codes, domains: int) -> None:
        """Sort; rows that are missing, outside all domains or without weight go."""
        kept = np.flatnonzero((domain >= 0) & (w > 0) & ~np.isnan(y))
        self.order = kept[np.lexsort((y[kept], domain[kept]))]
        self.y = y[self.order]
        self.start = np.searchsorted(domain[self.order], np.arange(domains + 1))

    def at(self, shares: Floats, w: Floats) -> Floats:
        """Return the smallest value of each domain that reaches its share of weight."""
        result = np.full(self.start.size - 1, np.nan)
        w = w[self.order]
        for i, (a, b) in enumerate(pairwise(self.start)):
            if b > a and 0 <= shares[i] <= 1:
                weight = np.cumsum(w[a:b])
                reached = weight[-1] * shares[i] * (1 - 1e-12)
                result[i] = self.y[a + np.searchsorted(weight, reached)]
        return result


def quantiles(
    domains: Domains, y: Floats, probabilities: Sequence[float], confidence: float
) -> list[Quantile]:
    """Return one set of quantiles for each probability: see `estimate`."""
    w = domains.design.w
    ladder = Ladder(y, w, domains.domain, domains.domains)
    results = []
    for p in probabilities:
        estimate = ladder.at(np.full(domains.domains, p), w)
        bound = np.append(estimate, np.nan)[domains.domain]
        is_below = np.where(np.isnan(y) | np.isnan(bound), np.nan, y <= bound)
        below = domains.moments(is_below, np.ones(1))
        se, df = np.sqrt(below.variance), below.df
        ends = normal(below.estimate, se, df, confidence)
        low, high = (ladder.at(end, w) for end in ends)
        reach = 2 * t_quantile((1 + confidence) / 2, df)
        variance = ((high - low) / reach) ** 2
        moments = below._replace(estimate=estimate, variance=variance)
        results.append(Quantile(moments, low, high))
    return results


@dataclass(frozen=True, eq=False)
class ReplicateQuantiles:
    """The quantiles of a block of replicates; it can be sent to another process."""

    replicates: Replicates
    ladders: list[Ladder]
    probabilities: Sequence[float]

    def __call__(self, numbers: range) -> Floats:
        """Return the quantiles, shape (len(numbers), variables * shares * groups)."""
        return np.stack([self._of(w) for w in self.replicates.weights(numbers)])

    def _of(self, w: Floats) -> Floats:
        return np.concatenate(
            [
                ladder.at(np.full(ladder.start.size - 1, p), w)
                for ladder in self.ladders
                for p in self.probabilities
            ]
        )
