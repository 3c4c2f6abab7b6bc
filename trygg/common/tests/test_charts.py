from xml.etree import ElementTree

import pytest
from django.utils.translation import override

from trygg.common import charts, formats
from trygg.common.charts import WIDTH, Level, Row


def table(html):
    return ElementTree.fromstring(html.replace("&nbsp;", " "))


def shares(rows):
    with override("en"):
        html = charts.shares(
            rows,
            ident="t",
            title="Title",
            description="About",
            first="Question",
            value_head="Here",
            reference_head="Rest",
        )
    return table(html)


def test_a_share_stands_in_the_table_with_its_interval_and_reference():
    cells = shares([Row("feel unsafe", 0.31, 0.24, 0.39, 0.25)]).findall(".//tbody//td")
    assert [cell.text for cell in cells[:2]] == ["31% (24–39)", "25%"]


def test_the_drawing_lies_where_the_figures_say():
    drawing = shares([Row("q", 0.3, 0.2, 0.4, 0.1)]).find(".//tbody//svg")
    whisker, reference = (
        next(p for p in drawing if p.get("class") == kind)
        for kind in ("whisker", "ref")
    )
    assert drawing.find("circle").get("cx") == str(WIDTH * 0.75)
    assert whisker.get("d") == f"M{WIDTH * 0.5} 14H{WIDTH * 1.0}"
    assert reference.get("d").startswith(f"M{WIDTH * 0.25} ")


def test_a_figure_that_is_not_shown_leaves_words_and_no_drawing():
    row = shares([Row("q", None, note="too few answers")]).find(".//tbody/tr")
    assert row.find("td").text == "too few answers"
    assert row.find(".//svg") is None


def test_a_figure_at_a_bound_says_so():
    cell = shares([Row("q", 0.05, bound="<")]).find(".//tbody//td")
    assert cell.text == "at most 5%"


def test_the_table_is_named_by_its_caption_and_can_be_scrolled_by_keyboard():
    region = shares([Row("q", 0.3)])
    caption = region.find(".//caption")
    assert region.get("aria-labelledby") == caption.get("id")
    assert region.get("tabindex") == "0"
    assert caption.find("span").text == "About"


def test_drawings_are_hidden_from_screen_readers_since_the_cells_say_it():
    for svg in shares([Row("q", 0.3, 0.2, 0.4)]).findall(".//svg"):
        assert svg.get("aria-hidden") == "true"


def test_a_condition_lies_between_the_lowest_and_the_highest_area():
    with override("sv"):
        html = charts.levels(
            [Level("Inkomst", 250, 300, least=200, most=400, unit="tkr")],
            ident="t",
            title="T",
            description="D",
            first="F",
            value_head="V",
            reference_head="R",
        )
    row = table(html).find(".//tbody/tr")
    assert [cell.text for cell in row.findall("td")[:2]] == [
        "250\N{NO-BREAK SPACE}tkr",
        "300\N{NO-BREAK SPACE}tkr",
    ]
    assert row.find(".//circle").get("cx") == str(WIDTH * 0.25)


@pytest.mark.parametrize(
    ("language", "written"),
    [("sv", "−1\N{NO-BREAK SPACE}234,5"), ("en", "−1,234.5")],
)
def test_numbers_follow_the_language(language, written):
    with override(language):
        assert formats.number(-1234.5, 1) == written


def test_a_share_that_rounds_to_nought_has_no_minus():
    with override("sv"):
        assert formats.number(-0.2) == "0"
