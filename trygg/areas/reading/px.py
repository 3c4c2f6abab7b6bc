"""PX files, the format of statistical offices (Axis versions 2000 to 2013)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _

from trygg.areas.reading import files
from trygg.areas.reading.cubes import MOST_CELLS, Dimension, table_of
from trygg.areas.reading.problems import BadFile, Problem
from trygg.areas.reading.table import Table
from trygg.areas.reading.tables import Layout, number

STATEMENT = re.compile(
    r'\s*([A-Z0-9_-]+)(?:\[(\w+)\])?(?:\(((?:"[^"]*"|[^)])*)\))?\s*='
)
QUOTED = re.compile(r'"([^"]*)"')
CODEPAGE = re.compile(rb'CODEPAGE="([\w-]+)"')
NONE = {".", "..", "...", "....", ".....", "......"}  # DATASYMBOL1 to 6
NIL = "-"  # "nothing to report": a true zero

Keyword = tuple[str, str]  # name, and what stands in brackets


def read(path: Path, layout: Layout) -> Table:
    """Read a PX file. Raises BadFile with what is wrong in it."""
    files.check(path)
    words, data = _statements(path, _decoded(path))
    if any(name == "KEYS" for name, _variable in words):
        raise files.refuse(
            path,
            _("PX files that leave out empty rows (KEYS) are not read."),
            _("Save the table with all rows, or as JSON-stat."),
        )
    variables = words.get(("STUB", ""), []) + words.get(("HEADING", ""), [])
    if not variables or data is None:
        raise files.refuse(path, _("The file is not a complete PX file."))
    dimensions = [_dimension(path, name, words) for name in variables]
    return table_of(
        path,
        dimensions,
        _figures(path, data),
        layout,
        title=_first(words, "TITLE"),
        source=_first(words, "SOURCE"),
    )


def _decoded(path: Path) -> str:
    """Decode by what the bytes are, then by what the file says that they are."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        said = CODEPAGE.search(data[:4_000])
        try:
            return data.decode(said[1].decode() if said else "cp1252")
        except (LookupError, UnicodeDecodeError):
            return data.decode("latin-1")


def _statements(path: Path, text: str) -> tuple[dict[Keyword, list[str]], str | None]:
    """Return the statements of the file's own language, and the text of DATA."""
    words: dict[Keyword, list[str]] = {}
    at = 0
    while match := STATEMENT.match(text, at):
        name, language, sub = match[1], match[2], match[3]
        if name == "DATA":
            return words, text[match.end() :]
        end = _end_of(text, match.end())
        if end < 0:
            line = text.count("\n", 0, match.start()) + 1
            what = _("The statement %(name)s has no end.") % {"name": name}
            raise BadFile(Problem(path.name, line, None, what))
        if not language:
            given = text[match.end() : end]
            quoted = QUOTED.findall(given)
            key = name, "\n".join(QUOTED.findall(sub)) if sub else ""
            is_list = name in ("STUB", "HEADING", "VALUES", "CODES", "TIMEVAL")
            words[key] = quoted if is_list else ["".join(quoted) or given.strip()]
        at = end + 1
    return words, None


def _end_of(text: str, at: int) -> int:
    """Return where the next semicolon outside quotation marks stands."""
    inside = False
    for mark in re.compile(r'[";]').finditer(text, at):
        if mark[0] == '"':
            inside = not inside
        elif not inside:
            return mark.start()
    return -1


def _dimension(path: Path, name: str, words: dict[Keyword, list[str]]) -> Dimension:
    labels = words.get(("VALUES", name)) or words.get(("CODES", name))
    if not labels:
        what = _("The variable %(name)s has no values.") % {"name": name}
        raise files.refuse(path, what)
    codes = words.get(("CODES", name), labels)
    if len(codes) != len(labels):
        what = _("The variable %(name)s has not as many codes as values.")
        raise files.refuse(path, what % {"name": name})
    role = ""
    if ("TIMEVAL", name) in words:
        role = "time"
    elif _first(words, "CONTVARIABLE") == name:
        role = "metric"
    elif ("MAP", name) in words:
        role = "geo"
    code = (words.get(("VARIABLECODE", name)) or [name])[0]
    return Dimension(code, name, codes, labels, role)


def _first(words: dict[Keyword, list[str]], name: str) -> str:
    return (words.get((name, "")) or [""])[0]


def _figures(path: Path, data: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    # Spain ends each row with a semicolon, not only the statement
    tokens = re.split(r'[\s",;]+', data.strip(' \r\n\t",;'))
    if len(tokens) > MOST_CELLS:
        what = _("The file holds more than %(most)d figures.") % {"most": MOST_CELLS}
        raise files.refuse(path, what)
    figures = np.empty(len(tokens))
    for i, token in enumerate(tokens):
        if token in NONE:
            figures[i] = np.nan
        elif token == NIL:
            figures[i] = 0.0
        else:
            try:
                figures[i] = number(token)
            except ValueError:
                what = _("Figure number %(i)d, “%(token)s”, is not a number.")
                raise files.refuse(
                    path, what % {"i": i + 1, "token": token[:20]}
                ) from None
    return figures
