"""The picture as a DOCX file: real headings and tables, figures with their words."""

from __future__ import annotations

from io import BytesIO

import docx
from docx.document import Document as Docx
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import Table as DocxTable
from docx.text.run import Run

from trygg.picture.document import (
    Block,
    Bullets,
    Chart,
    Document,
    Facts,
    Finding,
    Heading,
    Map,
    Table,
)
from trygg.picture.pdf import figure_png

ACCENT, SOFT = RGBColor(0x0A, 0x5B, 0x63), RGBColor(0x4C, 0x58, 0x5D)
LOCALES = {"sv": "sv-SE", "en": "en-GB"}


def render_docx(document: Document) -> bytes:
    """Return the document as a DOCX file."""
    file = docx.Document()
    _set_styles(file, document)
    file.add_heading(document.title, level=0)
    _facts(file, document.facts)
    if document.summary:
        file.add_heading(document.summary_title, level=1)
        for sentence in document.summary:
            file.add_paragraph(sentence, style="List Bullet")
    figures = 0
    for chapter in document.chapters:
        file.add_heading(
            chapter.title, level=1
        ).paragraph_format.page_break_before = True
        if chapter.lead:
            _soft(file, chapter.lead)
        for block in chapter.blocks:
            figures = _block(file, block, document, figures)
    saved = BytesIO()
    file.save(saved)
    return saved.getvalue()


def _block(file: Docx, block: Block, document: Document, figures: int) -> int:
    """Lay out one block; returns how many figures there are so far."""
    match block:
        case Heading():
            file.add_heading(block.text, level=2)
        case Finding():
            file.add_paragraph(block.text)
            for note in block.notes:
                _soft(file, note, style="List Bullet")
        case Map():
            _caption(file, block.title)
            _figure(file, figure_png(document, figures), block.alt)
            _soft(file, block.source)
            return figures + 1
        case Chart():
            _caption(file, block.title)
            _soft(file, block.about)
            rows = []
            for group in block.groups:
                if group.title:
                    rows.append([group.title, "", ""])
                rows += [[row.label, row.figure, row.n] for row in group.rows]
            if len(rows) <= CHART_ROWS:
                alt = "; ".join(f"{label}: {figure}" for label, figure, _n in rows)
                _figure(file, figure_png(document, figures), f"{block.title}. {alt}")
            _table(file, block.heads, rows, [1, 2])
            _soft(file, block.source)
            return figures + 1
        case Table():
            _caption(file, block.title)
            _table(file, block.columns, block.rows, block.numeric)
            if block.source:
                _soft(file, block.source)
        case Facts():
            file.add_heading(block.title, level=2)
            _facts(file, block.rows)
        case Bullets():
            for item in block.items:
                file.add_paragraph(item, style="List Bullet")
    return figures


CHART_ROWS = 45  # a longer chart does not fit on a page: then the table alone


def _set_styles(file: Docx, document: Document) -> None:
    locale = LOCALES[document.language]
    normal = file.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(11)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), locale)
    normal.element.get_or_add_rPr().append(language)
    for name in ("Title", "Heading 1", "Heading 2"):
        style = file.styles[name]
        style.font.name, style.font.color.rgb = "Calibri", ACCENT
        fonts = style.element.rPr.find(qn("w:rFonts"))
        for theme in [key for key in fonts.attrib if key.endswith("Theme")]:
            del fonts.attrib[theme]
    about = file.core_properties
    about.title, about.language = document.title, locale
    about.subject, about.author = document.status, ""
    section = file.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.4)
    header, footer = section.header.paragraphs[0], section.footer.paragraphs[0]
    header.text = document.synthetic
    header.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    footer.text = f"{document.title}. {document.status}. {document.page_word} "
    _page_number(footer.add_run())


def _page_number(run: Run) -> None:
    for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        element.text = text
        run._r.append(element)


def _figure(file: Docx, png: bytes, alt: str) -> None:
    shape = file.add_picture(BytesIO(png), width=Cm(16))
    shape._inline.docPr.set("descr", alt)


def _facts(file: Docx, rows: list[tuple[str, str]]) -> None:
    for term, what in rows:
        paragraph = file.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(3)
        paragraph.add_run(f"{term}: ").bold = True
        paragraph.add_run(what)


def _caption(file: Docx, text: str) -> None:
    paragraph = file.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.space_before = Pt(12)
    paragraph.add_run(text).bold = True


def _soft(file: Docx, text: str, style: str | None = None) -> None:
    run = file.add_paragraph(style=style).add_run(text)
    run.font.size, run.font.color.rgb = Pt(9), SOFT


def _table(
    file: Docx, heads: list[str], rows: list[list[str]], numeric: list[int]
) -> DocxTable:
    table = file.add_table(rows=len(rows) + 1, cols=len(heads))
    table.style, table.alignment = "Light List", WD_TABLE_ALIGNMENT.CENTER
    repeat = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(repeat)
    cells = iter(table._cells)  # one look-up: table.cell() walks the table each time
    for row in [heads, *rows]:
        for place, text in enumerate(row):
            paragraph = next(cells).paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(1)
            paragraph.add_run(text).font.size = Pt(9)
            if place in numeric:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    return table
