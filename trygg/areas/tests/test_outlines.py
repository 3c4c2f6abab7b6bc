import gzip
import re

import numpy as np
import pytest
import shapely

from trygg.areas import nyby
from trygg.areas.outlines import TOP, UNIT, outlines, path_of
from trygg.areas.reading import maps


def drawn(path):
    """Follow the path data as a browser does, and return the rings' points."""
    rings, x, y = [], 0, 0
    for command, given in re.findall(r"([MmlhvZz])([^MmlhvZz]*)", path):
        numbers = [int(n) for n in re.findall(r"-?\d+", given)]
        if command == "M":
            x, y = numbers
            rings.append([(x, y)])
        elif command in "hv":
            for n in numbers:
                x, y = (x + n, y) if command == "h" else (x, y + n)
                rings[-1].append((x, y))
        elif command in "lm":
            for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
                x, y = x + dx, y + dy
                rings[-1].append((x, y))
    return rings


def test_a_square_with_a_hole_worked_by_hand():
    hole = shapely.box(10, TOP - 20, 20, TOP - 10)
    square = shapely.difference(shapely.box(0, TOP - 30, 30, TOP), hole)

    outer, inner = drawn(path_of(square))
    assert set(outer) == {(0, 3), (0, 0), (3, 0), (3, 3)}
    assert set(inner) == {(2, 2), (1, 2), (1, 1), (2, 1)}


def test_what_is_smaller_than_a_unit_leaves_no_path():
    assert path_of(shapely.box(0, TOP - 2, 3, TOP)) == ""


def test_the_path_is_the_outline_to_within_a_unit():
    shapes = nyby.make().areas.shapes
    for shape, path in zip(shapes, outlines(shapes, tolerance=0), strict=True):
        (ring,) = drawn(path)
        metres = np.array(ring) * (UNIT, -UNIT) + (0, TOP)
        assert shapely.hausdorff_distance(shapely.Polygon(metres), shape) < UNIT


def test_neighbours_share_their_border_after_simplification():
    shapes = nyby.make().areas.shapes
    rings = [shapely.Polygon(ring) for p in outlines(shapes) for ring in drawn(p)]

    assert shapely.coverage_is_valid(np.array(rings))


@pytest.mark.parametrize("name", ["uppsala_deso2018.gpkg", "uppsala_regso2020.gpkg"])
def test_the_map_of_uppsala_is_light(open_data, name):
    found = maps.read(open_data / "uppsala" / name)
    paths = outlines(found.shapes)

    assert all(paths)
    assert len(gzip.compress("".join(paths).encode())) <= 14 * 1024
