"""
How often 95 per cent intervals for shares hold the truth, in seeded simulations.

Prints a table for docs/methods/survey-estimates.md: stratified samples (four strata
whose shares differ) and clustered ones (ten persons in a cluster, correlated by 0.05),
by true share and sample size. No peer is raced: the yardstick is the truth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tryggstat.survey import Design, estimate

SAMPLES = 2_000
STRATA = 4
PER_CLUSTER = 10
CORRELATION = 0.05
SHARES = (0.02, 0.05, 0.1, 0.3, 0.5)
SIZES = (30, 100, 300, 1_000)
INTERVALS = ("logit", "wilson", "beta")


def covered(
    design: Design, yes: NDArray[np.float64], sample: NDArray[np.int64], truth: float
) -> list[float]:
    """Return the share of samples whose interval holds the truth, by interval."""
    shares = []
    for interval in INTERVALS:
        found = estimate(
            design, {"yes": yes}, kind="share", by={"sample": sample}, interval=interval
        )
        shares.append(float(np.mean((found.low <= truth) & (truth <= found.high))))
    return shares


def stratified(share: float, n: int, rng: np.random.Generator) -> list[float]:
    """Simulate four strata of a quarter each, with shares around the truth."""
    size = n // STRATA
    sample = np.repeat(np.arange(SAMPLES), STRATA * size)
    stratum = np.tile(np.repeat(np.arange(STRATA), size), SAMPLES)
    of_stratum = share * np.array([0.5, 0.8, 1.2, 1.5])
    yes = (rng.random(sample.size) < of_stratum[stratum]).astype(float)
    design = Design(weight=np.ones(sample.size), stratum=sample * STRATA + stratum)
    return covered(design, yes, sample, share)


def clustered(share: float, n: int, rng: np.random.Generator) -> list[float]:
    """Simulate clusters whose shares follow a beta distribution."""
    clusters = n // PER_CLUSTER
    spread = 1 / CORRELATION - 1
    of_cluster = rng.beta(share * spread, (1 - share) * spread, SAMPLES * clusters)
    cluster = np.repeat(np.arange(SAMPLES * clusters), PER_CLUSTER)
    sample = cluster // clusters
    yes = (rng.random(cluster.size) < of_cluster[cluster]).astype(float)
    design = Design(weight=np.ones(cluster.size), stratum=sample, psu=cluster)
    return covered(design, yes, sample, share)


def main() -> None:
    rng = np.random.Generator(np.random.Philox(key=20261124))
    print("| design | share | n | " + " | ".join(INTERVALS) + " |")
    print("|---|---|---|" + "---|" * len(INTERVALS))
    for name, simulate in (("strata", stratified), ("clusters", clustered)):
        for share in SHARES:
            for n in SIZES:
                cells = " | ".join(f"{x:.3f}" for x in simulate(share, n, rng))
                print(f"| {name} | {share} | {n} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
