"""Fay-Herriot by REML with mean squared errors: samplics."""

from __future__ import annotations

import importlib.metadata
import warnings

import numpy as np
from common import race, setting

from tryggstat.survey.small_area import fay_herriot


def country(areas: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return direct estimates, their variances and five covariates."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(areas, 5))
    variance = rng.uniform(0.5, 2, areas)
    truth = x.sum(axis=1) + rng.normal(size=areas)
    return truth + np.sqrt(variance) * rng.normal(size=areas), variance, x


def main() -> None:
    """Check that both agree on 1,000 areas, race there, then time all DeSO."""
    y, variance, x = country(1_000)
    ours = fay_herriot(y, variance, x)
    try:
        with warnings.catch_warnings(action="ignore"):
            from samplics.sae import EblupAreaModel
            from samplics.utils.types import FitMethod
    except ImportError:
        print("# samplics is not installed: ours alone")
        setting()
        race("fay_herriot_1000", lambda: fay_herriot(y, variance, x))
    else:
        area = np.arange(y.size)

        def peer() -> EblupAreaModel:
            model = EblupAreaModel(method=FitMethod.reml)
            model.fit(yhat=y, X=x, area=area, error_std=np.sqrt(variance), tol=1e-10)
            model.predict(X=x, area=area)
            return model

        theirs = peer()
        np.testing.assert_allclose(theirs.re_std**2, ours.refvar, rtol=1e-6)
        estimates = np.array([theirs.area_est[a] for a in area])
        np.testing.assert_allclose(estimates, ours.estimate, rtol=1e-6)
        setting(f"samplics {importlib.metadata.version('samplics')}")
        race("fay_herriot_1000", lambda: fay_herriot(y, variance, x), peer, rounds=3)
    everything = country(6160)
    race("fay_herriot_6160", lambda: fay_herriot(*everything))


if __name__ == "__main__":
    main()
