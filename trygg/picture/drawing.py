"""Maps for paper: SVG whose classes are told apart in grey as well as in colour."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from trygg.common.maps import Box, around, box_of, town_of
from trygg.picture.document import Map, Outline

WIDTH, GAP = 1000, 24  # of a drawing, and between its two maps
TALLEST = 650  # so that a map and its legend find room on a page
STEP = 9  # between the lines of a hatching

# Fill and hatching of each class: light and dark, and lines that lean either way.
FILLS = {
    "higher": ("#c98a3c", "M0 0L9 9"),
    "same": ("#e4e5df", ""),
    "lower": ("#a9d2d3", "M9 0L0 9"),
    "none": ("#ffffff", "M4.5 4h.1"),
}


def map_svg(drawn: Map) -> str:
    """Return the whole map, and beside it the dense town where it is small."""
    boxes = [box_of(shape.path) for shape in drawn.shapes]
    whole, town = around(boxes).grown(0.01), town_of(boxes)
    views = [whole, town] if town else [whole]
    width = (WIDTH - GAP * (len(views) - 1)) / len(views)
    slopes = [(view.bottom - view.top) / (view.right - view.left) for view in views]
    width = min(width, TALLEST / max(slopes))
    heights = [width * slope for slope in slopes]
    parts = [
        _view(drawn.shapes, view, number * (width + GAP), width, height, f"v{number}")
        for number, (view, height) in enumerate(zip(views, heights, strict=True))
    ]
    if town:
        scale = width / (whole.right - whole.left)
        x, y = (town.left - whole.left) * scale, (town.top - whole.top) * scale
        w, h = (town.right - town.left) * scale, (town.bottom - town.top) * scale
        for left, top, wide, high in (
            (x, y, w, h),
            (width + GAP, 0, width, heights[1]),
        ):
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" '
                f'height="{high:.1f}" fill="none" stroke="#1a2225" stroke-width="1.6"/>'
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
        f'{max(heights):.0f}">{"".join(parts)}</svg>'
    )


def swatch_svg(code: str) -> str:
    """Return the sign of a class in the legend."""
    fill, lines = FILLS[code]
    box = 'x=".5" y=".5" width="39" height="25" stroke="#717c80"'
    hatch = f'<rect {box} fill="url(#s-{code})"/>' if lines else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 26">'
        f"{_pattern(lines, f's-{code}', 1) if lines else ''}"
        f'<rect {box} fill="{fill}"/>{hatch}</svg>'
    )


def _view(
    shapes: Sequence[Outline],
    view: Box,
    x: float,
    width: float,
    height: float,
    name: str,
) -> str:
    unit = (view.right - view.left) / width
    parts = []
    for code, (fill, lines) in FILLS.items():
        outlines = "".join(
            f"<path d={quoteattr(shape.path)}/>"
            for shape in shapes
            if shape.group == code
        )
        if outlines:
            parts.append(f'<g fill="{fill}">{outlines}</g>')
        if outlines and lines:
            # Above the plain fill, or the seams between the tiles would show.
            hatch = f"{name}-{code}"
            parts.append(
                f'{_pattern(lines, hatch, unit)}<g fill="url(#{hatch})">{outlines}</g>'
            )
    return (
        f'<svg x="{x:.1f}" y="0" width="{width:.1f}" height="{height:.1f}" '
        f'viewBox="{view.view()}"><g stroke="#4c585d" stroke-width="{0.8 * unit:.2f}" '
        f'stroke-linejoin="round">{"".join(parts)}</g></svg>'
    )


def _pattern(lines: str, ident: str, unit: float) -> str:
    return (
        f'<defs><pattern id="{ident}" patternUnits="userSpaceOnUse" width="{STEP}" '
        f'height="{STEP}" patternTransform="scale({unit:.4f})"><path d="{lines}" '
        'stroke="#1a2225" stroke-width="1" stroke-linecap="square"/></pattern></defs>'
    )
