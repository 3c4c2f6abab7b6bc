import re
from xml.etree import ElementTree

import pytest

from trygg.common.maps import Box, Group, Shape, box_of, draw_map, town_of

GROUPS = [Group("k0", "cannot be told"), Group("more", "more often", has_lines=True)]


def square(x, y, side):
    return f"M{x} {y}h{side}v{side}h-{side}z"


@pytest.fixture
def county():
    """Twelve small squares close together, and four large ones around them."""
    town = [(1000 + 10 * i, 1000 + 10 * j) for i in range(4) for j in range(3)]
    land = [(0, 0), (0, 1100), (1100, 0), (1100, 1100)]
    return [
        *(Shape(square(x, y, 10), f"town {x} {y}", "k0", "/a/") for x, y in town),
        *(Shape(square(x, y, 900), f"land {x} {y}", "more", "/a/") for x, y in land),
    ]


def drawn(shapes, groups=GROUPS):
    html = draw_map(shapes, groups, ident="m", title="Title", description="About")
    return ElementTree.fromstring(f"<div>{html}</div>")


def test_the_box_follows_steps_and_several_rings():
    assert box_of("M10 10h5v-3l-2 1zM-4 0l2 9z") == Box(-4, 0, 15, 10)


def test_a_path_with_other_commands_is_refused():
    with pytest.raises(ValueError, match="C is not among"):
        box_of("M0 0C1 1 2 2 3 3z")


def test_the_town_is_where_the_small_areas_are(county):
    town = town_of([box_of(shape.path) for shape in county])
    assert town is not None
    assert town.holds((1020, 1015))
    assert not town.holds((450, 450))


def test_a_map_of_equal_areas_needs_no_second_map():
    shapes = [Shape(square(10 * n, 0, 10), str(n), "k0") for n in range(20)]
    assert town_of([box_of(shape.path) for shape in shapes]) is None
    assert len(drawn(shapes).findall(".//figure")) == 1


def test_each_outline_is_sent_once_and_shown_in_both_maps(county):
    tree = drawn(county)
    paths = [p.get("d") for p in tree.findall(".//figure//path")]
    assert sorted(paths) == sorted(shape.path for shape in county)
    mirrored = {use.get("href") for use in tree.findall(".//figure/svg/use")}
    drawn_groups = {f"#{g.get('id')}" for g in tree.iter("g") if g.get("id")}
    assert len(mirrored) == 2
    assert mirrored == drawn_groups


def test_what_is_mirrored_holds_no_links_or_they_would_be_there_twice(county):
    for group in drawn(county).iter("g"):
        if group.get("class") == "outlines":
            assert group.findall(".//a") == []


def test_each_link_lies_on_the_outline_of_its_area(county):
    tree = drawn(county)
    path = {p.get("id"): p.get("d") for p in tree.findall(".//figure//path")}
    of = {shape.label: shape.path for shape in county}
    for link in tree.findall(".//svg//a"):
        target = link.find("use").get("href").lstrip("#")
        assert path[target] == of[link.find("title").text]


def test_the_class_with_lines_is_filled_by_a_pattern_that_exists(county):
    tree = drawn(county)
    fills = {g.get("fill") for g in tree.iter("g") if "lined" in (g.get("class") or "")}
    patterns = {f"url(#{p.get('id')})" for p in tree.iter("pattern")}
    assert fills
    assert fills <= patterns


def test_every_area_is_a_link_with_its_name_and_the_map_can_be_skipped(county):
    tree = drawn(county)
    links = [a.find("title").text for a in tree.findall(".//svg//a")]
    assert sorted(links) == sorted(shape.label for shape in county)
    skip = tree.find("a")
    assert skip.get("href") == "#m-after"
    assert any(node.get("id") == "m-after" for node in tree.iter())


def test_each_drawing_has_a_title_and_a_description(county):
    for svg in drawn(county).findall(".//figure/svg"):
        about = {node.get("id"): node.text for node in svg if node.text}
        assert about[svg.get("aria-labelledby")].startswith("Title")
        assert about[svg.get("aria-describedby")] == "About"


def test_ids_are_never_used_twice(county):
    ids = re.findall(r' id="([^"]+)"', ElementTree.tostring(drawn(county)).decode())
    assert len(ids) == len(set(ids))


def test_names_cannot_break_out_of_the_drawing():
    hostile = Shape(square(0, 0, 5), "<script>alert(1)</script>", "k0", '/"x/')
    html = draw_map([hostile], GROUPS, ident="m", title="<b>", description="&")
    assert "<script>" not in html
    assert "<b>" not in html
