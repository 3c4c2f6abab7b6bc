"""The same content as page, PDF and DOCX."""

from __future__ import annotations

from io import BytesIO
from time import perf_counter

import docx
import pikepdf
import pytest
import typst

from trygg.picture import document, pdf
from trygg.picture.document import Chart, Map, Outline
from trygg.picture.docx import render_docx
from trygg.picture.drawing import FILLS, TALLEST, WIDTH, map_svg
from trygg.picture.files import FORMS, write_picture
from trygg.picture.html import render_html
from trygg.picture.pdf import render_pdf
from trygg.picture.tests.sample import content


@pytest.fixture(params=["sv", "en"])
def language(request):
    return request.param


@pytest.fixture
def read(language):
    return document.read(content(), language)


def blocks(read, kind):
    return [
        b for chapter in read.chapters for b in chapter.blocks if isinstance(b, kind)
    ]


def test_the_pdf_is_tagged_named_and_in_its_language(read, language):
    with pikepdf.open(BytesIO(render_pdf(read))) as file:
        assert file.Root.MarkInfo.Marked
        assert str(file.Root.Lang) == language
        assert str(file.docinfo["/Title"]) == read.title
        assert file.Root.ViewerPreferences.DisplayDocTitle
        with file.open_metadata() as meta:
            assert meta["pdfuaid:part"] == "1"
        assert figures_without_alternative(file) == []


def figures_without_alternative(file):
    """Walk the structure tree; return the figures that lack /Alt."""
    lacking, waiting, seen = [], [file.Root.StructTreeRoot], 0
    while waiting:
        node = waiting.pop()
        if isinstance(node, pikepdf.Array):
            waiting.extend(node)
        elif isinstance(node, pikepdf.Dictionary):
            if node.get("/S") == "/Figure":
                seen += 1
                if "/Alt" not in node:
                    lacking.append(node)
            if "/K" in node:
                waiting.append(node.K)
    assert seen > 0
    return lacking


def test_the_pdf_fails_where_a_map_lacks_its_alternative(read, monkeypatch):
    template = pdf.TEMPLATE.read_text().replace(", alt: block.alt", "")
    monkeypatch.setattr(pdf, "_template", lambda: template.encode())
    with pytest.raises(typst.TypstError, match="alt"):
        render_pdf(read)


def test_text_from_users_is_set_as_text_and_never_run():
    hostile = '#panic("x") <script> $x$ \\ "q" {{ x }} [b] *f*'
    title = {"sv": hostile, "en": ""}
    read = document.read(content(title=title), "sv")

    with pikepdf.open(BytesIO(render_pdf(read))) as file:
        assert str(file.docinfo["/Title"]) == hostile
    assert docx.Document(BytesIO(render_docx(read))).paragraphs[0].text == hostile
    assert b"<script>" not in FORMS[".html"](read)


def test_synthetic_is_said_on_every_page_of_the_pdf(tmp_path):
    marked = document.read(content(), "sv")
    real = document.read(content(is_synthetic=False), "sv")
    mark = "enkätsvaren är syntetiska"

    pages = page_texts(marked, tmp_path)
    assert len(pages) > 3
    assert all(mark in page for page in pages)
    assert not any(mark in page for page in page_texts(real, tmp_path))


def page_texts(read, tmp_path):
    import subprocess

    path = tmp_path / "picture.pdf"
    write_picture(read, path)
    try:
        done = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("pdftotext (poppler-utils) is absent")
    return done.stdout.decode().split("\f")[:-1]


def test_the_docx_has_headings_tables_and_alternatives(read):
    file = docx.Document(BytesIO(render_docx(read)))
    headings = [p.text for p in file.paragraphs if p.style.name == "Heading 1"]

    assert headings == [read.summary_title, *(c.title for c in read.chapters)]
    assert file.core_properties.title == read.title
    chart = blocks(read, Chart)[0]
    table = [[cell.text for cell in row.cells] for row in file.tables[0].rows]
    assert table[0] == chart.heads
    assert ["Område 1", "40\N{NO-BREAK SPACE}% (32–48)", "85"] in table or [
        "Område 1", "40% (32–48)", "85",
    ] in table  # fmt: skip
    described = [shape._inline.docPr.get("descr") for shape in file.inline_shapes]
    assert len(described) == 2
    assert all(described)
    assert read.synthetic in file.sections[0].header.paragraphs[0].text


def test_the_page_shows_every_figure_with_interval_n_and_source(read):
    page = render_html(read)
    for row in (row for c in blocks(read, Chart) for g in c.groups for row in g.rows):
        assert row.label in page
        assert row.figure in page
    assert "32–48" in page
    assert ">85<" in page
    assert "style=" not in page
    assert "<script" not in page


def test_areas_are_grouped_by_what_can_be_told_and_keep_their_order(read):
    chart = next(c for c in blocks(read, Chart) if len(c.groups) > 1)
    assert [[row.label[-1] for row in group.rows] for group in chart.groups] == [
        ["0", "1"], ["2", "3", "4", "5", "8"], ["6"], ["7"],
    ]  # fmt: skip
    assert chart.reference == 0.24


def test_only_areas_that_differ_are_coloured_on_the_map(read):
    drawn = blocks(read, Map)[0]
    groups = {shape.label.split(":")[0]: shape.group for shape in drawn.shapes}
    assert [groups[f"Område {i}"] for i in range(9)] == [
        "higher", "higher", "same", "same", "same", "same", "lower", "none", "same",
    ]  # fmt: skip


def test_classes_of_the_map_stay_apart_in_grey():
    def grey(colour):
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.3 * red + 0.59 * green + 0.11 * blue

    looks = [(round(grey(fill) / 20), lines) for fill, lines in FILLS.values()]
    assert len(set(looks)) == len(looks)
    svg = map_svg(blocks(document.read(content(), "sv"), Map)[0])
    assert svg.count("<pattern") == 3


def test_a_withheld_figure_says_why_instead_of_a_number(read, language):
    page = render_html(read)
    reason = {"sv": "för få svar", "en": "too few answers"}[language]
    assert reason in page


def test_what_lacks_english_is_read_in_swedish():
    bare = content(gaps=[{"sv": "Bara svenska.", "en": ""}])
    assert "Bara svenska." in render_html(document.read(bare, "en"))


def test_pdf_takes_less_than_one_and_a_half_and_docx_less_than_one_second(read):
    render_pdf(read)  # fonts are read once
    began = perf_counter()
    render_pdf(read)
    between = perf_counter()
    render_docx(read)
    assert between - began < 1.5
    assert perf_counter() - between < 1.0


def test_a_map_is_never_taller_than_its_room():
    tall = Map(
        title="",
        alt="",
        shapes=[Outline("M0 0h10v900h-10z", "Smalt", "higher")],
        groups=[],
        source="",
    )
    _x, _y, width, height = map_svg(tall).split('viewBox="')[1].split('"')[0].split()
    assert (int(width), int(height)) == (WIDTH, TALLEST)
