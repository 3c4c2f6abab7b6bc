"""Tables in and out: CSV, Parquet or standard input, and faults named by line."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from tryggstat.cli import BadInput
from tryggstat.survey.design import Coded, Floats, encode

if TYPE_CHECKING:
    import polars as pl

MISSING = ("", "NA")
SMALL = 2_000_000  # bytes; up to this size reading with the standard library is faster
PARQUET = b"PAR1"


class Table:
    """A table whose columns are asked for as numbers or as labels."""

    def __init__(
        self,
        source: str,
        columns: Mapping[str, list[str]] | pl.DataFrame,
        lines: Sequence[int] | None = None,
    ) -> None:
        """Hold text per column, or a frame; `lines` says where each row began."""
        self.source, self._columns, self._lines = source, columns, lines
        self.names = list(columns if isinstance(columns, Mapping) else columns.columns)
        first = columns[self.names[0]] if self.names else []
        self.rows = len(first)

    def fault(self, row: int, name: str, what: str) -> BadInput:
        """Return the error that names the file, the line and the column."""
        line = self._lines[row] if self._lines else row + 2
        return BadInput(f"{self.source}, line {line}, column {name}: {what}")

    def numbers(self, name: str, *, complete: bool = False) -> Floats:
        """
        Return a column of numbers, NaN where the cell is empty or NA.

        Raises
        ------
        BadInput
            There is no such column, a cell holds something else, or `complete` is asked
            for and a cell is empty.
        """
        column = self._column(name)
        if isinstance(column, list):
            values = _numbers_of(column, lambda row, what: self.fault(row, name, what))
        else:
            values = self._numbers_of_series(column, name)
        if complete and np.isnan(values).any():
            raise self.fault(int(np.isnan(values).argmax()), name, "is empty")
        return values

    def labels(self, name: str, *, complete: bool = False) -> Coded:
        """
        Return a column of labels, as text; empty or NA is missing.

        Raises
        ------
        BadInput
            There is no such column, or `complete` is asked for and a cell is empty.
        """
        column = self._column(name)
        if isinstance(column, list):
            coded = encode(np.array(["" if c in MISSING else c for c in column]))
        else:
            coded = _labels_of_series(column)
        if complete and coded.codes.size and coded.codes.min() < 0:
            raise self.fault(int(coded.codes.argmin()), name, "is empty")
        return coded

    def is_numeric(self, name: str) -> bool:
        """Return whether every cell of the column is a number or missing."""
        try:
            self.numbers(name)
        except BadInput:
            return False
        return True

    def text(self, name: str) -> list[str]:
        """Return the cells of a column as they would be written, empty for missing."""
        column = self._column(name)
        if isinstance(column, list):
            return column
        return ["" if cell is None else str(cell) for cell in column.to_list()]

    def _column(self, name: str) -> Any:
        if name not in self.names:
            raise BadInput(
                f"{self.source}, line 1: there is no column {name} among "
                f"{', '.join(self.names)}"
            )
        return self._columns[name]

    def _numbers_of_series(self, column: pl.Series, name: str) -> Floats:
        import polars as pl

        if column.dtype in (pl.String, pl.Categorical):
            text = column.cast(pl.String).str.strip_chars()
            text = text.set(text.is_in(MISSING), None)
            cast = text.cast(pl.Float64, strict=False)
            wrong = cast.is_null() & text.is_not_null()
            if wrong.any():
                row = int(wrong.arg_max() or 0)
                raise self.fault(row, name, f"{text[row]!r} is not a number")
            column = cast
        elif not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise BadInput(f"{self.source}, column {name}: holds {column.dtype}")
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()


def _numbers_of(cells: list[str], fault: Callable[[int, str], BadInput]) -> Floats:
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        pass
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell.strip() not in MISSING:
            try:
                values[row] = float(cell)
            except ValueError:
                raise fault(row, f"{cell!r} is not a number") from None
    return values


def _labels_of_series(column: pl.Series) -> Coded:
    import polars as pl

    text = column.cast(pl.String)
    text = text.set(text.is_in(MISSING), None)
    known = text.unique().drop_nulls().sort()
    codes = text.cast(pl.Enum(known)).to_physical().cast(pl.Int64)
    return Coded(codes.fill_null(-1).to_numpy().astype(np.intp), known.to_numpy())


def read_table(
    path: str, *, only: Iterable[str] | None = None, numbers: Iterable[str] = ()
) -> Table:
    """
    Read a table from a CSV or Parquet file, or from standard input for "-".

    Parameters
    ----------
    path : str
        The file; what it is shows in its first bytes.
    only : iterable of str, optional
        The columns that are needed, which saves time and memory in large files.
    numbers : iterable of str
        Columns that will be asked for as numbers only: read faster in large files.

    Returns
    -------
    Table
        Columns are asked for by name, as numbers or labels.

    Raises
    ------
    BadInput
        The file is missing, empty, not UTF-8, or a line has too many or too few cells.
    """
    source = "standard input" if path == "-" else path
    try:
        data = sys.stdin.buffer.read() if path == "-" else None
        if data is None:
            file = Path(path)
            with file.open("rb") as opened:
                start = opened.read(4)
            if start == PARQUET or file.stat().st_size > SMALL:
                return _read_large(source, file, start, only, numbers)
            data = file.read_bytes()
        elif data[:4] == PARQUET or len(data) > SMALL:
            return _read_large(source, io.BytesIO(data), data[:4], only, numbers)
    except OSError as error:
        raise BadInput(f"{source}: {error.strerror or error}") from None
    return _read_small(source, data)


def _read_small(source: str, data: bytes) -> Table:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput(f"{source}, line {line}: is not UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    names = next(reader, [])
    _check_names(source, names)
    rows, lines, line = [], [], reader.line_num + 1
    for row in reader:
        if row and len(row) != len(names):
            raise BadInput(
                f"{source}, line {line}: has {len(row)} cells for {len(names)} columns"
            )
        if row:
            rows.append(row)
            lines.append(line)
        line = reader.line_num + 1
    columns = [list(cells) for cells in zip(*rows, strict=True)] or [[] for _ in names]
    return Table(source, dict(zip(names, columns, strict=True)), lines)


def _check_names(source: str, names: Sequence[str]) -> None:
    if not any(names):
        raise BadInput(f"{source}, line 1: is empty, expected the names of the columns")
    if len(names) == 1 and ";" in names[0]:
        raise BadInput(f"{source}, line 1: has semicolons between columns, not commas")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise BadInput(f"{source}, line 1: the column {twice[0]} stands there twice")


def _header(source: str, file: BinaryIO) -> list[str]:
    """Return the names of the columns of a CSV file."""
    file.seek(0)
    try:
        line = file.readline().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{source}, line 1: is not UTF-8") from None
    names = next(csv.reader([line]), [])
    _check_names(source, names)
    return names


def _check_lines(source: str, file: BinaryIO, columns: int) -> None:
    """Find a line with too many or too few cells, which polars lets pass."""
    file.seek(0)
    commas = lines = 0
    while piece := file.read(1 << 24):
        if b'"' in piece:  # a quoted cell may hold commas and line ends
            return
        commas += piece.count(b",")
        lines += piece.count(b"\n")
    if commas in (lines * (columns - 1), (lines + 1) * (columns - 1)):
        return
    file.seek(0)
    for number, line in enumerate(file, start=1):
        cells = line.count(b",") + 1
        if line.strip() and cells != columns:
            raise BadInput(
                f"{source}, line {number}: has {cells} cells for {columns} columns"
            )


def _read_large(
    source: str,
    file: Path | io.BytesIO,
    start: bytes,
    only: Iterable[str] | None,
    numbers: Iterable[str],
) -> Table:
    import polars as pl

    try:
        if start == PARQUET:
            names = list(pl.read_parquet_schema(file))
        else:
            with (
                file.open("rb") if isinstance(file, Path) else nullcontext(file) as raw
            ):
                names = _header(source, raw)
                _check_lines(source, raw, len(names))
                raw.seek(0)
        wanted = [n for n in names if n in set(only)] if only is not None else names
        if start == PARQUET:
            return Table(source, pl.read_parquet(file, columns=wanted))
        as_text: dict[str, Any] = dict.fromkeys(names, pl.String)
        numeric: dict[str, Any] = dict.fromkeys(set(numbers) & set(wanted), pl.Float64)
        for schema in (numeric, {}):  # text again, to find the cell that is no number
            try:
                frame = pl.read_csv(
                    file,
                    columns=wanted,
                    schema_overrides=as_text | schema,
                    null_values=list(MISSING),
                )
            except pl.exceptions.ComputeError:
                if not schema:
                    raise
            else:
                break
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).splitlines()[0].split())
        raise BadInput(f"{source}: cannot be read as a table ({reason})") from None
    if frame.columns != names:
        frame = frame.select(wanted)
    return Table(source, frame)


def write_rows(rows: Sequence[Mapping[str, Any]], form: str) -> None:
    """Write rows to standard output, as CSV or an aligned table; groups as columns."""
    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    if form == "csv":
        writer = csv.DictWriter(sys.stdout, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
        return
    cells = [names, *([_short(row.get(name)) for name in names] for row in flat)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(padded).rstrip())


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Let each entry of a nested mapping be a column of its own."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= dict(value) if isinstance(value, Mapping) else {name: value}
    return flat


def _short(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)
