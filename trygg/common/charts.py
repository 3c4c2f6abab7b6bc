"""
Charts that are tables: each row has its words, its figures, and a small drawing.

The drawing repeats what the row says in figures, so it is hidden from screen readers;
the table is read as a table, and stays one on paper and without style sheets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from trygg.common import formats
from trygg.common.tables import Head, about, link, table

WIDTH, HEIGHT = 240, 28  # of a drawing, in its own units
STEPS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)  # where a scale of shares may end


@dataclass(frozen=True)
class Row:
    """A share with its interval, set against another; None where it is not shown."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    bound: str = ""  # "<" or ">": the true share lies at or beyond the value
    note: str = ""  # what is said instead of a figure, or about it
    href: str = ""
    base: int | None = None  # respondents behind the figure


@dataclass(frozen=True)
class Level:
    """A figure of an area beside that of the municipality, and the areas' range."""

    label: str
    value: float | None
    reference: float | None
    least: float
    most: float
    unit: str = "%"
    decimals: int = 0
    note: str = ""


def scale_end(largest: float) -> float:
    """
    Return where a scale of shares ends: the first round share that holds the largest.

    >>> scale_end(0.31), scale_end(0.97)
    (0.4, 1.0)
    """
    return next((end for end in STEPS if largest <= end), 1.0)


def shares(
    rows: Sequence[Row],
    *,
    ident: str,
    title: str,
    description: str,
    first: str,
    value_head: str,
    reference_head: str = "",
) -> SafeString:
    """Return a table of shares: dot with interval, and the reference as a stroke."""
    ends = [x for r in rows for x in (r.value, r.high, r.reference) if x is not None]
    end = scale_end(max(ends, default=1.0))
    heads = [Head(first), Head(value_head, "num"), Head(_scale(end), "cell")]
    if reference_head:
        heads.insert(2, Head(reference_head, "num"))
    cells = [_share_cells(row, end, bool(reference_head)) for row in rows]
    if any(row.base for row in rows):
        heads.insert(-1, Head(_("Answers"), "num"))
        for row, line in zip(rows, cells, strict=True):
            line.insert(-1, formats.number(row.base) if row.base else "–")
    return table(
        heads,
        cells,
        ident=ident,
        title=title,
        description=description,
        kind="stack charted",
    )


def levels(
    rows: Sequence[Level],
    *,
    ident: str,
    title: str,
    description: str,
    first: str,
    value_head: str,
    reference_head: str,
) -> SafeString:
    """Return a table of conditions: the area as a dot on the span of all areas."""
    heads = [
        Head(first),
        Head(value_head, "num"),
        Head(reference_head, "num"),
        Head(_("Lowest to highest area"), "cell"),
    ]
    return table(
        heads,
        [
            [
                SafeString(conditional_escape(row.label) + about(row.note)),
                _level(row, row.value),
                _level(row, row.reference),
                span(row),
            ]
            for row in rows
        ],
        ident=ident,
        title=title,
        description=description,
        kind="stack charted",
    )


def _share_cells(row: Row, end: float, has_reference: bool) -> list[str]:
    label = link(row.href, row.label) if row.href else conditional_escape(row.label)
    reference = "–" if row.reference is None else formats.share(row.reference)
    if row.value is None:
        cells = [label, row.note, reference, SafeString("")]
    else:
        value = formats.share_with_interval(row.value, row.low, row.high, row.bound)
        drawing = dot(row.value, row.low, row.high, row.reference, end)
        cells = [SafeString(label + about(row.note)), value, reference, drawing]
    return cells if has_reference else [*cells[:2], cells[3]]


def _level(row: Level, value: float | None) -> str:
    if value is None:
        return "–"
    if row.unit == "%":
        return formats.percent(value, row.decimals)
    return f"{formats.number(value, row.decimals)}{formats.NBSP}{row.unit}".strip()


def dot(
    value: float,
    low: float | None,
    high: float | None,
    reference: float | None,
    end: float,
) -> SafeString:
    """Return a dot on its interval, and a stroke at the reference, from 0 to `end`."""
    parts = [_line("axis", 0, WIDTH)]
    if low is not None and high is not None:
        parts.append(_line("whisker", _at(low, end), _at(high, end)))
    if reference is not None:
        parts.append(_stroke("ref", _at(reference, end)))
    parts.append(_dot(_at(value, end)))
    return _drawing(parts)


def bar(value: float, end: float = 1.0) -> SafeString:
    """Return a bar from 0 to a share, on a scale to `end`."""
    return _drawing(
        [
            format_html(
                '<rect class="k4" x="0" y="6" width="{}" height="16"/>', _at(value, end)
            )
        ]
    )


def span(row: Level) -> SafeString:
    """Return the span of all areas: a dot for this one, a stroke for the whole."""
    if row.value is None or row.most <= row.least:
        return SafeString("")
    length = row.most - row.least
    parts = [_line("axis", 0, WIDTH)]
    if row.reference is not None:
        parts.append(_stroke("ref", _at(row.reference - row.least, length)))
    parts.append(_dot(_at(row.value - row.least, length)))
    return _drawing(parts)


def _scale(end: float) -> SafeString:
    """Return the scale that stands above the drawings."""
    marks = ((0, "start"), (end / 2, "middle"), (end, "end"))
    return format_html(
        '<svg class="chart" viewBox="-6 0 {} 18" aria-hidden="true">{}</svg>',
        WIDTH + 12,
        format_html_join(
            "",
            '<text class="soft" x="{}" y="13" text-anchor="{}">{}</text>',
            ((_at(x, end), anchor, formats.share(x)) for x, anchor in marks),
        ),
    )


def _at(value: float, end: float) -> float:
    return round(WIDTH * min(max(value / end, 0.0), 1.0), 1)


def _line(kind: str, start: float, stop: float) -> SafeString:
    middle = HEIGHT // 2
    return format_html(
        '<path class="{}" d="M{} {}H{}"/>', kind, start, middle, max(stop, start + 1)
    )


def _stroke(kind: str, x: float) -> SafeString:
    return format_html('<path class="{}" d="M{} 5V{}"/>', kind, x, HEIGHT - 5)


def _dot(x: float) -> SafeString:
    return format_html('<circle class="dot" cx="{}" cy="{}" r="6"/>', x, HEIGHT // 2)


def _drawing(parts: Sequence[SafeString]) -> SafeString:
    return format_html(
        '<svg class="chart" viewBox="-6 0 {} {}" aria-hidden="true">{}</svg>',
        WIDTH + 12,
        HEIGHT,
        SafeString("".join(parts)),
    )
