"""
One document, three renderings: what page, PDF and DOCX are made of.

`freeze` gathers a picture as plain values in both languages: that is what an edition
keeps. `read` turns them into a Document in one language, with every number written
out; html.py, pdf.py and docx.py only lay it out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from trygg.areas.models import Area
from trygg.common import charts, formats
from trygg.picture.models import (
    Audience,
    Part,
    Section,
    SituationalPicture,
    Statement,
)

Content = dict[str, Any]
NAMED_AREAS = 12  # at most so many areas are named on the front page


# --------------------------------------------------------------------------- freezing


def freeze(
    picture: SituationalPicture,
    audience: str,
    *,
    number: int,
    at: datetime,
    is_approved: bool,
) -> Content:
    """Return all that an edition keeps; for the public, only what may be published."""
    public = audience == Audience.PUBLIC
    entries = {"removed_at": None, **({"is_public": True} if public else {})}
    statements = [
        statement
        for statement in picture.statements.filter(**entries)
        .prefetch_related("evidence")
        .order_by("part", "order", "pk")
        if not public or all(e.is_public for e in statement.evidence.all())
    ]
    kept = {statement.pk for statement in statements}
    problems = (
        picture.problems.filter(**entries)
        .prefetch_related("where", "statements")
        .order_by("order", "pk")
    )
    areas = sorted(picture.areas.all(), key=lambda area: area.code)
    return {
        "slug": picture.slug,
        "title": _both(picture, "title"),
        "period": picture.period,
        "audience": audience,
        "number": number,
        "is_approved": is_approved,
        "made_at": at.isoformat(timespec="seconds"),
        "is_synthetic": picture.is_synthetic,
        "organisations": sorted(o.name for o in picture.organisations.all()),
        "areas": [{"code": area.code, "name": area.name} for area in areas],
        "statements": [_frozen_statement(statement) for statement in statements],
        "problems": [
            {
                **{
                    name: _both(problem, name)
                    for name in ("what", "when", "who", "consequences")
                },
                "where": sorted(area.name for area in problem.where.all()),
                "on": [
                    _both(statement, "text")
                    for statement in problem.statements.all()
                    if statement.pk in kept
                ],
            }
            for problem in problems
        ],
        "gaps": [
            _both(gap, "text")
            for gap in picture.gaps.filter(**entries).order_by("order", "pk")
        ],
        "outlines": _outlines(statements),
    }


def digest(content: Content) -> str:
    """Return the SHA-256 of a content, by which a change would show."""
    canonical = json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _both(thing: Any, name: str) -> dict[str, str]:
    return {"sv": getattr(thing, f"{name}_sv"), "en": getattr(thing, f"{name}_en")}


def _frozen_statement(statement: Statement) -> Content:
    return {
        "part": statement.part,
        "section": statement.section,
        "text": _both(statement, "text"),
        "shown_as": statement.shown_as,
        "caption": _both(statement, "caption"),
        "in_summary": statement.in_summary,
        "is_automatic": statement.is_automatic,
        "evidence": [
            {
                "kind": evidence.kind,
                "label": _both(evidence, "label"),
                "source": _both(evidence, "source"),
                "dated": evidence.dated,
                "content": evidence.content,
                "refers_to": evidence.refers_to,
            }
            for evidence in sorted(statement.evidence.all(), key=lambda e: e.order)
        ],
    }


def _outlines(statements: Iterable[Statement]) -> list[Content]:
    """Return the outlines that the maps need, as they were when it was frozen."""
    wanted = {
        (e.content.get("geography"), e.content.get("area"))
        for statement in statements
        if statement.shown_as == "areas"
        for e in statement.evidence.all()
    }
    rows = Area.objects.filter(
        geography__code__in={geography for geography, _code in wanted if geography},
        code__in={code for _geography, code in wanted if code},
    ).select_related("geography")
    return [
        {"geography": row.geography.code, "code": row.code, "path": row.path}
        for row in rows.order_by("geography__code", "code")
        if row.path and (row.geography.code, row.code) in wanted
    ]


# --------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class Finding:
    """A statement, and below it what it rests on."""

    text: str
    notes: list[str] = field(default_factory=list)
    kind: str = "finding"


@dataclass(frozen=True)
class ChartRow:
    """A figure in words, and what to draw of it (shares between 0 and 1)."""

    label: str
    figure: str  # "31 % (24–39)", or why there is none
    n: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: str = ""


@dataclass(frozen=True)
class RowGroup:
    title: str
    rows: list[ChartRow]


@dataclass(frozen=True)
class Chart:
    """Shares with their intervals, a dot and a line each, beside the figures."""

    title: str
    about: str
    heads: list[str]  # of the label, the figure and the n
    groups: list[RowGroup]
    end: float  # where the scale ends
    end_text: str
    reference: float | None
    reference_text: str
    source: str
    kind: str = "chart"


@dataclass(frozen=True)
class Outline:
    path: str
    label: str
    group: str


@dataclass(frozen=True)
class MapGroup:
    code: str
    label: str


@dataclass(frozen=True)
class Map:
    title: str
    alt: str
    shapes: list[Outline]
    groups: list[MapGroup]
    source: str
    kind: str = "map"


@dataclass(frozen=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[str]]
    source: str
    numeric: list[int] = field(default_factory=list)  # columns set to the right
    kind: str = "table"


@dataclass(frozen=True)
class Heading:
    text: str
    ident: str
    kind: str = "heading"


@dataclass(frozen=True)
class Facts:
    """Terms and what is said of them; the first of a problem is what it is."""

    title: str
    rows: list[tuple[str, str]]
    kind: str = "facts"


@dataclass(frozen=True)
class Bullets:
    items: list[str]
    kind: str = "bullets"


Block = Finding | Chart | Map | Table | Heading | Facts | Bullets


@dataclass(frozen=True)
class Chapter:
    ident: str
    title: str
    lead: str
    blocks: list[Block]


@dataclass(frozen=True)
class Document:
    """A situational picture in one language, ready to be laid out."""

    language: str
    word: str  # "Situational picture"
    title: str
    period: str
    status: str
    synthetic: str  # the mark that stands on every page, empty for real data
    facts: list[tuple[str, str]]
    summary_title: str
    summary: list[str]
    contents_title: str
    page_word: str
    chapters: list[Chapter]


def read(content: Content, language: str) -> Document:
    """Return the document in a language; what lacks English is read in Swedish."""
    with override(language):
        return _read(content, language)


def _read(content: Content, language: str) -> Document:
    def say(text: Mapping[str, str]) -> str:
        return text.get(language) or text["sv"]

    made = timezone.localtime(datetime.fromisoformat(content["made_at"]))
    day = formats.day(made.date())
    number = content["number"]
    if content["is_approved"]:
        status = _("Edition %(number)s, approved %(day)s") % {
            "number": number,
            "day": day,
        }
    else:
        status = _("Draft %(number)s of %(day)s, not approved") % {
            "number": number,
            "day": day,
        }
    statements = content["statements"]
    parts = [
        _part(part, [s for s in statements if s["part"] == part], content, say)
        for part in Part
    ]
    synthetic = content["is_synthetic"]
    return Document(
        language=language,
        word=_("Situational picture"),
        title=say(content["title"]),
        period=content["period"],
        status=status,
        synthetic=_("Demonstration: the survey answers are synthetic, not real")
        if synthetic
        else "",
        facts=_front(content, status),
        summary_title=_("In short"),
        summary=[say(s["text"]) for s in statements if s["in_summary"]],
        contents_title=_("Contents"),
        page_word=_("page"),
        chapters=[
            *parts,
            _problems(content, say),
            _unknown(content, say),
            _method(content, say),
        ],
    )


def _front(content: Content, status: str) -> list[tuple[str, str]]:
    names = [area["name"] for area in content["areas"]]
    where = (
        formats.listed(names)
        if len(names) <= NAMED_AREAS
        else ngettext("%(n)s area", "%(n)s areas", len(names)) % {"n": len(names)}
    )
    facts = [
        (_("Covers"), where),
        (_("Period"), content["period"]),
        (_("Edition"), status),
    ]
    if content["organisations"]:
        facts.append((_("Made together by"), formats.listed(content["organisations"])))
    if content["audience"] == Audience.PUBLIC:
        facts.append((_("For"), _("everybody")))
    else:
        facts.append((_("For"), _("the parties to the cooperation: internal")))
    return facts


def _part(part: Part, statements: Sequence[Content], content: Content, say: Any) -> Any:
    blocks: list[Block] = []
    order = list(Section.values)
    in_order = sorted(statements, key=lambda s: order.index(s["section"]))
    for section, members in groupby(in_order, key=lambda s: s["section"]):
        blocks.append(Heading(str(Section(section).label), section))
        for statement in members:
            blocks.extend(_blocks(statement, content, say))
    if not blocks:
        blocks.append(Finding(_("This part is still empty.")))
    return Chapter(
        ident=f"part-{part.value}",
        title=_("Part %(number)s: %(what)s")
        % {"number": part.value, "what": part.label},
        lead="",
        blocks=blocks,
    )


def _blocks(statement: Content, content: Content, say: Any) -> list[Block]:
    text, evidence = say(statement["text"]), statement["evidence"]
    title, source = say(statement["caption"]) or text, sources(evidence, say)
    match statement["shown_as"]:
        case "chart":
            groups = [RowGroup("", [_chart_row(e, say) for e in evidence])]
            return [Finding(text), _chart(title, groups, None, "", source)]
        case "areas":
            return [Finding(text), *_areas(title, evidence, content, say, source)]
        case "table":
            return [Finding(text), _table(title, evidence, say, source)]
        case _:
            return [Finding(text, [note(e, say) for e in evidence])]


def note(evidence: Content, say: Any) -> str:
    """Return a piece of evidence in one line: figure, interval, n, source and date."""
    content = evidence["content"]
    figure = figure_text(content)
    parts = [
        f"{say(evidence['label'])}: {figure}" if figure else say(evidence["label"])
    ]
    if content.get("low") is not None and content.get("unit") != "share":
        parts.append(
            _("interval %(low)s to %(high)s")
            % {
                "low": _amount(content["low"], content),
                "high": _amount(content["high"], content),
            }
        )
    if content.get("n") is not None:
        parts.append(f"n = {formats.number(content['n'])}")
    parts.append(f"{say(evidence['source'])}, {evidence['dated']}")
    return "; ".join(parts)


def figure_text(content: Content) -> str:
    """Return the figure of a piece of evidence in words; empty where it has none."""
    if content.get("missing"):
        return missing_text(content["missing"])
    if content.get("value") is None:
        return ""
    if content.get("unit") == "share":
        return formats.share_with_interval(
            content["value"],
            content.get("low"),
            content.get("high"),
            content.get("bound", ""),
        )
    return _amount(content["value"], content)


def missing_text(reason: str) -> str:
    if reason == "few":
        return _("too few answers")
    return _("not shown, out of regard for individuals")


def _amount(value: float, content: Content) -> str:
    decimals = content.get("decimals", 0)
    match content.get("unit"):
        case "percent":
            return formats.percent(value, decimals)
        case "points":
            return _("%(n)s percentage points") % {"n": formats.number(value, decimals)}
        case "tkr":
            return _("SEK %(n)s thousand") % {"n": formats.number(value, decimals)}
        case _:
            return formats.number(value, decimals)


def sources(evidence: Iterable[Content], say: Any) -> str:
    """Return each source once, with its dates."""
    dates: dict[str, list[str]] = {}
    for e in evidence:
        known = dates.setdefault(say(e["source"]), [])
        if e["dated"] not in known:
            known.append(e["dated"])
    return "; ".join(f"{name}, {', '.join(sorted(on))}" for name, on in dates.items())


def _chart_row(evidence: Content, say: Any) -> ChartRow:
    content = evidence["content"]
    n = content.get("n")
    return ChartRow(
        label=say(evidence["label"]),
        figure=figure_text(content),
        n="–" if n is None else formats.number(n),
        value=content.get("value"),
        low=content.get("low"),
        high=content.get("high"),
        bound=content.get("bound", ""),
    )


def _chart(
    title: str,
    groups: list[RowGroup],
    reference: float | None,
    reference_text: str,
    source: str,
) -> Chart:
    rows = [row for group in groups for row in group.rows]
    ends = [x for row in rows for x in (row.value, row.high) if x is not None]
    end = charts.scale_end(max(ends, default=1.0))
    about = _("The dot is the share, the line its 95% interval.")
    if reference is not None:
        about += " " + reference_text
    return Chart(
        title=title,
        about=about,
        heads=["", _("share (95% interval)"), _("answers")],
        groups=groups,
        end=end,
        end_text=formats.share(end),
        reference=reference,
        reference_text=reference_text,
        source=source,
    )


def _areas(
    title: str, evidence: list[Content], content: Content, say: Any, source: str
) -> list[Block]:
    """Return a map and a chart of areas, by what can be said of them."""
    whole = [e for e in evidence if e["content"].get("is_whole")]
    areas = [e for e in evidence if not e["content"].get("is_whole")]
    kinds = [
        ("higher", _("Higher than in the rest of the municipality")),
        ("", _("Cannot be told apart from the rest")),
        ("lower", _("Lower than in the rest of the municipality")),
        ("none", _("No figure is shown")),
    ]
    members = {
        code: [e for e in areas if _kind(e["content"]) == code]
        for code, _title in kinds
    }
    groups = [
        RowGroup(f"{label} ({len(members[code])})", [_chart_row(e, say) for e in rows])
        for code, label in kinds
        if (rows := members[code])
    ]
    reference = whole[0]["content"]["value"] if whole else None
    reference_text = (
        _("The upright line is the whole municipality: %(figure)s.")
        % {"figure": figure_text(whole[0]["content"])}
        if whole
        else ""
    )
    paths = {(o["geography"], o["code"]): o["path"] for o in content["outlines"]}
    shapes = [
        Outline(
            path=paths[key],
            label=f"{say(e['label'])}: {figure_text(e['content'])}",
            group=_kind(e["content"]) or "same",
        )
        for e in areas
        if (key := (e["content"].get("geography"), e["content"].get("area"))) in paths
    ]
    chart = _chart(title, groups, reference, reference_text, source)
    if not shapes:
        return [chart]
    counts = [
        f"{label.lower()}: {len(members[code])}"
        for code, label in kinds
        if members[code]
    ]
    alt = _("Map of %(n)s areas. %(counts)s. The chart that follows names them.") % {
        "n": len(shapes),
        "counts": formats.capital("; ".join(counts)),
    }
    legend = [MapGroup(code or "same", label) for code, label in kinds if members[code]]
    return [Map(title, alt, shapes, legend, source), chart]


def _kind(content: Content) -> str:
    if content.get("value") is None:
        return "none"
    return str(content.get("against", ""))


def _table(title: str, evidence: list[Content], say: Any, source: str) -> Table:
    """Return a table of statistics: the area, the reference where there is one, n."""
    has_reference = any("reference" in e["content"] for e in evidence)
    columns = ["", _("value")]
    if has_reference:
        columns.append(
            next(
                say(e["content"]["reference_label"])
                for e in evidence
                if "reference" in e["content"]
            )
        )
    columns += [_("based on"), _("year")]
    rows = []
    for e in evidence:
        content = e["content"]
        row = [say(e["label"]), figure_text(content) or "–"]
        if has_reference:
            reference = content.get("reference")
            row.append("–" if reference is None else _amount(reference, content))
        n = content.get("n")
        row += ["–" if n is None else formats.number(n), e["dated"]]
        rows.append(row)
    return Table(title, columns, rows, source, list(range(1, len(columns))))


def _problems(content: Content, say: Any) -> Chapter:
    blocks: list[Block] = []
    for problem in content["problems"]:
        rows = [
            (_("Where"), formats.listed(problem["where"])),
            (_("When"), say(problem["when"])),
            (_("Who is affected"), say(problem["who"])),
            (_("Consequences"), say(problem["consequences"])),
            (_("Rests on"), " ".join(say(text) for text in problem["on"])),
        ]
        blocks.append(
            Facts(say(problem["what"]), [(term, what) for term, what in rows if what])
        )
    if not blocks:
        blocks.append(Finding(_("No problem has been pointed out.")))
    return Chapter(
        ident="problems",
        title=_("Problems that the picture points out"),
        lead=_(
            "What the municipality and the police see as problems after weighing the "
            "parts above. It is a judgement, not a measurement."
        ),
        blocks=blocks,
    )


def _unknown(content: Content, say: Any) -> Chapter:
    gaps = [say(gap) for gap in content["gaps"]]
    return Chapter(
        ident="unknown",
        title=_("What we do not know"),
        lead="",
        blocks=[
            Bullets(gaps) if gaps else Finding(_("No information gap has been noted."))
        ],
    )


def _method(content: Content, say: Any) -> Chapter:
    evidence = [e for s in content["statements"] for e in s["evidence"]]
    rows = sorted({(say(e["source"]), e["dated"]) for e in evidence})
    blocks: list[Block] = [
        Finding(
            _(
                "The picture has the three parts that the Act (2023:196) on the "
                "responsibility of municipalities for crime prevention demands: a "
                "mapping, other information, and an analysis of both. Sentences on "
                "figures are "
                "built by the system from stored figures; people have added their own "
                "judgements, and two persons have stood behind each approved edition."
            )
        ),
        Finding(
            _(
                "A survey asks some to speak for all, so each share has an interval. "
                "With a method like this, 95 intervals of 100 hold the share that "
                "everybody's answer would have given. “n” is how many answered, "
                "rounded to the nearest five."
            )
        ),
        Finding(
            _(
                "An area is said to be higher or lower than the rest only where the "
                "difference is statistically significant after allowing for how many "
                "areas are compared (Benjamini and Hochberg). Otherwise it cannot be "
                "told apart: that is not the same as being alike. Areas are not ranked."
            )
        ),
        Finding(
            _(
                "Figures that could point out individuals, or rest on fewer than 30 "
                "answers, are not shown."
            )
        ),
    ]
    if content["is_synthetic"]:
        blocks.append(
            Finding(
                _(
                    "This is a demonstration. The survey answers were made by a "
                    "computer, the problems and conclusions were written as examples: "
                    "nothing of that may be quoted as a fact about the place. The "
                    "statistics on population and "
                    "conditions are real where a public source is named."
                )
            )
        )
    if rows:
        blocks.append(
            Table(
                _("Sources"),
                [_("Source"), _("date or period")],
                [[name, dated] for name, dated in rows],
                "",
            )
        )
    return Chapter(
        ident="method", title=_("Sources and method"), lead="", blocks=blocks
    )
