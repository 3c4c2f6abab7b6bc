"""Reads of the history."""

from __future__ import annotations

from django.db import models
from django.db.models import QuerySet

from trygg.history.models import Event
from trygg.history.steps import about


def events_about(thing: models.Model) -> QuerySet[Event]:
    """Return what happened to a thing, newest first, with who did it."""
    return (
        Event.objects.filter(about=about(thing))
        .select_related("by")
        .order_by("-at", "-pk")
    )
