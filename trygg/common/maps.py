"""
Maps as inline SVG, drawn in Python.

A class is told by colour, by border and by words; a class may have lines as well. The
dense town gets a map of its own, and each outline is sent once: what lies in the town
is drawn there and mirrored small in the overview, and the other way round. Links lie
apart, on top: mirrored with the outlines, they would be there twice for the keyboard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

TOWN_SHARE = 0.2  # of the whole map; a town that is larger needs no map of its own
LINES = 45  # lines across the map in a class that has them

COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Box:
    """A rectangle of the map; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def size(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def holds(self, point: tuple[float, float]) -> bool:
        x, y = point
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    def grown(self, by: float) -> Box:
        """Return the box with a margin, a share of its longer side."""
        margin = by * max(self.right - self.left, self.bottom - self.top)
        return Box(
            self.left - margin,
            self.top - margin,
            self.right + margin,
            self.bottom + margin,
        )

    def view(self) -> str:
        sides = self.left, self.top, self.right - self.left, self.bottom - self.top
        return " ".join(str(round(side)) for side in sides)


@dataclass(frozen=True)
class Shape:
    """An area to draw: its outline, what is said of it, its class, where it leads."""

    path: str
    label: str  # name and figure, for the tooltip and for screen readers
    group: str = ""  # code of its Group
    href: str = ""
    is_here: bool = False  # the area that the page is about


@dataclass(frozen=True)
class Group:
    """A class of the map, as the legend explains it."""

    code: str  # its class in trygg.css
    label: str
    has_lines: bool = False


@lru_cache(maxsize=10_000)
def box_of(path: str) -> Box:
    """
    Return the box around a path of the commands M, l, h, v and z.

    >>> box_of("M3 2v-2h-3v2z")
    Box(left=0.0, top=0.0, right=3.0, bottom=2.0)
    """
    xs: list[float] = []
    ys: list[float] = []
    x = y = 0.0
    for command, rest in COMMAND.findall(path):
        values = [float(value) for value in NUMBER.findall(rest)]
        match command:
            case "M":
                steps = [(values[0] - x, values[1] - y)]
            case "l":
                steps = list(zip(values[::2], values[1::2], strict=True))
            case "h":
                steps = [(value, 0.0) for value in values]
            case "v":
                steps = [(0.0, value) for value in values]
            case "z":
                steps = []
            case _:
                raise ValueError(f"{command} is not among M, l, h, v and z: {path:.40}")
        for dx, dy in steps:
            x, y = x + dx, y + dy
            xs.append(x)
            ys.append(y)
    return Box(min(xs), min(ys), max(xs), max(ys))


def around(boxes: Iterable[Box]) -> Box:
    """Return the box that holds all boxes."""
    boxes = list(boxes)
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def town_of(boxes: Sequence[Box]) -> Box | None:
    """
    Return the box of the dense town: the small areas that lie close together.

    None where the whole map shows them large enough.
    """
    small = sorted(boxes, key=lambda box: box.size)[: len(boxes) // 2]
    if len(small) < 5:
        return None
    x = median(box.centre[0] for box in small)
    y = median(box.centre[1] for box in small)

    def far(box: Box) -> float:
        return max(abs(box.centre[0] - x), abs(box.centre[1] - y))

    reach = 3.5 * median(far(box) for box in small)
    town = around(box for box in small if far(box) <= reach).grown(0.02)
    return town if town.size < TOWN_SHARE * around(boxes).size else None


def draw_map(
    shapes: Sequence[Shape],
    groups: Sequence[Group],
    *,
    ident: str,
    title: str,
    description: str,
) -> SafeString:
    """Return the map with its town beside it, the legend, and a way past it all."""
    drawn = [shape for shape in shapes if shape.path]
    if not drawn:
        return SafeString("")
    boxes = [box_of(shape.path) for shape in drawn]
    whole, town = around(boxes).grown(0.01), town_of(boxes)
    if town is None:
        inside = _outlines(drawn, groups, whole, f"{ident}-land")
        figures = _figure(whole, inside, ident, title, description, "")
    else:
        in_town = [town.holds(box.centre) for box in boxes]
        land = [s for s, there in zip(drawn, in_town, strict=True) if not there]
        dense = [s for s, there in zip(drawn, in_town, strict=True) if there]
        x, y, width, height = town.view().split()
        overview = format_html(
            '{}<use href="#{}-town"/>'
            '<rect class="frame" x="{}" y="{}" width="{}" height="{}"/>',
            _outlines(land, groups, whole, f"{ident}-land"),
            ident,
            x,
            y,
            width,
            height,
        )
        close = format_html(
            '<use href="#{}-land"/>{}',
            ident,
            _outlines(dense, groups, town, f"{ident}-town"),
        )
        figures = SafeString(
            _figure(
                whole,
                overview,
                ident,
                title,
                description,
                _("The whole municipality. The frame shows the map beside or below."),
            )
            + _figure(
                town,
                close,
                f"{ident}-close",
                _("%(title)s: the densest part") % {"title": title},
                description,
                _("The densest part, enlarged."),
            )
        )
    return format_html(
        '<a class="skip-map" href="#{0}-after">{1}</a>'
        '<div class="maps{2}">{3}</div>{4}<div id="{0}-after" tabindex="-1"></div>',
        ident,
        _("Skip the map"),
        " two" if town else "",
        figures,
        legend(groups),
    )


def legend(groups: Sequence[Group]) -> SafeString:
    """Return what the classes of a map mean."""
    rows = (
        (
            group.code,
            SafeString('<path class="lines" d="M4 18 16 0M12 18 24 0"/>')
            if group.has_lines
            else "",
            group.label,
        )
        for group in groups
    )
    items = format_html_join(
        "",
        '<li><svg class="sw {}" viewBox="0 0 26 18" aria-hidden="true">'
        '<rect x=".5" y=".5" width="25" height="17"/>{}</svg>{}</li>',
        rows,
    )
    return format_html('<ul class="legend">{}</ul>', items) if groups else items


def _figure(
    view: Box, inside: str, ident: str, title: str, description: str, caption: str
) -> SafeString:
    return format_html(
        '<figure><svg class="map" viewBox="{0}" role="group" '
        'aria-labelledby="{1}-title" aria-describedby="{1}-about">'
        '<title id="{1}-title">{2}</title><desc id="{1}-about">{3}</desc>{4}</svg>{5}'
        "</figure>",
        view.view(),
        ident,
        title,
        description,
        inside,
        format_html("<figcaption>{}</figcaption>", caption) if caption else "",
    )


def _outlines(
    shapes: Sequence[Shape], groups: Sequence[Group], view: Box, ident: str
) -> SafeString:
    """Return the outlines class by class, the page's own area on top; then links."""
    parts: list[SafeString] = []
    links: list[SafeString] = []
    for group in (Group("", ""), *groups):
        members = [shape for shape in shapes if shape.group == group.code]
        if not members:
            continue
        members.sort(key=lambda shape: shape.is_here)
        names = [f"{ident}-{len(links) + place}" for place in range(len(members))]
        links += [_link(*pair) for pair in zip(members, names, strict=True)]
        defined, fill = (
            _lines(group, view, ident)
            if group.has_lines
            else (SafeString(""), SafeString(""))
        )
        parts.append(
            format_html(
                '{}<g class="{}"{}>{}</g>',
                defined,
                f"{group.code} lined" if group.has_lines else group.code or "plain",
                fill,
                SafeString("".join(map(_outline, members, names))),
            )
        )
    return format_html(
        '<g class="outlines" id="{}">{}</g><g class="links">{}</g>',
        ident,
        SafeString("".join(parts)),
        SafeString("".join(links)),
    )


def _outline(shape: Shape, name: str) -> SafeString:
    here = SafeString(' class="here"') if shape.is_here else ""
    if shape.href:
        return format_html('<path id="{}"{} d="{}"/>', name, here, shape.path)
    return format_html(
        '<path{} d="{}"><title>{}</title></path>', here, shape.path, shape.label
    )


def _link(shape: Shape, name: str) -> SafeString:
    if not shape.href:
        return SafeString("")
    return format_html(
        '<a href="{}"><title>{}</title><use href="#{}"/></a>',
        shape.href,
        shape.label,
        name,
    )


def _lines(group: Group, view: Box, ident: str) -> tuple[SafeString, SafeString]:
    """Return the definition of a lined fill, and the attribute that uses it."""
    step = max(1, round((view.right - view.left) / LINES))
    name = f"{ident}-{group.code}"
    defined = format_html(
        '<defs><pattern id="{0}" class="{1}" patternUnits="userSpaceOnUse" '
        'width="{2}" height="{2}" patternTransform="rotate(35)">'
        '<rect class="ground" width="{2}" height="{2}"/>'
        '<rect class="line" width="{3}" height="{2}"/></pattern></defs>',
        name,
        group.code,
        step,
        round(step / 5, 1),
    )
    return defined, format_html(' fill="url(#{})"', name)
