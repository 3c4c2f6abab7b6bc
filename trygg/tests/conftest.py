"""One of everything that an address of the site can name."""

from __future__ import annotations

import pytest

from trygg.accounts.guard import system
from trygg.accounts.models import RoleProposal
from trygg.areas.models import Area, Geography
from trygg.picture import actions as pictures
from trygg.public.actions import set_publisher
from trygg.release.models import Release
from trygg.surveys.models import Survey, Wave

OF_PICTURE = (
    *("picture-detail", "statement-new", "problem-new", "gap-new"),
    *("picture-submit", "picture-return", "picture-approve"),
)


@pytest.fixture
def things(person, anna, at):
    """One of everything that an address can name; returns the addresses' arguments."""
    with system("test"):
        geography = Geography.objects.create(
            code="towns", kind="municipality", name="Towns", valid_from=at.date()
        )
        area = Area.objects.create(
            geography=geography,
            code="9999",
            name="Nyby",
            search="nyby",
            municipality="9999",
        )
        regso = Geography.objects.create(
            code="regso", kind="regso", name="RegSO", valid_from=at.date()
        )
        part = Area.objects.create(
            geography=regso,
            code="9999R001",
            name="Bryggan",
            search="bryggan",
            municipality="9999",
            parent=area,
            path="M0 0h9v9h-9z",
            **{"min_x": 0, "min_y": 0, "max_x": 9, "max_y": 9},
        )
        set_publisher(municipality="9999", place="Nyby", name="Nyby kommun", at=at)
        picture = pictures.create_picture(
            slug="our-picture",
            title=("Vår lägesbild", "Our picture"),
            period="2026",
            areas=[area],
            organisations=[anna.organisation],
            is_synthetic=True,
            by=anna,
            at=at,
        )
        statement = pictures.add_statement(
            picture, part=1, section="other", text=("Ett", "One"), by=anna, at=at
        )
        edition = pictures.freeze_edition(picture, "internal", by=anna, at=at)
    survey = Survey.objects.create(slug="our-survey", owner=anna.organisation)
    wave = Wave.objects.create(
        survey=survey,
        code="2026",
        geography=geography,
        municipality=area,
        starts_on=at.date(),
        ends_on=at.date(),
        invited=10,
        answers=5,
        loaded_at=at,
    )
    release = Release.objects.create(
        wave=wave,
        number=1,
        prepared_at=at,
        rules={},
        certificate={"exactly_disclosed": 0, "too_narrow": 0},
    )
    of_wave = {"slug": survey.slug, "code": wave.code}
    account = person("somebody")
    proposal = RoleProposal.objects.create(
        user=account, role="AL", proposed_by=anna, proposed_at=at
    )
    of_picture = {"slug": picture.slug}
    entry = {**of_picture, "kind": "statement", "pk": statement.pk}
    of_edition = {
        **of_picture,
        "audience": "internal",
        "number": edition.number,
        "language": "sv",
    }
    return {
        **dict.fromkeys(OF_PICTURE, of_picture),
        "picture-list": {},
        "wave-detail": of_wave,
        "wave-estimate": of_wave,
        "release-publish": {"pk": release.pk},
        "release-withdraw": {"pk": release.pk},
        "statement-edit": {**of_picture, "pk": statement.pk},
        "entry-move": entry,
        "entry-remove": entry,
        "edition-detail": of_edition,
        "edition-file": {**of_edition, "form": "docx"},
        **{
            name: {"pk": account.pk}
            for name in ("account-detail", "role-propose", "account-close")
        },
        "role-approve": {"pk": proposal.pk},
        "public:area": {"code": part.code},
        "public:survey": {"slug": "none"},
        "public:picture": {"slug": "none"},
    }
