"""500 bootstrap replicates made and used, 100 areas, 100,000 persons: svy."""

from __future__ import annotations

import importlib.metadata
import os
import resource

import numpy as np
from common import race, setting
from survey_means import sample

from tryggstat.parallel import workers
from tryggstat.survey import Design, Estimates, estimate, replicate


def main() -> None:
    """Check against Taylor's errors and the peer's, then race."""
    cores = os.cpu_count() or 1
    with workers(cores) as pool:

        def ours(t: dict[str, np.ndarray], replicates: int) -> Estimates:
            design = Design(t["w"], stratum=t["stratum"])
            made = replicate(design, "bootstrap", replicates, seed=1)
            return estimate(made, {"y": t["y"]}, by={"area": t["area"]}, pool=pool)

        large = sample(1_000_000)
        race("bootstrap_1M_200", lambda: ours(large, 200), rounds=3)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"# {used} MB at most until here, the sample of 1M rows included")

        t = sample(100_000)
        exact = estimate(
            Design(t["w"], stratum=t["stratum"]), {"y": t["y"]}, by={"area": t["area"]}
        )
        own = ours(t, 500)
        np.testing.assert_allclose(own.estimate, exact.estimate)
        close_to_taylor(own.se, exact.se)

        peer, peers = None, []
        try:
            import polars as pl
            import svy
        except ImportError:
            print("# svy is not installed: ours alone")
        else:
            peers.append(f"svy {importlib.metadata.version('svy')}")
            frame = pl.DataFrame(t).with_row_index("person")

            def peer() -> pl.DataFrame:
                design = svy.Design(stratum="stratum", wgt="w", psu="person")
                drawn = svy.Sample(data=frame, design=design)
                made = drawn.weighting.create_bs_wgts(n_reps=500, rstate=1)
                means = made.estimation.mean(y="y", by="area", method="replication")
                return means.to_polars()

            other = peer().sort(pl.col("area").cast(int))
            np.testing.assert_allclose(other["est"].to_numpy(), own.estimate)
            close_to_taylor(other["se"].to_numpy(), exact.se)
        setting(*peers)
        race("bootstrap_100k_500", lambda: ours(t, 500), peer, rounds=3)


def close_to_taylor(se: np.ndarray, exact: np.ndarray) -> None:
    """Check errors of 500 replicates: each within 5 sigma, all together within 2 %."""
    ratio = se / exact
    assert np.abs(ratio - 1).max() < 5 / np.sqrt(2 * 500)
    assert abs(ratio.mean() - 1) < 0.02


if __name__ == "__main__":
    main()
