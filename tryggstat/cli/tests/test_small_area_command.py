"""`tryggstat small-area`, as a user calls it."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from tryggstat.cli import main

PROJECT = Path(__file__).parents[3]
REFERENCE = (
    PROJECT / os.environ.get("TRYGG_REFERENCE", "../shared/reference") / "fay_herriot"
)
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"no reference cases at TRYGG_REFERENCE: {REFERENCE}"
)
AREAS = "area,y,v\na,10,50\nb,20,50\nc,30,50\nd,,\n"


@pytest.fixture
def fit(tmp_path, capsys):
    def run(table, *options):
        (tmp_path / "areas.csv").write_text(table)
        path = str(tmp_path / "areas.csv")
        code = main(
            ["small-area", path, "--estimate", "y", "--variance", "v", *options]
        )
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_an_area_without_estimate_gets_the_synthetic_one(fit):
    # worked by hand in the tests of the library
    code, out, _ = fit(AREAS, "--method", "fh", "--id", "area")
    answer = json.loads(out)
    assert code == 0
    assert [row["id"] for row in answer["areas"]] == list("abcd")
    figures = [row["estimate"] for row in answer["areas"]]
    np.testing.assert_allclose(figures, [15, 20, 25, 20])
    np.testing.assert_allclose(answer["areas"][0]["mse"], 200 / 3)
    assert answer["areas"][0]["shrinkage"] == pytest.approx(0.5)
    assert answer["areas"][3]["direct"] is None
    assert answer["model"]["refvar"] == pytest.approx(50)
    assert answer["model"]["kind"] == "model-based"
    assert answer["warnings"] == [
        "1 areas have no sample: direct is null, estimate is synthetic"
    ]
    assert answer["method"]["method"] == "fh"


def test_labels_become_indicators_of_all_levels_but_the_first(fit):
    table = "y,v,kind\n1,1,p\n2,1,p\n5,1,q\n7,1,q\n9,1,r\n8,1,r\n"
    _, out, _ = fit(table, "--covariates", "kind")
    assert json.loads(out)["model"]["terms"] == ["intercept", "kind=q", "kind=r"]


def test_the_interval_follows_the_confidence(fit):
    _, out, _ = fit(AREAS, "--confidence", "0.8")
    row = json.loads(out)["areas"][0]
    half = 1.2815515655446004 * row["mse"] ** 0.5
    assert row["high"] - row["estimate"] == pytest.approx(half)


def test_rows_can_be_had_as_csv(fit):
    _, out, _ = fit(AREAS, "--format", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["direct"] for row in rows] == ["10.0", "20.0", "30.0", ""]


def test_bad_input_gives_2_and_a_model_that_cannot_be_fitted_1(fit):
    for table, options, code, reason in [
        (AREAS.replace("b,20,50", "b,20,0"), [], 2, "line 3, column v: must be above"),
        (AREAS.replace("b,20,50", "b,20,"), [], 2, "line 3, column v: must be above"),
        (AREAS.replace("20", "x"), [], 2, "line 3, column y: 'x' is not a number"),
        (AREAS, ["--covariates", "z"], 2, "no column z"),
        (AREAS, ["--covariates", "v"], 2, "line 5, column v: is empty"),
        ("y,v,z\n1,1,1\n2,1,1\n3,1,1\n", ["--covariates", "z"], 1, "dependent"),
        ("y,v\n1,1\n,\n", [], 1, "1 areas with a sample, 1 coefficients"),
    ]:
        found, out, error = fit(table, *options)
        assert (found, out) == (code, "")
        assert reason in error


@needs_reference
@pytest.mark.parametrize("method", ["reml", "ml", "fh"])
def test_the_command_agrees_with_r_sae(method, tmp_path, capsys):
    milk = list(csv.DictReader((REFERENCE / "milk.csv").open()))
    path = tmp_path / "milk.csv"
    with path.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["yi", "var", "region"])
        for row in milk:
            region = f"region {row['MajorArea']}"
            writer.writerow([row["yi"], float(row["SD"]) ** 2, region])
    main(
        ["small-area", str(path), "--estimate", "yi", "--variance", "var",
         "--covariates", "region", "--method", method]
    )  # fmt: skip
    answer = json.loads(capsys.readouterr().out)
    truth = json.loads((REFERENCE / "expected.json").read_text())
    expected = truth[f"milk/{method.upper()}/prec1e-10"]
    for ours, theirs in [("estimate", "eblup"), ("mse", "mse")]:
        np.testing.assert_allclose(
            [row[ours] for row in answer["areas"]], expected[theirs], rtol=1e-8
        )
    for name in ("refvar", "beta", "beta_se"):
        np.testing.assert_allclose(answer["model"][name], expected[name], rtol=1e-8)
