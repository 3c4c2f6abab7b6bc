"""What the workspace's pages show of a picture, fetched in few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch

from trygg.accounts.models import User
from trygg.history.models import Event
from trygg.history.steps import about
from trygg.picture.actions import had_a_hand
from trygg.picture.document import figure_text
from trygg.picture.models import (
    Evidence,
    Part,
    PictureStatus,
    SituationalPicture,
    Statement,
)

SHOWN = 5  # pieces of evidence that are spelled out below a statement


@dataclass(frozen=True)
class Tasks:
    """What waits for somebody."""

    to_approve: list[SituationalPicture]
    to_write: list[SituationalPicture]


@dataclass(frozen=True)
class ShownStatement:
    statement: Statement
    evidence: list[tuple[Evidence, str]]  # with its figure in words
    more: int


@dataclass(frozen=True)
class ShownPart:
    part: Part
    statements: list[ShownStatement]


def tasks(
    pictures: Sequence[SituationalPicture], user: User, *, approves: bool
) -> Tasks:
    """Return the pictures that wait for this user's approval or writing."""
    return Tasks(
        to_approve=[
            picture
            for picture in pictures
            if approves
            and picture.status == PictureStatus.JOINT
            and not had_a_hand(user, picture)
        ],
        to_write=[p for p in pictures if p.status == PictureStatus.DRAFT],
    )


def parts(picture: SituationalPicture) -> list[ShownPart]:
    """Return the statements of each part with their evidence."""
    evidence = Prefetch("evidence", Evidence.objects.order_by("order"))
    statements = list(
        picture.statements.filter(removed_at=None)
        .prefetch_related(evidence)
        .order_by("part", "order", "pk")
    )
    return [
        ShownPart(part, [_shown(s) for s in statements if s.part == part])
        for part in Part
    ]


def events(picture: SituationalPicture) -> list[Event]:
    """Return the latest lines of the picture's history."""
    lines = Event.objects.filter(about=about(picture)).select_related("by")
    return list(lines.order_by("-at", "-pk")[:20])


def _shown(statement: Statement) -> ShownStatement:
    evidence = list(statement.evidence.all())
    shown = [(e, figure_text(e.content)) for e in evidence[:SHOWN]]
    return ShownStatement(statement, shown, len(evidence) - len(shown))
