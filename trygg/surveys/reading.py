"""Files of answers as columns of text, with the labels that came along."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from trygg.areas.reading import files
from trygg.areas.reading.files import refuse
from trygg.areas.reading.problems import Problems
from trygg.areas.reading.tables import read_rows

FORMATS = (".csv", ".txt", ".tsv", ".xlsx", ".parquet", ".sav", ".zsav")
SPSS = {".sav": (b"$FL2", b"$FL3"), ".zsav": (b"$FL3",)}
NAMES_OF_IDENTITY = re.compile(
    r"person(al)?[ _-]?(nummer|nr|number|id)|p[ _-]?nr|samordningsn(umme)?r|ssn", re.I
)
IDENTITY = re.compile(r"(?:19|20)?(\d\d)(\d\d)(\d\d)[-+]?(\d{4})")
LOOKED_AT = 500  # filled cells of each column
SUSPICIOUS = 0.2  # share of them that look like identity numbers


@dataclass(frozen=True)
class AnswerFile:
    """A table of text in columns; empty cells are empty texts."""

    columns: dict[str, list[str]]
    lines: list[int]
    labels: dict[str, dict[str, str]] = field(default_factory=dict)  # by column, value
    titles: dict[str, str] = field(default_factory=dict)  # by column

    def __len__(self) -> int:
        return len(self.lines)


def read(path: Path, problems: Problems) -> AnswerFile:
    """
    Read a file of answers. Raises BadFile with the sentence to show.

    A column of personal identity numbers is refused, whether it is used or not.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise refuse(
            path,
            _("Files that end in %(ending)s are not read.") % {"ending": ending},
            _("Save the answers as CSV, XLSX, Parquet or SPSS (.sav)."),
        )
    if ending in SPSS:
        content = _spss(path)
    elif ending == ".parquet":
        content = _parquet(path)
    else:
        head, rows, lines = read_rows(path, problems)
        repeated = {name for name in head if head.count(name) > 1}
        if repeated:
            raise refuse(
                path,
                _("Several columns are called “%(name)s”.") % {"name": min(repeated)},
                _("Give every column a name of its own."),
            )
        content = AnswerFile(
            {name: [row[i].strip() for row in rows] for i, name in enumerate(head)},
            lines,
        )
    for name, column in content.columns.items():
        if NAMES_OF_IDENTITY.fullmatch(name) or _holds_identities(column):
            raise refuse(
                path,
                _("The column “%(name)s” holds personal identity numbers.")
                % {"name": name},
                _("Delete the column in the file. Answers must not point to a person."),
            )
    return content


def _spss(path: Path) -> AnswerFile:
    import pyreadstat

    files.check(path)
    with path.open("rb") as file:
        if not file.read(4).startswith(SPSS[path.suffix.lower()]):
            raise refuse(path, _("The file is not an SPSS data file."))
    try:
        values, meta = pyreadstat.read_sav(str(path), output_format="dict")
    except (pyreadstat.ReadstatError, ValueError):
        raise refuse(
            path, _("The SPSS file cannot be read."), _("Save it again as .sav.")
        ) from None
    return AnswerFile(
        {name: [_text(v) for v in values[name]] for name in meta.column_names},
        list(range(1, (meta.number_rows or 0) + 1)),
        {
            name: {_text(value): label for value, label in labels.items()}
            for name, labels in meta.variable_value_labels.items()
        },
        {name: title or "" for name, title in meta.column_names_to_labels.items()},
    )


def _parquet(path: Path) -> AnswerFile:
    import pyarrow
    from pyarrow import parquet

    files.check(path)
    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError):
        raise refuse(
            path, _("The Parquet file cannot be read."), _("Save it again.")
        ) from None
    return AnswerFile(
        {
            name: [_text(value) for value in table.column(name).to_pylist()]
            for name in table.column_names
        },
        list(range(1, table.num_rows + 1)),
    )


def _text(value: Any) -> str:
    """Return a cell as text, whole numbers without decimals."""
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case float():
            if math.isnan(value):
                return ""
            return str(int(value)) if value.is_integer() else repr(value)
        case date():
            return value.isoformat()
        case _:
            return str(value).strip()


def _holds_identities(column: list[str]) -> bool:
    filled = [cell for cell in column if cell][:LOOKED_AT]
    return bool(filled) and sum(map(_is_identity, filled)) > SUSPICIOUS * len(filled)


def _is_identity(text: str) -> bool:
    """Say whether it is a date (or one with 60 added to the day) with a check digit."""
    found = IDENTITY.fullmatch(text)
    if not found:
        return False
    month, day = int(found[2]), int(found[3])
    if not (1 <= month <= 12 and 1 <= day % 60 <= 31 and day <= 91):
        return False
    digits = [int(d) * (2 - i % 2) for i, d in enumerate("".join(found.groups()))]
    return sum(d - 9 if d > 9 else d for d in digits) % 10 == 0
