"""
Collects evidence from areas, surveys and releases, and builds the situational picture.

Only what the public may read is used: released figures and open statistics. Each
automatic sentence gets its evidence as frozen values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import NormalDist
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import override
from numpy.typing import ArrayLike, NDArray

from trygg.accounts.models import Organisation, OrganisationKind, User
from trygg.areas import queries as areas
from trygg.areas.models import Area, Geography, Typology
from trygg.picture import actions, sentences
from trygg.picture.actions import Source, Text
from trygg.picture.models import Part, Section, SituationalPicture
from trygg.picture.sentences import Share
from trygg.release.models import Figure, Release, ReleaseStatus
from tryggstat import compass

HEADLINE = "insecurity"  # the question that the picture turns on
WOMEN, MEN = "sex=F", "sex=M"
# Conditions that insecurity is set against; their names inside a sentence.
CONDITIONS: dict[str, Text] = {
    "low-economic-standard": (
        "andelen med låg ekonomisk standard",
        "the share with low economic standard",
    ),
    "unemployment-share": ("andelen arbetslösa", "unemployment"),
    "post-secondary-share": (
        "andelen med eftergymnasial utbildning",
        "the share with post-secondary education",
    ),
    "rented-homes-share": (
        "andelen hushåll i hyresrätt",
        "the share of households that rent",
    ),
}
BLOCKS = [  # block of the questionnaire, heading, caption
    ("worry", Section.SAFETY, ("Oro för brott", "Worry about crime")),
    (
        "avoidance",
        Section.SAFETY,
        ("Vad oron får människor att göra", "What worry makes people do"),
    ),
    (
        "victimisation",
        Section.EXPOSURE,
        ("Utsatthet det senaste året", "Victims in the last year"),
    ),
    (
        "problems",
        Section.NEIGHBOURHOOD,
        ("Problem i det egna området", "Problems in one's own area"),
    ),
    ("cohesion", Section.TRUST, ("Sammanhållning", "Cohesion")),
    ("trust", Section.TRUST, ("Förtroende", "Trust")),
]
FEWEST_AREAS = 10  # with a figure, for what is said of links and groups
MOST_PROFILES = 12  # areas that each get a table of their own
LEVEL = 0.95


class NothingToBuildOn(Exception):
    """There is no published release for the municipality."""


@dataclass
class _Build:
    """The picture being built, and what all its statements share."""

    picture: SituationalPicture
    release: Release
    at: datetime
    by: User | None
    municipality: Area
    chosen: list[Area]  # areas of the survey's geography that the picture is about
    is_whole: bool
    figures: dict[str, list[Figure]] = field(default_factory=dict)

    def state(
        self, part: Part, section: Section, text: Text, evidence: Sequence[Source],
        **more: Any,
    ) -> None:  # fmt: skip
        actions.add_statement(
            self.picture,
            part=part,
            section=section,
            text=text,
            evidence=evidence,
            is_automatic=True,
            is_public=True,
            by=self.by,
            at=self.at,
            **more,
        )

    def lack(self, swedish: str, english: str) -> None:
        actions.add_gap(
            self.picture,
            text=(swedish, english),
            is_automatic=True,
            is_public=True,
            by=self.by,
            at=self.at,
        )


@transaction.atomic
def build_picture(
    places: Area | Iterable[Area],
    *,
    slug: str,
    title: Text,
    at: datetime,
    by: User | None = None,
) -> SituationalPicture:
    """
    Build the automatic statements of a picture: of a municipality, or of some areas.

    A draft of that name is built anew; what people wrote in it stays.

    Raises
    ------
    NothingToBuildOn, WrongStep
        No release is published, or the picture is approved and must be reopened first.
    """
    places = [places] if isinstance(places, Area) else list(places)
    (code,) = {place.municipality for place in places}
    release = _latest_release(code)
    survey = release.wave.survey
    picture = SituationalPicture.objects.filter(slug=slug).first()
    if picture is None:
        picture = actions.create_picture(
            slug=slug,
            title=title,
            period=str(at.year),
            areas=places,
            organisations=Organisation.objects.filter(
                kind__in=[OrganisationKind.MUNICIPALITY, OrganisationKind.POLICE]
            ),
            is_synthetic=survey.is_synthetic,
            by=by,
            at=at,
        )
    else:
        actions.remove_automatic(picture, by=by, at=at)

    geography = release.wave.geography
    municipality = areas.municipality_area(code)
    is_whole = places == [municipality]
    chosen = list(areas.areas_of(geography, code)) if is_whole else places
    build = _Build(picture, release, at, by, municipality, chosen, is_whole)
    rows = (
        release.figures.filter(option=None)
        .select_related("question", "area")
        .defer("area__shape", "area__path")
        .order_by("question__order", "pk")
    )
    for figure in rows:
        build.figures.setdefault(figure.question.code, []).append(figure)

    _safety(build)
    _blocks(build)
    _areas(build)
    _population(build)
    _types(build, geography)
    _change(build)
    shares = _shares_of_areas(build)
    _links(build, geography, shares)
    _groups(build, geography, shares)
    _gaps(build)
    return picture


def _latest_release(municipality: str) -> Release:
    release = (
        Release.objects.filter(
            status=ReleaseStatus.PUBLISHED, wave__municipality__code=municipality
        )
        .select_related("wave__survey", "wave__geography", "wave__municipality")
        .order_by("-wave__ends_on", "-number")
        .first()
    )
    if release is None:
        raise NothingToBuildOn(municipality)
    return release


# --- part 1: the survey ---------------------------------------------------------------


def _of_whole(build: _Build, question: str, group: str = "") -> Figure | None:
    """Return the figure of the whole municipality, where it is shown."""
    return next(
        (
            f
            for f in build.figures.get(question, [])
            if f.area_id == build.municipality.pk and f.group == group and f.is_shown
        ),
        None,
    )


def _share(figure: Figure) -> Share:
    question = figure.question
    return Share(
        (question.headline_sv, question.headline_en),
        figure.value or 0.0,
        figure.low,
        figure.high,
        figure.bound,
    )


def _evidence(build: _Build, figure: Figure, label: Text, **more: Any) -> Source:
    """Freeze a released figure, shown or withheld."""
    content: dict[str, Any] = {
        "unit": "share",
        "area": figure.area.code,
        "geography": build.release.wave.geography.code,
        **more,
    }
    if figure.is_shown:
        content |= {
            "value": figure.value,
            "low": figure.low,
            "high": figure.high,
            "bound": figure.bound,
            "n": figure.base,
            "against": figure.against_rest,
        }
    else:
        content["missing"] = figure.reason
    return Source(
        kind="figure",
        label=label,
        source=_survey_source(build.release),
        dated=_fieldwork(build.release),
        content=content,
        is_public=True,
        refers_to=f"release.figure:{figure.pk}",
    )


def _survey_source(release: Release) -> Text:
    survey = release.wave.survey
    marks = (" (syntetiska svar)", " (synthetic answers)")
    sv, en = marks if survey.is_synthetic else ("", "")
    return f"Källa: {survey.title_sv}{sv}", f"Source: {survey.title_en}{en}"


def _fieldwork(release: Release) -> str:
    wave = release.wave
    return f"{wave.starts_on:%Y-%m} – {wave.ends_on:%Y-%m}"


WHOLE: Text = ("Hela kommunen", "The whole municipality")


def _safety(build: _Build) -> None:
    whole = _of_whole(build, HEADLINE)
    if whole is None:
        return
    build.state(
        Part.MAPPING,
        Section.SAFETY,
        sentences.share(_share(whole)),
        [_evidence(build, whole, WHOLE)],
        in_summary=True,
    )
    women, men = (_of_whole(build, HEADLINE, group) for group in (WOMEN, MEN))
    if women and men:
        build.state(
            Part.MAPPING,
            Section.SAFETY,
            sentences.women_and_men(_share(women), _share(men)),
            [
                _evidence(build, women, ("Kvinnor", "Women")),
                _evidence(build, men, ("Män", "Men")),
            ],
            in_summary=True,
        )
    ages = [
        f
        for f in build.figures[HEADLINE]
        if f.group.startswith("age=")
        and f.area_id == build.municipality.pk
        and f.is_shown
    ]
    if len(ages) > 1:
        ages.sort(key=lambda f: f.group)
        build.state(
            Part.MAPPING,
            Section.SAFETY,
            sentences.by_age([_share(f) for f in ages]),
            [
                _evidence(build, f, (f"{_span(f.group)} år", f"Aged {_span(f.group)}"))
                for f in ages
            ],
            shown_as="chart",
            caption=(
                f"Andel som {ages[0].question.headline_sv}, efter ålder",
                f"Share who {ages[0].question.headline_en}, by age",
            ),
        )


def _span(group: str) -> str:
    return group.removeprefix("age=").replace("-", "–")


def _blocks(build: _Build) -> None:
    """State what each block of questions says of the whole municipality."""
    for block, section, (swedish, english) in BLOCKS:
        caption = (swedish, english)
        if not build.is_whole:
            caption = f"{swedish}, hela kommunen", f"{english}, whole municipality"
        figures = [
            whole
            for code, rows in build.figures.items()
            if rows[0].question.block == block
            and rows[0].kind == "share"
            and (whole := _of_whole(build, code))
        ]
        if len(figures) < 2:
            continue
        build.state(
            Part.MAPPING,
            section,
            sentences.most_common(caption, [_share(f) for f in figures]),
            [
                _evidence(
                    build,
                    f,
                    (
                        _capital(f.question.headline_sv),
                        _capital(f.question.headline_en),
                    ),
                )
                for f in figures
            ],
            shown_as="chart",
            caption=caption,
        )


def _areas(build: _Build) -> None:
    """Set each area against the rest of the municipality."""
    chosen = {area.pk for area in build.chosen}
    rows = [
        f
        for f in build.figures.get(HEADLINE, [])
        if f.area_id in chosen and not f.group and f.area_id != build.municipality.pk
    ]
    if not rows:
        return
    rows.sort(key=lambda f: swedish_order(f.area.name))
    shown = [f for f in rows if f.is_shown]
    higher = sum(f.against_rest == "higher" for f in shown)
    lower = sum(f.against_rest == "lower" for f in shown)
    question = rows[0].question
    what = question.headline_sv, question.headline_en
    evidence = [_evidence(build, f, (f.area.name, f.area.name)) for f in rows]
    whole = _of_whole(build, HEADLINE)
    if whole:
        evidence.insert(0, _evidence(build, whole, WHOLE, is_whole=True))
    build.state(
        Part.MAPPING,
        Section.AREAS,
        sentences.areas_against_rest(
            what,
            higher=higher,
            lower=lower,
            unclear=len(shown) - higher - lower,
            hidden=len(rows) - len(shown),
        ),
        evidence,
        shown_as="areas",
        caption=(
            f"Andel som {what[0]}, efter område",
            f"Share who {what[1]}, by area",
        ),
        in_summary=True,
    )


# --- part 2: open statistics ----------------------------------------------------------


def _population(build: _Build) -> None:
    if build.is_whole:
        _profile(build, build.municipality)
    elif len(build.chosen) <= MOST_PROFILES:
        for area in build.chosen:
            _profile(build, area)


def _profile(build: _Build, area: Area) -> None:
    """State an area's population, and its conditions beside a larger whole's."""
    rows = areas.profile(area)
    with override("en"):
        english = areas.profile(area)
    against_country = area.pk == build.municipality.pk
    reference: Text = ("Sverige", "Sweden") if against_country else (
        "kommunen", "the municipality"
    )  # fmt: skip
    evidence = []
    for row, same in zip(rows, english, strict=True):
        if row.value is None:
            continue
        indicator = row.indicator
        content: dict[str, Any] = {
            "unit": indicator.unit,
            "value": row.value,
            "decimals": 1 if indicator.unit == "percent" else 0,
            "area": area.code,
        }
        whole = row.country if against_country else row.municipality
        if whole is not None:
            content |= {
                "reference": whole,
                "reference_label": {"sv": reference[0], "en": reference[1]},
            }
        if row.n is not None:
            content["n"] = row.n
        evidence.append(
            Source(
                kind="observation",
                label=(indicator.name_sv, indicator.name_en),
                source=(row.credit, same.credit),
                dated=row.period,
                content=content,
                is_public=True,
                refers_to=f"areas.indicator:{indicator.code}",
            )
        )
    if not evidence:
        return
    people = areas.values_of([area], ["population"])
    if np.isfinite(people.values[0, 0]):
        sv, en = sentences.count(people.values[0, 0])
        text = (
            f"{area.name} hade {sv} invånare {people.periods[0]}.",
            f"{area.name} had {en} inhabitants in {people.periods[0]}.",
        )
    else:
        text = (
            f"Folkmängden i {area.name} är inte inläst.",
            f"The population of {area.name} has not been loaded.",
        )
    build.state(
        Part.OTHER,
        Section.POPULATION,
        text,
        evidence,
        shown_as="table",
        caption=(
            f"Befolkning och villkor, {area.name}",
            f"Population and conditions, {area.name}",
        ),
    )


def _types(build: _Build, geography: Geography) -> None:
    """State the national area types and our own, side by side and never mixed."""
    if not build.is_whole:
        return
    code = build.municipality.code
    types = areas.area_types(geography, code)
    if types:
        period = next(iter(types.values())).period
        counts = {
            number: sum(t.number == number for t in types.values())
            for number in areas.AREA_TYPES
        }
        evidence = [
            _counted("observation", _in_both(areas.AREA_TYPES[number]), n,
                     ("Källa: SCB, områdestyper", "Source: SCB, area types"), period)
            for number, n in counts.items()
        ]  # fmt: skip
        challenges = counts[1] + counts[2]
        build.state(
            Part.OTHER,
            Section.TYPES,
            (
                f"Av kommunens {len(types)} områden räknas {challenges} som områden "
                "med socioekonomiska utmaningar i den nationella indelningen. Den "
                "beskriver villkor, inte trygghet.",
                f"Of the {len(types)} areas of the municipality {challenges} count as "
                "areas with socio-economic challenges in the national classification. "
                "It describes conditions, not safety.",
            ),
            evidence,
            shown_as="table",
            caption=(
                "Antal områden av varje nationell områdestyp",
                "Number of areas of each national area type",
            ),
        )
    typology = areas.latest_typology(geography, code)
    if typology:
        students = sum(
            member.warning == "student_area" for member in typology.members.all()
        )
        text = (
            f"Vår egen typologi beskriver områdena i {len(typology.result['groups'])} "
            "typer efter nio villkor. Den rangordnar dem inte.",
            f"Our own typology describes the areas in "
            f"{len(typology.result['groups'])} types by nine conditions. It does not "
            "rank them.",
        )
        if students:
            text = (
                f"{text[0]} I {students} av områdena bor många studenter: låga "
                "inkomster betyder något annat där.",
                f"{text[1]} In {students} of the areas many students live: low incomes "
                "mean something else there.",
            )
        build.state(
            Part.OTHER,
            Section.TYPES,
            text,
            [
                _counted(
                    "analysis",
                    (_capital(group["words_sv"]), _capital(group["words_en"])),
                    group["size"],
                    _typology_source(typology),
                    _typology_period(typology),
                    n=group["population"],
                )
                for group in typology.result["groups"]
            ],
            shown_as="table",
            caption=(
                "Antal områden av varje typ i vår egen typologi",
                "Number of areas of each type in our own typology",
            ),
        )


def _counted(
    kind: str, label: Text, value: int, source: Text, dated: str, n: int | None = None
) -> Source:
    content: dict[str, Any] = {"unit": "number", "value": value}
    if n is not None:
        content["n"] = n
    return Source(kind, label, source, dated, content, is_public=True)


def _typology_source(typology: Typology) -> Text:
    data = ", ".join(name for name in typology.method.get("publishers", []) if name)
    return f"Data: {data}; egen analys", f"Data: {data}; own analysis"


def _typology_period(typology: Typology) -> str:
    return ", ".join(sorted(set(typology.method.get("periods", [])) - {""}))


# --- part 3: analysis -----------------------------------------------------------------


def _shares_of_areas(build: _Build) -> dict[int, Figure]:
    """Return the shown shares of the whole municipality's areas, by area."""
    return {
        f.area_id: f
        for f in build.figures.get(HEADLINE, [])
        if not f.group and f.is_shown and f.area_id != build.municipality.pk
    }


