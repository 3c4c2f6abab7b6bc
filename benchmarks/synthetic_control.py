"""Synthetic control with ten predictors, 60 areas and 43 years: pysyncon."""

from __future__ import annotations

import importlib.metadata

import numpy as np
from common import race, setting

from tryggstat.effects.synthetic_control import synthetic_control

YEARS, AREAS, START = 43, 60, 25


def country() -> tuple[np.ndarray, np.ndarray]:
    """Return outcomes by year and area, and predictors by area."""
    rng = np.random.default_rng(1)
    pull = rng.uniform(0, 1, (3, AREAS))
    paths = np.cumsum(rng.normal(size=(YEARS, 3)), axis=0)
    y = 20 + paths @ pull + rng.normal(0, 0.3, (YEARS, AREAS))
    known = pull + rng.normal(0, 0.1, pull.shape)
    useless = rng.normal(size=(6, AREAS))
    return y, np.vstack([known, useless, y[:START].mean(axis=0)])


def main() -> None:
    """Check that ours fits no worse, race one fit, then time it with all placebos."""
    y, x = country()

    def one() -> object:
        return synthetic_control(y, 0, START, predictors=x, placebo=False)

    try:
        import pandas as pd
        from pysyncon import Dataprep, Synth
    except ImportError:
        print("# pysyncon is not installed: ours alone")
        setting()
        race("synthetic_control_one_fit", one)
    else:
        names = [f"x{k}" for k in range(x.shape[0])]
        rows = pd.DataFrame(
            [
                {
                    "unit": i,
                    "time": t,
                    "y": y[t, i],
                    **dict(zip(names, x[:, i], strict=True)),
                }
                for i in range(AREAS)
                for t in range(YEARS)
            ]
        )
        before = range(START)

        def peer() -> Synth:
            synth = Synth()
            synth.fit(
                Dataprep(
                    foo=rows,
                    predictors=names,
                    predictors_op="mean",
                    dependent="y",
                    unit_variable="unit",
                    time_variable="time",
                    treatment_identifier=0,
                    controls_identifier=list(range(1, AREAS)),
                    time_predictors_prior=before,
                    time_optimize_ssr=before,
                ),
            )
            return synth

        ours = synthetic_control(y, 0, START, predictors=x, placebo=False)
        gap = y[:START, 0] - y[:START, 1:] @ np.asarray(peer().W)
        theirs = float(np.sqrt(np.mean(gap**2)))
        print(f"# gap before: ours {ours.rmspe_before:.5f}, theirs {theirs:.5f}")
        setting(f"pysyncon {importlib.metadata.version('pysyncon')}")
        race("synthetic_control_one_fit", one, peer, rounds=3)
    race(
        "synthetic_control_all_placebos",
        lambda: synthetic_control(y, 0, START, predictors=x),
        rounds=3,
    )


if __name__ == "__main__":
    main()
