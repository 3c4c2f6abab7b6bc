"""What the picture says of a small municipality whose figures are known."""

from __future__ import annotations

from datetime import date
from io import StringIO

import numpy as np
import pikepdf
import pytest
from django.core.management import CommandError, call_command

from trygg.accounts.guard import system
from trygg.accounts.models import Organisation
from trygg.areas.models import (
    Area,
    Dataset,
    DatasetVersion,
    Geography,
    Indicator,
    Observation,
)
from trygg.history.steps import WrongStep
from trygg.picture import actions, document
from trygg.picture.models import Edition, Evidence, SituationalPicture
from trygg.release.evidence import (
    NothingToBuildOn,
    build_picture,
    rank_correlation,
    swedish_order,
)
from trygg.release.models import Figure, Release
from trygg.surveys.models import Question, Survey, Wave

AREAS = 12


@pytest.fixture
def town(db, at):
    """Return a municipality of twelve areas in which insecurity follows renting."""
    land = Geography.objects.create(
        code="prov-kommun", kind="municipality", name="Prov",
        valid_from=date(2020, 1, 1),
    )  # fmt: skip
    division = Geography.objects.create(
        code="prov-regso", kind="regso", name="Prov", valid_from=date(2020, 1, 1)
    )
    town = Area.objects.create(
        geography=land, code="9998", name="Provstad", search="provstad",
        municipality="9998",
    )  # fmt: skip
    dataset = Dataset.objects.create(
        code="prov", title="Provtabell", publisher="Provbyrån", licence="CC0"
    )
    version = DatasetVersion.objects.create(
        dataset=dataset, number=1, digest="x", file_name="x", loaded_at=at
    )
    renting = Indicator.objects.create(
        code="rented-homes-share", name_sv="Hushåll i hyresrätt",
        name_en="Households that rent", unit="percent", profile_order=1,
    )  # fmt: skip
    people = Indicator.objects.create(
        code="population", name_sv="Folkmängd", name_en="Population", unit="persons"
    )
    Observation.objects.create(
        version=version, indicator=people, area=town, period="2022", value=12345
    )
    Observation.objects.create(
        version=version, indicator=renting, area=town, period="2022", value=30.0
    )
    for number in range(AREAS):
        area = Area.objects.create(
            geography=division, code=f"9998R{number:03}", name=f"Del {number:02}",
            search="", municipality="9998", parent=town,
        )  # fmt: skip
        Observation.objects.create(
            version=version, indicator=renting, area=area, period="2022",
            value=5.0 * number,
        )  # fmt: skip
    return town


@pytest.fixture
def release(town, at):
    """Return a published release: a whole, both sexes, and the areas but one."""
    owner = Organisation.objects.create(name="Provkommun", kind="municipality")
    survey = Survey.objects.create(
        slug="prov", title_sv="Provundersökningen", title_en="The test survey",
        owner=owner, population_sv="Boende 16–84 år", population_en="Residents 16–84",
        is_synthetic=True,
    )  # fmt: skip
    question = Question.objects.create(
        survey=survey, code="insecurity", order=1, block="safety", kind="single",
        text_sv="?", text_en="?", headline_sv="känner sig otrygga",
        headline_en="feel unsafe",
    )  # fmt: skip
    wave = Wave.objects.create(
        survey=survey, code="2026", municipality=town,
        geography=Geography.objects.get(code="prov-regso"),
        starts_on=date(2026, 3, 1), ends_on=date(2026, 5, 1),
        invited=2000, answers=800, loaded_at=at,
    )  # fmt: skip
    release = Release.objects.create(
        wave=wave, number=1, status="published", prepared_at=at, published_at=at,
        rules={}, certificate={}, input_digest="x",
    )  # fmt: skip

    def figure(area, value, group="", **more):
        Figure.objects.create(
            release=release, question=question, kind="share", area=area, group=group,
            is_shown=True, value=value, low=value - 0.05, high=value + 0.05, base=80,
            **more,
        )  # fmt: skip

    figure(town, 0.24)
    figure(town, 0.30, "sex=F")
    figure(town, 0.18, "sex=M")
    areas = list(Area.objects.filter(geography__code="prov-regso").order_by("code"))
    for number, area in enumerate(areas[:-1]):
        against = {0: "lower", 10: "higher"}.get(number, "")
        figure(area, 0.10 + 0.03 * number, against_rest=against)
    Figure.objects.create(
        release=release, question=question, kind="share", area=areas[-1],
        is_shown=False, reason="few",
    )  # fmt: skip
    return release


