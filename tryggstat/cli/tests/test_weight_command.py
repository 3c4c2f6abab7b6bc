"""`tryggstat weight`, as a user calls it."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tryggstat.cli import main, tables

PROJECT = Path(__file__).parents[3]
REFERENCE = (
    PROJECT / os.environ.get("TRYGG_REFERENCE", "../shared/reference") / "survey_api"
)
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason=f"no reference cases at TRYGG_REFERENCE: {REFERENCE}"
)

ANSWERS = """id,sex,age,income,pw,answered,area
007,k,18-29,100,10,1,A
2,k,30-,200,10,1,A
3,m,18-29,300,20,0,A
4,m,30-,400,20,1,B
"""
MARGINS = "variable,level,total\nsex,k,60\nsex,m,40\nage,18-29,30\nage,30-,70\n"


@pytest.fixture
def weigh(tmp_path, capsys):
    """Write the tables, run the command and return exit code, answer, error and OUT."""

    def run(*options, answers=ANSWERS, margins=MARGINS, out="out.csv"):
        (tmp_path / "answers.csv").write_text(answers, encoding="utf-8")
        (tmp_path / "margins.csv").write_text(margins)
        arguments = [
            o.replace("MARGINS", str(tmp_path / "margins.csv")) for o in options
        ]
        target = tmp_path / out
        code = main(
            ["weight", str(tmp_path / "answers.csv"), "-o", str(target), *arguments]
        )
        printed = capsys.readouterr()
        rows = []
        if target.exists() and out.endswith(".csv"):
            rows = list(csv.DictReader(target.open(encoding="utf-8")))
        return code, printed.out and json.loads(printed.out), printed.err, rows

    return run


def weights(rows, name="weight"):
    return [float(row[name]) for row in rows]


def test_raking_writes_the_table_with_its_weights_and_reports(weigh):
    code, answer, _, rows = weigh(
        "--margins", "MARGINS", "--method", "rake", "--weight", "pw"
    )
    assert code == 0
    np.testing.assert_allclose(weights(rows), [18, 42, 12, 28], rtol=1e-9)
    assert rows[0]["id"] == "007"  # what was text stays text
    assert list(rows[0]) == [*ANSWERS.splitlines()[0].split(","), "weight"]
    assert answer["largest_margin_error"] < 1e-10
    assert answer["iterations"] >= 1
    np.testing.assert_allclose(answer["smallest_adjustment"], 0.6)
    np.testing.assert_allclose(answer["largest_adjustment"], 4.2)
    np.testing.assert_allclose(
        answer["design_effect"], 4 * (18**2 + 42**2 + 12**2 + 28**2) / 100**2
    )
    assert [m["level"] for m in answer["margins"]] == ["k", "m", "18-29", "30-"]
    assert answer["method"]["method"] == "rake"
    assert answer["method"]["tolerance"] == 1e-10
    assert "Deming" in answer["method"]["source"]


def test_a_column_that_is_replaced_is_told_of_and_letters_are_kept(weigh):
    swedish = ANSWERS.replace("area", "område").replace(",A", ",Åsen")
    code, answer, _, rows = weigh(
        "--margins", "MARGINS", "--method", "rake", "--into", "pw", answers=swedish
    )
    assert code == 0
    assert answer["warnings"] == ["the column pw of DATA is replaced in OUT"]
    assert list(rows[0]) == swedish.splitlines()[0].split(",")
    assert rows[0]["område"] == "Åsen"
    np.testing.assert_allclose(weights(rows, "pw"), [18, 42, 12, 28], rtol=1e-9)


def test_post_stratification_to_a_crossing(weigh):
    crossed = "variable,level,total\n" + "".join(
        f"sex:age,{level},{total}\n"
        for level, total in [("k:18-29", 5), ("k:30-", 6), ("m:18-29", 7), ("m:30-", 8)]
    )
    code, _, _, rows = weigh(
        "--margins", "MARGINS", "--method", "poststratify", "--into", "w2",
        margins=crossed,
    )  # fmt: skip
    assert code == 0
    np.testing.assert_allclose(weights(rows, "w2"), [5, 6, 7, 8])


def test_calibration_to_a_continuous_total(weigh):
    margins = "variable,level,total\nsex,k,25\nsex,m,45\nincome,,20000\n"
    for method, extra in [("linear", []), ("logit", ["--bounds", "0.2,3"])]:
        code, answer, _, rows = weigh(
            "--margins", "MARGINS", "--method", method, "--weight", "pw", *extra,
            margins=margins,
        )  # fmt: skip
        assert code == 0
        income = [float(row["income"]) for row in rows]
        np.testing.assert_allclose(np.dot(weights(rows), income), 20000, rtol=1e-9)
        assert answer["margins"][-1]["level"] is None


def test_nonresponse_moves_weights_within_classes(weigh):
    code, answer, _, rows = weigh(
        "--method", "nonresponse", "--response", "answered", "--classes", "area",
        "--weight", "pw",
    )  # fmt: skip
    assert code == 0
    np.testing.assert_allclose(weights(rows), [20, 20, 0, 20])
    assert answer["largest_adjustment"] == 2


def test_trimming_says_how_far_the_margins_are_missed(weigh):
    code, answer, _, rows = weigh(
        "--margins", "MARGINS", "--method", "rake", "--trim-median", "1.3"
    )
    assert code == 0
    # raked 18, 42, 12, 28, median 23: 12.1 of the 42 are shared by the others
    limit = 1.3 * 23
    assert max(weights(rows)) == pytest.approx(limit)
    assert sum(weights(rows)) == pytest.approx(100)
    assert answer["largest_margin_error"] > 0.01


def test_margins_that_cannot_be_met_give_1_and_the_margin(weigh):
    for margins, reason in [
        (MARGINS.replace("m,40", "m,41"), "age sums to 100, but sex to 101"),
        (MARGINS + "age,0-17,5\n", "age sums to 105, but sex to 100"),
        (MARGINS.replace("sex,k,60", "sex,x,60"), "sex has no total for 'k'"),
        ("variable,level,total\nsex,k,6\nsex,m,4\nsex,x,3\n", "sex=x has 3 persons"),
    ]:
        code, answer, error, rows = weigh(
            "--margins", "MARGINS", "--method", "rake", margins=margins
        )
        assert (code, answer, rows) == (1, "", [])
        assert reason in error
    code, _, error, _ = weigh(
        "--margins", "MARGINS", "--method", "logit", "--bounds", "0.5,2"
    )
    assert code == 1
    assert "instead of" in error


@pytest.mark.parametrize(
    ("options", "answers", "margins", "reason"),
    [
        ("rake", ANSWERS.replace("3,m", "3,"), MARGINS, "line 4, column sex: is empty"),
        ("rake", ANSWERS, MARGINS.replace("40", "x"), "line 3, column total: 'x'"),
        ("rake", ANSWERS, MARGINS.replace("40", ""), "line 3, column total: is empty"),
        ("rake", ANSWERS, MARGINS.replace("40", "-4"), "line 3, column total: -4 is"),
        ("rake", ANSWERS, MARGINS + "sex,k,1\n", "line 6, column level: sex k stands"),
        ("rake", ANSWERS, MARGINS + "town,k,1\n", "no column town"),
        ("rake --weight pw", ANSWERS.replace(",20,0", ",-2,0"), MARGINS, "line 4, col"),
        ("poststratify", ANSWERS, MARGINS, "poststratify takes one variable"),
        ("rake", ANSWERS.splitlines()[0] + "\n", MARGINS, "weights must be one row"),
        ("logit", ANSWERS, MARGINS, "logit needs --bounds"),
        ("rake --bounds 2,3", ANSWERS, MARGINS, "must enclose 1"),
    ],
)
def test_bad_input_gives_2_and_the_place(weigh, options, answers, margins, reason):
    code, answer, error, _ = weigh(
        "--margins", "MARGINS", "--method", *options.split(),
        answers=answers, margins=margins,
    )  # fmt: skip
    assert (code, answer) == (2, "")
    assert reason in error
    assert error.count("\n") == 1


def test_a_large_file_and_parquet_keep_their_columns(weigh, tmp_path, monkeypatch):
    options = ("--margins", "MARGINS", "--method", "rake")
    _, _, _, small = weigh(*options)
    monkeypatch.setattr(tables, "SMALL", 0)
    code, _, _, large = weigh(*options)
    assert code == 0
    assert large == small

    code, *_ = weigh(*options, out="out.parquet")
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert code == 0
    assert frame["id"].to_list() == ["007", "2", "3", "4"]
    np.testing.assert_allclose(frame["weight"], weights(small))


@needs_reference
def test_the_command_agrees_with_r_survey(tmp_path, capsys):
    margins = tmp_path / "margins.csv"
    margins.write_text(
        "variable,level,total\nstype,E,4421\nstype,H,755\nstype,M,1018\n"
        "sch.wide,No,1072\nsch.wide,Yes,5122\n"
    )
    out = tmp_path / "out.csv"
    data = str(REFERENCE / "apiclus1.csv")
    base = ["weight", data, "--weight", "pw", "-o", str(out), "--margins", str(margins)]
    assert main([*base, "--method", "rake"]) == 0
    capsys.readouterr()
    truth = csv.DictReader((REFERENCE / "dclus1_calibrated_weights.csv").open())
    np.testing.assert_allclose(
        weights(csv.DictReader(out.open())),
        [float(row["rake"]) for row in truth],
        rtol=1e-9,
    )
