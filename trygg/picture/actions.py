"""Everything that changes a situational picture. Views and commands call only these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from trygg.accounts.models import Organisation, User
from trygg.areas.models import Area
from trygg.history.models import Event
from trygg.history.steps import WrongStep, about, record, step
from trygg.picture import document
from trygg.picture.models import (
    Audience,
    Edition,
    Evidence,
    Gap,
    Part,
    PictureStatus,
    Problem,
    SituationalPicture,
    Statement,
)

Text = tuple[str, str]  # Swedish, English (which may be empty)
Entry = Statement | Problem | Gap

# What counts as writing in the picture, for the rule of four eyes.
WRITING = ("created", "entry_added", "entry_revised", "entry_moved", "entry_removed")


class EmptyPart(Exception):
    """A part that the Act demands says nothing. `parts` names them."""

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__(f"empty: {', '.join(part.name for part in parts)}")
        self.parts = list(parts)


class OwnApproval(Exception):
    """Who wrote last, or sent the picture to review, cannot also approve it."""


class NotAParty(Exception):
    """The approver's organisation does not stand behind the picture."""


class NoReason(Exception):
    """The change needs a reason, and none was given."""


@dataclass(frozen=True)
class Source:
    """Evidence before it is stored: what a statement rests on."""

    kind: str
    label: Text
    source: Text
    dated: str
    content: dict[str, Any] = field(default_factory=dict)
    is_public: bool = False
    refers_to: str = ""


