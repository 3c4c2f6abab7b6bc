"""The social compass: two ways of telling areas apart, side by side and never mixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from trygg.areas.queries import AREA_TYPES
from trygg.common import formats
from trygg.common.maps import Group, draw_map
from trygg.common.tables import Head, link, table
from trygg.public.places import Place, area_address

if TYPE_CHECKING:
    from trygg.areas.models import Typology

STABLE, FAIRLY_STABLE = 0.75, 0.6  # bootstrap Jaccard, after Hennig (2007)
WARNINGS = {
    "student_area": gettext_lazy(
        "Many students live here, so the conditions look harder than they are."
    ),
    "few_people": gettext_lazy("Few people live here, so the figures swing."),
}
SHORT_WARNINGS = {
    "student_area": gettext_lazy("many students"),
    "few_people": gettext_lazy("few residents"),
}
LABELS = "ABCDEFGH"


@dataclass(frozen=True)
class OwnGroup:
    """A group of our own, as the page tells of it."""

    letter: str
    code: str  # its class in trygg.css
    size: str
    population: str
    words: str
    stability: str


def in_language(result: Mapping[str, Any], field: str) -> str:
    return str(result[f"{field}_{'en' if get_language() == 'en' else 'sv'}"])


def own_groups(typology: Typology) -> list[OwnGroup]:
    """Return the groups of a run in the order of their labels."""
    return [
        OwnGroup(
            LABELS[group["label"]],
            f"g{group['label'] + 1}",
            ngettext("%(count)s area", "%(count)s areas", group["size"])
            % {"count": group["size"]},
            formats.number(group["population"]),
            in_language(group, "words"),
            stability_in_words(group["stability"]),
        )
        for group in typology.result["groups"]
    ]


def stability_in_words(stability: float) -> str:
    """Say how often a group comes back when the areas are drawn anew."""
    if stability >= STABLE:
        return _("The group is stable: it comes back when the areas are drawn anew.")
    if stability >= FAIRLY_STABLE:
        return _("The group is fairly stable: its borders shift between draws.")
    return _(
        "The group is unstable: it often falls apart when the areas are drawn anew."
    )


def type_name(number: int) -> str:
    return _("Type %(number)s: %(name)s") % {
        "number": number,
        "name": AREA_TYPES[number],
    }


def type_map(place: Place) -> SafeString:
    """Return the map of the national area types, the hardest conditions with lines."""
    count = Counter(kind.number for kind in place.types.values())
    groups = [
        Group(
            f"k{6 - number}",
            f"{type_name(number)} ({count[number]})",
            has_lines=number == 1,
        )
        for number in AREA_TYPES
    ]
    shapes = place.shapes(
        {code: f"k{6 - kind.number}" for code, kind in place.types.items()},
        {code: type_name(kind.number) for code, kind in place.types.items()},
    )
    return draw_map(
        shapes,
        groups,
        ident="types",
        title=_("National area types"),
        description=_("Each area has the colour of its type. The table has the same."),
    )


def group_map(place: Place, typology: Typology) -> SafeString:
    """Return the map of our own groups."""
    letters = {
        member.area.code: LABELS[member.label] for member in typology.members.all()
    }
    groups = [
        Group(group.code, f"{group.letter}: {group.size}")
        for group in own_groups(typology)
    ]
    shapes = place.shapes(
        {code: f"g{LABELS.index(letter) + 1}" for code, letter in letters.items()},
        {
            code: _("group %(letter)s") % {"letter": letter}
            for code, letter in letters.items()
        },
    )
    return draw_map(
        shapes,
        groups,
        ident="groups",
        title=_("Our own groups"),
        description=_("Each area has the colour of its group. The table has the same."),
    )


def area_table(place: Place, typology: Typology | None) -> SafeString:
    """Return all areas with their type, their group, and what to beware of."""
    members = {m.area.code: m for m in typology.members.all()} if typology else {}
    rows = []
    for area in place.areas:
        kind, member = place.types.get(area.code), members.get(area.code)
        rows.append(
            [
                link(area_address(area.code), area.name),
                str(kind.number) if kind else "–",
                LABELS[member.label] if member else "–",
                str(SHORT_WARNINGS[member.warning])
                if member and member.warning
                else "",
            ]
        )
    return table(
        [
            Head(_("Area")),
            Head(_("National type")),
            Head(_("Group")),
            Head(_("Note")),
        ],
        rows,
        ident="all-areas",
        title=_("All areas"),
        description=_("In the order of their names."),
        kind="",
    )


def warned(place: Place, typology: Typology | None) -> list[tuple[str, str]]:
    """Return name and address of each area where many students live."""
    if typology is None:
        return []
    codes = {m.area.code for m in typology.members.all() if m.warning == "student_area"}
    return [(a.name, area_address(a.code)) for a in place.areas if a.code in codes]


def type_source(place: Place) -> str:
    """Return where the types come from, and of which year."""
    years = sorted({kind.period for kind in place.types.values()})
    return _("Source: Statistics Sweden, socio-economic index, %(years)s.") % {
        "years": formats.listed(years)
    }


def own_grouping(place: Place, typology: Typology) -> dict[str, Any]:
    """Return what the page says of our own grouping."""
    result, method = typology.result, typology.method
    years = formats.listed(sorted(set(method["periods"])))
    return {
        "verdict": in_language(result, "sentence"),
        "verdict_basis": _(
            "Tested on %(areas)s areas and %(columns)s conditions together. "
            "Mean silhouette %(silhouette)s, where 1 means clear groups and 0 none."
        )
        % {
            "areas": result["areas"],
            "columns": len(method["columns"]),
            "silhouette": formats.number(result["silhouette"], 2),
        },
        "own_basis": _(
            "We have also sorted the %(areas)s areas ourselves, into %(groups)s groups "
            "that are alike in %(columns)s conditions. "
            "The letters are names, not marks."
        )
        % {
            "areas": result["areas"],
            "groups": len(result["groups"]),
            "columns": len(method["columns"]),
        },
        "groups": own_groups(typology),
        "group_map": group_map(place, typology),
        "own_source": _(
            "Data: %(publishers)s, %(years)s. "
            "Computed by us on %(day)s: Ward’s method "
            "weighted by residents, stability from %(draws)s new draws, tryggstat "
            "%(version)s."
        )
        % {
            "publishers": formats.listed(method["publishers"]),
            "years": years,
            "day": formats.day(typology.computed_at.date()),
            "draws": method["bootstraps"],
            "version": method["version"],
        },
    }
