"""Published situational pictures, as lists and cards show them."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from trygg.common import formats
from trygg.picture.queries import PublishedPicture, published_pictures


@dataclass(frozen=True)
class PictureCard:
    title: str
    href: str
    when: str
    is_synthetic: bool


def cards() -> list[PictureCard]:
    """Return the newest edition of each published picture, the latest first."""
    return [_card(picture) for picture in published_pictures()]


def _card(picture: PublishedPicture) -> PictureCard:
    day = timezone.localtime(picture.approved_at).date()
    return PictureCard(
        picture.title,
        reverse("public:picture", kwargs={"slug": picture.slug}),
        _("Edition %(number)s, approved on %(day)s")
        % {"number": picture.number, "day": formats.day(day)},
        picture.is_synthetic,
    )
