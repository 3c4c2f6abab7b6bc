"""Writing, review, approval, editions."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from trygg.accounts.guard import PolicyBypass
from trygg.history.models import Event
from trygg.history.steps import WrongStep
from trygg.picture import actions, document
from trygg.picture.models import (
    Edition,
    FrozenEdition,
    Part,
    PictureStatus,
    SituationalPicture,
    Statement,
)
from trygg.picture.queries import NotPublished, public_content, published_pictures
from trygg.picture.tests.conftest import NOW, PUBLIC_FIGURE


def approved(picture, anna, petra):
    actions.submit_for_joint_review(picture, by=anna, at=NOW)
    actions.approve_picture(picture, by=petra, at=NOW)
    return picture


def test_a_picture_with_an_empty_part_cannot_be_sent_or_approved(
    picture, say, anna, petra
):
    say(Part.MAPPING)
    say(Part.OTHER)
    with pytest.raises(actions.EmptyPart) as refused:
        actions.submit_for_joint_review(picture, by=anna, at=NOW)
    assert refused.value.parts == [Part.ANALYSIS]

    conclusion = say(Part.ANALYSIS)
    actions.submit_for_joint_review(picture, by=anna, at=NOW)
    actions.remove_entry(conclusion, reason="fel", by=anna, at=NOW)
    with pytest.raises(actions.EmptyPart):
        actions.approve_picture(picture, by=petra, at=NOW)
    assert SituationalPicture.objects.get().status == PictureStatus.JOINT


def test_another_person_than_the_last_writer_and_the_sender_must_approve(
    full, anna, petra, ali
):
    actions.submit_for_joint_review(full, by=anna, at=NOW)
    for had_a_hand in (anna, ali):
        with pytest.raises(actions.OwnApproval):
            actions.approve_picture(full, by=had_a_hand, at=NOW)
    actions.add_gap(full, text=("Okänt", ""), by=petra, at=NOW)
    with pytest.raises(actions.OwnApproval):
        actions.approve_picture(full, by=petra, at=NOW)


def test_only_a_party_can_approve(full, anna, petra):
    actions.submit_for_joint_review(full, by=anna, at=NOW)
    full.organisations.remove(petra.organisation)
    with pytest.raises(actions.NotAParty):
        actions.approve_picture(full, by=petra, at=NOW)


def test_approval_freezes_one_internal_and_one_public_edition(full, anna, petra):
    approved(full, anna, petra)

    assert list(
        Edition.objects.order_by("pk").values_list("audience", "number", "is_approved")
    ) == [("internal", 1, False), ("internal", 2, True), ("public", 1, True)]
    (published,) = published_pictures()
    assert (published.slug, published.period) == ("prov-2026", "2026")
    assert list(Event.objects.values_list("what", "by__username"))[-1] == (
        "picture.situationalpicture.edition_frozen",
        "petra",
    )


def test_an_approved_text_stands(full, say, anna, petra):
    approved(full, anna, petra)
    with pytest.raises(WrongStep):
        say()
    with pytest.raises(WrongStep):
        actions.remove_entry(Statement.objects.first(), reason="x", by=anna, at=NOW)


def test_reopening_needs_a_reason_and_leaves_the_public_edition(full, anna, petra):
    approved(full, anna, petra)
    before = public_content("prov-2026")
    with pytest.raises(actions.NoReason):
        actions.return_to_draft(full, reason=" ", by=anna, at=NOW)

    actions.return_to_draft(full, reason="nya siffror", by=anna, at=NOW)

    assert full.is_open
    assert public_content("prov-2026") == before


def test_an_edition_can_neither_be_changed_nor_deleted(full, anna, petra):
    approved(full, anna, petra)
    edition = Edition.objects.last()
    for change in (
        edition.save,
        edition.delete,
        Edition.objects.all().delete,
        lambda: Edition.objects.update(number=9),
        lambda: full.editions.update(number=9),
        lambda: Edition.objects.bulk_update([edition], ["number"]),
    ):
        with pytest.raises(FrozenEdition):
            change()
    assert document.digest(edition.content) == edition.digest
    assert document.digest(edition.content | {"number": 3}) != edition.digest


def test_a_later_change_does_not_reach_a_frozen_edition(full, say, anna, petra):
    approved(full, anna, petra)
    actions.return_to_draft(full, reason="mer", by=anna, at=NOW)
    say(Part.ANALYSIS, "Nytt.", is_public=True)
    assert "Nytt." not in str(public_content("prov-2026"))


def test_a_public_edition_holds_only_what_may_be_published(
    full, say, picture, anna, petra
):
    say(text="HEMLIGT utan märke")
    own = actions.Source("other", ("HEMLIG källa", ""), ("vi", "we"), "2026")
    say(text="HEMLIGT underlag", evidence=[PUBLIC_FIGURE, own], is_public=True)
    hidden = say(text="HEMLIGT skäl")
    actions.add_problem(
        picture,
        what=("Mörker", "Darkness"),
        statements=[hidden],
        is_public=True,
        by=anna,
        at=NOW,
    )
    actions.add_problem(picture, what=("HEMLIGT problem", ""), by=anna, at=NOW)
    actions.add_gap(picture, text=("HEMLIG lucka", ""), by=anna, at=NOW)
    approved(picture, anna, petra)

    public, internal = (
        public_content("prov-2026"),
        Edition.objects.filter(audience="internal").latest("number").content,
    )
    assert "HEMLIG" not in str(public)
    assert str(internal).count("HEMLIG") == 7
    assert "Mörker" in str(public)
    assert "Tjugofyra procent." in str(public)


def test_the_database_refuses_a_public_survey_figure_that_was_not_released(say):
    figure = actions.Source(
        "figure", ("x", "x"), ("x", "x"), "2026", is_public=True, refers_to=""
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        say(evidence=[figure], is_public=True)


def test_a_draft_has_no_public_edition(full, anna):
    with pytest.raises(WrongStep):
        actions.freeze_edition(full, "public", by=anna, at=NOW)
    with pytest.raises(NotPublished):
        public_content("prov-2026")


def test_a_revised_statement_keeps_its_place_evidence_and_former_wording(
    picture, say, anna
):
    first = say(text="Först.", evidence=[PUBLIC_FIGURE])
    say(text="Sist.")
    revised = actions.revise_statement(
        first,
        part=Part.MAPPING,
        section="safety",
        text=("Först, rättad.", ""),
        is_public=False,
        by=anna,
        at=NOW,
    )
    live = picture.statements.filter(removed_at=None).order_by("order")
    assert [s.text_sv for s in live] == ["Först, rättad.", "Sist."]
    assert revised.evidence.get().content == PUBLIC_FIGURE.content
    assert Statement.objects.get(pk=first.pk).text_sv == "Först."


def test_moving_swaps_neighbours_and_stops_at_the_ends(picture, say, anna):
    for text in ("ett", "två", "tre"):
        say(text=text)

    def order():
        live = picture.statements.order_by("order")
        return [s.text_sv for s in live]

    def move(text, *, up):
        entry = picture.statements.get(text_sv=text)
        actions.move_entry(entry, up=up, by=anna, at=NOW)

    move("tre", up=True)
    assert order() == ["ett", "tre", "två"]
    move("ett", up=True)
    assert order() == ["ett", "tre", "två"]
    move("ett", up=False)
    assert order() == ["tre", "ett", "två"]


def test_taking_out_needs_a_reason_and_keeps_the_row(say, anna):
    statement = say()
    with pytest.raises(actions.NoReason):
        actions.remove_entry(statement, reason="", by=anna, at=NOW)
    actions.remove_entry(statement, reason="dubblett", by=anna, at=NOW)
    kept = Statement.objects.get()
    assert (kept.removed_by, kept.removed_because) == (anna, "dubblett")


@pytest.mark.django_db
def test_no_row_is_reached_without_asking_the_policy():
    for model in (SituationalPicture, Statement, Edition):
        with pytest.raises(PolicyBypass):
            list(model.objects.all())