@pytest.fixture
def picture(release, town, at):
    with system("test"):
        yield build_picture(
            town, slug="prov", title=("Lägesbild", "Situational picture"), at=at
        )


def said(picture, section):
    live = picture.statements.filter(section=section, removed_at=None)
    return [s.text_sv for s in live.order_by("order")]


def test_the_share_is_said_with_interval_and_the_figure_it_rests_on(picture, release):
    assert said(picture, "safety")[0] == (
        "24 procent av de boende i kommunen känner sig otrygga "
        "(95 procents intervall 19–29)."
    )
    evidence = Evidence.objects.filter(statement__section="safety").first()
    figure = release.figures.get(area__code="9998", group="")
    assert evidence.refers_to == f"release.figure:{figure.pk}"
    assert evidence.source_sv == "Källa: Provundersökningen (syntetiska svar)"
    assert evidence.content["n"] == 80


def test_sexes_whose_intervals_part_differ(picture):
    assert said(picture, "safety")[1].endswith("Skillnaden är statistiskt säkerställd.")


def test_areas_are_counted_as_the_release_judged_them(picture):
    assert said(picture, "areas") == [
        "Andelen som känner sig otrygga är högre än i resten av kommunen i ett område "
        "och lägre i ett område. I nio områden går det inte att säga. För ett område "
        "visas ingen siffra."
    ]


def test_a_link_that_is_there_is_found_and_told_with_its_limits(picture):
    (link,) = said(picture, "links")
    assert link.startswith(
        "Otryggheten är i regel större i områden där andelen hushåll i hyresrätt"
    )
    assert link.endswith(
        "Det gäller områden, inte personer, och säger inget om orsaken."
    )


def test_a_link_that_is_not_there_is_not_claimed(release, town, at):
    values = [3, 9, 1, 11, 5, 7, 2, 10, 4, 8, 6]
    for area, value in zip(
        Area.objects.filter(geography__code="prov-regso").order_by("code"),
        values, strict=False,
    ):  # fmt: skip
        Observation.objects.filter(area=area).update(value=value)
    with system("test"):
        picture = build_picture(town, slug="b", title=("B", "B"), at=at)
        (link,) = said(picture, "links")
    assert link.startswith("Det går inte att säga om otryggheten i områdena följer")


def test_groups_change_and_the_rest_are_told_or_admitted(picture):
    gaps = " ".join(gap.text_sv for gap in picture.gaps.all())
    assert len(said(picture, "groups")) == 1
    assert "Det finns ingen tidigare undersökning" in gaps
    assert "Del 11" in gaps
    assert "anmälda brott är inte inlästa" in gaps
    assert "60 procent av de utvalda svarade inte" in gaps
    assert "boende 16–84 år" in gaps


def test_everything_automatic_may_be_published_and_says_its_source_and_date(picture):
    evidence = list(Evidence.objects.all())
    assert len(evidence) > AREAS
    assert all(
        e.is_public and e.source_sv and e.source_en and e.dated for e in evidence
    )
    assert all(s.text_en for s in picture.statements.all())


def test_a_withheld_figure_brings_no_number_into_the_picture(picture):
    hidden = [e.content for e in Evidence.objects.all() if "missing" in e.content]
    assert len(hidden) == 1
    assert not {"value", "low", "high", "n"} & set(hidden[0])


def test_building_anew_replaces_sentences_and_keeps_what_people_wrote(
    picture, town, at, anna
):
    actions.add_gap(picture, text=("Av oss.", ""), by=anna, at=at)
    before = picture.statements.filter(removed_at=None).count()

    build_picture(town, slug="prov", title=("x", "x"), at=at)

    assert SituationalPicture.objects.count() == 1
    assert picture.statements.filter(removed_at=None).count() == before
    assert picture.gaps.filter(removed_at=None, text_sv="Av oss.").count() == 1
    assert picture.statements.exclude(removed_at=None).count() == before


