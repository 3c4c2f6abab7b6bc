"""The picture as part of a web page, built in Python: templates are slow on tables."""

from __future__ import annotations

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from trygg.common import charts, maps
from trygg.picture.document import (
    Block,
    Bullets,
    Chapter,
    Chart,
    Document,
    Facts,
    Finding,
    Heading,
    Map,
    Table,
)

# Class of the site's style sheet for each class of a map
GROUPS = {"higher": "more", "same": "k0", "lower": "less", "none": "few"}


def render_html(document: Document) -> SafeString:
    """Return summary, contents and chapters; the page sets title and status itself."""
    with override(document.language):
        return format_html(
            '<dl class="facts">{}</dl>{}<nav aria-labelledby="contents"><h2 '
            'id="contents">{}</h2><ul class="toc">{}</ul></nav>{}',
            _terms(document.facts),
            _summary(document),
            document.contents_title,
            format_html_join(
                "",
                '<li><a href="#{}">{}</a></li>',
                ((chapter.ident, chapter.title) for chapter in document.chapters),
            ),
            format_html_join(
                "",
                "{}",
                ((_chapter(chapter),) for chapter in document.chapters),
            ),
        )


def _summary(document: Document) -> SafeString:
    if not document.summary:
        return SafeString("")
    return format_html(
        '<section class="panel" aria-labelledby="short"><h2 id="short">{}</h2>{}'
        "</section>",
        document.summary_title,
        _items(document.summary),
    )


def _chapter(chapter: Chapter) -> SafeString:
    blocks = (
        (_block(block, f"{chapter.ident}-{number}"),)
        for number, block in enumerate(chapter.blocks)
    )
    return format_html(
        '<section id="{0}" aria-labelledby="{0}-title"><h2 id="{0}-title">{1}</h2>{2}'
        "{3}</section>",
        chapter.ident,
        chapter.title,
        format_html('<p class="muted">{}</p>', chapter.lead) if chapter.lead else "",
        format_html_join("", "{}", blocks),
    )


def _block(block: Block, ident: str) -> SafeString:
    match block:
        case Heading():
            return format_html("<h3>{}</h3>", block.text)
        case Finding():
            notes = (
                format_html(
                    '<details class="small"><summary>{}</summary>{}</details>',
                    _("What this rests on"),
                    _items(block.notes),
                )
                if block.notes
                else ""
            )
            return format_html("<p>{}</p>{}", block.text, notes)
        case Chart():
            return format_html("{}{}", _chart(block, ident), _source(block.source))
        case Map():
            return format_html(
                "<h4>{}</h4>{}{}",
                block.title,
                maps.draw_map(
                    [
                        maps.Shape(s.path, s.label, GROUPS[s.group])
                        for s in block.shapes
                    ],
                    [
                        maps.Group(
                            GROUPS[group.code], group.label, group.code == "higher"
                        )
                        for group in block.groups
                    ],
                    ident=ident,
                    title=block.title,
                    description=block.alt,
                ),
                _source(block.source),
            )
        case Table():
            return format_html("{}{}", _table(block, ident), _source(block.source))
        case Facts():
            return format_html(
                '<h3>{}</h3><dl class="facts">{}</dl>', block.title, _terms(block.rows)
            )
        case Bullets():
            return _items(block.items)


def _chart(chart: Chart, ident: str) -> SafeString:
    """Return each group as a table: words, figures, and a drawing of them."""
    label, figure, n = chart.heads
    groups = (
        (
            format_html(
                '<tr><th scope="rowgroup" colspan="4">{}</th></tr>', group.title
            )
            if group.title
            else "",
            format_html_join(
                "",
                '<tr><th scope="row">{}</th><td class="num" data-label="{}">{}</td>'
                '<td class="num" data-label="{}">{}</td><td class="cell">{}</td></tr>',
                (
                    (
                        row.label,
                        figure,
                        row.figure,
                        n,
                        row.n,
                        ""
                        if row.value is None
                        else charts.dot(
                            row.value, row.low, row.high, chart.reference, chart.end
                        ),
                    )
                    for row in group.rows
                ),
            ),
        )
        for group in chart.groups
    )
    return format_html(
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="{0}">'
        '<table class="table stack charted"><caption id="{0}">{1}'
        '<span class="about">{2}</span></caption><thead><tr><td>{3}</td>'
        '<th scope="col" class="num">{4}</th><th scope="col" class="num">{5}</th><td>'
        "</td></tr></thead>{6}</table></div>",
        ident,
        chart.title,
        chart.about,
        label,
        figure,
        n,
        format_html_join("", "<tbody>{}{}</tbody>", groups),
    )


def _table(table: Table, ident: str) -> SafeString:
    def number(place: int) -> SafeString:
        return SafeString(' class="num"' if place in table.numeric else "")

    heads = format_html_join(
        "",
        '<th scope="col"{}>{}</th>',
        ((number(place), head) for place, head in enumerate(table.columns)),
    )
    rows = (
        (
            row[0],
            format_html_join(
                "",
                '<td{} data-label="{}">{}</td>',
                (
                    (number(place), table.columns[place], cell)
                    for place, cell in enumerate(row[1:], start=1)
                ),
            ),
        )
        for row in table.rows
    )
    return format_html(
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="{0}">'
        '<table class="table stack"><caption id="{0}">{1}</caption><thead><tr>{2}</tr>'
        "</thead><tbody>{3}</tbody></table></div>",
        ident,
        table.title,
        heads,
        format_html_join("", '<tr><th scope="row">{}</th>{}</tr>', rows),
    )


def _terms(rows: list[tuple[str, str]]) -> SafeString:
    return format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows)


def _items(items: list[str]) -> SafeString:
    return format_html(
        "<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((item,) for item in items))
    )


def _source(source: str) -> SafeString:
    return format_html('<p class="source">{}</p>', source) if source else SafeString("")