def _links(build: _Build, geography: Geography, shares: dict[int, Figure]) -> None:
    """Set insecurity against conditions, area by area."""
    known = areas.Indicator.objects.filter(code__in=CONDITIONS).values_list("code")
    codes = [code for code in CONDITIONS if (code,) in set(known)]
    if len(shares) < FEWEST_AREAS or not codes:
        return
    figures = areas.values(codes, geography, municipality=build.municipality.code)
    rows = [i for i, area in enumerate(figures.areas) if area.pk in shares]
    insecurity = np.array([shares[figures.areas[i].pk].value for i in rows])
    level = 1 - (1 - LEVEL) / len(codes)  # so that all intervals hold together
    evidence, found = [], {}
    for j, code in enumerate(codes):
        condition = figures.values[rows, j]
        complete = np.isfinite(condition)
        if complete.sum() < FEWEST_AREAS:
            continue
        r, low, high = rank_correlation(
            insecurity[complete], condition[complete], level=level
        )
        found[code] = low, high
        indicator = figures.indicators[j]
        evidence.append(
            Source(
                kind="analysis",
                label=(
                    f"Rangkorrelation, otrygghet och {_lower(indicator.name_sv)}",
                    f"Rank correlation, insecurity and {_lower(indicator.name_en)}",
                ),
                source=(
                    f"{_survey_source(build.release)[0]}; data: "
                    f"{figures.publishers[j]}; egen analys",
                    f"{_survey_source(build.release)[1]}; data: "
                    f"{figures.publishers[j]}; own analysis",
                ),
                dated=f"{build.release.wave.code}, {figures.periods[j]}",
                content={
                    "unit": "correlation",
                    "decimals": 2,
                    "value": r,
                    "low": low,
                    "high": high,
                    "n": int(complete.sum()),
                },
                is_public=True,
            )
        )
    for code, (low, high) in found.items():
        build.state(
            Part.ANALYSIS,
            Section.LINKS,
            sentences.link(CONDITIONS[code], low, high),
            [evidence[list(found).index(code)]],
            in_summary=code == codes[0],
        )


