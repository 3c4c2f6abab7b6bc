"""
Nyby, a fictional municipality (code 9999), drawn and counted from a seed.

It has what real ones have: a town, suburbs, villages, countryside, student homes and a
district that is just being built; in the columns of SCB's table, so that everything
that reads real figures reads these. No place and no figure in it is real.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
import shapely
from numpy.typing import NDArray

from trygg.areas.actions import ImportReport, load_geography, store_table
from trygg.areas.mapping import CODE, Mapping, own_mapping
from trygg.areas.models import Area, Geography
from trygg.areas.reading import tables
from trygg.areas.reading.files import digest_of
from trygg.areas.reading.maps import MapFile
from trygg.areas.reading.problems import Problems

CODE_OF_NYBY = "9999"
SEED = 9999
CENTRE = (395_000.0, 6_530_000.0)  # metres; out on lake Vänern, where nobody lives
SHORTEST_BEND = 250.0  # metres
BENDS = (0.25, 0.12, 0.0)  # sideways, of the length; less where lines would cross
SHORE = 90  # points of the ring outside
MAKER = "Trygg (påhittat, fictional)"
YEAR = "2022"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rng = np.random.Generator
Point = tuple[float, float]


class Kind(NamedTuple):
    """What tells one kind of district from another."""

    persons: int  # in each of its areas
    children: float  # share aged 0–19
    students: float  # share aged 20–24
    rented: float  # before conditions
    houses: float  # share living in small houses
    per_home: float  # persons in a household


TOWN = Kind(1_700, 0.16, 0.09, 0.45, 0.05, 1.8)
SUBURB = Kind(1_750, 0.25, 0.06, 0.45, 0.25, 2.2)
STUDENT = Kind(1_600, 0.05, 0.52, 0.90, 0.02, 1.2)
NEW = Kind(1_500, 0.22, 0.09, 0.40, 0.12, 1.9)
GARDEN = Kind(1_700, 0.28, 0.05, 0.10, 0.85, 2.6)
VILLAGE = Kind(1_300, 0.25, 0.05, 0.18, 0.75, 2.3)
COUNTRY = Kind(1_100, 0.22, 0.04, 0.10, 0.92, 2.3)


class District(NamedTuple):
    name: str
    kind: Kind
    parts: int
    away: float  # kilometres from the middle of the town …
    towards: float  # … in degrees, anticlockwise from east
    hardship: float  # 0 is usual, 1 harder, −1 easier conditions


DISTRICTS = (
    District("Centrum", TOWN, 4, 0.0, 0, 0.0),
    District("Norrport", TOWN, 3, 1.3, 80, 0.1),
    District("Ågatan", TOWN, 3, 1.4, 200, -0.4),
    District("Stationsstaden", NEW, 3, 1.5, 320, -0.2),
    District("Studentbyn", STUDENT, 3, 2.3, 145, 0.3),
    District("Klockarängen", SUBURB, 4, 3.0, 20, 1.1),
    District("Vinterhagen", SUBURB, 4, 3.3, 60, 1.7),
    District("Sommarhagen", SUBURB, 3, 4.2, 45, 1.3),
    District("Lertaget", SUBURB, 3, 3.0, 255, 0.6),
    District("Mossvägen", SUBURB, 3, 3.2, 290, 0.2),
    District("Höjden", GARDEN, 3, 3.4, 170, -0.9),
    District("Parkudden", GARDEN, 3, 4.0, 215, -1.2),
    District("Björkdungen", GARDEN, 3, 4.3, 110, -0.5),
    District("Nya Varvet", NEW, 2, 2.6, 350, -0.5),
    District("Södra Åkern", GARDEN, 2, 4.4, 330, -0.6),
    District("Kvarnby", VILLAGE, 2, 9.5, 30, 0.2),
    District("Stenkulla", VILLAGE, 2, 10.0, 100, 0.1),
    District("Ekbacka", VILLAGE, 2, 9.0, 180, -0.3),
    District("Sandnäs", VILLAGE, 2, 9.5, 260, 0.3),
    District("Nyby norra landsbygd", COUNTRY, 2, 15.0, 75, -0.1),
    District("Nyby västra landsbygd", COUNTRY, 2, 14.5, 150, -0.2),
    District("Nyby södra landsbygd", COUNTRY, 2, 15.0, 235, 0.0),
    District("Nyby östra landsbygd", COUNTRY, 2, 15.0, 335, 0.0),
)


@dataclass(frozen=True)
class Nyby:
    """Maps of the three levels, and the table of the smallest areas."""

    municipality: MapFile
    districts: MapFile
    areas: MapFile
    head: list[str]
    rows: list[list[str]]
    types: list[list[str]]  # code of the district, area type


def make(seed: int = SEED) -> Nyby:
    """Return Nyby. The same seed gives the same town, to the last inhabitant."""
    rng = np.random.Generator(np.random.Philox(seed))
    which = np.repeat(np.arange(len(DISTRICTS)), [d.parts for d in DISTRICTS])
    polygons = _polygons(which, rng)
    codes = _codes(which, "A")
    district_codes = _codes(np.arange(len(DISTRICTS)), "R")
    districts = [
        shapely.coverage_union_all(polygons[which == i]) for i in range(len(DISTRICTS))
    ]
    whole = shapely.coverage_union_all(polygons)
    columns = _figures(which, rng)
    hardship = np.array([d.hardship for d in DISTRICTS])
    types = np.digitize(-hardship, [-1.4, -0.8, 0.0, 1.0]) + 1
    columns["omradestyp_2022"] = types[which]
    head = ["deso", *columns]
    figures = zip(*(c.tolist() for c in columns.values()), strict=True)
    return Nyby(
        MapFile([CODE_OF_NYBY], ["Nyby"], np.array([whole])),
        MapFile(
            district_codes,
            [d.name for d in DISTRICTS],
            np.array(districts),
            {"parent": [CODE_OF_NYBY] * len(DISTRICTS)},
        ),
        MapFile(
            codes,
            [
                f"{DISTRICTS[d].name}, {code.removeprefix(CODE_OF_NYBY)}"
                for d, code in zip(which.tolist(), codes, strict=True)
            ],
            polygons,
            {"parent": [district_codes[d] for d in which.tolist()]},
        ),
        head,
        [[code, *map(str, row)] for code, row in zip(codes, figures, strict=True)],
        [[c, str(t)] for c, t in zip(district_codes, types.tolist(), strict=True)],
    )


def _codes(which: Ints, letter: str) -> list[str]:
    """Return codes in the shape of those of SCB for DeSO (A, B, C) or RegSO (R)."""
    if letter == "R":
        return [f"{CODE_OF_NYBY}R{i + 1:03}" for i in which.tolist()]
    in_town = [DISTRICTS[d].away < 6 for d in which.tolist()]
    in_village = [DISTRICTS[d].kind is VILLAGE for d in which.tolist()]
    letters = [
        "C" if town else "B" if village else "A"
        for town, village in zip(in_town, in_village, strict=True)
    ]
    return [f"{CODE_OF_NYBY}{at}{1001 + i}" for i, at in enumerate(letters)]


def _polygons(which: Ints, rng: Rng) -> NDArray[np.object_]:
    """
    Return the areas: all that lies nearer to one's point than to any other's.

    A ring of points outside, whose cells are the water, makes the shore; so nothing
    is cut, and neighbours share their borders exactly.
    """
    away = np.array([DISTRICTS[d].away for d in which]) * 1_000
    towards = np.radians([DISTRICTS[d].towards for d in which])
    turn = np.exp(2j * np.pi * (np.arange(len(which)) * 0.381966 + rng.random()))
    spread = (350 + away * 0.12) * np.sqrt(rng.uniform(0.3, 1, len(which)))
    land = away * np.exp(1j * towards) + spread * turn
    angle = np.linspace(0, 2 * np.pi, SHORE, endpoint=False)
    water = rng.uniform(19_500, 22_500, SHORE) * np.exp(1j * angle)
    points = np.concatenate([land, water])
    x, y = CENTRE
    seeds = shapely.MultiPoint(np.column_stack([points.real + x, points.imag + y]))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, ordered=True))
    for bend in BENDS:
        shapes = np.array([_bent_cell(c, bend) for c in cells[: len(which)]])
        if shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes):
            break
    return shapes


def _bent_cell(cell: shapely.Polygon, bend: float) -> shapely.Polygon:
    """Let borders wind as brooks and roads do, the same way for both neighbours."""
    corners = [tuple(point) for point in np.round(cell.exterior.coords).tolist()]
    ring: list[tuple[float, float]] = []
    for start, end in pairwise(corners):
        turned = start > end
        first, last = (end, start) if turned else (start, end)
        border = _bent(first, last, bend)
        ring += reversed(border) if turned else border
    return shapely.Polygon(ring)


def _bent(start: Point, end: Point, bend: float) -> list[Point]:
    """Return the points of a border, both ends included; longer ones bend more."""
    away = complex(*end) - complex(*start)
    if abs(away) < SHORTEST_BEND:
        return [start, end]
    luck = crc32(repr((start, end)).encode()) / 2**32 - 0.5  # of this border only
    point = complex(*start) + away * complex(0.5, bend * luck)
    middle = round(point.real), round(point.imag)
    return [*_bent(start, middle, bend), *_bent(middle, end, bend)[1:]]


def _figures(which: Ints, rng: Rng) -> dict[str, Ints]:
    """Return counts in the columns of SCB's table that the mapping reads."""
    kinds = [DISTRICTS[d].kind for d in which.tolist()]

    def of(name: str) -> Floats:
        return np.array([getattr(kind, name) for kind in kinds], dtype=float)

    m = len(which)
    hard = np.array([DISTRICTS[d].hardship for d in which]) + rng.normal(0, 0.25, m)
    is_student = np.array([kind is STUDENT for kind in kinds])
    persons = np.clip(rng.normal(of("persons"), 280), 700, 2_700).astype(np.int64)

    def split(total: Ints, **shares: Floats | float) -> dict[str, Ints]:
        """Share people out at random; what is over goes to the last column."""
        p = np.column_stack([np.broadcast_to(s, (m,)) for s in shares.values()])
        p = p / p.sum(axis=1, keepdims=True)
        counts = rng.multinomial(total, p)
        return dict(zip(shares, counts.T, strict=True))

    def share(middle: float, slope: float, noise: float = 0.15) -> Floats:
        """Return shares that grow with hardship, on the logit scale."""
        logit = np.log(middle / (1 - middle)) + slope * hard + rng.normal(0, noise, m)
        return np.asarray(1 / (1 + np.exp(-logit)))

    young, students = of("children"), of("students")
    ages = split(
        persons,
        a0_4=young * 0.24,
        a5_9=young * 0.26,
        a10_14=young * 0.26,
        a15_19=young * 0.24,
        a20_24=students,
        older=1 - young - students,
    )
    working = persons - np.round(persons * (young * 0.8 + 0.17)).astype(np.int64)
    in_study = np.round(working * 0.62).astype(np.int64)
    homes = np.round(persons / of("per_home")).astype(np.int64)
    elsewhere, europe = share(0.09, 0.75), share(0.06, 0.25)
    born = split(
        persons,
        fodd_sverige=1 - elsewhere - europe,
        fodd_europa=europe,
        fodd_ovriga=elsewhere,
    )
    abroad = (born["fodd_europa"] + born["fodd_ovriga"]) / persons
    background = np.minimum(abroad * 1.25, 0.95)
    employed = share(0.79, -0.35) * np.where(is_student, 0.62, 1.0)
    unemployed = share(0.045, 0.6)
    poor = np.where(is_student, share(0.5, 0.1), share(0.10, 0.6))
    short = share(0.10, 0.6) * np.where(is_student, 0.3, 1.0)
    degree = share(0.45, -0.45) * np.where(is_student, 1.5, 1.0)
    rented = np.clip(of("rented") + 0.15 * hard, 0.02, 0.97)
    houses = np.clip(of("houses") - 0.05 * hard, 0.01, 0.97)
    alone = np.clip(0.95 - of("per_home") * 0.28, 0.12, 0.85)
    median = np.where(is_student, 135.0, 292.0 - 42.0 * hard) + rng.normal(0, 7, m)
    ages.pop("older")
    counted = {
        **split(
            homes,
            hh_sambo_barn=young,
            hh_sambo_utan=0.8 - alone * 0.6,
            hh_ensam_barn=0.06 + 0.02 * np.clip(hard, -1, 2),
            hh_ensam_utan=alone,
            hh_ovriga=0.05,
        ),
        **born,
        "fodd_totalt": persons,
        **split(persons, svensk_bakgrund=1 - background, utlandsk_bakgrund=background),
        "bakgrund_totalt": persons,
        "bef_totalt": persons,
        "bef_2023": np.round(persons * rng.normal(1.006, 0.01, m)).astype(np.int64),
        **ages,
        "netto_median_tkr": np.round(median, 1),
        "netto_medel_tkr": np.round(median * rng.uniform(1.05, 1.25, m), 1),
        "netto_n": np.round(persons * (1 - young)).astype(np.int64),
        **split(
            persons,
            smahus=houses,
            flerbostadshus=0.97 - houses,
            ovriga_hus=0.01,
            specialbostader=0.01,
            hus_saknas=0.01,
        ),
        "hus_totalt": persons,
        **split(
            in_study,
            utb_forgymn=short,
            utb_gymn=np.clip(1 - short - degree, 0.05, 1),
            utb_eftergymn_kort=degree * 0.3,
            utb_eftergymn_lang=degree * 0.7,
            utb_saknas=0.02,
        ),
        **split(
            homes,
            hyresratt=rented,
            bostadsratt=np.clip(0.98 - rented - houses, 0.01, 1),
            aganderatt=houses,
            upplat_saknas=0.01,
        ),
        "lag_ek_std_pct": np.round(poor * 100),
        "hog_ek_std_pct": np.round(share(0.08, -0.6) * 100),
        "ekstd_n": np.round(persons * 0.97).astype(np.int64),
    }
    work = split(
        working,
        sysselsatta=employed,
        arbetslosa=employed * unemployed / (1 - unemployed),
        utanfor=np.clip(1 - employed / (1 - unemployed), 0.02, 1),
    )
    counted |= work
    counted["arbetskraft"] = work["sysselsatta"] + work["arbetslosa"]
    counted["arbm_totalt"] = working
    return counted


