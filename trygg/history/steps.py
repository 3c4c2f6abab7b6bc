"""The one way a status changes: look in the table, change one row, leave a trace."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models, transaction

from trygg.history.models import Event, Stepped

if TYPE_CHECKING:
    from trygg.accounts.models import User


class WrongStep(Exception):
    """The step is not open from the state the thing is in."""


def about(thing: models.Model) -> str:
    """Return the name under which the history of a thing is kept."""
    return f"{thing._meta.label_lower}:{thing.pk}"


def record(
    thing: models.Model, what: str, *, by: User | None, at: datetime, **more: str
) -> None:
    """Add one line to the history of a thing. `by` is None when a timer did it."""
    Event.objects.create(
        at=at,
        by=by,
        what=f"{thing._meta.label_lower}.{what}",
        about=about(thing),
        more=more,
    )


@transaction.atomic
def step(
    thing: Stepped, to: str, *, by: User | None, at: datetime, **more: str
) -> None:
    """
    Move thing.status to `to` along thing.STEPS, and record it.

    Only a row that still has the status we read is changed, so of two people who
    press the button at once one gets WrongStep.

    Raises
    ------
    WrongStep
        The step is not in the table, or somebody else moved the thing first.
    """
    old = thing.status
    if to not in thing.STEPS[old]:
        raise WrongStep(f"{thing} is {old} and cannot become {to}")
    rows = type(thing)._default_manager.filter(pk=thing.pk, status=old)
    if not rows.update(status=to):
        raise WrongStep(f"{thing} was changed by somebody else")
    thing.status = to
    record(thing, to, by=by, at=at, was=old, **more)