@transaction.atomic
def create_picture(
    *,
    slug: str,
    title: Text,
    period: str,
    areas: Iterable[Area],
    organisations: Iterable[Organisation] = (),
    is_synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> SituationalPicture:
    """Begin an empty picture as a draft."""
    picture = SituationalPicture.objects.create(
        slug=slug,
        title_sv=title[0],
        title_en=title[1],
        period=period,
        is_synthetic=is_synthetic,
    )
    picture.areas.set(areas)
    picture.organisations.set(organisations)
    record(picture, "created", by=by, at=at)
    return picture


@transaction.atomic
def add_statement(
    picture: SituationalPicture,
    *,
    part: int,
    section: str,
    text: Text,
    evidence: Sequence[Source] = (),
    shown_as: str = "notes",
    caption: Text = ("", ""),
    in_summary: bool = False,
    is_automatic: bool = False,
    is_public: bool = False,
    by: User | None,
    at: datetime,
) -> Statement:
    """Add a statement with its evidence. Raises WrongStep if the picture is closed."""
    _lock_open(picture)
    statement = Statement.objects.create(
        picture=picture,
        part=part,
        section=section,
        order=_next_order(picture.statements),
        text_sv=text[0],
        text_en=text[1],
        shown_as=shown_as,
        caption_sv=caption[0],
        caption_en=caption[1],
        in_summary=in_summary,
        is_automatic=is_automatic,
        is_public=is_public,
        written_by=by,
        written_at=at,
    )
    Evidence.objects.bulk_create(
        Evidence(
            statement=statement,
            order=order,
            kind=source.kind,
            label_sv=source.label[0],
            label_en=source.label[1],
            content=source.content,
            source_sv=source.source[0],
            source_en=source.source[1],
            dated=source.dated,
            is_public=source.is_public,
            refers_to=source.refers_to,
        )
        for order, source in enumerate(evidence, start=1)
    )
    record(picture, "entry_added", by=by, at=at, entry=about(statement))
    return statement


@transaction.atomic
def add_problem(
    picture: SituationalPicture,
    *,
    what: Text,
    where: Iterable[Area] = (),
    when: Text = ("", ""),
    who: Text = ("", ""),
    consequences: Text = ("", ""),
    statements: Iterable[Statement] = (),
    is_public: bool = False,
    by: User | None,
    at: datetime,
) -> Problem:
    """Point out a problem. Raises WrongStep if the picture is closed."""
    _lock_open(picture)
    problem = Problem.objects.create(
        picture=picture,
        order=_next_order(picture.problems),
        what_sv=what[0],
        what_en=what[1],
        when_sv=when[0],
        when_en=when[1],
        who_sv=who[0],
        who_en=who[1],
        consequences_sv=consequences[0],
        consequences_en=consequences[1],
        is_public=is_public,
        written_by=by,
        written_at=at,
    )
    problem.where.set(where)
    problem.statements.set(statements)
    record(picture, "entry_added", by=by, at=at, entry=about(problem))
    return problem


@transaction.atomic
def add_gap(
    picture: SituationalPicture,
    *,
    text: Text,
    is_automatic: bool = False,
    is_public: bool = False,
    by: User | None,
    at: datetime,
) -> Gap:
    """Say what is not known. Raises WrongStep if the picture is closed."""
    _lock_open(picture)
    gap = Gap.objects.create(
        picture=picture,
        order=_next_order(picture.gaps),
        text_sv=text[0],
        text_en=text[1],
        is_automatic=is_automatic,
        is_public=is_public,
        written_by=by,
        written_at=at,
    )
    record(picture, "entry_added", by=by, at=at, entry=about(gap))
    return gap


@transaction.atomic
def move_entry(entry: Entry, *, up: bool, by: User, at: datetime) -> None:
    """Let a statement, problem or gap change places with the one before or after it."""
    picture = entry.picture
    _lock_open(picture)
    rows = type(entry).objects.filter(picture=picture, removed_at=None)
    if isinstance(entry, Statement):
        rows = rows.filter(part=entry.part, section=entry.section)
    if up:
        other = rows.filter(order__lt=entry.order).order_by("-order").first()
    else:
        other = rows.filter(order__gt=entry.order).order_by("order").first()
    if other is None:
        return
    entry.order, other.order = other.order, entry.order
    entry.save(update_fields=["order"])
    other.save(update_fields=["order"])
    record(picture, "entry_moved", by=by, at=at, entry=about(entry))


@transaction.atomic
def remove_entry(entry: Entry, *, reason: str, by: User | None, at: datetime) -> None:
    """
    Take a statement, problem or gap out of the picture. The row stays, with the reason.

    Raises
    ------
    NoReason, WrongStep
    """
    if not reason.strip():
        raise NoReason
    _lock_open(entry.picture)
    entry.removed_by, entry.removed_at, entry.removed_because = by, at, reason
    entry.save(update_fields=["removed_by", "removed_at", "removed_because"])
    record(
        entry.picture, "entry_removed", by=by, at=at, entry=about(entry), reason=reason
    )


@transaction.atomic
def revise_statement(
    statement: Statement,
    *,
    part: int,
    section: str,
    text: Text,
    is_public: bool,
    by: User,
    at: datetime,
) -> Statement:
    """
    Replace a statement by a new one in its place, on the same evidence.

    The former wording stays in the database as a removed row.
    """
    revised = add_statement(
        statement.picture,
        part=part,
        section=section,
        text=text,
        evidence=[
            Source(
                kind=e.kind,
                label=(e.label_sv, e.label_en),
                source=(e.source_sv, e.source_en),
                dated=e.dated,
                content=e.content,
                is_public=e.is_public,
                refers_to=e.refers_to,
            )
            for e in statement.evidence.order_by("order")
        ],
        shown_as=statement.shown_as,
        caption=(statement.caption_sv, statement.caption_en),
        in_summary=statement.in_summary,
        is_public=is_public,
        by=by,
        at=at,
    )
    revised.order = statement.order
    revised.save(update_fields=["order"])
    for problem in statement.problems.all():
        problem.statements.add(revised)
    remove_entry(statement, reason="revised", by=by, at=at)
    record(statement.picture, "entry_revised", by=by, at=at, entry=about(revised))
    return revised


@transaction.atomic
def remove_automatic(
    picture: SituationalPicture, *, by: User | None, at: datetime
) -> None:
    """Take out what was built from older evidence, before it is built anew."""
    _lock_open(picture)
    for rows in (picture.statements, picture.gaps):
        rows.filter(is_automatic=True, removed_at=None).update(
            removed_by=by, removed_at=at, removed_because="built anew"
        )
    record(picture, "entry_removed", by=by, at=at, entry="all automatic")


def submit_for_joint_review(
    picture: SituationalPicture, *, by: User, at: datetime
) -> None:
    """
    Hand a draft to all parties, and keep it as it stood.

    Raises
    ------
    EmptyPart, WrongStep
    """
    with transaction.atomic():
        _refuse_empty(picture)
        step(picture, PictureStatus.JOINT, by=by, at=at)
        freeze_edition(picture, Audience.INTERNAL, by=by, at=at)


def return_to_draft(
    picture: SituationalPicture, *, reason: str, by: User, at: datetime
) -> None:
    """
    Send a picture under review, or an approved one, back to work, with a reason.

    Raises
    ------
    NoReason, WrongStep
    """
    if not reason.strip():
        raise NoReason
    step(picture, PictureStatus.DRAFT, by=by, at=at, reason=reason)


def approve_picture(picture: SituationalPicture, *, by: User, at: datetime) -> None:
    """
    Approve a picture, and freeze its internal and its public edition.

    Raises
    ------
    EmptyPart
        One of the three parts of the Act says nothing.
    OwnApproval
        The approver wrote last, or sent it to review: a second person must look.
    NotAParty
        The approver's organisation does not stand behind the picture.
    WrongStep
    """
    with transaction.atomic():
        _lock_open(picture)
        _refuse_empty(picture)
        if had_a_hand(by, picture):
            raise OwnApproval(f"{by} had a hand in {picture}")
        parties = set(picture.organisations.values_list("pk", flat=True))
        if by.organisation_id not in parties:
            raise NotAParty(f"{by.organisation} is not a party to {picture}")
        step(picture, PictureStatus.APPROVED, by=by, at=at)
        freeze_edition(picture, Audience.INTERNAL, by=by, at=at)
        freeze_edition(picture, Audience.PUBLIC, by=by, at=at)


@transaction.atomic
def freeze_edition(
    picture: SituationalPicture, audience: str, *, by: User | None, at: datetime
) -> Edition:
    """
    Keep the picture as it stands now, for the parties or for everybody.

    A public edition holds only what may be published: statements and problems that
    are marked so, whose evidence is a released figure or open statistics. It can only
    be made of an approved picture (WrongStep).
    """
    is_approved = picture.status == PictureStatus.APPROVED
    if audience == Audience.PUBLIC and not is_approved:
        raise WrongStep(f"{picture} is not approved")
    last = picture.editions.filter(audience=audience).aggregate(n=Max("number"))["n"]
    content = document.freeze(
        picture, audience, number=(last or 0) + 1, at=at, is_approved=is_approved
    )
    edition = Edition.objects.create(
        picture=picture,
        number=(last or 0) + 1,
        audience=audience,
        is_approved=is_approved,
        content=content,
        digest=document.digest(content),
        made_at=at,
        made_by=by,
    )
    record(picture, "edition_frozen", by=by, at=at, edition=str(edition))
    return edition


def empty_parts(picture: SituationalPicture) -> list[Part]:
    """Return the parts that the Act demands and that say nothing yet."""
    filled = set(
        picture.statements.filter(removed_at=None).values_list("part", flat=True)
    )
    return [part for part in Part if part not in filled]


def had_a_hand(user: User, picture: SituationalPicture) -> bool:
    """Return whether the user wrote last in the picture or sent it to review."""
    return user.pk in {_last(picture, WRITING), _last(picture, [PictureStatus.JOINT])}


def _refuse_empty(picture: SituationalPicture) -> None:
    if empty := empty_parts(picture):
        raise EmptyPart(empty)


def _lock_open(picture: SituationalPicture) -> None:
    """Lock the picture until the transaction ends. Raises WrongStep if it is closed."""
    now = SituationalPicture.objects.select_for_update().get(pk=picture.pk)
    if not now.is_open:
        raise WrongStep(f"{picture} is {now.status}: its text stands")


def _next_order(rows: Any) -> int:
    return (rows.aggregate(last=Max("order"))["last"] or 0) + 1


def _last(picture: SituationalPicture, whats: Iterable[str]) -> int | None:
    """Return who last did one of these things with the picture."""
    names = [f"{picture._meta.label_lower}.{what}" for what in whats]
    event = (
        Event.objects.filter(about=about(picture), what__in=names, by__isnull=False)
        .order_by("-at", "-pk")
        .first()
    )
    return event.by_id if event else None
