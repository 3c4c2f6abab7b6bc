"""A picture made by hand, as an edition keeps it: invented figures, square areas."""

from __future__ import annotations

SURVEY = {"sv": "Påhittad undersökning", "en": "Invented survey"}
STATISTICS = {"sv": "Påhittad statistik", "en": "Invented statistics"}


def text(swedish, english):
    return {"sv": swedish, "en": english}


def evidence(name, kind="figure", source=SURVEY, dated="2026", **content):
    label = name if isinstance(name, dict) else text(name, name)
    return {
        "kind": kind,
        "label": label,
        "source": source,
        "dated": dated,
        "content": content,
        "refers_to": "release.figure:1" if kind == "figure" else "",
    }


def statement(part, section, swedish, english, evidence=(), **more):
    return {
        "part": part,
        "section": section,
        "text": text(swedish, english),
        "shown_as": "notes",
        "caption": text("", ""),
        "in_summary": False,
        "is_automatic": True,
        "evidence": list(evidence),
        **more,
    }


def areas():
    """Return a whole and nine square areas of every kind, with their outlines."""
    whole = evidence(
        text("Hela kommunen", "The whole municipality"),
        unit="share", value=0.24, low=0.22, high=0.26, n=4325, is_whole=True,
    )  # fmt: skip
    rows, outlines = [whole], []
    against = ["higher", "higher", "", "", "", "", "lower", "none", ""]
    for i, kind in enumerate(against):
        code = f"99R{i:03}"
        key = {"geography": "square", "area": code, "unit": "share"}
        if kind == "none":
            rows.append(evidence(f"Område {i}", **key, missing="few"))
        else:
            value = {"higher": 0.4, "lower": 0.1}.get(kind, 0.24 + i / 200)
            figures = {"value": value, "low": value - 0.08, "high": value + 0.08}
            rows.append(evidence(f"Område {i}", **key, **figures, n=85, against=kind))
        x, y = 100 * (i % 3), 100 * (i // 3)
        path = f"M{x} {y}h100v100h-100z"
        outlines.append({"geography": "square", "code": code, "path": path})
    return rows, outlines


def content(**changes):
    rows, outlines = areas()
    return {
        "slug": "lagesbild-prov-2026",
        "title": text("Lägesbild för Prov 2026", "Situational picture of Prov 2026"),
        "period": "2026",
        "audience": "internal",
        "number": 2,
        "is_approved": True,
        "made_at": "2026-11-24T13:00:00+00:00",
        "is_synthetic": True,
        "organisations": ["Provköpings kommun", "Polisen i Provköping"],
        "areas": [{"code": "99", "name": "Provköping"}],
        "statements": [
            statement(
                1, "safety",
                "24 procent känner sig otrygga när de går ut ensamma en sen kväll.",
                "24 per cent feel unsafe when out alone late in the evening.",
                [rows[0]], in_summary=True,
            ),
            statement(
                1, "areas", "I två områden är andelen högre än i resten av kommunen.",
                "In two areas the share is higher than in the rest.",
                rows, shown_as="areas",
                caption=text("Otrygga, efter område", "Unsafe, by area"),
            ),
            statement(
                2, "population", "Provköping har 10 000 invånare.",
                "Provköping has 10,000 inhabitants.",
                [
                    evidence(text("Folkmängd", "Population"), "observation", STATISTICS,
                             unit="persons", value=10000, n=10000, dated="2022"),
                    evidence(text("Andel som hyr sin bostad", "Share who rent"),
                             "observation", STATISTICS, unit="percent", value=40.4,
                             decimals=1, n=10000, dated="2022"),
                ],
                shown_as="table", caption=text("Befolkning", "Population"),
            ),
            statement(
                3, "links", "Det går inte att säga om otrygghet följer villkoren.",
                "It cannot be told whether insecurity follows conditions.",
                [evidence(text("Rangkorrelation", "Rank correlation"), "analysis",
                          unit="correlation", decimals=2,
                          value=0.21, low=-0.4, high=0.7, n=8)],
            ),
        ],
        "problems": [
            {
                "what": text("Dålig belysning", "Poor lighting"),
                "when": text("Höstkvällar", "Autumn evenings"),
                "who": text("De som går till bussen", "Those who walk to the bus"),
                "consequences": text("", ""),
                "where": ["Område 1"],
                "on": [text("24 procent …", "24 per cent …")],
            }
        ],
        "gaps": [text("Anmälda brott saknas.", "Reported crime is missing.")],
        "outlines": outlines,
        **changes,
    }  # fmt: skip
