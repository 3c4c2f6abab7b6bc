"""
Scan statistics on a map of 6,160 areas, 999 replicates: no peer that may be installed.

SaTScan may not be passed on, and the R packages take hours. A few replicates are first
compared with the plain reference, which is also timed as the peer.
"""

from __future__ import annotations

import resource
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from common import race, setting

from tryggstat.spatial import _scan_kernels
from tryggstat.spatial.scan import Scan, maxima_plain, scan_poisson, scan_space_time
from tryggstat.spatial.scan_zones import circles

AREAS = 6_160  # DeSO of Sweden
CORES = 2


def country(areas: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return coordinates, population and cases of areas without any cluster."""
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=(2, areas))
    people = rng.integers(700, 2_700, areas).astype(float)
    return x, y, people, rng.poisson(people * 0.005).astype(float)


def cold_scan(
    x: np.ndarray,
    y: np.ndarray,
    people: np.ndarray,
    cases: np.ndarray,
    share: float,
    pool: ThreadPoolExecutor,
) -> Scan:
    """Scan as the first time: with windows made anew."""
    zones = circles(x, y, people, max_share=share, pool=pool)
    return scan_poisson(cases, people, zones, pool=pool)


def against_plain(areas: int = 500) -> None:
    """Check 32 replicates against the plain reference, and race with it."""
    x, y, people, cases = country(areas)
    zones = circles(x, y, people)
    drawn = np.random.default_rng(2).multinomial(
        int(cases.sum()), people / people.sum(), 32
    )
    at_places = np.argsort(zones.place)
    inputs = (
        drawn.T[at_places, None, :].astype(np.float32),
        (people * cases.sum() / people.sum())[at_places, None],
        zones.start,
        zones.member,
        np.ones(areas),
        np.zeros((1, 2), dtype=np.int64),
        float(cases.sum()),
        np.inf,
        2.0,
    )
    np.testing.assert_allclose(
        _scan_kernels.maxima(*inputs), maxima_plain(*inputs), rtol=1e-12
    )
    race(
        f"scan_kernel_{areas}_32_vs_plain",
        lambda: _scan_kernels.maxima(*inputs),
        lambda: maxima_plain(*inputs),
        rounds=3,
    )


def main() -> None:
    """Check, then time with zones made anew (cold) and given (cached)."""
    setting(f"plain NumPy {np.__version__}")
    against_plain()
    x, y, people, cases = country(AREAS)
    with ThreadPoolExecutor(CORES) as pool:
        for share in (0.1, 0.5):
            zones = circles(x, y, people, max_share=share, pool=pool)
            name = f"scan_{AREAS}_999_{share:.0%}"
            cached = partial(scan_poisson, cases, people, zones, pool=pool)
            cold = partial(cold_scan, x, y, people, cases, share, pool)
            race(f"{name}_cold", cold, rounds=3)
            race(f"{name}_cached", cached, rounds=3)
        for points in (1_000, 2_000):
            rng = np.random.default_rng(3)
            days = np.zeros((points, 30))
            days[np.arange(points), rng.integers(0, 30, points)] = 1
            across, up = rng.uniform(size=(2, points))
            zones = circles(across, up, np.ones(points), max_share=0.1, pool=pool)
            work = partial(
                scan_space_time, days, zones, max_duration=7, replicates=99, pool=pool
            )
            race(f"scan_permutation_{points}_points_30_days_99", work, rounds=3)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"# largest memory: {memory:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
