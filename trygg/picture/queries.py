"""Reads that deserve a name: what is published, and what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models.fields.json import KT
from django.utils.translation import get_language

from trygg.accounts.guard import system
from trygg.picture.document import Content, Document, read
from trygg.picture.models import Audience, Edition


class NotPublished(Exception):
    """There is no public edition at that address."""


@dataclass(frozen=True)
class PublishedPicture:
    """A public edition as a list shows it."""

    slug: str
    title_sv: str
    title_en: str
    period: str
    number: int
    approved_at: datetime
    is_synthetic: bool

    @property
    def title(self) -> str:
        return self.title_en if get_language() == "en" else self.title_sv


def published_pictures() -> list[PublishedPicture]:
    """Return the newest public edition of each picture, the latest first."""
    with system("public"):
        rows = (
            Edition.objects.filter(audience=Audience.PUBLIC, is_approved=True)
            .order_by("-made_at", "-pk")
            .values_list(
                "picture__slug",
                KT("content__title__sv"),
                KT("content__title__en"),
                KT("content__period"),
                "number",
                "made_at",
                "content__is_synthetic",
            )
        )
        newest: dict[str, PublishedPicture] = {}
        for row in rows:
            newest.setdefault(row[0], PublishedPicture(*row))
    return list(newest.values())


def public_content(slug: str, number: int | None = None) -> Content:
    """
    Return what a public edition holds: the newest one when no number is given.

    Raises
    ------
    NotPublished
    """
    with system("public"):
        editions = Edition.objects.filter(
            picture__slug=slug, audience=Audience.PUBLIC, is_approved=True
        )
        if number is not None:
            editions = editions.filter(number=number)
        edition = editions.order_by("-number").first()
    if edition is None:
        raise NotPublished(f"{slug} {number or ''}")
    content: Content = edition.content
    return content


def public_document(slug: str, language: str, number: int | None = None) -> Document:
    """Return a public edition in a language. Raises NotPublished."""
    return read(public_content(slug, number), language)
