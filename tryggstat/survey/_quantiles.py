"""Quantiles of domains, with Woodruff's interval by way of the shares below them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tryggstat.survey._domains import Domains, Moments
from tryggstat.survey.design import Codes, Floats
from tryggstat.survey.intervals import normal, t_quantile


class Quantiles(NamedTuple):
    """A quantile of each domain with its interval, and the share at or below it."""

    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    below: Moments


class Ladder:
    """The values of each domain in order, with the share of weight up to each."""

    def __init__(self, y: Floats, w: Floats, domain: Codes, domains: int) -> None:
        """Sort; rows that are missing, outside all domains or without weight go."""
        kept = np.flatnonzero((domain >= 0) & (w > 0) & ~np.isnan(y))
        order = kept[np.lexsort((y[kept], domain[kept]))]
        start = np.searchsorted(domain[order], np.arange(domains + 1))
        self.parts = [
            (y[order[a:b]], np.cumsum(w[order[a:b]])) for a, b in pairwise(start)
        ]

    def at(self, shares: Floats) -> Floats:
        """Return the smallest value of each domain that reaches its share."""
        result = np.full(len(self.parts), np.nan)
        for i, ((y, weight), p) in enumerate(zip(self.parts, shares, strict=True)):
            if y.size and 0 <= p <= 1:
                rounded = weight[-1] * p * (1 - 1e-12)
                result[i] = y[np.searchsorted(weight, rounded)]
        return result


def quantiles(
    domains: Domains, y: Floats, probabilities: Sequence[float], confidence: float
) -> list[Quantiles]:
    """Return one set of quantiles for each probability: see `estimate`."""
    ladder = Ladder(y, domains.design.w, domains.domain, domains.domains)
    results = []
    for p in probabilities:
        estimate = ladder.at(np.full(domains.domains, p))
        bound = np.append(estimate, np.nan)[domains.domain]
        is_below = np.where(np.isnan(y) | np.isnan(bound), np.nan, y <= bound)
        below = domains.moments(is_below, np.ones(1))
        se, df = np.sqrt(below.variance), below.df
        low, high = map(ladder.at, normal(below.estimate, se, df, confidence))
        reach = 2 * t_quantile((1 + confidence) / 2, df)
        results.append(Quantiles(estimate, (high - low) / reach, low, high, below))
    return results
