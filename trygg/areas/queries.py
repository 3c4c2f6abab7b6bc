"""What is known about areas. Figures come from the newest version of each dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from django.db.models import F, Max, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from numpy.typing import NDArray

from trygg.areas.models import (
    Area,
    Combining,
    DatasetVersion,
    Geography,
    Indicator,
    Observation,
    Typology,
    TypologyMember,
)
from trygg.areas.outlines import UNIT, grid

AREA_TYPE = "area-type"
COUNTRY = "country"
# Names of the national area types, as SCB and Delmos have them
AREA_TYPES = {
    1: gettext_lazy("areas with major socio-economic challenges"),
    2: gettext_lazy("areas with socio-economic challenges"),
    3: gettext_lazy("socio-economically mixed areas"),
    4: gettext_lazy("areas with good socio-economic conditions"),
    5: gettext_lazy("areas with very good socio-economic conditions"),
}
STUDENT_SHARE = "age-20-24-share"
STUDENT_CUT = 15.0  # per cent aged 20–24, nearly three times the share in Sweden
FEW_PEOPLE = 500


# --- areas and outlines ---------------------------------------------------------------


def geography_of(municipality: str, kind: str) -> Geography:
    """
    Return the newest geography of that kind with areas in the municipality.

    Raises Geography.DoesNotExist when there is none.
    """
    here = Area.objects.filter(geography=OuterRef("pk"), municipality=municipality)
    return (
        Geography.objects.filter(kind=kind)
        .alias(here=Subquery(here.values("pk")[:1]))
        .filter(here__isnull=False)
        .latest("valid_from", "pk")
    )


def municipality_area(code: str) -> Area:
    """Return the municipality as an area. Raises Area.DoesNotExist."""
    return (
        Area.objects.select_related("geography", "parent")
        .defer("shape", "path", "parent__shape", "parent__path")
        .get(geography__kind="municipality", code=code)
    )


def areas_of(geography: Geography, municipality: str = "") -> QuerySet[Area]:
    """Return its areas in order of code, without the outlines, the parent with them."""
    areas = geography.areas.select_related("parent")
    if municipality:
        areas = areas.filter(municipality=municipality)
    heavy = "shape", "path", "parent__shape", "parent__path"
    return areas.defer(*heavy).order_by("code")


@dataclass(frozen=True)
class Shapes:
    """Areas with their polygons, and a tree to find them in."""

    codes: list[str]
    polygons: NDArray[np.object_]
    tree: shapely.STRtree

    def at(self, x: float, y: float) -> str | None:
        """Return the code of the area that covers a point in EPSG:3006."""
        point = shapely.points(x, y)
        found = sorted(self.tree.query(point, predicate="intersects").tolist())
        return self.codes[found[0]] if found else None


def shapes(geography: Geography, municipality: str = "") -> Shapes:
    """Return the areas that have polygons."""
    areas = geography.areas.exclude(shape=None)
    if municipality:
        areas = areas.filter(municipality=municipality)
    rows = list(areas.order_by("code").values_list("code", "shape"))
    polygons = shapely.from_wkb([bytes(wkb or b"") for _code, wkb in rows])
    return Shapes([code for code, _wkb in rows], polygons, shapely.STRtree(polygons))


@dataclass(frozen=True)
class MapPaths:
    """Outlines as SVG path data in units of ten metres, and the part of the plane."""

    areas: list[tuple[str, str, str]]  # code, name, path
    view_box: tuple[int, int, int, int]  # x, y, width, height


def map_paths(geography: Geography, municipality: str = "") -> MapPaths:
    """Return the outlines of the areas that have one, in order of code."""
    areas = geography.areas.exclude(path="")
    if municipality:
        areas = areas.filter(municipality=municipality)
    bounds = "min_x", "min_y", "max_x", "max_y"
    rows = list(areas.order_by("code").values_list("code", "name", "path", *bounds))
    if not rows:
        return MapPaths([], (0, 0, 1, 1))
    x0, y0 = (min(row[i] for row in rows) for i in (3, 4))
    x1, y1 = (max(row[i] for row in rows) for i in (5, 6))
    (left, bottom), (right, top) = grid(
        [(x0 - UNIT, y0 - UNIT), (x1 + UNIT, y1 + UNIT)]
    )
    box = int(left), int(top), int(right - left), int(bottom - top)
    return MapPaths([row[:3] for row in rows], box)


# --- figures --------------------------------------------------------------------------


def current_versions() -> list[int]:
    """Return the keys of the newest version of each dataset."""
    newest = Max("dataset__versions__number")
    versions = DatasetVersion.objects.alias(newest=newest).filter(number=F("newest"))
    return list(versions.values_list("pk", flat=True))


@dataclass(frozen=True)
class Values:
    """Figures of areas as arrays: a row for each area, a column for each indicator."""

    areas: list[Area]
    indicators: list[Indicator]
    values: NDArray[np.float64]  # NaN where there is none
    n: NDArray[np.float64]  # persons (or households) behind each figure, NaN: not told
    is_recalculated: NDArray[np.bool_]
    periods: list[str]  # of each indicator
    publishers: list[str]  # of each indicator

    def column(self, code: str) -> NDArray[np.float64]:
        place = [indicator.code for indicator in self.indicators].index(code)
        column: NDArray[np.float64] = self.values[:, place]
        return column


def values(
    codes: Sequence[str],
    geography: Geography,
    period: str | None = None,
    *,
    municipality: str = "",
) -> Values:
    """
    Return the figures of all areas of a geography, or of those in a municipality.

    Each indicator has its newest period when none is asked for.

    Raises
    ------
    Indicator.DoesNotExist
        There is no indicator with one of the codes.
    """
    return values_of(list(areas_of(geography, municipality)), codes, period)


def values_of(
    areas: list[Area], codes: Sequence[str], period: str | None = None
) -> Values:
    """Return the figures of these areas. See `values`."""
    known = Indicator.objects.in_bulk(codes, field_name="code")
    for code in codes:
        if code not in known:
            raise Indicator.DoesNotExist(f"there is no indicator {code}")
    indicators = [known[code] for code in codes]
    row = {area.pk: i for i, area in enumerate(areas)}
    column = {indicator.pk: j for j, indicator in enumerate(indicators)}
    found = Observation.objects.filter(
        version__in=current_versions(),
        indicator__in=column,
        area__in=row if len(row) < 5_000 else _all_of(areas),
        group="",
    )
    if period:
        found = found.filter(period=period)
    figures = found.values_list(
        "indicator_id",
        "area_id",
        "period",
        "value",
        "n",
        "is_recalculated",
        "version_id",
    ).order_by("period", "version_id")
    shape = len(areas), len(indicators)
    value, n = np.full(shape, np.nan), np.full(shape, np.nan)
    recalculated = np.zeros(shape, dtype=bool)
    periods, versions = [""] * len(indicators), [0] * len(indicators)
    records = list(figures)
    for indicator, _area, moment, *_rest, version in records:  # the newest comes last
        periods[column[indicator]] = moment
        versions[column[indicator]] = version
    for indicator, area, moment, figure, persons, by_us, _version in records:
        j = column[indicator]
        if moment != periods[j]:
            continue
        i = row[area]
        value[i, j] = np.nan if figure is None else figure
        n[i, j] = np.nan if persons is None else persons
        recalculated[i, j] = by_us
    publisher = dict(
        DatasetVersion.objects.filter(pk__in=versions).values_list(
            "pk", "dataset__publisher"
        )
    )
    publishers = [publisher.get(version, "") for version in versions]
    return Values(areas, indicators, value, n, recalculated, periods, publishers)


def _all_of(areas: list[Area]) -> QuerySet[Area]:
    geographies = {area.geography_id for area in areas}
    return Area.objects.filter(geography__in=geographies)


def credit(indicator: Indicator, publisher: str, *, is_recalculated: bool) -> str:
    """
    Return whom to name under a figure.

    A publisher is the source of its own figures only: what we work further out from
    them is "Data:", as SCB asks.
    """
    if is_recalculated or indicator.formula:
        return _("Data: %(publisher)s") % {"publisher": publisher}
    return _("Source: %(publisher)s") % {"publisher": publisher}


@dataclass(frozen=True)
class ProfileRow:
    """One figure of an area beside that of its municipality and of Sweden."""

    indicator: Indicator
    value: float | None
    n: int | None
    municipality: float | None
    country: float | None
    period: str
    credit: str  # "Data: …" or "Source: …"
    is_recalculated: bool
    is_approximate: bool  # a mean of medians


def profile(area: Area) -> list[ProfileRow]:
    """Return the figures of an area's profile, in their order."""
    indicators = Indicator.objects.exclude(profile_order=None).order_by("profile_order")
    codes = [indicator.code for indicator in indicators]
    beside = _compared_with(area)
    areas = list({a.pk: a for a in (area, *beside.values()) if a}.values())
    figures = values_of(areas, codes)
    row = {a.pk: i for i, a in enumerate(areas)}

    def figure(whose: Area | None, j: int) -> float | None:
        return _number(figures.values[row[whose.pk], j]) if whose else None

    i = row[area.pk]
    return [
        ProfileRow(
            indicator,
            figure(area, j),
            None if np.isnan(figures.n[i, j]) else int(figures.n[i, j]),
            figure(beside["municipality"], j),
            figure(beside["country"], j),
            figures.periods[j],
            credit(
                indicator,
                figures.publishers[j],
                is_recalculated=bool(figures.is_recalculated[i, j]),
            ),
            bool(figures.is_recalculated[i, j]),
            bool(figures.is_recalculated[i, j])
            and indicator.combines == Combining.APPROXIMATE,
        )
        for j, indicator in enumerate(figures.indicators)
    ]


