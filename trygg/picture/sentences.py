"""
The sentences that are built from figures, in Swedish and English.

Plain functions: numbers in, two texts out. Nothing is claimed that the intervals do
not support, areas are not ranked and nobody is called unsafe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trygg.common.formats import NBSP

Text = tuple[str, str]  # Swedish, English

BOUNDS = {
    "<": ("högst ", "at most "),
    ">": ("minst ", "at least "),
    "": ("", ""),
}


@dataclass(frozen=True)
class Share:
    """A share between 0 and 1 with its interval, and what those in it do or think."""

    what: Text  # "känner sig otrygga …", "feel unsafe …"
    value: float
    low: float | None = None
    high: float | None = None
    bound: str = ""

    def is_above(self, other: Share) -> bool:
        """Return whether the intervals alone show that this share is the larger."""
        if self.low is None or other.high is None:
            return False
        return self.low > other.high

    def written(self) -> Text:
        sv, en = BOUNDS[self.bound]
        per_cent = f"{100 * self.value:.0f}"
        return f"{sv}{per_cent} procent", f"{en}{per_cent} per cent"

    def interval(self) -> str:
        if self.low is None or self.high is None:
            return ""
        return f"{100 * self.low:.0f}–{100 * self.high:.0f}"


def count(number: float) -> Text:
    """Return a whole number as it is written in either language."""
    english = f"{number:,.0f}"
    return english.replace(",", NBSP), english


def share(figure: Share) -> Text:
    """Say a share of the residents of the whole municipality, with its interval."""
    sv, en = figure.written()
    brackets_sv = brackets_en = ""
    if span := figure.interval():
        brackets_sv, brackets_en = (
            f" (95 procents intervall {span})",
            f" (95 per cent interval {span})",
        )
    return (
        f"{_capital(sv)} av de boende i kommunen {figure.what[0]}{brackets_sv}.",
        f"{_capital(en)} of residents in the municipality {figure.what[1]}"
        f"{brackets_en}.",
    )


def women_and_men(women: Share, men: Share) -> Text:
    """Set the sexes against each other, with a claim only where intervals part."""
    (w_sv, w_en), (m_sv, m_en) = women.written(), men.written()
    sv = (
        f"Bland kvinnor är andelen {w_sv} ({women.interval()}), bland män {m_sv} "
        f"({men.interval()})."
    )
    en = (
        f"Among women the share is {w_en} ({women.interval()}), among men {m_en} "
        f"({men.interval()})."
    )
    if women.is_above(men) or men.is_above(women):
        return (
            f"{sv} Skillnaden är statistiskt säkerställd.",
            f"{en} The difference is statistically significant.",
        )
    return (
        f"{sv} Det går inte att säga om kvinnor och män skiljer sig åt.",
        f"{en} Whether women and men differ cannot be told.",
    )


def most_common(subject: Text, shares: Sequence[Share]) -> Text:
    """Say which share is the largest, where the intervals let it be said."""
    first = max(shares, key=lambda s: s.value)
    if all(first.is_above(other) for other in shares if other is not first):
        sv, en = first.written()
        return (
            f"{subject[0]}: störst är andelen som {first.what[0]}, {sv} "
            f"({first.interval()}).",
            f"{subject[1]}: the largest share is those who {first.what[1]}, {en} "
            f"({first.interval()}).",
        )
    return (
        f"{subject[0]}: vilken andel som är störst går inte att säga, för intervallen "
        "överlappar.",
        f"{subject[1]}: which share is the largest cannot be told, for the intervals "
        "overlap.",
    )


def by_age(groups: Sequence[Share]) -> Text:
    """Say whether age groups differ at all."""
    if any(a.is_above(b) for a in groups for b in groups):
        return (
            "Andelen skiljer sig mellan åldersgrupper.",
            "The share differs between age groups.",
        )
    return (
        "Det går inte att säga om andelen skiljer sig mellan åldersgrupper.",
        "Whether the share differs between age groups cannot be told.",
    )


def areas_against_rest(
    what: Text, *, higher: int, lower: int, unclear: int, hidden: int
) -> Text:
    """Count the areas in which the share differs from the rest of the municipality."""
    if higher or lower:
        sv = (
            f"Andelen som {what[0]} är högre än i resten av kommunen i "
            f"{_areas_sv(higher)} och lägre i {_areas_sv(lower)}."
        )
        en = (
            f"The share who {what[1]} is higher than in the rest of the municipality "
            f"in {_areas_en(higher)} and lower in {_areas_en(lower)}."
        )
    else:
        sv = (
            f"I inget område är andelen som {what[0]} säkert högre eller lägre än i "
            "resten av kommunen."
        )
        en = (
            f"In no area is the share who {what[1]} clearly higher or lower than in "
            "the rest of the municipality."
        )
    if unclear:
        sv += f" I {_areas_sv(unclear)} går det inte att säga."
        en += f" In {_areas_en(unclear)} it cannot be told."
    if hidden:
        sv += f" För {_areas_sv(hidden)} visas ingen siffra."
        en += f" For {_areas_en(hidden)} no figure is shown."
    return sv, en


def change(before: Share, after: Share, earlier: str) -> Text:
    """Say whether a share has changed since an earlier wave."""
    (b_sv, b_en), (a_sv, a_en) = before.written(), after.written()
    sv = (
        f"Andelen som {after.what[0]} är {a_sv} ({after.interval()}), mot {b_sv} "
        f"({before.interval()}) år {earlier}."
    )
    en = (
        f"The share who {after.what[1]} is {a_en} ({after.interval()}), against "
        f"{b_en} ({before.interval()}) in {earlier}."
    )
    if after.is_above(before):
        return f"{sv} Den har ökat.", f"{en} It has risen."
    if before.is_above(after):
        return f"{sv} Den har minskat.", f"{en} It has fallen."
    return (
        f"{sv} Det går inte att säga om den har ändrats.",
        f"{en} Whether it has changed cannot be told.",
    )


def link(condition: Text, low: float, high: float) -> Text:
    """Say whether insecurity follows a condition across areas, by a correlation."""
    caveat = (
        " Det gäller områden, inte personer, och säger inget om orsaken.",
        " This is about areas, not persons, and says nothing of the cause.",
    )
    if low > 0:
        sv = f"Otryggheten är i regel större i områden där {condition[0]} är högre."
        en = f"Insecurity tends to be higher in areas where {condition[1]} is higher."
    elif high < 0:
        sv = f"Otryggheten är i regel mindre i områden där {condition[0]} är högre."
        en = f"Insecurity tends to be lower in areas where {condition[1]} is higher."
    else:
        return (
            f"Det går inte att säga om otryggheten i områdena följer {condition[0]}.",
            f"Whether insecurity in the areas follows {condition[1]} cannot be told.",
        )
    return sv + caveat[0], en + caveat[1]


GROUPS_OF_INSECURITY = {
    "no_groups": (
        "Det gäller också otryggheten: områdena ligger på en glidande skala och kan "
        "inte delas upp i trygga och otrygga.",
        "The same holds for insecurity: the areas lie on a gradual scale and cannot be "
        "split into safe and unsafe ones.",
    ),
    "groups": (
        "Andelen otrygga delar områdena i skilda grupper med få områden däremellan.",
        "The share who feel unsafe parts the areas into groups with few in between.",
    ),
    "cannot_tell": (
        "Det går inte att säga om andelen otrygga delar områdena i skilda grupper. "
        "Därför kallas inget område tryggt eller otryggt här.",
        "Whether the share who feel unsafe parts the areas into groups cannot be told. "
        "So no area is called safe or unsafe here.",
    ),
}


SMALL = {
    "sv": [
        "inget",
        "ett",
        "två",
        "tre",
        "fyra",
        "fem",
        "sex",
        "sju",
        "åtta",
        "nio",
        "tio",
        "elva",
        "tolv",
    ],
    "en": [
        "no",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ],
}


def _areas_sv(number: int) -> str:
    return f"{_word(number, 'sv')} {'område' if number < 2 else 'områden'}"


def _areas_en(number: int) -> str:
    return f"{_word(number, 'en')} {'area' if number < 2 else 'areas'}"


def _word(number: int, language: str) -> str:
    words = SMALL[language]
    return words[number] if number < len(words) else str(number)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