def load_nyby(*, at: datetime, seed: int = SEED) -> list[ImportReport]:
    """Load Nyby into the database the way real files go. Twice changes nothing."""
    town = make(seed)
    above: Geography | None = None
    for kind, name, map_file in (
        ("municipality", "Nyby kommun", town.municipality),
        ("regso", "Nyby: stadsdelar och bygder", town.districts),
        ("deso", "Nyby: små områden", town.areas),
    ):
        above = load_geography(
            map_file,
            code=f"nyby-{kind}",
            kind=kind,
            name=f"{name} (påhittad)",
            valid_from=date(2020, 1, 1),
            publisher=MAKER,
            licence="EUPL-1.2",
            parent=above,
            parent_column="parent",
            is_fictional=True,
            at=at,
        )
    return [
        _load_table(town.head, town.rows, "scb-deso-2022", "nyby-deso", at),
        _load_table(["", YEAR], town.types, "scb-area-types-2022", "nyby-regso", at),
    ]


def _load_table(
    head: list[str], rows: list[list[str]], like: str, geography: str, at: datetime
) -> ImportReport:
    mapping: Mapping = replace(
        own_mapping(like),
        code=f"{geography}-{YEAR}",
        title=f"Nyby {YEAR} (påhittade uppgifter)",
        publisher=MAKER,
        licence="EUPL-1.2",
        table_id="",
        geography=geography,
        area_is=CODE,
    )
    file = f"{geography}.csv"
    lines = list(range(2, len(rows) + 2))
    table = tables.from_rows(head, rows, lines, mapping.layout, Problems(file))
    areas = list(
        Area.objects.filter(geography__code=geography)
        .select_related("geography", "parent")
        .order_by("code")
    )
    digest = digest_of(repr((head, rows)).encode(), mapping.source)
    return store_table(table, mapping, areas, file=file, digest=digest, at=at)