def rank_correlation(
    x: ArrayLike, y: ArrayLike, *, level: float = LEVEL
) -> tuple[float, float, float]:
    """
    Return Spearman's rank correlation with its interval.

    The interval is Bonett and Wright's (2000)::

        tanh(atanh r ± z sqrt((1 + r²/2) / (n - 3)))

    Noise in the figures of small areas pulls it towards 0, so it is rather too small
    than too large.
    """
    a, b = _ranks(x), _ranks(y)
    n = a.size
    r = float(np.corrcoef(a, b)[0, 1])
    bounded = min(max(r, -0.999999), 0.999999)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    reach = z * np.sqrt((1 + bounded**2 / 2) / (n - 3))
    middle = np.arctanh(bounded)
    return r, float(np.tanh(middle - reach)), float(np.tanh(middle + reach))


def _ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Return ranks from 1; equal values share the mean of theirs."""
    _values, place, times = np.unique(
        np.asarray(values, dtype=float), return_inverse=True, return_counts=True
    )
    last = np.cumsum(times)
    ranks: NDArray[np.float64] = (last - (times - 1) / 2)[place]
    return ranks


def _groups(build: _Build, geography: Geography, shares: dict[int, Figure]) -> None:
    """Say whether the areas fall into groups, by conditions and by insecurity."""
    typology = areas.latest_typology(geography, build.municipality.code)
    if typology:
        result = typology.result
        build.state(
            Part.ANALYSIS,
            Section.GROUPS,
            (result["sentence_sv"], result["sentence_en"]),
            [
                Source(
                    kind="analysis",
                    label=(
                        "Prov av om områdena bildar grupper efter nio villkor "
                        "(Hartigans dip-test, p-värde)",
                        "Test whether the areas form groups by nine conditions "
                        "(Hartigan's dip test, p-value)",
                    ),
                    source=_typology_source(typology),
                    dated=_typology_period(typology),
                    content={
                        "unit": "number",
                        "decimals": 2,
                        "value": result["dip_p"],
                        "n": result["areas"],
                    },
                    is_public=True,
                )
            ],
            in_summary=True,
        )
    if len(shares) < FEWEST_AREAS:
        return
    insecurity = np.array([[f.value] for f in shares.values()])
    test = compass.groups_test(insecurity, seed=1)
    build.state(
        Part.ANALYSIS,
        Section.GROUPS,
        sentences.GROUPS_OF_INSECURITY[test.verdict],
        [
            Source(
                kind="analysis",
                label=(
                    "Prov av om andelen otrygga delar områdena i grupper "
                    "(Hartigans dip-test, p-värde)",
                    "Test whether the share who feel unsafe parts the areas into "
                    "groups (Hartigan's dip test, p-value)",
                ),
                source=(
                    f"{_survey_source(build.release)[0]}; egen analys",
                    f"{_survey_source(build.release)[1]}; own analysis",
                ),
                dated=_fieldwork(build.release),
                content={
                    "unit": "number",
                    "decimals": 2,
                    "value": test.dip_p,
                    "n": len(shares),
                },
                is_public=True,
            )
        ],
        in_summary=True,
    )


def _change(build: _Build) -> None:
    """Set the share who feel unsafe against the wave before, where there is one."""
    wave = build.release.wave
    earlier = (
        Release.objects.filter(
            status=ReleaseStatus.PUBLISHED,
            wave__survey=wave.survey,
            wave__ends_on__lt=wave.starts_on,
        )
        .select_related("wave__survey", "wave__geography")
        .order_by("-wave__ends_on", "-number")
        .first()
    )
    now = _of_whole(build, HEADLINE)
    before = (
        earlier.figures.filter(
            question__code=HEADLINE,
            option=None,
            area=build.municipality,
            group="",
            is_shown=True,
        )
        .select_related("question", "area")
        .first()
        if earlier
        else None
    )
    if earlier is None or before is None or now is None:
        build.lack(
            "Det finns ingen tidigare undersökning att jämföra med, så det går inte "
            "att säga om tryggheten har förändrats.",
            "There is no earlier survey to compare with, so it cannot be told whether "
            "safety has changed.",
        )
        return
    build.state(
        Part.ANALYSIS,
        Section.CHANGE,
        sentences.change(_share(before), _share(now), earlier.wave.code),
        [
            _evidence(build, now, WHOLE),
            Source(
                kind="figure",
                label=WHOLE,
                source=_survey_source(earlier),
                dated=_fieldwork(earlier),
                content={
                    "unit": "share",
                    "value": before.value,
                    "low": before.low,
                    "high": before.high,
                    "bound": before.bound,
                    "n": before.base,
                },
                is_public=True,
                refers_to=f"release.figure:{before.pk}",
            ),
        ],
        in_summary=True,
    )


# --- what is not known ----------------------------------------------------------------


def _gaps(build: _Build) -> None:
    chosen = {area.pk for area in build.chosen}
    hidden = [
        f
        for f in build.figures.get(HEADLINE, [])
        if f.area_id in chosen and not f.group and not f.is_shown
    ]
    if hidden:
        names = sorted((f.area.name for f in hidden), key=swedish_order)
        build.lack(
            "För dessa områden visas ingen siffra om otrygghet, för att svaren är för "
            f"få eller av hänsyn till enskilda: {', '.join(names)}. Ett större urval "
            "eller flera år tillsammans kan ge ett svar.",
            "For these areas no figure on insecurity is shown, because answers are too "
            f"few or out of regard for individuals: {', '.join(names)}. A larger "
            "sample, or several years together, may give an answer.",
        )
    build.lack(
        "Uppgifter om anmälda brott är inte inlästa. Bilden av brottsligheten bygger "
        "därför bara på vad de boende själva har svarat.",
        "Figures on reported crime have not been loaded. The picture of crime rests "
        "only on what residents have answered.",
    )
    wave = build.release.wave
    missed = 100 * (1 - wave.response_rate)
    build.lack(
        f"{missed:.0f} procent av de utvalda svarade inte. Vikterna rättar till det "
        "som är känt om dem, som ålder och område, men inte om de tycker annorlunda.",
        f"{missed:.0f} per cent of those sampled did not answer. The weights correct "
        "for what is known of them, such as age and area, but not for whether they "
        "think differently.",
    )
    survey = wave.survey
    build.lack(
        f"Undersökningen gäller {_lower(survey.population_sv)}. Barn, äldre utanför "
        "åldersspannet och de som inte är folkbokförda här finns inte med.",
        f"The survey is about {_lower(survey.population_en)}. Children, older people "
        "outside the age range and those not registered here are not included.",
    )
    statistics = build.picture.statements.filter(
        removed_at=None, evidence__kind="observation"
    ).values_list("evidence__dated", flat=True)
    years = [int(dated[:4]) for dated in statistics if dated[:4].isdigit()]
    if years and build.at.year - min(years) > 1:
        build.lack(
            f"Uppgifterna om befolkning och villkor gäller {min(years)} och är "
            f"{build.at.year - min(years)} år gamla. Mycket kan ha ändrats sedan dess.",
            f"The figures on population and conditions are of {min(years)} and "
            f"{build.at.year - min(years)} years old. Much may have changed since.",
        )
    build.lack(
        "Medborgardialoger, veckorapporter och iakttagelser från skola och fritid är "
        "inte med i den här versionen.",
        "Dialogues, weekly reports and observations from schools and leisure are not "
        "part of this version.",
    )


# --- words ----------------------------------------------------------------------------


def swedish_order(name: str) -> str:
    """Return a key by which å, ä and ö come last, in that order."""
    return name.casefold().translate(str.maketrans("åäö", "{|}"))


def _in_both(lazy: Any) -> Text:
    with override("sv"):
        swedish = str(lazy)
    with override("en"):
        english = str(lazy)
    return _capital(swedish), _capital(english)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
