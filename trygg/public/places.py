"""Which municipality the site is about, and its areas as the public pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404
from django.urls import reverse

from trygg.areas import queries
from trygg.areas.queries import AreaType, Values
from trygg.common.maps import Shape
from trygg.public.context import find_publisher

if TYPE_CHECKING:
    from trygg.areas.models import Area, Geography, Typology

SWEDISH_ORDER = str.maketrans("åäö", "{|}")  # the characters after z


@dataclass(frozen=True)
class Place:
    """The municipality of the site. What is not asked for is not looked up."""

    code: str

    @cached_property
    def geography(self) -> Geography:
        return queries.geography_of(self.code, "regso")

    @cached_property
    def areas(self) -> list[Area]:
        """Its areas in the order of their names, å ä ö last."""
        areas = queries.areas_of(self.geography, self.code)
        return sorted(areas, key=lambda area: area.search.translate(SWEDISH_ORDER))

    @cached_property
    def types(self) -> dict[str, AreaType]:
        return queries.area_types(self.geography, self.code)

    @cached_property
    def typology(self) -> Typology | None:
        return queries.latest_typology(self.geography, self.code)

    @cached_property
    def population(self) -> Values | None:
        """Return how many live in each area, None before statistics are loaded."""
        try:
            return queries.values(
                ["population"], self.geography, municipality=self.code
            )
        except ObjectDoesNotExist:
            return None

    def shapes(
        self,
        groups: Mapping[str, str],
        notes: Mapping[str, str],
        here: Sequence[str] = (),
    ) -> list[Shape]:
        """Return the outlines with group and note by area code, ready to be drawn."""
        return [
            Shape(
                path,
                f"{name}: {notes[code]}" if notes.get(code) else name,
                groups.get(code, ""),
                area_address(code),
                code in here,
            )
            for code, name, path in queries.map_paths(self.geography, self.code).areas
        ]


def find_place() -> Place:
    """Return the municipality of the site. Raises Http404 before one has been set."""
    code = find_publisher().municipality
    if not code:
        raise Http404("no municipality has been set: trygg publisher")
    return Place(code)


def area_address(code: str) -> str:
    return reverse("public:area", kwargs={"code": code})
