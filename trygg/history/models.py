"""What happened to a thing, told as rows that are only ever added."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Stepped(models.Model):
    """Something whose `status` moves along `STEPS`, and only by `step()`."""

    STEPS: ClassVar[dict[str, set[str]]] = {}
    status: models.CharField[str, str]

    class Meta:
        abstract = True


class Event(models.Model):
    """One line of the history of a thing."""

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True)
    what = models.CharField(max_length=100)
    about = models.CharField(max_length=100, db_index=True)
    more = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.what} {self.about}"
