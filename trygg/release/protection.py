"""
What may be shown of one question, worked out jointly over all its tables.

The tables are options by area, and for the whole municipality options by sex and by
age. What a reader sees are weighted shares in whole per cent, and bases rounded to 5;
the audit lets the attacker know more than that:

* of every row (area, sex, age, municipality) with enough respondents their number, and
  every published count in that row, exactly;
* across rows, that areas, sexes and ages add up to the municipality, with the counts of
  municipality, sexes and ages known to within `ROOM` of their base. That is half of
  what rounding to whole per cent leaves open, because the ends of the confidence
  interval say something about a share too.

Where that room is at least the window that a hidden cell must keep, sums over areas say
nothing more about a cell: persons can be moved between two options of one area, and the
sums stay within their room. So each row can be protected by itself. Elsewhere all rows
are protected as one, with exact sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tryggstat.disclosure import CannotProtect, Rules, protect
from tryggstat.disclosure.audit import Relation

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

ROOM = 0.0025  # of the base: half of the rounding to whole per cent
HEADLINE, REST, TOTAL = -3, -2, -1  # places after the options in a row of cells

Certificate = Mapping[str, int | float | None]


@dataclass(frozen=True)
class PublicationRules:
    """The thresholds in force: G1 to G4 of the rules for what may be published."""

    version: str = "1"
    fewest_for_percent: int = 30
    certain_from: int = 100
    smallest_cell: int = 5
    smallest_sensitive_cell: int = 10
    nearly_all: float = 0.95
    nearly_all_of_few: float = 0.90
    few: int = 60
    base_rounded_to: int = 5
    # Few tables do more for use and protection than many: what is shown of an area is
    # each question's headline; single options are shown for the whole municipality.
    options_by_area: bool = False

    def cell(self, is_sensitive: bool) -> int:
        return self.smallest_sensitive_cell if is_sensitive else self.smallest_cell


RULES = PublicationRules()


@dataclass(frozen=True)
class Tables:
    """
    The respondents to one question: by place (rows) and option (columns).

    `kinds` says of each row whether it is the municipality ("all", the first row), an
    "area", a "sex" or an "age". The rows of a kind add up to the first; those whose sex
    or age is not known are rows too, marked in `never_shown`.
    """

    counts: Ints
    kinds: Sequence[str]
    never_shown: Mask
    counted: Mask  # options that count in the headline

    def merged(self, small: Mask) -> tuple[Ints, list[str]]:
        """
        Return counts and kinds with the small rows of each kind added up to one.

        A kind without a row that may be shown is left out.
        """
        kinds = np.array(self.kinds)
        counts, names = [self.counts[~small]], kinds[~small].tolist()
        for kind in dict.fromkeys(kinds[small].tolist()):
            if kind in names:
                counts.append(self.counts[small & (kinds == kind)].sum(axis=0)[None])
                names.append(kind)
        return np.concatenate(counts), names


@dataclass(frozen=True)
class Decision:
    """What may be shown, and what the audit found about the rest."""

    options: Mask  # (places, options)
    headline: Mask  # (places,)
    certificate: Certificate


def decide(
    tables: Tables, *, is_sensitive: bool, rules: PublicationRules = RULES
) -> Decision:
    """
    Say which shares of a question may be shown.

    Rows with too few respondents are not shown at all. Of these only the sum is taken
    to be known: for the audit those of a kind are one row, all hidden.
    """
    window = rules.cell(is_sensitive)
    base = tables.counts.sum(axis=1)
    small = (base < rules.fewest_for_percent) | tables.never_shown
    options = np.zeros(tables.counts.shape, dtype=bool)
    headline = np.zeros(base.size, dtype=bool)
    if small[0]:
        return Decision(options, headline, {"targets": 0})
    in_template = (np.array(tables.kinds) != "area") | rules.options_by_area
    slack = _slack(base, tables.kinds)
    if slack >= window:
        kinds = [kind for kind, no in zip(tables.kinds, small, strict=True) if not no]
        cells = _with_totals(tables.counts[~small], tables.counted)
        shown, found = each_row(
            cells,
            tables.counted,
            window,
            _cost(cells, kinds),
            with_options=in_template[~small],
        )
    else:
        _hide_enough(small, base, tables.kinds, 2 * window)
        shown, found = _all_rows(tables, small, window)
        # To leave out what was found safe to show only widens what is hidden.
        shown[:, :HEADLINE] &= in_template[~small, None]
    options[~small] = shown[:, :HEADLINE]
    headline[~small] = shown[:, HEADLINE]
    return Decision(options, headline, {**found, "window": window, "slack": slack})


def each_row(
    cells: Ints,
    counted: Mask,
    window: int,
    cost: NDArray[np.float64],
    *,
    with_options: Mask | bool = True,
) -> tuple[Mask, Certificate]:
    """
    Choose for each row by itself the cheapest cells to hide, of all choices there are.

    With the total known, and headline and rest adding up to it, the hidden options of
    one side of the headline can be anything from 0 to their sum; if headline and rest
    are hidden too, anything from 0 to the sum of both sides. (A small option that is
    hidden alone can be nothing but itself, but there the sum is below the window too.)
    Rows that are not `with_options` have every option hidden to begin with.

    Returns
    -------
    Which of the cells are shown, and what was found about the others.
    """
    rows = cells[:, :TOTAL]
    sides = [np.append(side, [False, False]) for side in (counted, ~counted)]
    size = rows.shape[1]
    hidden = np.arange(2**size)[:, None] >> np.arange(size) & 1 == 1  # every choice
    sums = np.stack([(hidden * side) @ rows.T for side in sides])  # side, choice, row
    is_open = hidden[:, HEADLINE + 1] & hidden[:, REST + 1]
    both = np.where(is_open[:, None], sums.sum(axis=0), 0)
    of_side = np.where(is_open[:, None], both, sums)
    width = np.where(sides[0], of_side[0][..., None], of_side[1][..., None])
    width[..., HEADLINE + 1 :] = both[..., None]  # (choices, rows, cells)
    small = rows < window
    small[:, HEADLINE + 1 :] &= has_headline(counted)
    is_safe = (~small | hidden[:, None] & (width >= window)).all(axis=2)
    hides_options = hidden[:, : HEADLINE + 1].all(axis=1)
    is_safe &= hides_options[:, None] | with_options
    price = np.where(is_safe, hidden @ cost.reshape(cells.shape)[:, :TOTAL].T, np.inf)
    best = price.argmin(axis=0)
    chosen = hidden[best] | ~is_safe.any(axis=0)[:, None]
    reached = width[best, np.arange(len(rows))][small]
    return np.column_stack([~chosen, np.full(len(rows), True)]), {
        "targets": int(small.sum()),
        "programs": 0,
        "smallest_window": int(reached.min()) if reached.size else None,
        "exactly_disclosed": int((reached == 0).sum()),
        "too_narrow": int((reached < window).sum()),
    }


def has_headline(counted: Mask) -> bool:
    """Say whether the options have two sides; else headline or rest is always empty."""
    return bool(counted.any() and not counted.all())


def _all_rows(tables: Tables, small: Mask, window: int) -> tuple[Mask, Certificate]:
    """Protect all rows together: what the sums over places tell is heeded."""
    counts, kinds = tables.merged(small)
    cells = _with_totals(counts, tables.counted)
    known = np.zeros(cells.shape, dtype=bool)
    known[:, TOTAL] = True
    if not has_headline(tables.counted):
        known[:, HEADLINE:] = True
    hidden_row = np.zeros(cells.shape, dtype=bool)
    hidden_row[(~small).sum() :] = True
    hidden_row &= ~known
    try:
        protection = protect(
            cells.ravel(),
            _sums_within(cells.shape, tables.counted)
            + _sums_across(cells.shape, kinds),
            rules=Rules(window, zeros_are_small=True),
            cost=_cost(cells, kinds),
            always_published=known.ravel(),
            sensitive=hidden_row.ravel(),
            shown=_known_to_within(cells, kinds),
            method="heuristic",
            audit=False,
        )
    except CannotProtect:
        nothing = np.zeros(cells.shape, dtype=bool)
        return nothing[: (~small).sum()], {"targets": int(cells.size)}
    found = protection.certificate
    return protection.published.reshape(cells.shape)[: (~small).sum()], {
        "targets": found["targets"],
        "programs": found["programs"],
        "smallest_window": found["smallest_window"],
        "exactly_disclosed": protection.exactly_disclosed,
        "too_narrow": protection.too_narrow,
    }


def _hide_enough(small: Mask, base: Ints, kinds: Sequence[str], enough: int) -> None:
    """Add the smallest rows of a kind to those that are hidden, until they hide."""
    names = np.array(kinds)
    for kind in {*kinds} - {"all"}:
        of_kind = names == kind
        while 0 < base[of_kind & small].sum() < enough and (of_kind & ~small).any():
            small[np.where(of_kind & ~small, base, np.iinfo(np.int64).max).argmin()] = 1


def _slack(base: Ints, kinds: Sequence[str]) -> int:
    """
    Return by how much the sums over places may be moved for all that is published.

    Persons moved between two options of one area move the sums over sexes and over
    ages as well, and each of these is known to within its room.
    """
    room = np.floor(ROOM * base).astype(np.int64)
    names = np.array(kinds)
    return int(min(room[names == kind].sum() for kind in {*kinds} - {"area"}))


def _with_totals(counts: Ints, counted: Mask) -> Ints:
    """Put headline, rest and total after the options of each row."""
    headline, total = counts @ counted, counts.sum(axis=1)
    return np.column_stack([counts, headline, total - headline, total])


def _known_to_within(cells: Ints, kinds: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the smallest and largest count that each published share may stand for."""
    room = np.floor(ROOM * cells[:, [TOTAL]]).astype(np.int64)
    room = np.where((np.array(kinds) == "area")[:, None], 0, room).repeat(
        cells.shape[1], axis=1
    )
    room[:, TOTAL] = 0
    return np.maximum(cells - room, 0).ravel(), (cells + room).ravel()


