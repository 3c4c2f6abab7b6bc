import ctypes
import json

import pytest

from tryggstat.cli import disclosure, main

ASK = ("--rows", "area", "--columns", "answer", "--count", "count")
TABLE = """area,answer,count
a,yes,1
a,no,9
b,yes,8
b,no,7
"""


@pytest.fixture
def write(tmp_path):
    def put(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return put


@pytest.fixture
def ask(capsys):
    def put(*words, code=0):
        assert main([str(word) for word in words]) == code
        out, err = capsys.readouterr()
        return json.loads(out) if out.startswith("{") else out or err

    return put


def cell(found, /, **by):
    return next(c for c in found["cells"] if c["by"] == by)


def test_protect_says_of_each_cell_whether_and_why_it_is_hidden(ask, write):
    answer = ask("protect", write(TABLE), *ASK, "--audit")

    assert len(answer["cells"]) == 9
    assert cell(answer, area="a", answer="yes") == {
        "by": {"area": "a", "answer": "yes"},
        "count": None,
        "published": False,
        "primary": True,
        "secondary": False,
        "low": 0,
        "high": 9,
    }
    assert cell(answer, area="b", answer="no")["secondary"]
    assert cell(answer, area="Total", answer="Total")["count"] == 25
    assert (answer["exactly_disclosed"], answer["too_narrow"]) == (0, 0)
    assert answer["method"]["threshold"] == 5
    assert answer["certificate"]["optimal"]


def test_totals_may_stand_in_the_table_and_must_agree(ask, write):
    totals = "a,Total,10\nTotal,yes,9\nTotal,Total,25\n"
    with_them = ask("protect", write(TABLE + totals), *ASK)
    assert with_them["cells"] == ask("protect", write(TABLE), *ASK)["cells"]

    wrong = write(TABLE + "a,Total,11\n")
    assert ask("protect", wrong, *ASK, code=2) == (
        f"tryggstat protect: {wrong}, line 6, column count: is 11, "
        "its parts add up to 10\n"
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("c,yes,-1", "line 6, column count: must be a whole number"),
        ("c,yes,1.5", "line 6, column count: must be a whole number"),
        ("c,yes,", "line 6, column count: must be a whole number"),
        ("c,yes,many", "line 6, column count: 'many' is not a number"),
        (",yes,3", "line 6, column area: is empty"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(ask, write, line, fault):
    assert fault in ask("protect", write(TABLE + line + "\n"), *ASK, code=2)


def test_a_protected_table_withstands_the_attack_and_a_bare_threshold_does_not(
    ask, write
):
    protected = write(str(ask("protect", write(TABLE), *ASK, "--format", "csv")))
    assert ask("attack", protected, *ASK)["narrowed"] == 0

    bare = write(TABLE.replace("a,yes,1", "a,yes,..") + "a,Total,10\n")
    found = ask("attack", bare, *ASK)
    assert found["hidden"] == found["recovered"] == 5  # four are totals left out
    assert found["small"] == 1
    yes = cell(found, area="a", answer="yes")
    assert (yes["low"], yes["high"], yes["means"]) == (1, 1, "subtraction")


def test_tables_are_linked_by_the_margins_that_they_share(ask, write):
    areas = write(TABLE)
    sexes = write("sex,answer,count\nf,yes,7\nf,no,3\nm,yes,2\nm,no,13\n", "sexes.csv")
    answer = ask(
        "protect", areas, sexes, "--rows", "area,sex", "--columns", "answer",
        "--count", "count",
    )  # fmt: skip
    assert len(answer["cells"]) == 9 + 6
    assert cell(answer, area="Total", sex="f", answer="no")["primary"]
    assert cell(answer, area="Total", sex="Total", answer="Total")["count"] == 25


def test_a_hierarchy_gives_districts_and_its_top_is_the_total(ask, write):
    tree = "level,parent\na,north\nb,north\nc,south\nnorth,town\nsouth,town\n"
    rows = TABLE + "c,yes,20\nc,no,30\ntown,yes,29\n"
    answer = ask("protect", write(rows), *ASK, "--hierarchy", write(tree, "tree.csv"))
    labels = {c["by"]["area"] for c in answer["cells"]}
    assert labels == {"a", "b", "c", "north", "south", "Total"}
    # 1 of 20 and 30 in the south is not small, nor are 9 and 16 in the north
    assert cell(answer, area="north", answer="yes")["published"]


def test_overlapping_divisions_are_subtracted_by_the_attacker(ask, write):
    tree = "level,parent\ncore,D\ncore,S\nsliver,D\nrest,R\n"
    rows = "area,answer,count\nD,yes,42\nS,yes,40\nTotal,yes,90\n"
    found = ask("attack", write(rows), *ASK, "--hierarchy", write(tree, "tree.csv"))
    sliver = cell(found, area="sliver", answer="Total")
    assert (sliver["low"], sliver["high"], sliver["recovered"]) == (2, 2, True)


def test_an_earlier_release_is_audited_as_well(ask, write):
    now = write("area,answer,count\na,yes,21\na,no,30\nb,yes,25\nb,no,35\n")
    then = write(
        "area,answer,count\na,yes,20\na,no,30\nb,yes,25\nb,no,35\n", "then.csv"
    )
    assert all(c["published"] for c in ask("protect", now, *ASK)["cells"])
    answer = ask("protect", now, *ASK, "--earlier", then)
    assert not cell(answer, area="a", answer="yes")["published"]


def test_an_earlier_release_about_others_must_give_its_hidden_counts(ask, write):
    now = write("area,answer,count\na,yes,21\na,no,30\nb,yes,25\nb,no,35\n")
    then = write("area,answer,count\na,yes,\na,no,29\n", "then.csv")
    said = ask("protect", now, *ASK, "--earlier", then, code=2)
    assert "then.csv, line 2, column count: is empty" in said


def test_dominance_looks_at_the_rows_that_make_up_a_cell(ask, write):
    rows = "area,answer,count\na,yes,80\na,yes,9\na,yes,11\na,no,50\na,no,50\n"
    more = rows + "b,yes,60\nb,yes,60\nb,no,55\nb,no,55\n"
    answer = ask("protect", write(more), *ASK, "--dominance", "1,75")
    assert cell(answer, area="a", answer="yes")["primary"]
    assert sum(c["primary"] for c in answer["cells"]) == 1


def test_what_cannot_be_protected_fails_with_a_reason(ask, write):
    now = write("area,answer,count\na,yes,1\na,no,30\n")
    everything = write(
        "area,answer,count\na,no,30\nTotal,no,30\na,Total,31\nTotal,yes,1\nTotal,Total,31\n",
        "then.csv",
    )
    said = ask("protect", now, *ASK, "--earlier", everything, code=1)
    assert "answer yes area a can be bounded" in said


def test_figures_that_contradict_each_other_fail_the_attack(ask, write):
    rows = "area,answer,count\na,yes,5\na,no,..\na,Total,3\n"
    assert "attack" in ask("attack", write(rows), *ASK, code=1)


def test_cell_keys_give_the_same_noise_for_the_same_secret(ask, write):
    rows = "area,answer,count\n" + "".join(
        f"a{i},yes,{i}\na{i},no,9\n" for i in range(30)
    )
    words = ("protect", write(rows), *ASK, "--method", "cellkey", "--seed")
    first, again, other = (ask(*words, seed) for seed in (1, 1, 2))
    assert first["cells"] == again["cells"] != other["cells"]
    counts = [c["count"] for c in first["cells"] if c["by"]["answer"] == "yes"]
    assert not set(counts) & {1, 2}
    assert "seed" not in first["method"]


def test_cell_keys_need_a_secret(ask, write):
    said = ask("protect", write(TABLE), *ASK, "--method", "cellkey", code=2)
    assert "--seed" in said


def test_where_nothing_limits_a_cell_the_answer_says_null(ask, write):
    answer = ask("protect", write("area,answer,count\na,yes,1\n"), *ASK, "--audit")
    assert [c["high"] for c in answer["cells"]] == [None] * 4
    assert answer["certificate"]["smallest_window"] is None
    assert answer["too_narrow"] == 0


def test_one_row_per_cell_cannot_tell_who_dominates(ask, write):
    answer = ask("protect", write(TABLE), *ASK, "--dominance", "1,80")
    assert "one contributor" in answer["warnings"][0]


def test_what_the_solver_prints_does_not_get_into_the_answer(capfd):
    stdio = ctypes.CDLL(None)
    with disclosure._solver_speaks_elsewhere():
        stdio.printf(b"chatter\n")
    print("answer")
    out, err = capfd.readouterr()
    assert (out, err) == ("answer\n", "chatter\n")
