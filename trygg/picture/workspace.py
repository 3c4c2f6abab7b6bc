"""What the workspace's pages show of a picture, fetched in few queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _

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

# What has happened to a picture, as its history tells it
WORDS = {
    "created": _("began the picture"),
    "entry_added": _("added something"),
    "entry_revised": _("revised a statement"),
    "entry_moved": _("moved something"),
    "entry_removed": _("took something out"),
    "edition_frozen": _("kept an edition"),
    "joint": _("sent it to joint review"),
    "draft": _("sent it back to draft"),
    "approved": _("approved it"),
    "superseded": _("replaced it by a newer one"),
}
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


@dataclass(frozen=True)
class ShownEvent:
    at: datetime
    by: str
    words: str
    reason: str


def events(picture: SituationalPicture) -> list[ShownEvent]:
    """Return the latest lines of the picture's history, in words."""
    lines = Event.objects.filter(about=about(picture)).select_related("by")
    return [
        ShownEvent(
            at=line.at,
            by=line.by.get_full_name() or line.by.get_username() if line.by else "",
            words=str(WORDS[line.what.rpartition(".")[2]]),
            reason=line.more.get("reason", ""),
        )
        for line in lines.order_by("-at", "-pk")[:20]
    ]


def _shown(statement: Statement) -> ShownStatement:
    evidence = list(statement.evidence.all())
    shown = [(e, figure_text(e.content)) for e in evidence[:SHOWN]]
    return ShownStatement(statement, shown, len(evidence) - len(shown))