def test_an_approved_picture_is_not_built_anew(picture, town, at, anna, petra):
    actions.submit_for_joint_review(picture, by=anna, at=at)
    picture.organisations.add(petra.organisation)
    actions.approve_picture(picture, by=petra, at=at)
    with pytest.raises(WrongStep):
        build_picture(town, slug="prov", title=("x", "x"), at=at)


def test_a_picture_of_some_areas_speaks_of_those_only(release, at):
    areas = Area.objects.filter(code__in=["9998R000", "9998R005"])
    with system("test"):
        picture = build_picture(areas, slug="del", title=("Del", "Part"), at=at)
        assert said(picture, "areas") == [
            "Andelen som känner sig otrygga är högre än i resten av kommunen i inget "
            "område och lägre i ett område. I ett område går det inte att säga."
        ]
        assert len(said(picture, "population")) == 2


def test_nothing_is_built_without_a_published_release(release, town, at):
    Release.objects.update(status="prepared")
    with system("test"), pytest.raises(NothingToBuildOn):
        build_picture(town, slug="x", title=("x", "x"), at=at)


def test_rank_correlation_of_a_case_worked_by_hand():
    # ranks 1 2 3 4 5 and 2 1 4 3 5: r = 1 - 6·4 / (5·24) = 0.8
    # atanh 0.8 = 1.0986; 1.96 · sqrt((1 + 0.32) / 2) = 1.5923
    r, low, high = rank_correlation([10, 20, 30, 40, 50], [3, 1, 9, 8, 70])
    np.testing.assert_allclose(
        [r, low, high], [0.8, np.tanh(-0.49367), np.tanh(2.69089)], atol=1e-4
    )


def test_equal_values_share_their_rank():
    # ranks 1.5 1.5 3 4 and 1 2 3 4: r = 4.5 / sqrt(4.5 · 5) = 0.9487
    r, _low, _high = rank_correlation([1, 1, 2, 3], [1, 2, 3, 4])
    assert r == pytest.approx(0.9487, abs=1e-4)


def test_swedish_letters_come_last():
    names = ["Österby", "Älvan", "Åby", "Zon", "Aspen"]
    assert sorted(names, key=swedish_order) == [
        "Aspen", "Zon", "Åby", "Älvan", "Österby",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".html"])
def test_the_command_builds_a_draft_and_writes_it(release, tmp_path, suffix):
    path = tmp_path / f"picture{suffix}"
    out = StringIO()

    call_command("picture", "build", "9998", output=path, stdout=out)

    assert "a draft with" in out.getvalue()
    assert path.stat().st_size > 5_000
    with system("test"):
        assert not Edition.objects.exists()


def test_the_command_speaks_english_when_asked(release, tmp_path):
    path = tmp_path / "picture.pdf"
    call_command(
        "picture", "build", "9998", output=path, language="en", stdout=StringIO()
    )
    with pikepdf.open(path) as file:
        assert str(file.docinfo["/Title"]).startswith("Situational picture of Provstad")


@pytest.mark.parametrize(
    ("code", "output", "says", "exit_code"),
    [
        ("9997", None, "There is no area 9997", 2),
        ("9998R000,9998R999", None, "There is no area 9998R999", 2),
        ("9998", "x.odt", "must end in", 2),
    ],
)
def test_bad_use_of_the_command_is_said_in_one_sentence(
    release, code, output, says, exit_code, tmp_path
):
    with pytest.raises(CommandError, match=says) as refused:
        call_command("picture", "build", code, output=output and tmp_path / output)
    assert refused.value.returncode == exit_code


def test_a_municipality_without_a_survey_is_a_failed_job(town):
    with pytest.raises(CommandError, match="No survey is published") as refused:
        call_command("picture", "build", "9998")
    assert refused.value.returncode == 1


def test_the_document_of_the_whole_shows_each_area_once(picture, at):
    content = document.freeze(picture, "internal", number=1, at=at, is_approved=False)
    read = document.read(content, "sv")
    charts = [
        b for c in read.chapters for b in c.blocks if isinstance(b, document.Chart)
    ]
    labels = [row.label for g in charts[-1].groups for row in g.rows]
    assert sorted(labels) == [f"Del {n:02}" for n in range(AREAS)]
