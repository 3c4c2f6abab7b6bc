"""Ward's groups with bootstrap stability, the dip, silhouettes: SciPy, scikit-learn."""

from __future__ import annotations

import importlib.metadata

import numpy as np
from common import race, setting
from scipy.cluster.hierarchy import fcluster, linkage

from tryggstat.compass import silhouette, similar, standardise, typology
from tryggstat.parallel import streams

GROUPS = 6


def country(areas: int) -> np.ndarray:
    """Return nine variables with two common causes, as those of small areas have."""
    rng = np.random.default_rng(1)
    causes = rng.normal(size=(areas, 2)) @ rng.normal(size=(2, 9))
    return causes + 0.8 * rng.normal(size=(areas, 9))


def by_hand(z: np.ndarray, samples: int) -> np.ndarray:
    """Return the stability of each group, from a loop over SciPy's linkage."""

    def grouped(points: np.ndarray) -> np.ndarray:
        return fcluster(linkage(points, "ward"), GROUPS, "maxclust") - 1

    labels = grouped(z)
    labels = np.argsort(np.argsort(-np.bincount(labels), kind="stable"))[labels]
    total, seen = np.zeros(GROUPS), np.zeros(GROUPS)
    for generator in streams(1, range(1, samples + 1)):
        drawn = np.unique((generator.random(len(z)) * len(z)).astype(np.int64))
        new = grouped(z[drawn])
        for g in range(GROUPS):
            old = labels[drawn] == g
            if old.any():
                both = [(old & (new == h)).sum() for h in range(GROUPS)]
                either = [(old | (new == h)).sum() for h in range(GROUPS)]
                total[g] += max(np.array(both) / np.array(either))
                seen[g] += 1
    return total / seen


def main() -> None:
    """Check that both find the same stability, then race a town and a country."""
    town, nation = country(150), country(5984)
    peers = [f"SciPy {importlib.metadata.version('scipy')}"]
    for values, samples, rounds, name in (
        (town, 100, 7, "typology_150x9_100"),
        (nation, 12, 3, "typology_5984x9_12"),
    ):
        z = standardise(values)
        ours = typology(values, groups=GROUPS, bootstraps=samples)
        np.testing.assert_allclose(by_hand(z, samples), ours.stability, rtol=1e-9)
        setting(*peers)
        race(
            name,
            lambda v=values, n=samples: typology(v, groups=GROUPS, bootstraps=n),
            lambda z=z, n=samples: by_hand(z, n),
            rounds=rounds,
        )
    try:
        from sklearn.metrics import silhouette_samples
    except ImportError:
        race("silhouette_5984x9", lambda: silhouette(z, ours.labels), rounds=3)
    else:
        np.testing.assert_allclose(
            silhouette_samples(z, ours.labels), ours.silhouette, atol=1e-8
        )
        setting(f"scikit-learn {importlib.metadata.version('scikit-learn')}")
        race(
            "silhouette_5984x9",
            lambda: silhouette(z, ours.labels),
            lambda: silhouette_samples(z, ours.labels),
            rounds=3,
        )
    race("similar_5984x9", lambda: similar(nation, 17))


if __name__ == "__main__":
    main()