def _compared_with(area: Area) -> dict[str, Area | None]:
    light = Area.objects.defer("shape", "path")
    municipality = light.filter(
        geography__kind="municipality", code=area.municipality
    ).first()
    country = None
    if municipality and municipality.parent_id:
        country = light.get(pk=municipality.parent_id)
    return {"municipality": municipality, "country": country}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


# --- classifications and warnings -----------------------------------------------------


@dataclass(frozen=True)
class AreaType:
    """The national area type of one area, as published."""

    number: int
    name: str
    period: str


def area_types(geography: Geography, municipality: str = "") -> dict[str, AreaType]:
    """Return the published area type by area code; areas without one are left out."""
    if not Indicator.objects.filter(code=AREA_TYPE).exists():
        return {}
    found = values([AREA_TYPE], geography, municipality=municipality)
    return {
        area.code: AreaType(int(v), str(AREA_TYPES[int(v)]), found.periods[0])
        for area, v in zip(found.areas, found.values[:, 0].tolist(), strict=True)
        if not np.isnan(v)
    }


def warnings(figures: Values) -> list[str]:
    """
    Return for each area why its figures can mislead: "student_area", "few_people", "".

    `figures` needs the columns population and age-20-24-share.
    """
    students = figures.column(STUDENT_SHARE) >= STUDENT_CUT
    few = ~(figures.column("population") >= FEW_PEOPLE)
    return [
        "student_area" if s else "few_people" if f else ""
        for s, f in zip(students, few, strict=True)
    ]


def latest_typology(geography: Geography, municipality: str = "") -> Typology | None:
    """Return the newest run, with its members and their areas."""
    return (
        Typology.objects.filter(geography=geography, municipality=municipality)
        .prefetch_related("members__area")
        .order_by("-computed_at", "-pk")
        .first()
    )


@dataclass(frozen=True)
class SimilarArea:
    """An area that is like another, how like, and in what it still differs."""

    area: Area
    distance: float  # typical difference of a variable, in standard deviations
    differs: list[tuple[Indicator, float]]  # signed, the largest first


def most_alike(member: TypologyMember) -> list[SimilarArea]:
    """Return the areas of the whole country that were found most like this one."""
    areas = (
        Area.objects.select_related("parent")
        .defer("shape", "path", "parent__shape", "parent__path")
        .in_bulk([pk for pk, _distance, _differs in member.similar])
    )
    codes = {code for *_which, differs in member.similar for code, _z in differs}
    indicators = Indicator.objects.in_bulk(codes, field_name="code")
    return [
        SimilarArea(areas[pk], distance, [(indicators[code], z) for code, z in differs])
        for pk, distance, differs in member.similar
    ]
