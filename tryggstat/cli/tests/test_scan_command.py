"""`tryggstat scan`, as a user calls it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

import pytest

from tryggstat.cli import main

Ask = Callable[..., tuple[int, str, str]]

ROW = "code,x,y,cases,people,others\n" + "".join(
    f"{code},{x},0,{cases},100,{100 - cases}\n"
    for x, (code, cases) in enumerate(zip("abcde", [9, 9, 1, 0, 1], strict=True))
)
WHERE = ["--id", "code", "--x", "x", "--y", "y", "--cases", "cases"]
DAILY = "code,x,y,day,cases,people\n" + "".join(
    f"{code},{x},0,2026-03-{day:02},{8 if (code, day) == ('b', 6) else 1},50\n"
    for x, code in enumerate("abcd")
    for day in range(1, 7)
)


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    def run(table: str, *options: str) -> tuple[int, str, str]:
        path = tmp_path / "areas.csv"
        path.write_text(table)
        code = main(["scan", str(path), *WHERE, *options])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def answer(ask: Ask) -> Callable[..., Any]:
    def run(table: str, *options: str) -> Any:
        code, out, error = ask(table, *options)
        assert (code, error) == (0, "")
        return json.loads(out)

    return run


def test_the_command_answers_with_all_that_the_contract_names(
    answer: Callable[..., Any],
) -> None:
    found = answer(ROW, "--population", "people")
    best = found["clusters"][0]
    assert best["members"] == ["a", "b"]
    assert (best["centre"], best["radius"]) == ("a", 1)
    assert (best["cases"], best["expected"]) == (18, 8)
    assert best["relative_risk"] == pytest.approx(13.5)
    assert best["llr"] == pytest.approx(18 * log(18 / 8) + 2 * log(2 / 12))
    assert best["p"] == 0.001
    assert 0 < best["p_gumbel"] < 0.01
    assert found["warnings"] == []
    method = found["method"]
    assert (method["model"], method["max_share"], method["seed"]) == ("poisson", 0.5, 1)
    assert "SaTScan" in method["source"]


def test_controls_ask_for_bernoulli(answer: Callable[..., Any]) -> None:
    found = answer(ROW, "--controls", "others")
    assert found["method"]["model"] == "bernoulli"
    assert found["clusters"][0]["expected"] == 8

    def likelihood(c: int, n: int) -> float:
        return c * log(c / n) + (n - c) * log(1 - c / n)

    by_hand = likelihood(18, 200) + likelihood(2, 300) - likelihood(20, 500)
    assert found["clusters"][0]["llr"] == pytest.approx(by_hand)


@pytest.mark.parametrize("people", [[], ["--population", "people"]])
def test_time_finds_where_and_when(
    answer: Callable[..., Any], people: list[str]
) -> None:
    found = answer(
        DAILY, "--time", "day", "--prospective", "--max-duration", "2", *people
    )
    best = found["clusters"][0]
    assert best["members"] == ["b"]
    assert (best["start"], best["end"]) == ("2026-03-06", "2026-03-06")
    assert best["recurrence"] == pytest.approx(1 / best["p"])


def test_ellipses_tell_their_shape(answer: Callable[..., Any]) -> None:
    found = answer(ROW, "--population", "people", "--shape", "ellipse")
    assert {"shape", "angle"} <= set(found["clusters"][0])


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_cores(ask: Ask) -> None:
    once = ask(ROW, "--population", "people", "--seed", "3")
    assert ask(ROW, "--population", "people", "--seed", "3", "--workers", "2") == once
    assert ask(ROW, "--population", "people", "--seed", "4") != once


def test_the_command_finds_what_other_software_finds(
    reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = json.loads((reference / "scan/expected.json").read_text())
    options = "--id id --x x --y y --cases cases --population population"
    table = str(reference / "scan/nydf.csv")
    assert main(["scan", table, *options.split(), "--replicates", "99"]) == 0
    found = json.loads(capsys.readouterr().out)
    best, expected = found["clusters"][0], truth["ny/fractional_xy_ub50"][0]
    assert [int(member) for member in best["members"]] == expected["locids"]
    assert best["llr"] == pytest.approx(expected["llr"], abs=1e-6)
    assert "not whole" in found["warnings"][0]


@pytest.mark.parametrize(
    ("table", "options", "told"),
    [
        (ROW, [], "needs --population"),
        (ROW, ["--population", "nobody"], "no column nobody"),
        (ROW.replace("b,1,0,9", "a,0,0,9"), ["--population", "people"], "line 3"),
        (ROW.replace("b,1,0,9", "b,1,0,-9"), ["--population", "people"], "line 3"),
        (ROW.replace("b,1,0", "b,,0"), ["--population", "people"], "line 3, column x"),
        (DAILY.replace("a,0,0,2026-03-02", "a,1,0,2026-03-02"), ["--time", "day"],
         "line 3, column x"),
        (DAILY.replace("a,0,0,2026-03-02", "a,0,0,2026-13-02"), ["--time", "day"],
         "line 3, column day"),
        (DAILY.replace("a,0,0,2026-03-02,1,50\n", ""),
         ["--time", "day", "--population", "people"], "no row for a at 2026-03-02"),
        (ROW, ["--population", "people", "--prospective"], "no time"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_its_place(
    ask: Ask, table: str, options: list[str], told: str
) -> None:
    code, out, error = ask(table, *options)
    assert (code, out) == (2, "")
    assert told in error


def test_cases_where_nobody_lives_end_the_job(ask: Ask) -> None:
    table = ROW.replace("a,0,0,9,100", "a,0,0,9,0")
    code, _, error = ask(table, "--population", "people")
    assert code == 1
    assert "nobody is at risk" in error


def test_csv_has_a_row_for_each_cluster(ask: Ask) -> None:
    _, out, _ = ask(ROW, "--population", "people", "--format", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert rows[0]["centre"] == "a"
    assert rows[0]["members"] == "a b"
