"""What the page of one area tells, from open statistics and released figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from trygg.areas import queries
from trygg.areas.queries import ProfileRow, SimilarArea
from trygg.common import charts, formats
from trygg.common.charts import Level
from trygg.common.maps import draw_map
from trygg.common.tables import Head, link, table
from trygg.public.compass import LABELS, WARNINGS, in_language, type_name
from trygg.public.places import Place, area_address

if TYPE_CHECKING:
    from trygg.areas.models import Area, TypologyMember

APART = 5.0  # percentage points from the municipality that are worth a sentence
MOST_TOLD = 4  # of such differences


@dataclass(frozen=True)
class AreaConditions:
    """Who lives in an area, and how the compass classes it."""

    population: str
    population_source: str
    sentence: str
    table: SafeString
    credits: list[str]
    type: str
    type_year: str
    own_letter: str
    own_size: int
    own_words: str
    own_certainty: str
    warning: str
    alike: list[Alike]


@dataclass(frozen=True)
class Alike:
    """An area that is like this one, and in what it still differs."""

    name: str
    municipality: str
    href: str  # empty for areas of other municipalities
    differs: str


def conditions(place: Place, area: Area) -> AreaConditions:
    """Return what open statistics say of the area."""
    rows = queries.profile(area)
    member = _member(place, area)
    count, credit = _residents(place, area)
    kind = place.types.get(area.code)
    own = None
    if member and place.typology:
        own = place.typology.result["groups"][member.label]
    return AreaConditions(
        population=count,
        population_source=credit,
        sentence=_differences(rows),
        table=_profile(place, rows),
        credits=sorted({f"{row.credit}, {row.period}" for row in rows}),
        type=type_name(kind.number) if kind else "",
        type_year=kind.period if kind else "",
        own_letter=LABELS[member.label] if member else "",
        own_size=own["size"] if own else 0,
        own_words=in_language(own, "words") if own else "",
        own_certainty=_certainty(member) if member else "",
        warning=str(WARNINGS[member.warning]) if member and member.warning else "",
        alike=[_alike(found, area) for found in queries.most_alike(member)]
        if member
        else [],
    )


def _residents(place: Place, area: Area) -> tuple[str, str]:
    """Return how many live in an area, and whom to credit for the figure."""
    people = place.population
    if people is None:
        return "–", ""
    index = [a.pk for a in people.areas].index(area.pk)
    count = people.values[index, 0]
    credit = queries.credit(
        people.indicators[0],
        people.publishers[0],
        is_recalculated=bool(people.is_recalculated[index, 0]),
    )
    return _count(count), f"{credit}, {people.periods[0]}"


def residents(area: Area, conditions: AreaConditions) -> str:
    return _("%(count)s people live in %(area)s.") % {
        "count": conditions.population,
        "area": area.name,
    }


def locator(place: Place, area: Area) -> SafeString:
    """Return a map that shows where the area lies."""
    return draw_map(
        place.shapes({}, {}, here=[area.code]),
        [],
        ident="where",
        title=_("Where %(area)s lies") % {"area": area.name},
        description=_("The area has a dark border. Each other area is a link."),
    )


def _member(place: Place, area: Area) -> TypologyMember | None:
    if place.typology is None:
        return None
    members = {m.area_id: m for m in place.typology.members.all()}
    return members.get(area.pk)


def _differences(rows: Sequence[ProfileRow]) -> str:
    """Say in what the area differs most from the municipality, in percentage points."""
    apart = sorted(
        (
            (row.value - row.municipality, row)
            for row in rows
            if row.value is not None
            and row.municipality is not None
            and row.indicator.unit == "percent"
        ),
        key=lambda pair: -abs(pair[0]),
    )
    told = [
        _("%(name)s %(value)s (municipality: %(municipality)s)")
        % {
            "name": formats.small(row.indicator.name),
            "value": formats.percent(row.value or 0),
            "municipality": formats.percent(row.municipality or 0),
        }
        for difference, row in apart[:MOST_TOLD]
        if abs(difference) >= APART
    ]
    if not told:
        return _("In most respects the area is like the municipality as a whole.")
    return _("What differs most from the municipality: %(list)s.") % {
        "list": "; ".join(told)
    }


def _profile(place: Place, rows: Sequence[ProfileRow]) -> SafeString:
    codes = [row.indicator.code for row in rows]
    all_areas = queries.values(codes, place.geography, municipality=place.code)
    levels = [
        Level(
            row.indicator.name,
            row.value,
            row.municipality,
            float(np.nanmin(all_areas.column(row.indicator.code))),
            float(np.nanmax(all_areas.column(row.indicator.code))),
            unit="%" if row.indicator.unit == "percent" else _("SEK thousand"),
            note=_("Approximate: a weighted mean of smaller areas’ medians.")
            if row.is_approximate
            else "",
        )
        for row in rows
    ]
    years = formats.listed(sorted({row.period for row in rows}))
    return charts.levels(
        levels,
        ident="profile",
        title=_("The area beside the municipality, %(years)s") % {"years": years},
        description=_(
            "The dot is the area, the stroke the whole municipality. "
            "The line runs from the lowest to the highest area of the municipality."
        ),
        first=_("Share of residents or households"),
        value_head=_("Here"),
        reference_head=_("Municipality"),
    )


def _certainty(member: TypologyMember) -> str:
    """Say how surely the area belongs to its group."""
    if member.silhouette < 0:
        return _("The area lies closer to another group than to its own.")
    if member.silhouette < 0.2:
        return _("The area lies on the border to another group.")
    return _("The area lies well inside the group.")


def _alike(found: SimilarArea, area: Area) -> Alike:
    own = found.area.municipality == area.municipality
    parent = found.area.parent
    higher = [formats.small(i.name) for i, z in found.differs if z > 0]
    lower = [formats.small(i.name) for i, z in found.differs if z < 0]
    words = [
        *([_("higher %(list)s") % {"list": formats.listed(higher)}] if higher else []),
        *([_("lower %(list)s") % {"list": formats.listed(lower)}] if lower else []),
    ]
    return Alike(
        found.area.name,
        "" if own or parent is None else parent.name,
        area_address(found.area.code) if own else "",
        "; ".join(words) if words else _("alike in all conditions"),
    )


def area_table(place: Place, areas: Sequence[Area]) -> SafeString:
    """Return the areas with their residents, as links to their pages."""
    people = place.population
    count: dict[int, float] = {}
    if people is not None:
        keys = (area.pk for area in people.areas)
        count = dict(zip(keys, people.values[:, 0].tolist(), strict=True))
    return table(
        [Head(_("Area")), Head(_("Residents"), "num")],
        [
            [link(area_address(area.code), area.name), _count(count.get(area.pk))]
            for area in areas
        ],
        ident="areas",
        title=_("Areas in the order of their names"),
    )


def _count(persons: float | None) -> str:
    return "–" if persons is None or np.isnan(persons) else formats.number(persons)


def gaps() -> list[str]:
    return [
        _(
            "How many crimes are reported in the area: "
            "such figures are not loaded here."
        ),
        _("Why people feel as they do. A survey tells what, not why."),
    ]
