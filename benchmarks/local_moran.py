"""Local Moran with conditional permutation on a map of 6,160 areas: esda."""

from __future__ import annotations

import importlib.metadata
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from common import race, setting
from scipy.spatial import Delaunay

from tryggstat.spatial import Neighbours, local_moran, moran, neighbour_pairs

AREAS = 6_160  # DeSO of Sweden
DRAWS = 9_999


def country(areas: int) -> tuple[np.ndarray, Neighbours]:
    """Return skewed values with some likeness, and neighbours of a Delaunay map."""
    rng = np.random.default_rng(1)
    corners = Delaunay(rng.uniform(size=(areas, 2))).simplices
    ends = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    ends = np.unique(np.sort(ends, axis=1), axis=0)
    i, j = np.concatenate([ends, ends[:, ::-1]]).T
    near = neighbour_pairs(i, j, areas).row_standardised()
    values = rng.gamma(2, size=areas)
    return values + 0.3 * near.lag(values), near


def main() -> None:
    """Check that both agree, race with as many draws, then time the default."""
    values, near = country(AREAS)
    ours = local_moran(values, near, permutations=DRAWS)
    with ThreadPoolExecutor(2) as pool:
        threads = local_moran(values, near, permutations=DRAWS, pool=pool)
        assert (threads.p_permutation == ours.p_permutation).all()
    try:
        with warnings.catch_warnings(action="ignore"):
            from esda import Moran_Local
            from libpysal.weights import W
    except ImportError:
        print("# esda is not installed: ours alone")
        setting()
        race(
            "local_moran_6160_9999",
            lambda: local_moran(values, near, permutations=DRAWS),
        )
    else:
        lists = np.split(near.neighbour, near.start[1:-1])
        graph = W(dict(enumerate(map(np.ndarray.tolist, lists))), silence_warnings=True)
        graph.transform = "r"

        def peer() -> Moran_Local:
            # its fastest: its processes cost more than they save
            return Moran_Local(values, graph, permutations=DRAWS, n_jobs=1)

        theirs = peer()
        # they divide by n - 1, and print the smaller side of p
        np.testing.assert_allclose(
            theirs.Is * AREAS / (AREAS - 1), ours.statistic, rtol=1e-9
        )
        folded = ours.p_permutation / 2
        apart = (theirs.p_sim - folded) / np.sqrt(2 * folded * (1 - folded) / DRAWS)
        assert np.abs(apart).max() < 6, np.abs(apart).max()
        setting(*(f"{p} {importlib.metadata.version(p)}" for p in ("esda", "numba")))
        race(
            "local_moran_6160_9999",
            lambda: local_moran(values, near, permutations=DRAWS),
            peer,
        )
    race("local_moran_6160_99999", lambda: local_moran(values, near))
    race("moran_6160_9999", lambda: moran(values, near), rounds=3)


if __name__ == "__main__":
    main()
