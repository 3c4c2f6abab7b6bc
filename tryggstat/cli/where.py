"""The small language of `--where`: which rows of a table are meant."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryggstat.cli import BadInput
from tryggstat.cli.tables import Table

Mask = NDArray[np.bool_]
TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"[^"]*"|'[^']*')
    | `(?P<quoted>[^`]+)`
    | (?P<mark>[<>=!]=|<>|[<>=!()&|,])
    | (?P<number>-?\d+\.?\d*(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<word>[\w.]+)
    )""",
    re.VERBOSE,
)
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SAME = {"&": "and", "|": "or", "!": "not"}


def rows_where(table: Table, expression: str) -> Mask:
    """
    Return the rows for which an expression holds.

    An expression compares a column with a number, a quoted text or another column
    (`age >= 18`, `area in ("A", "B")`), joined by and, or, not and parentheses. A
    column whose name holds spaces is written in backticks. A comparison with a missing
    value never holds.

    Raises
    ------
    BadInput
        The expression cannot be read, or names a column that is not there.
    """
    return _Reader(table, expression).read()


class _Reader:
    def __init__(self, table: Table, expression: str) -> None:
        self.table, self.expression = table, expression
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while expression[position:].strip():
            found = TOKEN.match(expression, position)
            if not found:
                raise self.fault(expression[position:].strip())
            kind = str(found.lastgroup)
            text = found[kind]
            if kind == "text":
                text = text[1:-1]
            elif kind == "quoted":
                kind = "column"
            elif text.lower() in ("and", "or", "not", "in"):
                kind, text = "mark", text.lower()
            self.tokens.append((kind, SAME.get(text, text) if kind == "mark" else text))
            position = found.end()

    def fault(self, at: str) -> BadInput:
        return BadInput(f"--where {self.expression!r}: cannot be read at {at!r}")

    def next_is(self, *marks: str) -> bool:
        return bool(self.tokens) and self.tokens[0] in [("mark", m) for m in marks]

    def take(self, *marks: str) -> tuple[str, str]:
        if not self.tokens or (marks and not self.next_is(*marks)):
            raise self.fault(self.tokens[0][1] if self.tokens else "the end")
        return self.tokens.pop(0)

    def read(self) -> Mask:
        mask = self.any_of()
        if self.tokens:
            raise self.fault(self.tokens[0][1])
        return mask

    def any_of(self) -> Mask:
        mask = self.all_of()
        while self.next_is("or"):
            self.take()
            mask = mask | self.all_of()
        return mask

    def all_of(self) -> Mask:
        mask = self.one()
        while self.next_is("and"):
            self.take()
            mask = mask & self.one()
        return mask

    def one(self) -> Mask:
        if self.next_is("not"):
            self.take()
            return ~self.one()
        if self.next_is("("):
            self.take()
            mask = self.any_of()
            self.take(")")
            return mask
        left = self.take()
        if self.next_is("not", "in"):
            turned = self.take()[1] == "not"
            if turned:
                self.take("in")
            self.take("(")
            masks = [self.compare(left, "==", self.take())]
            while self.next_is(","):
                self.take()
                masks.append(self.compare(left, "==", self.take()))
            self.take(")")
            found = np.logical_or.reduce(masks)
            return ~found & self.known(left) if turned else found
        sign = self.take(*COMPARISONS)[1]
        return self.compare(left, sign, self.take())

    def known(self, token: tuple[str, str]) -> Mask:
        return np.asarray(self.table.labels(token[1]).codes >= 0)

    def compare(self, left: tuple[str, str], sign: str, right: tuple[str, str]) -> Mask:
        if any(kind == "mark" for kind, _ in (left, right)):
            raise self.fault(left[1] if left[0] == "mark" else right[1])
        columns = [text for kind, text in (left, right) if kind in ("word", "column")]
        if not columns:
            raise self.fault(left[1])
        as_numbers = all(kind != "text" for kind, _ in (left, right)) and all(
            self.table.is_numeric(name) for name in columns
        )
        value = self.number if as_numbers else self.text
        mask = COMPARISONS[sign](value(left), value(right))
        for name in columns:
            mask = mask & (
                ~np.isnan(self.table.numbers(name))
                if as_numbers
                else self.table.labels(name).codes >= 0
            )
        return np.asarray(mask, dtype=bool)

    def number(self, token: tuple[str, str]) -> Any:
        kind, text = token
        return float(text) if kind == "number" else self.table.numbers(text)

    def text(self, token: tuple[str, str]) -> Any:
        kind, text = token
        if kind in ("text", "number"):
            return text
        codes, labels = self.table.labels(text)
        return np.append(labels.astype(object), "")[codes]