def _sums_within(shape: tuple[int, ...], counted: Mask) -> list[Relation]:
    yes, no = np.flatnonzero(counted), np.flatnonzero(~counted)
    relations: list[Relation] = []
    for end in range(shape[1], shape[0] * shape[1] + 1, shape[1]):
        start = end - shape[1]
        relations += [
            (end + HEADLINE, (start + yes).tolist()),
            (end + REST, (start + no).tolist()),
            (end + TOTAL, [end + HEADLINE, end + REST]),
        ]
    return [(total, parts) for total, parts in relations if len(parts)]


def _sums_across(shape: tuple[int, ...], kinds: Sequence[str]) -> list[Relation]:
    """Say that areas, sexes and ages add up to the municipality, option by option."""
    cell = np.arange(shape[0] * shape[1]).reshape(shape)
    names = np.array(kinds)
    return [
        (int(cell[0, option]), cell[names == kind, option].tolist())
        for kind in dict.fromkeys(kinds[1:])
        for option in range(shape[1] + HEADLINE)
    ]


def _cost(cells: Ints, kinds: Sequence[str]) -> NDArray[np.float64]:
    """Price cells: the municipality before groups, headlines before single options."""
    of_row = np.array([{"all": 1e4, "area": 1.0}.get(kind, 1e2) for kind in kinds])
    of_cell = 1.0 + cells / np.maximum(cells[:, [TOTAL]], 1)
    of_cell[:, HEADLINE] = 20.0
    of_cell[:, REST] = 0.001  # not shown; hidden for what it would give away
    return (of_row[:, None] * of_cell).ravel()
