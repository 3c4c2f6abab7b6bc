"""`tryggstat effect`, as a user calls it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tryggstat.cli import main


@pytest.fixture
def ask(tmp_path, capsys):
    def run(design, table, *options):
        path = tmp_path / "table.csv"
        path.write_text(table)
        code = main(["effect", design, str(path), *options])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if code == 0 else printed.err

    return run


def months(values, first=2020):
    lines = [
        f"{first + i // 12}-{i % 12 + 1:02d},{value}" for i, value in enumerate(values)
    ]
    return "month,reports\n" + "\n".join(lines) + "\n"


ITS = ("--time", "month", "--value", "reports")


def test_a_fall_in_a_series_of_months_is_told_in_both_languages(ask):
    noise = np.tile([1, -1, -1, 1], 6)
    code, answer = ask(
        "its",
        months(50 + noise - 20 * (np.arange(24) >= 12)),
        *ITS,
        "--start",
        "2021-01",
    )
    assert code == 0
    assert answer["effect"] == pytest.approx(-20, abs=1)
    assert answer["low"] < -20 < answer["high"] < 0
    assert answer["smallest_effect"] > 0
    assert answer["conclusion"]["verdict"] == "decrease"
    assert "lower than if the earlier trend" in answer["conclusion"]["en"]
    assert "lägre än om den tidigare trenden" in answer["conclusion"]["sv"]
    assert answer["method"]["model"] == "ar1-reml"
    assert answer["periods"] == {"before": 12, "after": 12}


def test_a_missing_month_is_a_gap(ask):
    table = months(range(20)).replace("2020-05,4\n", "")
    _, answer = ask("its", table, *ITS, "--start", "2021-01", "--model", "ols")
    slope = next(c for c in answer["coefficients"] if c["name"] == "t")
    assert slope["estimate"] == pytest.approx(1)


def test_a_start_that_is_not_there_is_bad_input(ask):
    code, error = ask("its", months(range(20)), *ITS, "--start", "2031-01")
    assert code == 2
    assert "column month: there is no period 2031-01" in error


DID = "area,year,has,fires\na,1,0,10\na,2,1,8\nb,1,0,9\nb,2,1,5\nc,1,0,7\nc,2,1,7\n"
DID += "d,1,0,3\nd,2,0,4\ne,1,0,5\ne,2,0,8\n"
PANEL = ("--unit", "area", "--time", "year", "--value", "fires")


@pytest.mark.parametrize("more", [(), ("--staggered",), ("--errors", "cr2")])
def test_areas_compared_by_hand(ask, more):
    # -2, -4 and 0 with the measure, 1 and 3 without: -2 - 2
    code, answer = ask("did", DID, *PANEL, "--treated", "has", *more)
    assert code == 0
    assert answer["effect"] == pytest.approx(-4)
    assert answer["se"] == pytest.approx(np.sqrt(4 / 3 + 1))
    assert answer["conclusion"]["verdict"] == "cannot be told"
    assert answer["pretrend"]["p"] is None
    assert "the time before the start is too short to be tested" in answer["warnings"]


def test_counts_are_compared_as_ratios(ask):
    code, answer = ask(
        "did", DID, *PANEL, "--treated", "has", "--model", "poisson", "--errors", "cr1"
    )
    assert code == 0
    assert answer["method"]["scale"] == "logarithm of a ratio"
    assert answer["effect"] < 0


def test_a_mark_that_is_neither_0_nor_1_is_named_by_line(ask):
    table = DID.replace("b,2,1,5", "b,2,7,5")
    code, error = ask("did", table, *PANEL, "--treated", "has")
    assert code == 2
    assert "line 5, column has: must be 0 or 1" in error


def synthetic_table(areas=21):
    rng = np.random.default_rng(5)
    paths = np.cumsum(rng.normal(size=(16, 2)), axis=0)
    y = 20 + paths @ rng.uniform(0, 1, (2, areas)) + rng.normal(0, 0.3, (16, areas))
    y[10:, 4] -= 6
    rows = [
        f"u{i},{2000 + t},{y[t, i]},{y[0, i]}" for i in range(areas) for t in range(16)
    ]
    return "area,year,fires,first\n" + "\n".join(rows) + "\n"


def test_one_area_beside_its_synthetic_control(ask):
    options = (*PANEL, "--treated", "u4", "--start", "2010")
    code, answer = ask("synthetic", synthetic_table(), *options, "--placebo")
    assert code == 0
    assert answer["placebo_p"] == pytest.approx(1 / 21)
    assert answer["conclusion"]["verdict"] == "decrease"
    assert sum(row["weight"] for row in answer["weights"]) == pytest.approx(1)
    assert "u4" not in [row["unit"] for row in answer["weights"]]
    assert answer["placebos"][0]["unit"] == "u4"
    _, alone = ask("synthetic", synthetic_table(), *options, "--predictors", "first")
    assert alone["placebo_p"] is None
    assert alone["conclusion"]["doubts"] == ["no placebos"]
    assert alone["predictor_weights"] == {"first": 1.0}


def test_an_area_without_a_value_is_bad_input(ask):
    lines = [
        "u3,2004,NA,1" if line.startswith("u3,2004,") else line
        for line in synthetic_table().splitlines()
    ]
    options = (*PANEL, "--treated", "u4", "--start", "2010")
    code, error = ask("synthetic", "\n".join(lines) + "\n", *options)
    assert code == 2
    assert "no value for u3 in period 5 of 16" in error
