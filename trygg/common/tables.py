"""Tables drawn in Python: long ones take the template engine fifty milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Head:
    """A column: what stands above it, and its class ("num", "cell" or none)."""

    label: str
    kind: str = ""


def table(
    heads: Sequence[Head],
    rows: Sequence[Sequence[str]],
    *,
    ident: str,
    title: str,
    description: str = "",
    kind: str = "stack",
) -> SafeString:
    """
    Return a table that can be scrolled by keyboard; a row's first cell is its heading.

    On a narrow screen a "stack" table has its cells below each other, each with the
    words of its column.
    """
    return format_html(
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="{0}">'
        '<table class="table {1}"><caption id="{0}">{2}{3}</caption>'
        "<thead><tr>{4}</tr></thead><tbody>{5}</tbody></table></div>",
        ident,
        kind,
        title,
        about(description),
        SafeString("".join(_head(head) for head in heads)),
        SafeString("".join(_row(heads, row) for row in rows)),
    )


def about(words: str) -> SafeString:
    """Return words that explain what stands before them, on a line of their own."""
    return (
        format_html('<span class="about">{}</span>', words) if words else SafeString("")
    )


def link(href: str, label: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', href, label)


def _class(head: Head) -> SafeString:
    return format_html(' class="{}"', head.kind) if head.kind else SafeString("")


def _head(head: Head) -> SafeString:
    if head.kind == "cell":  # a scale, which is no heading
        return format_html("<td{}>{}</td>", _class(head), head.label)
    return format_html('<th scope="col"{}>{}</th>', _class(head), head.label)


def _row(heads: Sequence[Head], row: Sequence[str]) -> SafeString:
    first, *others = row
    cells = format_html_join(
        "",
        "<td{}{}>{}</td>",
        (
            (
                _class(head),
                ""
                if head.kind == "cell"
                else format_html(' data-label="{}"', head.label),
                cell,
            )
            for head, cell in zip(heads[1:], others, strict=True)
        ),
    )
    return format_html('<tr><th scope="row">{}</th>{}</tr>', first, cells)
