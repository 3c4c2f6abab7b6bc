"""Answers from files: every format comes out the same, every fault has its sentence."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import openpyxl
import polars
import pyarrow
import pyreadstat
import pytest
from django.core.management import CommandError, call_command
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from trygg.accounts.guard import system
from trygg.areas.reading.problems import BadFile, Problems
from trygg.surveys import reading
from trygg.surveys.importing import import_answers
from trygg.surveys.models import Answer, Question, Survey, Wave
from trygg.surveys.tests.town import CODES, make_a_survey, make_places

A, B = CODES[:2]
HEAD = ["id", "area", "vikt", "kon", "alder", "refrains", "F1", "F2"]
ROWS = [
    ["1", A, "10,5", "Kvinna", "17", "no", "1", "3"],
    ["2", A, "9", "Man", "30", "Ja, ibland", "5", ""],
    ["3", B, "20", "2", "84", "often", "2", "9"],
    ["4", B, "20", "", "", "", "4", "0"],
]
MAPPING = """
[survey]
slug = "trygghet"

[wave]
code = "2026"
geography = "regso-2020"
municipality = "9998"
starts_on = 2026-09-01
ends_on = 2026-11-01
invited = 9

[columns]
area = "area"
weight = "vikt"
sex = "kon"
age = "alder"

[sex]
"2" = "F"

[questions.safety_alone]
column = "F1"

