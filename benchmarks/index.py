"""Ranks of a composite index under drawn methods: NumPy and SciPy by hand."""

from __future__ import annotations

import importlib.metadata

import numpy as np
from common import race, setting
from scipy.stats import gmean, rankdata, zscore

from tryggstat.compass import Indicator, composite_index, rank_uncertainty
from tryggstat.parallel import streams

INDICATORS = [Indicator(f"i{j}") for j in range(9)]
NOISE, LEVEL = 0.25, 0.9


def country(areas: int) -> np.ndarray:
    """Return nine indicators with one common cause."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(areas, 1)) + rng.normal(size=(areas, 9))


def by_hand(x: np.ndarray, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw normalisation, mean and weights, and rank, one draw after the other."""
    ranks = np.empty((draws, len(x)))
    for row, generator in zip(ranks, streams(1, range(draws)), strict=True):
        choice = int(generator.random() * 3)
        weights = 1 + NOISE * (2 * generator.random(x.shape[1]) - 1)
        share = (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))
        if choice == 0:
            score = np.average(100 * share, axis=1, weights=weights)
        elif choice == 1:
            score = gmean(1 + 99 * share, axis=1, weights=weights)
        else:
            score = np.average(zscore(x, axis=0, ddof=1), axis=1, weights=weights)
        row[:] = rankdata(-score, "ordinal")
    tails = ((1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2)
    low, high = np.quantile(ranks, tails, axis=0, method="inverted_cdf")
    return low, high


def main() -> None:
    """Check that both find the same intervals, race 500 draws, time 10,000."""
    x = country(6160)

    def ours(draws: int, errors: np.ndarray | None = None) -> object:
        return rank_uncertainty(
            x,
            INDICATORS,
            normalise=["minmax", "zscore"],
            aggregate=["arithmetic", "geometric"],
            weight_noise=NOISE,
            errors=errors,
            level=LEVEL,
            draws=draws,
        )

    found = ours(500)
    low, high = by_hand(x, 500)
    np.testing.assert_array_equal(found.method_low, low)
    np.testing.assert_array_equal(found.method_high, high)
    setting(f"NumPy {np.__version__}, SciPy {importlib.metadata.version('scipy')}")
    race(
        "rank_intervals_6160x500", lambda: ours(500), lambda: by_hand(x, 500), rounds=3
    )
    errors = np.full(x.shape, 0.2)
    print("# three kinds of interval: method, sampling, both")
    race("rank_intervals_6160x10000", lambda: ours(10_000, errors), rounds=1)
    race("index_6160x9", lambda: composite_index(x, INDICATORS))


if __name__ == "__main__":
    main()
