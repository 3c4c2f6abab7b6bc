"""Polygons → simplified outlines for SVG, with borders that neighbours still share."""

from __future__ import annotations

import numpy as np
import shapely
from django.utils.translation import gettext as _
from numpy.typing import ArrayLike, NDArray

from trygg.areas.reading.problems import Problem

# One unit of a path is ten metres, counted from the same corner for all geographies,
# so that outlines of any two of them lie rightly on each other.
UNIT = 10.0
TOP = 7_800_000.0  # northing that becomes y = 0
TOO_MUCH_OVERLAP = 1e-4  # of the land
TOLERANCE = 50.0  # metres; the area of the triangles that simplification may cut off


def coverage_problems(shapes: NDArray[np.object_], file: str) -> list[Problem]:
    """Return, as one line, how far the areas are from meeting exactly."""
    bad = int((~shapely.is_empty(shapely.coverage_invalid_edges(shapes))).sum())
    if not bad:
        return []
    total = float(shapely.area(shapes).sum())
    overlap = total - shapely.union_all(shapes).area
    what = _(
        "%(bad)d of %(all)d areas do not meet their neighbours exactly;"
        " they overlap by %(overlap)d square metres in all."
    ) % {"bad": bad, "all": len(shapes), "overlap": round(overlap)}
    if overlap < total * TOO_MUCH_OVERLAP:
        return [Problem(file, None, None, what, level="note")]
    to_do = _("Points in the overlap are counted in one area only: mend the borders.")
    return [Problem(file, None, None, what, to_do, "warning")]


def outlines(shapes: NDArray[np.object_], tolerance: float = TOLERANCE) -> list[str]:
    """
    Return an SVG path for each polygon, in units of ten metres, y downwards.

    All are simplified together, so that a border stays one line for both neighbours.
    """
    simple = shapely.coverage_simplify(shapes, tolerance)
    return [path_of(shape) for shape in simple]


def path_of(shape: shapely.Geometry) -> str:
    """
    Return the path data of one polygon: whole numbers, relative steps.

    >>> path_of(shapely.box(0, TOP - 20, 30, TOP))
    'M3 2v-2h-3v2z'
    """
    rings = [
        ring
        for polygon in shapely.get_parts(shape)
        for ring in (polygon.exterior, *polygon.interiors)
    ]
    return "".join(_ring_path(ring.coords) for ring in rings)


def grid(coordinates: ArrayLike) -> NDArray[np.int64]:
    """Return metres in EPSG:3006 as path units."""
    metres = np.asarray(coordinates, dtype=float)
    return np.rint((metres * (1, -1) + (0, TOP)) / UNIT).astype(np.int64)


def _ring_path(ring: ArrayLike) -> str:
    points = grid(ring)[:-1]  # z closes it
    moves = np.any(np.diff(points, axis=0, prepend=points[-1:]) != 0, axis=1)
    points = points[moves]
    if len(points) < 3:
        return ""  # smaller than one unit
    parts = [f"M{points[0][0]} {points[0][1]}"]
    command = "m"
    for dx, dy in np.diff(points, axis=0).tolist():
        step = "h" if dy == 0 else "v" if dx == 0 else "l"
        both = f"{dx}{dy}" if dy < 0 else f"{dx} {dy}"
        numbers = {"h": f"{dx}", "v": f"{dy}"}.get(step, both)
        glue = step if step != command else "" if dx < 0 else " "
        parts.append(glue + numbers)
        command = step
    return "".join(parts) + "z"
