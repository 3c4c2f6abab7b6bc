"""The Californian school samples, and what R survey answered about them."""

from __future__ import annotations

import csv
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tryggstat.survey import Design

PROJECT = Path(__file__).parents[3]
REFERENCE = (
    PROJECT / os.environ.get("TRYGG_REFERENCE", "../shared/reference") / "survey_api"
)
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"no reference cases at TRYGG_REFERENCE: {REFERENCE}"
)
DESIGNS = ["dstrat", "dstrat_nofpc", "dclus1", "dclus2_2stage", "dclus2_wr"]


@cache
def table(name):
    """Read a table: numbers as floats with NaN for NA, the rest as strings."""
    with (REFERENCE / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {key: _column([row[key] for row in rows]) for key in rows[0]}


def _column(cells):
    try:
        return np.array([np.nan if c in ("", "NA") else float(c) for c in cells])
    except ValueError:
        return np.array(cells)


@cache
def expected():
    return json.loads((REFERENCE / "expected_survey45.json").read_text())


def sample(name):
    """Return the design that R calls by this name, and its table."""
    strat, clus1, clus2 = (table(t) for t in ("apistrat", "apiclus1", "apiclus2"))
    match name:
        case "dstrat":
            return Design(strat["pw"], strat["stype"], fpc=strat["fpc"]), strat
        case "dstrat_nofpc":
            return Design(strat["pw"], strat["stype"]), strat
        case "dclus1":
            return Design(clus1["pw"], psu=clus1["dnum"], fpc=clus1["fpc"]), clus1
        case "dclus2_2stage":
            units, sizes = ("dnum", "snum"), ("fpc1", "fpc2")
            stages = [[clus2[c] for c in columns] for columns in (units, sizes)]
            return Design(clus2["pw"], psu=stages[0], fpc=stages[1]), clus2
        case "dclus2_wr":
            return Design(clus2["pw"], psu=clus2["dnum"]), clus2
    raise KeyError(name)
