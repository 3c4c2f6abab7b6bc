"""What changes a page of the public site itself."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from trygg.accounts.models import User
from trygg.history.steps import record
from trygg.public.models import Publisher


@transaction.atomic
def set_publisher(
    *,
    municipality: str,
    place: str,
    name: str,
    email: str = "",
    telephone: str = "",
    postal_address: str = "",
    data_protection_email: str = "",
    assessed_on: date | None = None,
    at: datetime,
    by: User | None = None,
) -> Publisher:
    """Say who answers for the site, and note that it was said."""
    publisher, _created = Publisher.objects.update_or_create(
        pk=1,
        defaults={
            "municipality": municipality,
            "place": place,
            "name": name,
            "email": email,
            "telephone": telephone,
            "postal_address": postal_address,
            "data_protection_email": data_protection_email,
            "assessed_on": assessed_on,
        },
    )
    record(publisher, "said", by=by, at=at, name=name)
    return publisher
