import io
import math

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trygg.areas.reading import tables
from trygg.areas.reading.problems import BadFile
from trygg.areas.reading.tables import Layout, number

WIDE = Layout(area="area", period="2022", measures=("a", "b"))
LONG = Layout(
    area="area",
    period_column="year",
    measure_column="what",
    value_column="value",
    group_columns=("sex",),
)


def records(table):
    columns = table.area, table.measure, table.period, table.group
    values = [None if math.isnan(v) else v for v in table.value]
    return list(zip(*(c.texts() for c in columns), values, strict=True))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        (" 1 234,5", 1234.5),
        ("1\u00a0234", 1234),
        ("1.234,5", 1234.5),
        ("−7", -7),
        ("4.0", 4),
        ("1e3", 1000),
    ],
)
def test_numbers_are_read_as_swedes_and_spreadsheets_write_them(text, value):
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "..", ".", "–", "NA", "nan"])
def test_marks_for_no_figure_become_a_gap(text):
    assert math.isnan(number(text))


@pytest.mark.parametrize(
    "text", ["12x", "1,2,3", "inf", "1_000", "2022-01-01", "Uppsala", "--"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError):
        number(text)


def test_a_wide_table_gives_a_record_for_each_cell(write):
    table = tables.read(write("area,b,a\nX,1,2\nY,,4\n"), WIDE)

    assert records(table) == [
        ("X", "a", "2022", "", 2),
        ("X", "b", "2022", "", 1),
        ("Y", "a", "2022", "", 4),
        ("Y", "b", "2022", "", None),
    ]
    assert table.line.tolist() == [2, 2, 3, 3]


def test_a_long_table_gives_a_record_for_each_row(write):
    text = "area;year;what;sex;value\nX;2021;pop;F;1,5\nX;2022;pop;;2,5\n"

    assert records(tables.read(write(text), LONG)) == [
        ("X", "pop", "2021", "sex=F", 1.5),
        ("X", "pop", "2022", "", 2.5),
    ]


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffarea,a,b\nÅ,1,2\n".encode(),
        "area;a;b\nÅ;1;2\n".encode("utf-16"),
        "area\ta\tb\r\nÅ\t1\t2\r\n".encode("cp1252"),
    ],
)
def test_byte_order_marks_separators_and_old_encodings_are_understood(write, data):
    assert [r[0] for r in records(tables.read(write(data), WIDE))] == ["Å", "Å"]


def test_an_old_encoding_is_told(write):
    table = tables.read(write("area;a;b\nÅ;1;2\n".encode("cp1252")), WIDE)

    assert [(p.level, p.what) for p in table.problems] == [
        ("note", "The file is not UTF-8; it was read as Windows-1252.")
    ]


def test_footer_rows_are_cut_off_and_told(write):
    text = 'area,a,b\nX,1,2\n,\nSource:,\n"Office,\nof figures",\nTAB1,\n'
    table = tables.read(write(text), WIDE)

    assert set(table.area.texts()) == {"X"}
    (problem,) = table.problems
    assert problem.level == "note"
    assert problem.line == 4
    assert "3 rows after the last figure" in problem.what


def test_a_row_without_figures_between_others_is_kept(write):
    table = tables.read(write("area,a,b\nX,1,2\nY,,\nZ,3,4\n"), WIDE)

    assert table.area.labels == ["X", "Y", "Z"]


def test_lines_are_those_of_the_file_when_cells_hold_newlines(write):
    text = 'area,a,b\n"X\nx",1,2\nY,oops,4\n'
    (problem,) = tables.read(write(text), WIDE).problems

    assert (problem.line, problem.column) == (4, "a")
    assert str(problem) == (
        "tiny.csv, line 4, column a: “oops” is not a number."
        " Write a number, or leave the cell empty when there is none."
    )


def test_many_bad_cells_are_counted_not_listed(write):
    rows = "".join(f"X{i},bad,1\n" for i in range(500))
    problems = tables.read(write("area,a,b\n" + rows), WIDE).problems

    assert len(problems) == 21
    assert problems[-1].what == "480 more of the same kinds."
    assert problems[-1].level == "error"


def test_a_personal_number_is_never_repeated_in_a_problem(write):
    text = "area,a,b\nX,19121212-1212,2\nY,1,1\n"
    (problem,) = tables.read(write(text), WIDE).problems

    assert "1212" not in str(problem)


@pytest.mark.parametrize("number", ["19121212-1212", "1212121212", "191212721212"])
def test_a_column_of_personal_numbers_is_refused(write, number):
    with pytest.raises(BadFile, match="line 3, column area: The column holds personal"):
        tables.read(write(f"area,a,b\nX,1,2\n{number},3,4\n"), WIDE)


@pytest.mark.parametrize("code", ["0380C1100", "1284567890", "2022", "12"])
def test_a_code_that_is_no_date_of_birth_is_not_taken_for_one(write, code):
    assert tables.read(write(f"area,a,b\n{code},1,2\n"), WIDE).area.labels == [code]


def workbook(rows, more_sheets=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name in more_sheets:
        book.create_sheet(name)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def test_a_workbook_is_read_like_a_csv(write):
    data = workbook([["area", "a", "b"], ["0380", 1.5, None], [None, None, None]])
    table = tables.read(write(data, "t.xlsx"), WIDE)

    assert records(table) == [
        ("0380", "a", "2022", "", 1.5),
        ("0380", "b", "2022", "", None),
    ]


def test_only_the_first_sheet_is_read_and_that_is_told(write):
    data = workbook([["area", "a", "b"], ["X", 1, 2]], more_sheets=["notes"])
    (problem,) = tables.read(write(data, "t.xlsx"), WIDE).problems

    assert "only “Sheet” was read" in problem.what


BROKEN = [
    (b"", "The file is empty."),
    (b"area,a\nX,1\n", "The column is missing. The table has: area, a."),
    (b"area,a,b\n", "There is no row with a figure under the heading row."),
    (b"area,a,b\nX,\x00,2\n", "The file is not text."),
    (b'area,a,b\nX,"1,2\n' + b"z" * 200_000, "a cell is too long"),
    (b"a" + b",a" * 3_000 + b"\n1,2\n", "The table has 3001 columns"),
]


@pytest.mark.parametrize(("data", "sentence"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_table_gets_a_sentence(write, data, sentence):
    with pytest.raises(BadFile, match=sentence.replace(".", r"\.")):
        tables.read(write(data), WIDE)


ERRORS = [
    ("area,a,a,b\nX,1,2,3\n", 1, "The heading “a” stands twice."),
    ("area,a,b\nX,1,2,3\n", 2, "The row has 4 cells and the heading 3."),
    ("area,a,b\nX,1,2022-02-30\n", 2, "“2022-02-30” is not a number."),
]


@pytest.mark.parametrize(("text", "line", "what"), ERRORS)
def test_an_error_names_its_line(write, text, line, what):
    (problem,) = tables.read(write(text), WIDE).problems

    assert (problem.level, problem.line, problem.what) == ("error", line, what)


cells = st.one_of(
    st.floats(-1e9, 1e9).map(repr),
    st.sampled_from(["", "..", "1 000", "2,5"]),
    st.text(max_size=6),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=5), cells, cells), max_size=6))
def test_any_table_is_read_or_refused_with_a_sentence(tmp_path, rows):
    import csv

    path = tmp_path / "any.csv"
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows([("area", "a", "b"), *rows])
    try:
        table = tables.read(path, WIDE)
    except BadFile:
        return  # refused, with a sentence
    assert len(table) <= 2 * len(rows)
    assert not np.isinf(table.value).any()
