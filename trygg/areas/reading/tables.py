"""CSV and XLSX, wide (a column per measure) or long (a row per figure)."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from trygg.areas.reading import files
from trygg.areas.reading.problems import (
    PERSONAL,
    BadFile,
    Problem,
    Problems,
    shortened,
)
from trygg.areas.reading.table import Coded, Table

MISSING = {
    "",
    "..",
    ".",
    "…",
    "-",
    "–",
    "na",
    "n/a",
    "nan",
    "null",
    "none",
    "uppg saknas",
}
THOUSANDS = str.maketrans("", "", " \u00a0\u202f\u2009'")
MOST_COLUMNS = 2_000
LONGEST_CELL = 100_000


@dataclass(frozen=True)
class Layout:
    """Where in the table things stand. Columns are named as in the heading row."""

    area: str
    period: str = ""  # the period itself, when no column says it
    period_column: str = ""
    measure_column: str = ""  # long tables: the column that names the measure …
    value_column: str = ""  # … and the one that holds the figure
    group_columns: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()  # wide tables: the columns that are read
    # multidimensional sources: the dimensions that make the measure, joined by "/"
    measure_dimensions: tuple[str, ...] = ()


def number(text: str) -> float:
    """
    Read a number as Swedes and spreadsheets write it; NaN for the marks of "none".

    Raises ValueError for anything else.

    >>> number("1 234,5"), number("−3"), number("1.234,5")
    (1234.5, -3.0, 1234.5)
    """
    try:
        value = float(text)
    except ValueError:
        plain = text.strip()
        if plain.lower() in MISSING:
            return math.nan
        plain = plain.translate(THOUSANDS).replace("−", "-")
        if "," in plain:
            plain = plain.replace(".", "").replace(",", ".", 1)
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", plain):
            raise
        value = float(plain)
    if math.isinf(value) or "_" in text:  # both are numbers to Python only
        raise ValueError(text)
    return value


def read(path: Path, layout: Layout) -> Table:
    """Read a CSV or XLSX file. Raises BadFile when there is no table to find in it."""
    files.check(path)
    problems = Problems(path.name)
    read_file = _xlsx if path.suffix.lower() == ".xlsx" else _csv
    head, rows, lines = read_file(path, problems)
    return from_rows(head, rows, lines, layout, problems)


def read_texts(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read a CSV or XLSX file as its heading and rows of text."""
    head, rows, _lines = read_rows(path, Problems(path.name))
    return head, rows


def read_rows(
    path: Path, problems: Problems
) -> tuple[list[str], list[list[str]], list[int]]:
    """Read a CSV or XLSX file as its heading, rows of text, and the line of each."""
    files.check(path)
    read_file = _xlsx if path.suffix.lower() == ".xlsx" else _csv
    head, rows, lines = read_file(path, problems)
    rows, lines = _even_rows(head, rows, lines, problems)
    return head, rows, lines


def from_rows(
    head: list[str],
    rows: list[list[str]],
    lines: list[int],
    layout: Layout,
    problems: Problems,
) -> Table:
    """Turn a heading and rows of text into records."""
    place = _columns(head, layout, problems)
    if layout.value_column:
        values = [layout.value_column]
    else:
        values = [name for name in layout.measures if name in place]
    rows, lines = _even_rows(head, rows, lines, problems)
    rows, lines = _without_footer(
        rows, lines, [place[name] for name in values], problems
    )
    if not rows:
        what = _("There is no row with a figure under the heading row.")
        raise BadFile(Problem(problems.file, None, None, what))

    length, width = len(rows), len(values)
    line = np.repeat(np.array(lines, dtype=np.int32), width)
    numbers = np.column_stack(
        [_numbers(name, place[name], rows, lines, problems) for name in values]
    )

    def column(name: str) -> list[str]:
        cells = [row[place[name]].strip() for row in rows]
        for cell, at in zip(cells, lines, strict=True):
            if PERSONAL.fullmatch(cell):
                what = _("The column holds personal identity numbers.")
                to_do = _("Only figures of areas may be loaded here: remove them.")
                raise BadFile(Problem(problems.file, at, name, what, to_do))
        return cells

    def spread(coded: Coded) -> Coded:
        return Coded(coded.labels, np.repeat(coded.codes, width))

    if layout.measure_column:
        measure = Coded.of(column(layout.measure_column))
    else:
        measure = Coded(values, np.tile(np.arange(width, dtype=np.int32), length))
    if layout.period_column:
        period = spread(Coded.of(column(layout.period_column)))
    else:
        period = Coded.constant(layout.period, length * width)
    if layout.group_columns:
        columns = [column(name) for name in layout.group_columns]
        texts = [
            ";".join(
                f"{name}={cell}"
                for name, cell in zip(layout.group_columns, cells, strict=True)
                if cell
            )
            for cells in zip(*columns, strict=True)
        ]
        group = spread(Coded.of(texts))
    else:
        group = Coded.constant("", length * width)
    return Table(
        area=spread(Coded.of(column(layout.area))),
        measure=measure,
        period=period,
        group=group,
        value=numbers.ravel(),
        line=line,
        problems=problems.all(),
    )


