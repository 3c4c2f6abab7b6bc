"""What the frame of every page knows about who publishes it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from trygg.public.models import Publisher


def publisher(request: HttpRequest) -> dict[str, Any]:
    """Return the publisher, looked up when the page first shows it."""
    return {"publisher": SimpleLazyObject(find_publisher)}


def find_publisher() -> Publisher:
    """Return the row, or neutral words before a municipality has filled it."""
    unnamed = Publisher(place=_("the municipality"), name=_("The municipality"))
    return Publisher.objects.first() or unnamed
