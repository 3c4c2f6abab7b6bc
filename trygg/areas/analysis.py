"""The social compass: rows → arrays → tryggstat.compass → a stored typology."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

import tryggstat
from trygg.areas import queries
from trygg.areas.models import Area, Geography, Typology, TypologyMember
from trygg.areas.queries import SimilarArea, Values
from trygg.areas.reading.files import digest_of
from trygg.history.steps import record
from tryggstat import compass

# Nine variables, after Uppsala's compass and as near as open figures come to it. What
# describes origin is one of nine and says nothing of how safe an area is.
COLUMNS = (
    "employment-share",
    "unemployment-share",
    "low-economic-standard",
    "median-net-income",
    "post-secondary-share",
    "born-outside-europe-share",
    "age-0-19-share",
    "rented-homes-share",
    "small-houses-share",
)
GROUPS = 6
FEWEST_PER_GROUP = 5  # of areas: fewer areas give fewer groups
SEED = 1
SIMILAR = 5  # areas that are kept as most alike


class TooFewAreas(Exception):
    """There are too few areas with figures to be grouped."""


@dataclass(frozen=True)
class _Input:
    """Complete rows, in the scale of the library: shares from 0 to 1."""

    figures: Values
    rows: NDArray[np.int64]  # of `figures`, those without a gap
    values: NDArray[np.float64]
    population: NDArray[np.float64]
    transform: list[str]

    @property
    def digest(self) -> str:
        codes = [self.figures.areas[i].code.encode() for i in self.rows]
        return digest_of(self.values.tobytes(), self.population.tobytes(), *codes)


def _input(figures: Values) -> _Input:
    indicators = {indicator.code: indicator for indicator in figures.indicators}
    columns = [figures.column(code) for code in COLUMNS]
    population = figures.column("population")
    rows = np.flatnonzero(
        np.isfinite(columns).all(axis=0) & (population >= queries.FEW_PEOPLE / 5)
    )
    scaled, transform = [], []
    for code, column in zip(COLUMNS, columns, strict=True):
        is_share = indicators[code].unit == "percent"
        scaled.append(column[rows] / 100 if is_share else column[rows])
        transform.append("logit" if is_share else "log")
    return _Input(figures, rows, np.column_stack(scaled), population[rows], transform)


@transaction.atomic
def compute_typology(
    geography: Geography, *, at: datetime, municipality: str = ""
) -> Typology:
    """
    Group the areas by their conditions and store the run, with method and input.

    The same input gives the same run: it is not stored twice.

    Raises
    ------
    TooFewAreas
        There are not enough areas with all figures.
    """
    everywhere = _figures(geography, "")
    figures = _within(everywhere, municipality)
    given = _input(figures)
    groups = min(GROUPS, len(given.rows) // FEWEST_PER_GROUP)
    if groups < 2:
        raise TooFewAreas(f"{len(given.rows)} areas of {geography} have all figures")
    method = {
        "columns": list(COLUMNS),
        "periods": figures.periods[: len(COLUMNS)],
        "publishers": sorted(set(figures.publishers)),
        "input": given.digest,
        "version": tryggstat.__version__,
        "student_cut": queries.STUDENT_CUT,
    }
    last = queries.latest_typology(geography, municipality)
    if last and {key: last.method.get(key) for key in method} == method:
        return last

    found = compass.typology(
        given.values,
        population=given.population,
        groups=groups,
        transform=given.transform,
        seed=SEED,
    )
    test = compass.groups_test(
        given.values,
        population=given.population,
        transform=given.transform,
        seed=SEED,
    )
    run = Typology.objects.create(
        geography=geography,
        municipality=municipality,
        title=geography.name,
        computed_at=at,
        method={**method, **found.method},
        result=_result(given, found, test),
    )
    warning = queries.warnings(figures)
    keys = [figures.areas[i].pk for i in given.rows]
    alike = _alike(keys, _input(everywhere), SIMILAR)
    TypologyMember.objects.bulk_create(
        TypologyMember(
            typology=run,
            area=figures.areas[i],
            label=int(label),
            silhouette=float(width),
            warning=warning[i],
            similar=similar,
        )
        for i, label, width, similar in zip(
            given.rows.tolist(), found.labels, found.silhouette, alike, strict=True
        )
    )
    record(run, "computed", by=None, at=at, areas=str(len(given.rows)))
    return run


def _result(
    given: _Input, found: compass.Typology, test: compass.GroupsTest
) -> dict[str, Any]:
    indicators = {i.code: i for i in given.figures.indicators}
    used = [indicators[code] for code in COLUMNS]
    words = {
        "sv": found.words([_lower(i.name_sv) for i in used], "sv"),
        "en": found.words([_lower(i.name_en) for i in used], "en"),
    }
    figures = given.figures.values[given.rows][:, : len(COLUMNS)]
    groups = []
    for label, profile in enumerate(found.profile(COLUMNS)):
        inside = found.labels == label
        mean = np.average(figures[inside], axis=0, weights=given.population[inside])
        groups.append(
            {
                "label": label,
                "size": int(inside.sum()),
                "population": int(given.population[inside].sum()),
                "stability": float(found.stability[label]),
                "silhouette": float(found.silhouette[inside].mean()),
                "centre": dict(
                    zip(COLUMNS, found.centres[label].tolist(), strict=True)
                ),
                "mean": dict(zip(COLUMNS, mean.tolist(), strict=True)),
                "profile": [[code, z] for code, z in profile],
                "words_sv": words["sv"][label],
                "words_en": words["en"][label],
            }
        )
    return {
        "areas": len(given.rows),
        "left_out": len(given.figures.areas) - len(given.rows),
        "groups": groups,
        "silhouette": found.silhouette_mean,
        "verdict": test.verdict,
        "sentence_sv": test.sentence["sv"],
        "sentence_en": test.sentence["en"],
        "dip_p": test.dip_p,
    }


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def similar_areas(area: Area, k: int = 5, everywhere: bool = True) -> list[SimilarArea]:
    """
    Return the areas most like this one, in the whole country or in the municipality.

    The answer is empty for an area that lacks a figure. Pages take the stored answer
    of the typology (`queries.most_alike`): a whole country takes a tenth of a second.
    """
    municipality = "" if everywhere else area.municipality
    given = _input(_figures(area.geography, municipality))
    (found,) = _alike([area.pk], given, k)
    return queries.most_alike(TypologyMember(area=area, similar=found))


def _figures(geography: Geography, municipality: str) -> Values:
    codes = [*COLUMNS, "population", queries.STUDENT_SHARE]
    return queries.values(codes, geography, municipality=municipality)


def _within(figures: Values, municipality: str) -> Values:
    if not municipality:
        return figures
    inside = [
        i for i, area in enumerate(figures.areas) if area.municipality == municipality
    ]
    return replace(
        figures,
        areas=[figures.areas[i] for i in inside],
        values=figures.values[inside],
        n=figures.n[inside],
        is_recalculated=figures.is_recalculated[inside],
    )


def _alike(keys: list[int], given: _Input, k: int) -> list[list[list[Any]]]:
    """Return for each area those most like it, as `TypologyMember.similar` has them."""
    pks = [given.figures.areas[i].pk for i in given.rows]
    row = {pk: i for i, pk in enumerate(pks)}
    k = min(k, len(pks) - 1)
    answers: list[list[list[Any]]] = []
    for key in keys:
        if key not in row or k < 1:
            answers.append([])
            continue
        found = compass.similar(
            given.values,
            to=row[key],
            k=k,
            population=given.population,
            transform=given.transform,
        )
        near = zip(
            found.areas.tolist(),
            found.distance.tolist(),
            found.differs(COLUMNS),
            strict=True,
        )
        answers.append(
            [[pks[i], d, [list(pair) for pair in differs]] for i, d, differs in near]
        )
    return answers