def _columns(head: list[str], layout: Layout, problems: Problems) -> dict[str, int]:
    """Return where each column stands. Raises BadFile when a needed one is missing."""
    place: dict[str, int] = {}
    for i, name in enumerate(head):
        if name in place:
            problems.add(
                "double heading",
                _("The heading “%(name)s” stands twice.") % {"name": shortened(name)},
                _("Give each column a name of its own."),
                line=1,
                column=name,
            )
        place[name] = i
    needed = [
        layout.area,
        layout.period_column,
        layout.measure_column,
        layout.value_column,
        *layout.group_columns,
    ]
    present = ", ".join(shortened(name, 20) for name in head[:12])
    for name in (*needed, *layout.measures):
        if name not in place and (name or name == layout.area):
            raise BadFile(
                Problem(
                    problems.file,
                    1,
                    name,
                    _("The column is missing. The table has: %(present)s.")
                    % {"present": present},
                    _("Change the mapping file or the heading row."),
                )
            )
    return place


def _even_rows(
    head: list[str], rows: list[list[str]], lines: list[int], problems: Problems
) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not empty, each as wide as the heading."""
    width = len(head)
    even, kept = [], []
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > width and any(cell.strip() for cell in row[width:]):
                problems.add(
                    "too wide",
                    _("The row has %(cells)d cells and the heading %(width)d.")
                    % {"cells": len(row), "width": width},
                    _("Put quotation marks around cells that hold the separator."),
                    line=line,
                )
            row = [*row[:width], *[""] * (width - len(row))]
        even.append(row)
        kept.append(line)
    return even, kept


def _without_footer(
    rows: list[list[str]], lines: list[int], values: list[int], problems: Problems
) -> tuple[list[list[str]], list[int]]:
    """Cut off what follows the last row with a figure: notes, sources, contacts."""
    end = len(rows)
    while end and not any(rows[end - 1][i].strip() for i in values):
        end -= 1
    if end and any(cell.strip() for row in rows[end:] for cell in row):
        problems.add(
            "footer",
            _("%(rows)d rows after the last figure were taken as notes and left out.")
            % {"rows": len(rows) - end},
            line=lines[end],
            level="note",
        )
    return rows[:end], lines[:end]


def _numbers(
    name: str,
    place: int,
    rows: list[list[str]],
    lines: Sequence[int],
    problems: Problems,
) -> NDArray[np.float64]:
    """Return a column as numbers, with a problem for each cell that is none."""
    numbers = np.empty(len(rows))
    for i, row in enumerate(rows):
        try:
            numbers[i] = number(row[place])
        except ValueError:
            numbers[i] = np.nan
            problems.add(
                "not a number",
                _("“%(cell)s” is not a number.") % {"cell": shortened(row[place])},
                _("Write a number, or leave the cell empty when there is none."),
                line=lines[i],
                column=name,
            )
    return numbers


def _csv(
    path: Path, problems: Problems
) -> tuple[list[str], list[list[str]], list[int]]:
    """Return heading, rows, and the line on which each row begins."""
    text = _decoded(path, problems)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(";\t,|", key=first.count)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=False
    )
    csv.field_size_limit(LONGEST_CELL)
    head: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    begins = 1
    try:
        for row in reader:
            if head:
                rows.append(row)
                lines.append(begins)
            elif any(cell.strip() for cell in row) or len(row) > 1:
                head = [cell.strip() for cell in row]
            begins = reader.line_num + 1
    except csv.Error:
        what = _(
            "The row cannot be read: a cell is too long, or a quotation mark open."
        )
        raise BadFile(Problem(path.name, begins, None, what)) from None
    if len(head) > MOST_COLUMNS:
        what = _("The table has %(columns)d columns; at most %(most)d are read.")
        raise files.refuse(path, what % {"columns": len(head), "most": MOST_COLUMNS})
    return head, rows, lines


def _decoded(path: Path, problems: Problems) -> str:
    data = path.read_bytes()
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    encoding = "utf-16" if is_wide else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        problems.add(
            "encoding",
            _("The file is not UTF-8; it was read as Windows-1252."),
            _("Check that å, ä and ö are right."),
            level="note",
        )
    if "\x00" in text:
        raise files.refuse(
            path, _("The file is not text."), _("Save the table as CSV.")
        )
    return text


def _xlsx(
    path: Path, problems: Problems
) -> tuple[list[str], list[list[str]], list[int]]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_path(str(path))
        visible = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible
        ]
        cells = book.get_sheet_by_name(visible[0]).to_python(skip_empty_area=False)
    except (CalamineError, IndexError):
        raise files.refuse(
            path, _("The workbook cannot be read."), _("Save it again as .xlsx.")
        ) from None
    if len(book.sheet_names) > 1:
        problems.add(
            "more sheets",
            _("The workbook has %(sheets)d sheets; only “%(first)s” was read.")
            % {"sheets": len(book.sheet_names), "first": shortened(visible[0])},
            level="note",
        )
    numbered = [
        (line, [_cell(cell) for cell in row]) for line, row in enumerate(cells, start=1)
    ]
    filled = [(line, row) for line, row in numbered if any(row)]
    if not filled:
        raise files.refuse(path, _("The first sheet is empty."))
    head = [cell.strip() for cell in filled[0][1]]
    return head, [row for _, row in filled[1:]], [line for line, _ in filled[1:]]


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
