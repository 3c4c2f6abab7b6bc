"""Ten million respondents on a cluster: only sums leave the process that saw them."""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import numpy as np

from tryggstat.parallel import streams, workers
from tryggstat.survey import Design, estimate, replicate

AREAS, REPLICATES, SEED = 100, 200, 1
STRATA = 8  # in a block: no stratum is divided between blocks
ROWS = 200_000  # in a block
CENTRE = 50  # taken from y, so that the covariance below loses no digits

Columns = dict[str, np.ndarray]
Figures = tuple[np.ndarray, np.ndarray, np.ndarray]


def respondents(block: int) -> Columns:
    """Return the answers of one block: the same whoever asks, and when."""
    (rng,) = streams(SEED, range(block, block + 1))
    area = rng.integers(0, AREAS, ROWS)
    stratum = rng.integers(0, STRATA, ROWS)
    return {
        "area": area,
        "stratum": stratum + block * STRATA,
        "w": rng.uniform(1, 5, ROWS),
        "y": rng.normal(50, 10, ROWS) + stratum + 0.05 * area,
    }


def sums(block: int, replicates: int) -> tuple[np.ndarray, np.ndarray]:
    """
    Return all that a block has to say: of the sample, and of each replicate.

    The first, shape (areas, 5), is the totals of y and 1 and their variances and
    covariance; the second, shape (replicates, areas, 2), the totals again.
    """
    t = respondents(block)
    y, ones = t["y"] - CENTRE, np.ones(ROWS)
    design = Design(t["w"], stratum=t["stratum"])
    columns = {"y": y, "1": ones, "both": y + ones}
    totals = estimate(design, columns, kind="total", by={"area": t["area"]})
    top, bottom, _ = totals.estimate.reshape(3, AREAS)
    of_y, of_1, of_both = totals.se.reshape(3, AREAS) ** 2
    covariance = (of_both - of_y - of_1) / 2
    drawn = replicate(design, "bootstrap", replicates, seed=SEED + block).replicates
    assert drawn is not None
    return (
        np.stack([top, bottom, of_y, of_1, covariance], axis=1),
        drawn.sums(t["area"], AREAS, [(y, ones)])[:, 0],
    )


def means(blocks: int, replicates: int, pool: Executor | None) -> Figures:
    """Return the mean of each area, Taylor's standard error, the bootstrap's."""
    work = partial(sums, replicates=replicates)
    whole, drawn = np.zeros((AREAS, 5)), np.zeros((replicates, AREAS, 2))
    for sample, replicated in (pool.map if pool else map)(work, range(blocks)):
        whole += sample  # in the order of the blocks, whoever was first
        drawn += replicated
    top, bottom, of_y, of_1, covariance = whole.T
    mean = top / bottom
    taylor = np.sqrt(of_y - 2 * mean * covariance + mean**2 * of_1) / bottom
    bootstrap = (drawn[..., 0] / drawn[..., 1]).std(axis=0, ddof=1)
    return mean + CENTRE, taylor, bootstrap


def check() -> Figures:
    """Return the figures of three blocks, compared with all their rows in one place."""
    parts = [respondents(block) for block in range(3)]
    t = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    design = Design(t["w"], stratum=t["stratum"])
    exact = estimate(design, {"y": t["y"]}, by={"area": t["area"]})
    mean, taylor, bootstrap = means(3, REPLICATES, None)
    np.testing.assert_allclose(mean, exact.estimate, rtol=1e-12)
    np.testing.assert_allclose(taylor, exact.se, rtol=1e-9)
    near(bootstrap, taylor)
    with workers(2) as threads:
        np.testing.assert_array_equal(
            means(3, REPLICATES, threads), (mean, taylor, bootstrap)
        )
    return mean, taylor, bootstrap


def near(bootstrap: np.ndarray, taylor: np.ndarray) -> None:
    """Check that each error lies within 5 sigma of its replicates."""
    assert np.abs(bootstrap / taylor - 1).max() < 5 / np.sqrt(2 * REPLICATES)


def peak(pid: int) -> int:
    """Return the most memory that a process has held, in MB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def _pid(_: int) -> int:
    return os.getpid()


def main() -> None:
    """Check, then run on two processes of a cluster and print time and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=50)
    blocks = parser.parse_args().blocks
    few = check()
    try:
        import distributed
    except ImportError:
        print("# Dask is not installed: checked, but not run on a cluster")
        return
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        with workers(scheduler=cluster.scheduler_address) as pool:
            assert pool is not None
            np.testing.assert_array_equal(means(3, REPLICATES, pool), few)
            start = time.perf_counter()
            mean, taylor, bootstrap = means(blocks, REPLICATES, pool)
            took = time.perf_counter() - start
            pids = sorted({os.getpid(), *pool.map(_pid, range(64))})
        memory = [peak(pid) for pid in pids]
    near(bootstrap, taylor)
    print(f"# {os.cpu_count()} cores; dask {distributed.__version__}")
    print(f"# area 0: {mean[0]:.4f}, se {taylor[0]:.5f}, bootstrap {bootstrap[0]:.5f}")
    print(f"# peak of {len(pids)} processes: {sum(memory)} MB {memory}")
    print(f"many_respondents_{blocks * ROWS // 1_000_000}M_200  {took:.1f}  -  -")


if __name__ == "__main__":
    main()
