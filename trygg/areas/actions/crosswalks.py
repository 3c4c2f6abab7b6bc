"""Crosswalks: figures of one division of the land carried over to another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import numpy as np
import shapely
from django.db import transaction
from numpy.typing import NDArray
from scipy.sparse import csr_array

from trygg.areas import queries
from trygg.areas.actions.indicators import OBSERVATION
from trygg.areas.bulk import insert_rows
from trygg.areas.combining import combine
from trygg.areas.models import (
    Area,
    Combining,
    Crosswalk,
    CrosswalkWeight,
    Geography,
    Indicator,
    Observation,
)
from trygg.history.steps import record

NEGLIGIBLE = 1e-6  # share of an area: slivers where the same border was drawn twice

Shapes = NDArray[np.object_]


class NoOverlap(Exception):
    """The two geographies have no land in common."""


def land_shares(source: Shapes, target: Shapes) -> csr_array:
    """Return w[t, s], the share of the land of source area s in target area t."""
    tree = shapely.STRtree(target)
    s, t = tree.query(source, predicate="intersects")
    common = shapely.area(shapely.intersection(source[s], target[t]))
    share = common / shapely.area(source)[s]
    keep = share > NEGLIGIBLE
    shape = len(target), len(source)
    return csr_array((np.minimum(share[keep], 1.0), (t[keep], s[keep])), shape)


def population_shares(
    source: Shapes, target: Shapes, fine: Shapes, population: NDArray[np.float64]
) -> csr_array:
    """
    Return w[t, s], the share of the people of source area s in target area t.

    People are taken to live evenly within the areas of a finer geography. A source
    area that holds nobody there is shared out by its land.
    """
    tree = shapely.STRtree(target)
    s, t = tree.query(source, predicate="intersects")
    pieces = shapely.intersection(source[s], target[t])
    inside = land_shares(fine, pieces)  # rows are pieces
    people = inside @ population
    total = np.bincount(s, people, minlength=len(source))
    land = shapely.area(pieces) / shapely.area(source)[s]
    some = total[s] > 0
    share = np.where(some, people / np.where(some, total[s], 1.0), land)
    keep = share > NEGLIGIBLE
    shape = len(target), len(source)
    return csr_array((np.minimum(share[keep], 1.0), (t[keep], s[keep])), shape)


@transaction.atomic
def make_crosswalk(
    source: Geography,
    target: Geography,
    by: Literal["area", "population"] = "area",
    *,
    at: datetime,
    fine: Geography | None = None,
    note: str = "",
) -> Crosswalk:
    """
    Store how the areas of one geography are shared among those of another.

    By population, people are taken from `fine`, a geography of small areas with the
    indicator population (the source itself when none is given). A crosswalk that is
    there already is made anew.

    Raises
    ------
    NoOverlap
        The geographies have no land in common.
    """
    from_areas, from_shapes = _with_shapes(source)
    to_areas, to_shapes = _with_shapes(target)
    if by == "population":
        fine_areas, fine_shapes = _with_shapes(fine or source)
        counted = queries.values_of(fine_areas, ["population"])
        people = np.nan_to_num(counted.column("population"))
        weights = population_shares(from_shapes, to_shapes, fine_shapes, people)
    else:
        weights = land_shares(from_shapes, to_shapes)
    if not weights.nnz:
        raise NoOverlap(f"{source} and {target} have no land in common")

    crosswalk, is_new = Crosswalk.objects.update_or_create(
        source=source, target=target, by=by, defaults={"note": note}
    )
    crosswalk.weights.all().delete()
    pairs = weights.tocoo()
    rows = zip(pairs.row.tolist(), pairs.col.tolist(), pairs.data.tolist(), strict=True)
    CrosswalkWeight.objects.bulk_create(
        (
            CrosswalkWeight(
                crosswalk=crosswalk, source=from_areas[s], target=to_areas[t], weight=w
            )
            for t, s, w in rows
        ),
        batch_size=5_000,
    )
    what = "made" if is_new else "made_again"
    record(crosswalk, what, by=None, at=at, pairs=str(weights.nnz))
    return crosswalk


def _with_shapes(geography: Geography) -> tuple[list[Area], Shapes]:
    areas = list(geography.areas.exclude(shape=None).defer("path").order_by("code"))
    return areas, shapely.from_wkb([bytes(area.shape or b"") for area in areas])


@transaction.atomic
def recalculate(crosswalk: Crosswalk, codes: Sequence[str], *, at: datetime) -> int:
    """
    Carry the newest figures over to the areas of the crosswalk's target.

    They are stored in the version that they come from, marked as recalculated; what
    was recalculated from it before is replaced. Returns the number of figures.

    Raises
    ------
    ValueError
        One of the indicators cannot be combined (a classification).
    """
    sources: dict[int, int] = {}
    targets: dict[int, int] = {}
    rows, columns, shares = [], [], []
    for t, s, weight in crosswalk.weights.order_by("target", "source").values_list(
        "target_id", "source_id", "weight"
    ):
        rows.append(targets.setdefault(t, len(targets)))
        columns.append(sources.setdefault(s, len(sources)))
        shares.append(weight)
    weights = csr_array((shares, (rows, columns)), (len(targets), len(sources)))

    indicators = Indicator.objects.in_bulk(codes, field_name="code")
    for code in codes:
        if indicators[code].combines == Combining.NEVER:
            raise ValueError(f"{code} is a classification and cannot be combined")
    current = Observation.objects.filter(version__in=queries.current_versions())
    by_key = {indicator.pk: indicator for indicator in indicators.values()}
    found = current.filter(indicator__in=by_key, area__in=list(sources)).values_list(
        "version_id", "indicator_id", "period", "group", "area_id", "value", "n"
    )
    figures: dict[tuple[int, int, str, str], NDArray[np.float64]] = {}
    for version, indicator, period, group, area, value, n in found:
        key = version, indicator, period, group
        if key not in figures:
            figures[key] = np.full((2, len(sources)), np.nan)
        for row, number in enumerate((value, n)):
            if number is not None:
                figures[key][row, sources[area]] = number

    current.filter(indicator__in=by_key, area__in=list(targets)).filter(
        is_recalculated=True
    ).delete()
    new = []
    for (version, pk, period, group), (value, n) in figures.items():
        carried, persons = combine(value, n, weights, by_key[pk].combines)
        for target, i in targets.items():
            if np.isfinite(carried[i]):
                behind = round(persons[i]) if np.isfinite(persons[i]) else None
                where = version, pk, target, period, group
                new.append((*where, carried[i], behind, False, True))
    insert_rows(Observation, OBSERVATION, new)
    record(crosswalk, "recalculated", by=None, at=at, figures=str(len(new)))
    return len(new)