[questions.problem_litter]
column = "F2"
"""


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def mapping(tmp_path):
    return written(tmp_path / "map.toml", MAPPING)


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def as_csv(head=HEAD, rows=ROWS, delimiter=";") -> str:
    text = StringIO()
    csv.writer(text, delimiter=delimiter).writerows([head, *rows])
    return text.getvalue()


def as_xlsx(path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in [HEAD, *ROWS]:
        book.active.append([int(c) if c.isdecimal() else c for c in row])
    book.save(path)
    return path


def as_parquet(path: Path) -> Path:
    columns = zip(*ROWS, strict=True)
    parquet.write_table(
        pyarrow.table(dict(zip(HEAD, map(list, columns), strict=True))), path
    )
    return path


def as_sav(path: Path) -> Path:
    numbers = ("vikt", "alder", "F1", "F2")
    frame = polars.DataFrame(ROWS, schema=HEAD, orient="row").with_columns(
        polars.col(*numbers)
        .str.replace(",", ".")
        .replace("", None)
        .cast(polars.Float64)
    )
    pyreadstat.write_sav(
        frame,
        str(path),
        column_labels={"F1": "Ensam ute sent"},
        variable_value_labels={"F1": {1.0: "mycket trygg", 5.0: "går aldrig ut"}},
    )
    return path


def stored() -> list[tuple[object, ...]]:
    with system("test"):
        return list(
            Answer.objects.order_by("pk").values_list(
                "area__code", "weight", "sex", "age_group", "values"
            )
        )


EXPECTED = [
    (A, 10.5, "F", "16-24", {
        "refrains": "no", "safety_alone": "1", "problem_litter": "3",
    }),
    (A, 9.0, "M", "25-44", {"refrains": "sometimes", "safety_alone": "5"}),
    (B, 20.0, "F", "65-84", {
        "refrains": "often", "safety_alone": "2", "problem_litter": "9",
    }),
    (B, 20.0, "", "", {"safety_alone": "4", "problem_litter": "0"}),
]  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [
        lambda d: written(d / "a.csv", as_csv()),
        lambda d: written(d / "a.csv", as_csv(delimiter="\t")),
        lambda d: written(d / "bom.csv", b"\xef\xbb\xbf" + as_csv().encode()),
        lambda d: written(d / "wide.csv", as_csv().encode("utf-16")),
        lambda d: as_xlsx(d / "a.xlsx"),
        lambda d: as_parquet(d / "a.parquet"),
        lambda d: as_sav(d / "a.sav"),
    ],
    ids=["csv", "tabs", "bom", "utf-16", "xlsx", "parquet", "sav"],
)
def test_every_format_gives_the_same_answers(
    make, tmp_path, mapping, places, survey, at
):
    report = import_answers(make(tmp_path), mapping, at=at)

    assert [str(p) for p in report.problems if p.level == "error"] == []
    assert stored() == EXPECTED
    assert report.weights == 59.5
    wave = Wave.objects.get()
    assert (wave.invited, wave.answers, wave.code) == (9, 4, "2026")
    assert wave.municipality.code == "9998"


def test_the_columns_that_were_left_aside_are_named(
    tmp_path, mapping, places, survey, at
):
    report = import_answers(written(tmp_path / "a.csv", as_csv()), mapping, at=at)
    assert [p.what for p in report.problems] == ["Columns that were left aside: id."]


def test_insecurity_is_derived_from_what_the_file_has(
    tmp_path, mapping, places, survey, at
):
    head, rows = [*HEAD, "stays_in_reason"], [[*row, "unsafe"] for row in ROWS]
    import_answers(written(tmp_path / "a.csv", as_csv(head, rows)), mapping, at=at)
    assert [values.get("insecurity") for *_, values in stored()] == [
        "no", "yes", "no", "yes",
    ]  # fmt: skip


def test_the_labels_of_an_spss_file_become_a_questionnaire(
    tmp_path, places, at, person
):
    person("eva")  # brings the organisation that owns the survey
    mapping = written(
        tmp_path / "map.toml",
        MAPPING.replace(
            'slug = "trygghet"',
            'slug = "egen"\ntitle_sv = "Egen"\ntitle_en = "Own"\n'
            'owner = "municipality of the tests"',
        ).replace(
            'column = "F1"',
            'column = "F1"\nblock = "safety"\ncounts = ["5"]\n'
            'options = {"1" = "mycket trygg", "2" = "ganska trygg", '
            '"4" = "mycket otrygg", "5" = "går aldrig ut"}',
        ),
    )
    report = import_answers(as_sav(tmp_path / "a.sav"), mapping, at=at)

    assert report.is_good, report.problems
    question = Question.objects.get(survey__slug="egen")
    assert (question.text_sv, question.block) == ("Ensam ute sent", "safety")
    assert list(question.options.values_list("value", "label_sv", "counts")) == [
        ("1", "mycket trygg", False),
        ("2", "ganska trygg", False),
        ("4", "mycket otrygg", False),
        ("5", "går aldrig ut", True),
    ]


def test_value_labels_alone_are_kept_as_options(tmp_path, places, at, person):
    person("eva")
    text = MAPPING.replace(
        'slug = "trygghet"',
        'slug = "egen"\ntitle_sv = "Egen"\ntitle_en = "Own"\n'
        'owner = "municipality of the tests"',
    )
    mapping = written(tmp_path / "map.toml", text.replace("F2", "F9"))
    report = import_answers(as_sav(tmp_path / "a.sav"), mapping, at=at)

    # 2 and 4 occur without a label
    assert {
        str(p).split(": ", 1)[1] for p in report.problems if p.level == "error"
    } == {
        "“2” is not an answer to this question. The answers are 1, 5.",
        "“4” is not an answer to this question. The answers are 1, 5.",
    }
    assert not Survey.objects.filter(slug="egen").exists()


def test_a_dry_run_stores_nothing(tmp_path, mapping, places, survey, at):
    file = written(tmp_path / "a.csv", as_csv())
    report = import_answers(file, mapping, at=at, dry_run=True)
    assert report.sentence == "4 answers would be loaded, with weights of 60."
    assert not Wave.objects.exists()


def test_the_same_file_again_changes_nothing_and_another_is_refused(
    tmp_path, mapping, places, survey, at
):
    file = written(tmp_path / "a.csv", as_csv())
    import_answers(file, mapping, at=at)
    assert import_answers(file, mapping, at=at).sentence == "Nothing new."

    other = written(tmp_path / "b.csv", as_csv(rows=ROWS[:3]))
    report = import_answers(other, mapping, at=at)
    assert str(report.problems[0]) == (
        "b.csv: The wave 2026 is there already, from another file. "
        "Give the wave another code, or delete the one that is there."
    )
    assert len(stored()) == 4


def changed(column: str, value: str, row: int = 1) -> str:
    rows = [list(r) for r in ROWS]
    rows[row][HEAD.index(column)] = value
    return as_csv(rows=rows)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (changed("area", "9998R099"),
         "a.csv, line 3, column area: “9998R099” is not the code of an area here. "
         f"Codes look like {A}."),
        (changed("area", ""),
         "a.csv, line 3, column area: “” is not the code of an area here. "
         f"Codes look like {A}."),
        (changed("vikt", "0"),
         "a.csv, line 3, column vikt: The weight “0” is not a number above 0."),
        (changed("vikt", "nan"),
         "a.csv, line 3, column vikt: The weight “nan” is not a number above 0."),
        (changed("refrains", "kanske", 3),
         "a.csv, line 5, column refrains: “kanske” is not an answer to this question. "
         "The answers are no, sometimes, often."),
        (changed("alder", "85"),
         "a.csv, line 3, column alder: “85” is not an age between 16 and 84."),
        (changed("kon", "x"), "a.csv, line 3, column kon: “x” is no sex."),
        (as_csv().replace("vikt", "weight"),
         "a.csv: There is no column “vikt”. The file has: id, area, weight, kon, "
         "alder, refrains, F1, F2."),
        (as_csv().replace("F2", "F1"),
         "a.csv: Several columns are called “F1”. "
         "Give every column a name of its own."),
        (as_csv(rows=[]), "a.csv: The file has no answers, only a heading."),
        (as_csv(rows=ROWS * 3),
         "a.csv: The file has 12 answers, and 9 were invited."),
        ("", "a.csv: The file is empty."),
        (as_csv().replace("id;", "personnummer;"),
         "a.csv: The column “personnummer” holds personal identity numbers. "
         "Delete the column in the file. Answers must not point to a person."),
    ],
)  # fmt: skip
def test_each_fault_is_told_in_its_place_and_stops_the_import(
    content, sentence, tmp_path, mapping, places, survey, at
):
    report = import_answers(written(tmp_path / "a.csv", content), mapping, at=at)
    assert sentence in [str(problem) for problem in report.problems]
    assert not report.is_good
    assert report.sentence == "Nothing was loaded."
    assert not Wave.objects.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("[wave]", "[wave"), "map.toml: The mapping file is not TOML: "),
        (('code = "2026"\n', ""), "map.toml: The part [wave] lacks “code”."),
        (("2026-09-01", '"1 september"'),
         "map.toml: “starts_on” must be a date such as 2026-09-01, without quotes."),
        (('weight = "vikt"', 'weights = "vikt"'),
         "map.toml: [columns] has “weights”, which means nothing here."),
        (("regso-2020", "nyko"),
         "map.toml: There are no areas of nyko in the municipality 9998."),
        (('slug = "trygghet"', 'slug = "annan"'),
         "map.toml: There is no survey “annan”."),
        (('column = "F1"', 'column = "F1"\nvalues = {"7" = "8"}'),
         "map.toml: “8” is not an option of the question “safety_alone”."),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_meant_so_is_explained(
    change, sentence, tmp_path, places, survey, at
):
    mapping = written(tmp_path / "map.toml", MAPPING.replace(*change))
    report = import_answers(written(tmp_path / "a.csv", as_csv()), mapping, at=at)
    assert str(report.problems[0]).startswith(sentence)
    assert not Wave.objects.exists()


@pytest.mark.parametrize("name", ["a.sav", "a.parquet", "a.xlsx", "a.docx"])
def test_a_file_that_is_not_what_it_says_is_refused(
    name, tmp_path, mapping, places, survey, at
):
    report = import_answers(written(tmp_path / name, b"nonsense"), mapping, at=at)
    assert [problem.level for problem in report.problems] == ["error"]
    assert not report.is_good


# With a check digit by Luhn: 8112189876 is the authority's own example of one.
@pytest.mark.parametrize(
    "number", ["8112189876", "811218-9876", "19811218-9876", "811278-9873"]
)
def test_identity_numbers_are_found_whatever_their_column_is_called(
    number, tmp_path, mapping, places, survey, at
):
    content = as_csv(rows=[[number, *row[1:]] for row in ROWS])
    report = import_answers(written(tmp_path / "a.csv", content), mapping, at=at)
    assert "holds personal identity numbers" in str(report.problems[0])


def test_dates_with_a_wrong_check_digit_are_no_identity_numbers(
    tmp_path, mapping, places, survey, at
):
    content = as_csv(rows=[[f"811218987{i}", *row[1:]] for i, row in enumerate(ROWS)])
    assert import_answers(written(tmp_path / "a.csv", content), mapping, at=at).is_good


def test_running_numbers_of_ten_digits_are_no_identity_numbers(
    tmp_path, mapping, places, survey, at
):
    content = as_csv(rows=[[f"20260000{i:02}", *row[1:]] for i, row in enumerate(ROWS)])
    assert import_answers(written(tmp_path / "a.csv", content), mapping, at=at).is_good


def test_a_stratum_with_two_sizes_and_one_with_a_single_answer_are_told(
    tmp_path, places, survey, at
):
    mapping = written(
        tmp_path / "map.toml",
        MAPPING.replace("[columns]", '[columns]\nstratum = "s"\nstratum_size = "N"'),
    )
    head = [*HEAD, "s", "N"]
    rows = [[*row, s, n] for row, s, n in zip(
        ROWS, "xxyz", ["50", "51", "9", "9"], strict=True)]  # fmt: skip
    file = written(tmp_path / "a.csv", as_csv(head, rows))
    told = [str(problem) for problem in import_answers(file, mapping, at=at).problems]
    assert (
        "a.csv, line 3, column N: The stratum “x” has different sizes, or more answers."
        in told
    )
    assert any("2 strata have a single answer, such as “y”" in line for line in told)


def test_the_command_tells_what_came_in(tmp_path, mapping, places, survey, capsys):
    file = written(tmp_path / "a.csv", as_csv())
    call_command("import", "answers", str(file), "--map", str(mapping))
    assert (
        "a.csv: 4 answers were loaded, with weights of 60." in capsys.readouterr().out
    )

    bad = written(tmp_path / "b.csv", changed("vikt", "-1"))
    with pytest.raises(CommandError):
        call_command("import", "answers", str(bad), "--map", str(mapping))


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12
) | st.sampled_from([A, "1", "no", "10,5", "Man", "17"])


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.lists(cells, min_size=8, max_size=8), max_size=4))
def test_whatever_a_file_holds_it_is_loaded_whole_or_not_at_all(rows, tmp_path, db, at):
    if not Survey.objects.exists():
        make_places()
        make_a_survey()
    mapping = written(tmp_path / "map.toml", MAPPING)
    file = written(tmp_path / "a.csv", as_csv(rows=rows))

    report = import_answers(file, mapping, at=at, dry_run=True)

    assert report.is_good == (not [p for p in report.problems if p.level == "error"])
    assert not Wave.objects.exists()
    for problem in report.problems:
        assert str(problem).startswith(("a.csv", "map.toml"))


@given(text=st.text(st.characters(codec="utf-8"), max_size=200))
@settings(max_examples=100, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_reading_ends_with_columns_or_with_a_sentence(text, tmp_path):
    file = written(tmp_path / "a.csv", text)
    try:
        content = reading.read(file, Problems(file.name))
    except BadFile:
        return
    assert {len(column) for column in content.columns.values()} <= {len(content)}
