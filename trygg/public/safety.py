"""What released survey figures say, in sentences and charts. Nothing else is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from trygg.common import charts, formats
from trygg.common.charts import Row
from trygg.common.maps import Group, draw_map
from trygg.public.places import Place, area_address
from trygg.release.queries import PublishedFigure, group_label

StrOrPromise = str | Promise

MAIN = "insecurity"  # the question that leads and maps tell of
KEYS = ("insecurity", "likes_living_here", "trust_police")  # on the start page

BLOCKS = {
    "safety": gettext_lazy("Safety"),
    "cohesion": gettext_lazy("Neighbours and well-being"),
    "problems": gettext_lazy("Local problems"),
    "worry": gettext_lazy("Worry about crime"),
    "avoidance": gettext_lazy("What people avoid"),
    "victimisation": gettext_lazy("What people have met with"),
    "trust": gettext_lazy("Trust"),
}
AGAINST = {
    "higher": gettext_lazy("more common than in the rest of the municipality"),
    "lower": gettext_lazy("less common than in the rest of the municipality"),
}
MOST_LISTED = 5  # answers that a sentence names
MAP_GROUPS: dict[str | None, tuple[str, StrOrPromise]] = {
    "higher": (
        "more",
        gettext_lazy("More common than in the rest of the municipality"),
    ),
    "": ("k0", gettext_lazy("Cannot be told")),
    "lower": ("less", gettext_lazy("Less common than in the rest")),
    None: ("few", gettext_lazy("Too few answers")),
}


@dataclass(frozen=True)
class AreaSafety:
    """What the page of an area tells of how safe people feel there."""

    lead: str
    summary: str
    caution: str
    main: SafeString
    more: list[tuple[str, SafeString]]
    problem_summary: str
    problems: SafeString
    source: str
    is_synthetic: bool


def of_area(
    here: Sequence[PublishedFigure], whole: Sequence[PublishedFigure]
) -> AreaSafety | None:
    """Return what the released figures say of an area; None where there are none."""
    here = [figure for figure in here if figure.kind == "share" and not figure.group]
    if not here:
        return None
    reference = {figure.question.code: figure.value for figure in whole}
    blocks = {
        block: [figure for figure in here if figure.question.block == block]
        for block in BLOCKS
    }
    main = next((figure for figure in here if figure.question.code == MAIN), here[0])
    more = [
        (str(BLOCKS[block]), chart(blocks[block], reference, block, BLOCKS[block]))
        for block in BLOCKS
        if block not in ("safety", "problems") and blocks[block]
    ]
    return AreaSafety(
        lead=sentence(main),
        summary=differences(here),
        caution=_caution(main),
        main=chart(blocks["safety"], reference, "safety", BLOCKS["safety"]),
        more=more,
        problem_summary=differences(blocks["problems"]),
        problems=chart(blocks["problems"], reference, "problems", BLOCKS["problems"]),
        source=source(main),
        is_synthetic=main.is_synthetic,
    )


def source(figure: PublishedFigure) -> str:
    """Say where a figure comes from, how it was made and when it was released."""
    return _("%(source)s %(method)s Released on %(day)s.") % {
        "source": figure.source,
        "method": figure.method,
        "day": formats.day(figure.dated),
    }


def sentence(figure: PublishedFigure) -> str:
    """Say a figure, and whether it can be told from the rest of the municipality."""
    if figure.value is None:
        return _("Too few have answered for us to say how safe people feel here.")
    said = f"{written(figure)} {figure.question.headline}"
    if figure.against_rest:
        how = AGAINST[figure.against_rest]
        return _("%(said)s. That is %(how)s.") % {"said": said, "how": how}
    return _(
        "%(said)s. Whether that differs from the rest of the municipality "
        "cannot be told."
    ) % {"said": said}


def written(figure: PublishedFigure) -> str:
    if figure.value is None:
        return _("too few answers")
    return formats.share_with_interval(
        figure.value, figure.low, figure.high, figure.bound
    )


def differences(figures: Sequence[PublishedFigure]) -> str:
    """Say in what the answers differ from the rest, and that the others do not tell."""
    shown = [figure for figure in figures if figure.value is not None]
    if not shown:
        return _("Too few have answered for any figure to be shown.")
    parts = [
        _("%(how)s: that people %(what)s")
        % {"how": formats.capital(str(how)), "what": _some(shown, against)}
        for against, how in AGAINST.items()
        if any(figure.against_rest == against for figure in shown)
    ]
    untold = sum(not figure.against_rest for figure in shown)
    parts.append(
        ngettext(
            "For %(count)s question it cannot be told whether the area differs",
            "For %(count)s questions it cannot be told whether the area differs",
            untold,
        )
        % {"count": untold}
    )
    return ". ".join(parts) + "."


def _some(figures: Sequence[PublishedFigure], against: str) -> str:
    """Name the first answers that differ that way, and count the others."""
    words = [
        figure.question.headline for figure in figures if figure.against_rest == against
    ]
    others = len(words) - MOST_LISTED
    if others > 0:
        words = [
            *words[:MOST_LISTED],
            ngettext("%(count)s thing more", "%(count)s things more", others)
            % {"count": others},
        ]
    return formats.listed(words)


def chart(
    figures: Sequence[PublishedFigure],
    reference: dict[str, float | None],
    ident: str,
    title: StrOrPromise,
    *,
    here: str = "",
) -> SafeString:
    """Return the shares of an area with intervals, beside those of the municipality."""
    rows = [
        Row(
            figure.question.headline,
            figure.value,
            figure.low,
            figure.high,
            reference.get(figure.question.code),
            figure.bound,
            note=_note(figure),
            base=figure.base,
        )
        for figure in figures
    ]
    return charts.shares(
        rows,
        ident=f"figures-{ident}",
        title=str(title),
        description=_("The dot is the share, the pale band its interval.")
        if here
        else _(
            "The dot is the share here, the pale band its interval, the stroke the "
            "whole municipality."
        ),
        first=_("Share of residents who"),
        value_head=here or _("Here"),
        reference_head="" if here else _("Municipality"),
    )


def _note(figure: PublishedFigure) -> str:
    if figure.value is None:
        return _("too few answers")
    return str(AGAINST[figure.against_rest]) if figure.against_rest else ""


def _caution(figure: PublishedFigure) -> str:
    if figure.value is not None and figure.is_uncertain:
        return _(
            "About %(count)s people answered here, so the figures are uncertain."
        ) % {"count": figure.base}
    return ""


def difference_map(place: Place, figures: Sequence[PublishedFigure]) -> SafeString:
    """Return the map of where a share differs; what chance may explain is grey."""
    group = {
        f.area.code: MAP_GROUPS[None if f.value is None else f.against_rest]
        for f in figures
    }
    count = {code: 0 for code, _label in MAP_GROUPS.values()}
    for code, _label in group.values():
        count[code] += 1
    groups = [
        Group(code, f"{label} ({count[code]})", has_lines=code == "more")
        for code, label in MAP_GROUPS.values()
        if count[code]
    ]
    return draw_map(
        place.shapes(
            {area: code for area, (code, _label) in group.items()},
            {figure.area.code: written(figure) for figure in figures},
        ),
        groups,
        ident="differs",
        title=_("Where more or fewer %(what)s")
        % {"what": figures[0].question.headline},
        description=_(
            "An area has colour only where its difference from the rest of the "
            "municipality holds. The table has every figure."
        ),
    )


def finding(figures: Sequence[PublishedFigure]) -> str:
    """Say in how many areas a share differs, and in how many it cannot be told."""
    told = [figure for figure in figures if figure.value is not None]
    higher = sum(figure.against_rest == "higher" for figure in told)
    lower = sum(figure.against_rest == "lower" for figure in told)
    return _(
        "In %(higher)s of %(all)s areas it is more common than in the rest of the "
        "municipality that residents %(what)s, and in %(lower)s it is less common. In "
        "%(untold)s areas it cannot be told: the answers there fit as well with no "
        "difference at all."
    ) % {
        "all": len(told),
        "what": figures[0].question.headline,
        "higher": higher,
        "lower": lower,
        "untold": len(told) - higher - lower,
    }


@dataclass(frozen=True)
class Key:
    """One share for the whole municipality, as the start page shows it."""

    value: str
    words: str
    range: str


@dataclass(frozen=True)
class Overview:
    """What the start page tells of how safe people feel."""

    keys: list[Key]
    finding: str
    map: SafeString
    source: str
    is_synthetic: bool


def overview(
    place: Place,
    whole: Sequence[PublishedFigure],
    by_area: Sequence[PublishedFigure],
) -> Overview | None:
    """Return what the newest release says of the municipality; None without one."""
    known = {figure.question.code: figure for figure in whole if not figure.group}
    main = known.get(MAIN)
    if main is None or not by_area:
        return None
    return Overview(
        keys=[_key(known[code]) for code in KEYS if code in known],
        finding=finding(by_area),
        map=difference_map(place, by_area),
        source=source(main),
        is_synthetic=main.is_synthetic,
    )


def _key(figure: PublishedFigure) -> Key:
    if figure.value is None:
        return Key("–", figure.question.headline, figure.reason_text)
    limits = ""
    if figure.low is not None and figure.high is not None:
        limits = _(
            "between %(low)s and %(high)s per cent with 95 per cent certainty"
        ) % {
            "low": formats.number(100 * figure.low),
            "high": formats.number(100 * figure.high),
        }
    answers = _("%(count)s answers") % {"count": formats.number(figure.base or 0)}
    return Key(
        formats.share(figure.value, figure.bound),
        figure.question.headline,
        ", ".join(filter(None, (limits, answers))),
    )


def area_figures(
    place: Place, figures: Sequence[PublishedFigure], whole: PublishedFigure
) -> SafeString:
    """Return every area's share of one question, in the order of their names."""
    order = {area.code: number for number, area in enumerate(place.areas)}
    rows = [
        Row(
            figure.area.name,
            figure.value,
            figure.low,
            figure.high,
            whole.value,
            figure.bound,
            note=_note(figure),
            href=area_address(figure.area.code),
            base=figure.base,
        )
        for figure in sorted(figures, key=lambda f: order.get(f.area.code, 0))
    ]
    return charts.shares(
        rows,
        ident="every-area",
        title=formats.capital(whole.question.headline),
        description=_("The areas stand in the order of their names."),
        first=_("Area"),
        value_head=_("Share"),
        reference_head=_("Municipality"),
    )


def groups(figures: Sequence[PublishedFigure]) -> SafeString:
    """Return one share for women and men, and by age, in the whole municipality."""
    rows = [
        Row(
            formats.capital(group_label(figure.group)) if figure.group else _("All"),
            figure.value,
            figure.low,
            figure.high,
            None,
            figure.bound,
            note=figure.reason_text,
            base=figure.base,
        )
        for figure in sorted(figures, key=lambda f: (f.group != "", f.group))
    ]
    return charts.shares(
        rows,
        ident="groups-table",
        title=formats.capital(figures[0].question.headline),
        description=_("The dot is the share, the pale band its interval."),
        first=_("Residents"),
        value_head=_("Share"),
    )
