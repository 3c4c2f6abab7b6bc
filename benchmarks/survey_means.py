"""Means with standard errors and intervals, 100 areas, 40 strata: svy."""

from __future__ import annotations

import importlib.metadata

import numpy as np
from common import race, setting

from tryggstat.survey import Design, Estimates, estimate

SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000}


def sample(rows: int) -> dict[str, np.ndarray]:
    """Return a stratified sample of persons with a weight, an area and a figure."""
    rng = np.random.default_rng(1)
    return {
        "area": rng.integers(0, 100, rows),
        "stratum": rng.integers(0, 40, rows),
        "w": rng.uniform(1, 5, rows),
        "y": rng.normal(50, 10, rows),
    }


def ours(t: dict[str, np.ndarray]) -> Estimates:
    """Make the design and estimate, as a caller would from the columns."""
    design = Design(t["w"], stratum=t["stratum"])
    return estimate(design, {"y": t["y"]}, by={"area": t["area"]})


def main() -> None:
    """Check that both agree, then race."""
    try:
        import polars as pl
        import svy
    except ImportError:
        print("# svy is not installed: ours alone")
        for name, rows in SIZES.items():
            t = sample(rows)
            race(f"means_{name}", lambda t=t: ours(t))
        return

    def peer(frame: pl.DataFrame) -> pl.DataFrame:
        design = svy.Design(stratum="stratum", wgt="w")
        answer = svy.Sample(data=frame, design=design).estimation.mean(y="y", by="area")
        return answer.to_polars()

    setting(f"svy {importlib.metadata.version('svy')}")
    for name, rows in SIZES.items():
        t = sample(rows)
        frame = pl.DataFrame(t)
        own, other = ours(t), peer(frame).sort(pl.col("area").cast(int))
        for column, figure in (("est", own.estimate), ("se", own.se), ("lci", own.low)):
            np.testing.assert_allclose(figure, other[column].to_numpy(), rtol=1e-9)
        race(
            f"means_{name}",
            lambda t=t: ours(t),
            lambda frame=frame: peer(frame),
            rounds=7 if rows < 1_000_000 else 3,
        )


if __name__ == "__main__":
    main()
