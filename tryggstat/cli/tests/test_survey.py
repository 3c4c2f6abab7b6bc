"""The survey commands as a user meets them: answers, faults, formats."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest

from tryggstat.cli import main, tables
from tryggstat.survey.tests.schools import REFERENCE, expected, needs_reference

ANSWERS = """area,stratum,w,unsafe,mood,age
A,1,2,1,good,30
A,1,2,0,bad,NA
A,2,4,1,good,50
B,1,2,0,bad,17
B,2,4,0,,64
B,2,4,1,good,71
"""


@pytest.fixture
def answers(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(ANSWERS)
    return str(path)


def run(capsys, *words):
    """Run a command and return its exit code, answer and error."""
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out.startswith("{") else out, err


def rows(answer):
    return answer["estimates"]


def test_an_estimate_carries_its_group_its_method_and_null_for_what_is_unknown(
    capsys, answers
):
    code, answer, err = run(
        capsys, "estimate", answers, "--value", "unsafe", "--kind", "share",
        "--weight", "w", "--stratum", "stratum", "--by", "area",
    )  # fmt: skip
    assert (code, err) == (0, "")
    first, second = rows(answer)
    assert first["by"] == {"area": "A"}
    assert first["level"] == "1"
    assert first["estimate"] == pytest.approx(6 / 8)
    assert second["estimate"] == pytest.approx(4 / 10)
    assert answer["method"]["weight"] == "w"
    assert answer["method"]["interval"] == "logit"
    assert answer["method"]["version"]


def test_rows_with_missing_answers_are_left_out_and_counted(capsys, answers):
    _, answer, _ = run(
        capsys, "estimate", answers, "--value", "mood", "--kind", "share",
        "--level", "good", "--level", "bad", "--weight", "w",
    )  # fmt: skip
    good, bad = rows(answer)
    assert (good["level"], bad["level"]) == ("good", "bad")
    assert good["n"] == 5
    assert good["estimate"] == pytest.approx(10 / 14)
    assert "mood: 1 rows with a missing value are left out" in answer["warnings"]


@pytest.mark.parametrize(
    ("expression", "estimate"),
    [
        ("age >= 50", 8 / 12),
        ("age >= 50 and not area = 'B'", 1),
        ("area in ('A') | age < 20", 6 / 10),
        ("mood not in ('good')", 0),
        ("`age` > 40 && 1 = 1", None),
    ],
)
def test_a_domain_can_be_named_by_an_expression(capsys, answers, expression, estimate):
    code, answer, err = run(
        capsys, "estimate", answers, "--value", "unsafe", "--kind", "mean",
        "--weight", "w", "--where", expression,
    )  # fmt: skip
    if estimate is None:
        assert code == 2
        assert "cannot be read" in err
    else:
        assert rows(answer)[0]["estimate"] == pytest.approx(estimate)


@pytest.mark.parametrize(
    ("change", "options", "fault"),
    [
        (("B,1,2", "B,1,x"), "--weight w", "line 5, column w: 'x' is not a number"),
        (("B,1,2", "B,1,"), "--weight w", "line 5, column w: is empty"),
        (("B,1,2", "B,1,-2"), "--weight w", "line 5, column w: is below 0"),
        (("A,2,4", "A,,4"), "--stratum stratum", "line 4, column stratum: is empty"),
        (("A,2,4", "A,2"), "", "line 4: has 5 cells for 6 columns"),
        (("w", "area"), "", "line 1: the column area stands there twice"),
        ((",", ";"), "", "line 1: has semicolons between columns, not commas"),
        (("", ""), "--weight v", "line 1: there is no column v among area, stratum"),
    ],
)
def test_a_fault_is_named_by_file_line_and_column(
    capsys, answers, change, options, fault
):
    with open(answers, "w") as file:
        file.write(ANSWERS.replace(*change))
    code, out, err = run(
        capsys, "estimate", answers, "--value", "unsafe", "--kind", "mean",
        *options.split(),
    )  # fmt: skip
    assert (code, out) == (2, "")
    assert err.startswith(f"tryggstat estimate: {answers}, {fault}")
    assert err.count("\n") == 1


def test_large_files_are_read_alike_and_their_faults_named_alike(
    capsys, answers, monkeypatch
):
    options = [
        "estimate", answers, "--value", "mood", "--kind", "share", "--level", "good",
        "--weight", "w", "--stratum", "stratum", "--by", "area",
    ]  # fmt: skip
    small = run(capsys, *options)
    monkeypatch.setattr(tables, "SMALL", 0)
    assert run(capsys, *options) == small

    for change, fault in (
        (("B,1,2", "B,1,x"), "line 5, column w: 'x' is not a number"),
        (("w", "area"), "line 1: the column area stands there twice"),
        (("A,2,4,", "A,2,4,1,"), "line 4: has 7 cells for 6 columns"),
        (("A,2,4,", "A,2,"), "line 4: has 5 cells for 6 columns"),
    ):
        with open(answers, "w") as file:
            file.write(ANSWERS.replace(*change))
        code, _, err = run(capsys, *options)
        assert code == 2
        assert fault in err


def test_parquet_and_standard_input_give_what_csv_gives(
    capsys, answers, tmp_path, monkeypatch
):
    import polars as pl

    options = ["--value", "age", "--kind", "mean", "--weight", "w", "--by", "area"]
    _, from_csv, _ = run(capsys, "estimate", answers, *options)
    parquet = tmp_path / "answers.parquet"
    pl.read_csv(answers, null_values="NA").write_parquet(parquet)
    _, from_parquet, _ = run(capsys, "estimate", parquet, *options)
    piped = io.TextIOWrapper(io.BytesIO(ANSWERS.encode()))
    monkeypatch.setattr(sys, "stdin", piped)
    _, from_pipe, _ = run(capsys, "estimate", "-", *options)

    assert rows(from_csv) == rows(from_parquet) == rows(from_pipe)


def test_csv_and_table_hold_one_row_for_each_estimate(capsys, answers):
    options = ["estimate", answers, "--value", "age", "--kind", "mean", "--by", "area"]
    _, csv_text, _ = run(capsys, *options, "--format", "csv")
    _, table_text, _ = run(capsys, *options, "--format", "table")
    assert csv_text.splitlines()[0].startswith("value,level,area,estimate,se")
    assert csv_text.splitlines()[1].startswith("age,,A,40.0,")
    assert len(table_text.splitlines()) == 3


def test_a_lonely_unit_fails_the_job(capsys, answers):
    code, _, err = run(
        capsys, "estimate", answers, "--value", "unsafe", "--kind", "mean",
        "--stratum", "age",
    )  # fmt: skip
    assert code == 2  # age is missing in a row
    with open(answers, "w") as file:
        file.write(ANSWERS.replace("NA", "30"))
    code, _, err = run(
        capsys, "estimate", answers, "--value", "unsafe", "--kind", "mean",
        "--stratum", "age",
    )  # fmt: skip
    assert code == 1
    assert err == "tryggstat estimate: stratum 17 has only one unit at stage 1\n"


def test_groups_are_compared_with_the_rest_or_as_the_contrast_says(capsys, answers):
    options = ["compare", answers, "--value", "unsafe", "--kind", "share"]
    _, against_rest, _ = run(capsys, *options, "--by", "area", "--adjust", "holm")
    first, second = against_rest["contrasts"]
    assert (first["contrast"], second["contrast"]) == ("A - rest", "B - rest")
    assert first["difference"] == pytest.approx(2 / 3 - 1 / 3)
    assert first["p_adjusted"] == pytest.approx(2 * first["p"])
    assert first["verdict"] == "cannot_tell"
    assert against_rest["method"]["adjust"] == "holm"

    _, by_column, _ = run(capsys, *options, "--contrast", "stratum=1:2")
    _, by_name, _ = run(capsys, *options, "--by", "stratum", "--contrast", "x=1:2")
    assert by_column["contrasts"][0]["contrast"] == "1 - 2"
    assert by_name["contrasts"][0]["contrast"] == "x"
    assert by_column["contrasts"][0]["se"] == by_name["contrasts"][0]["se"]

    code, _, err = run(capsys, *options, "--contrast", "stratum")
    assert (code, err) == (
        2,
        "tryggstat compare: --contrast stratum: is not of the form A=x:y\n",
    )


@pytest.mark.parametrize("command", ["estimate", "compare"])
def test_the_same_seed_gives_the_same_bytes_for_any_number_of_workers(
    capsys, answers, command
):
    texts = []
    for seed, workers in ((5, 1), (5, 2), (6, 1)):
        code = main(
            [
                command, answers, "--value", "age", "--kind", "mean", "--by", "area",
                "--replicates", "bootstrap", "64", "--seed", str(seed),
                "--workers", str(workers),
            ]
        )  # fmt: skip
        assert code == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert texts[0] != texts[2].replace('"seed": 6', '"seed": 5')


@needs_reference
def test_replicate_weights_are_found_by_their_pattern_and_agree_with_r(
    capsys, tmp_path
):
    files = [
        (REFERENCE / name).read_text().splitlines()
        for name in ("apistrat.csv", "repweights_dstrat_JKn.csv")
    ]
    data = tmp_path / "schools.csv"
    data.write_text("\n".join(",".join(lines) for lines in zip(*files, strict=True)))
    spec = expected()["rep/dstrat_JKn/spec"]
    options = [
        "estimate", data, "--value", "api00", "--kind", "mean", "--weight", "pw",
        "--replicate-weights", "rw*", "--rscales", ",".join(map(str, spec["rscales"])),
    ]  # fmt: skip
    _, answer, _ = run(capsys, *options, "--replicate-scale", spec["scale"])
    r = expected()["rep/dstrat_JKn/mean_api00"]
    np.testing.assert_allclose(rows(answer)[0]["se"], r["se"]["api00"], rtol=1e-9)
    assert rows(answer)[0]["df"] == spec["degf"]

    code, _, err = run(capsys, *options)
    assert code == 2
    assert "finds 200 columns, and needs --replicate-scale" in err


@needs_reference
def test_two_stages_weighted_by_their_sampling_fractions_agree_with_r(capsys):
    _, answer, _ = run(
        capsys, "estimate", REFERENCE / "apiclus2.csv", "--value", "api00", "api99",
        "--kind", "mean", "--psu", "dnum,snum", "--fpc", "fpc1,fpc2",
    )  # fmt: skip
    r = expected()["dclus2_2stage/mean_api00_api99"]
    found = {row["value"]: (row["estimate"], row["se"]) for row in rows(answer)}
    for name in ("api00", "api99"):
        np.testing.assert_allclose(
            found[name], (r["est"][name], r["se"][name]), rtol=1e-9
        )


@needs_reference
def test_margins_take_their_part_off_the_variance_as_in_r(capsys, tmp_path):
    weights = (REFERENCE / "dclus1_calibrated_weights.csv").read_text().splitlines()
    schools = (REFERENCE / "apiclus1.csv").read_text().splitlines()
    column = weights[0].replace('"', "").split(",").index("rake")
    joined = [
        f"{line},{extra.split(',')[column]}"
        for line, extra in zip(schools, weights, strict=True)
    ]
    data, margins = tmp_path / "schools.csv", tmp_path / "margins.csv"
    data.write_text("\n".join(joined))
    margins.write_text(
        "variable,level,total\nstype,E,4421\nstype,H,755\nstype,M,1018\n"
        "sch.wide,No,1072\nsch.wide,Yes,5122\n"
    )
    options = [
        "estimate", data, "--value", "api00", "--kind", "mean", "--weight", "rake",
        "--psu", "dnum", "--fpc", "fpc", "--calibrated-to", margins,
    ]  # fmt: skip
    _, answer, _ = run(capsys, *options)
    r = expected()["dclus1/rake/mean_api00"]
    row = rows(answer)[0]
    np.testing.assert_allclose(row["se"], r["se"]["api00"], rtol=1e-7)

    margins.write_text("variable,level,total\nstype,E,9000\n")
    code, _, err = run(capsys, *options)
    assert code == 2
    assert "line 2, column total: the weights add up to 4421, not 9000" in err
