"""Raking 100,000 persons to four margins, once and in 200 replicates: leafblower."""

from __future__ import annotations

import importlib.metadata

import numpy as np
from common import race, setting

from tryggstat.survey.calibration import rake, rake_replicates
from tryggstat.survey.design import encode

PERSONS, REPLICATES = 100_000, 200


def town() -> tuple[dict[str, np.ndarray], dict[str, dict[str, float]]]:
    """Return persons with four variables, 600 combinations, and their margins."""
    rng = np.random.default_rng(1)
    sizes = {"sex": 2, "tenure": 5, "area": 10, "age": 6}
    people = {name: rng.integers(0, k, PERSONS) for name, k in sizes.items()}
    alike = rng.random(PERSONS) < 0.3
    people["tenure"] = np.where(alike, people["sex"], people["tenure"])
    shares = {name: rng.dirichlet(np.full(k, 20)) for name, k in sizes.items()}
    totals = {
        name: {str(level): float(share) for level, share in enumerate(share_of)}
        for name, share_of in shares.items()
    }
    return {name: codes.astype("U1") for name, codes in people.items()}, totals


def main() -> None:
    """Check that all agree, then race."""
    people, totals = town()
    weight = np.ones(PERSONS)
    coded = {name: encode(values) for name, values in people.items()}
    numbers = {name: values.astype(int) for name, values in people.items()}
    number_totals = {
        name: {int(level): total for level, total in wanted.items()}
        for name, wanted in totals.items()
    }
    raked = rake(weight, people, totals)
    assert raked.largest_margin_error < 1e-10
    peers = []
    try:
        import leafblower
        import pandas as pd
    except ImportError:
        print("# leafblower is not installed: ours alone")
        peer = None
    else:
        peers.append(f"leafblower {importlib.metadata.version('leafblower')}")
        frame = pd.DataFrame(people)

        number_frame = pd.DataFrame(numbers)

        def peer(data: pd.DataFrame = frame) -> np.ndarray:
            return leafblower.harvest(
                data,
                totals,
                method="raking",
                max_weight=1e9,  # its default of 5 would cut weights off
                attach_weights=False,
                convergence={"absolute": 1e-10},
            )["weights"]

        np.testing.assert_allclose(
            peer() / PERSONS, raked.weight / raked.weight.sum(), rtol=1e-8
        )
    setting(*peers)
    race("raking_100k_from_text", lambda: rake(weight, people, totals), peer)
    race(
        "raking_100k_from_numbers",
        lambda: rake(weight, numbers, number_totals),
        peer and (lambda: peer(number_frame)),
    )
    race("raking_100k_coded_before", lambda: rake(weight, coded, totals), peer)

    times = np.random.default_rng(2).poisson(1, (PERSONS, REPLICATES)).astype(np.uint8)
    replicates = rake_replicates(weight, times, coded, totals)
    for r in (0, REPLICATES - 1):
        alone = rake(weight * times[:, r], coded, totals)
        np.testing.assert_allclose(
            replicates.factor[replicates.cell, r] * times[:, r], alone.weight, rtol=1e-7
        )
    race(
        "raking_100k_200_replicates",
        lambda: rake_replicates(weight, times, coded, totals),
    )


if __name__ == "__main__":
    main()
