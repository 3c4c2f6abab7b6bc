"""
Made-up answers for the demonstration: seeded, plausible, and nobody's.

What is assumed, since no Swedish survey answers are open:

* Persons aged 16-24 are four fifths of those aged 15-19 and all of those aged 20-24.
  Those aged 25 and over are divided in every area as in Sweden as a whole, roughly
  (`OVER_25`). Half of each group are women.
* An answer comes from a hidden scale on which conditions in the area, housing, sex,
  age, the person's own fear, and chance are added up (`ANSWERS`). The cuts between
  options are set so that the whole municipality answers as the table says.
* Conditions enter by their rank among the areas, so the areas form one continuum and
  do not fall into two groups, however the municipality is made up.
* Fewer answer among the young, among men, and where conditions are hard. In the
  smallest area hardly anybody answers, so that one area has too few answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trygg.surveys.questionnaire import standard

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Strings = NDArray[np.str_]

AGE_GROUPS = ("16-24", "25-44", "45-64", "65-84")
SEXES = ("F", "M")
OVER_25 = (0.37, 0.35, 0.24)  # 25-44, 45-64, 65-84; the rest are too old to be asked
YOUNG = np.array([1.0, 0.35, -0.35, -0.8])  # by age group
WILLING = np.array([-1.2, -0.85, -0.3, 0.35])  # log odds of answering, before scaling
ANSWERS_IN_SMALLEST = 18
AREA_CHANCE = 0.12  # spread between areas that conditions do not explain
SKIPPED = 0.012  # of any question


@dataclass(frozen=True)
class Frame:
    """Whom the sample is drawn from, and what the areas are like."""

    areas: tuple[str, ...]
    persons: Ints  # (areas, age groups)
    hardship: Floats  # any figure that is higher where conditions are harder
    flats: Floats  # share who live in flats, or any figure for how dense it is


@dataclass(frozen=True)
class Sample:
    """Everybody who was invited, and what those who answered said."""

    frame: Frame
    area: Ints
    age_group: Ints
    sex: Strings
    weight: Floats  # one over the probability of being invited
    answered: NDArray[np.bool_]
    answers: Mapping[str, Strings]  # of all invited; heed only those who answered


@dataclass(frozen=True)
class _Pattern:
    """How a question is answered; a higher hidden value means a later option."""

    shares: tuple[float, ...]  # of the whole municipality, by option
    hardship: float
    flats: float
    woman: float
    young: float
    fear: float
    dont_know: float = 0.0


ANSWERS = {
    "safety_alone": _Pattern((0.43, 0.36, 0.15, 0.06), 0.28, 0.10, 0.45, 0.05, 0.55),
    "stays_in_reason": _Pattern((0.42, 0.58), -0.25, -0.1, -0.5, -0.1, -0.6),
    "refrains": _Pattern((0.70, 0.21, 0.09), 0.22, 0.05, 0.75, 0.05, 0.55),
    "likes_living_here": _Pattern(
        (0.62, 0.305, 0.045, 0.02, 0.01), 0.3, 0.05, 0, 0.05, 0.2
    ),
    "neighbours_help": _Pattern((0.30, 0.45, 0.17, 0.05, 0.03), 0.2, 0.2, 0, 0.1, 0.1),
    "neighbours_trust": _Pattern(
        (0.36, 0.45, 0.13, 0.04, 0.02), 0.28, 0.1, 0, 0.1, 0.2
    ),
    "neighbours_get_on": _Pattern(
        (0.36, 0.50, 0.10, 0.03, 0.01), 0.22, 0.05, 0, 0.05, 0.1
    ),
    "problem_litter": _Pattern((0.22, 0.38, 0.28, 0.12), 0.32, 0.15, 0, 0, 0.15, 0.02),
    "problem_vandalism": _Pattern(
        (0.35, 0.37, 0.20, 0.08), 0.32, 0.15, 0, 0, 0.15, 0.05
    ),
    "problem_driving": _Pattern(
        (0.30, 0.33, 0.22, 0.15), 0.18, -0.1, 0, -0.1, 0.1, 0.03
    ),
    "problem_lighting": _Pattern(
        (0.38, 0.34, 0.20, 0.08), 0.1, -0.1, 0.15, 0, 0.2, 0.02
    ),
    "problem_drugs": _Pattern((0.55, 0.25, 0.12, 0.08), 0.45, 0.15, 0, 0.1, 0.15, 0.14),
    "problem_youths": _Pattern(
        (0.48, 0.32, 0.14, 0.06), 0.32, 0.05, 0, -0.2, 0.2, 0.05
    ),
    "problem_threats": _Pattern((0.50, 0.32, 0.13, 0.05), 0.4, 0.15, 0, 0.1, 0.2, 0.08),
    "worry_burglary": _Pattern(
        (0.04, 0.09, 0.30, 0.33, 0.24), -0.05, 0.25, -0.1, 0.1, -0.5
    ),
    "worry_assault": _Pattern(
        (0.04, 0.08, 0.25, 0.30, 0.33), -0.2, -0.1, -0.2, -0.15, -0.6
    ),
    "worry_sexual": _Pattern(
        (0.05, 0.08, 0.20, 0.22, 0.45), -0.15, -0.05, -0.9, -0.4, -0.5
    ),
    "worry_robbery": _Pattern(
        (0.03, 0.06, 0.20, 0.31, 0.40), -0.2, -0.1, -0.05, -0.15, -0.55
    ),
    "worry_close": _Pattern(
        (0.08, 0.15, 0.35, 0.26, 0.16), -0.15, -0.05, -0.3, 0.05, -0.5
    ),
    "worry_fraud": _Pattern((0.05, 0.11, 0.30, 0.30, 0.24), 0, 0, -0.05, 0.25, -0.45),
    "avoids_route": _Pattern((0.55, 0.24, 0.14, 0.07), 0.18, 0.1, 0.55, 0.2, 0.5),
    "avoids_activity": _Pattern((0.72, 0.18, 0.07, 0.03), 0.18, 0.05, 0.4, 0.05, 0.5),
    "avoids_evenings": _Pattern((0.64, 0.185, 0.12, 0.055), 0.2, 0.05, 0.6, -0.1, 0.5),
    "victim_theft": _Pattern((0.09, 0.91), -0.08, -0.1, 0, -0.15, -0.05),
    "victim_threat": _Pattern((0.06, 0.94), -0.15, -0.05, 0.05, -0.3, -0.1),
    "victim_fraud": _Pattern((0.07, 0.93), 0, 0, 0, 0.05, -0.05),
    "trust_police": _Pattern(
        (0.20, 0.42, 0.22, 0.10, 0.06), 0.12, 0, -0.1, 0.1, 0.15, 0.05
    ),
    "trust_municipality": _Pattern(
        (0.07, 0.35, 0.36, 0.15, 0.07), 0.08, 0, -0.1, -0.1, 0.1, 0.08
    ),
    "trust_rescue": _Pattern(
        (0.42, 0.42, 0.12, 0.03, 0.01), 0.05, 0, 0, 0.05, 0.05, 0.12
    ),
    "police_care": _Pattern((0.30, 0.48, 0.22), 0.1, 0, 0, 0.1, 0.1, 0.2),
}


def frame(
    areas: ArrayLike,
    total: ArrayLike,
    under_25: ArrayLike,
    aged_15_19: ArrayLike,
    aged_20_24: ArrayLike,
    hardship: ArrayLike,
    flats: ArrayLike,
) -> Frame:
    """Return the frame of persons aged 16-84, from what open statistics has by area."""
    young = 0.8 * np.asarray(aged_15_19, float) + np.asarray(aged_20_24, float)
    older = np.asarray(total, float) - np.asarray(under_25, float)
    persons = np.column_stack([young, *(share * older for share in OVER_25)])
    return Frame(
        tuple(np.asarray(areas).tolist()),
        np.maximum(persons.round().astype(np.int64), 0),
        np.asarray(hardship, float),
        np.asarray(flats, float),
    )


def draw(
    frame: Frame,
    *,
    seed: int,
    wave: int = 1,
    invited: int = 14_800,
    response_rate: float = 0.38,
    calmer: float = 0.0,
) -> Sample:
    """
    Draw a sample stratified by area and age, and let it answer.

    The areas are the same in every wave of one seed, the persons are new. `calmer`
    moves fear down in this wave, in standard deviations, against what the table says.
    """
    lasting, chance = _stream(seed, 0), _stream(seed, wave)
    hardship, flats = _normal_scores(frame.hardship), _normal_scores(frame.flats)
    fear_of_area = AREA_CHANCE * lasting.standard_normal(len(frame.areas))
    own = AREA_CHANCE * lasting.standard_normal((len(ANSWERS), len(frame.areas)))

    size = _allocate(frame.persons, invited)
    areas, ages = np.indices(size.shape)
    area = np.repeat(areas.ravel(), size.ravel())
    age = np.repeat(ages.ravel(), size.ravel())
    n = area.size
    weight = (frame.persons / np.maximum(size, 1))[area, age]
    woman = chance.random(n) < 0.5

    odds = WILLING[age] - 0.2 * hardship[area] + 0.2 * woman + fear_of_area[area]
    smallest = area == frame.persons.sum(axis=1).argmin()
    propensity = np.where(
        smallest,
        ANSWERS_IN_SMALLEST / max(smallest.sum(), 1),
        _scaled(odds, response_rate),
    )
    answered = chance.random(n) < propensity

    fear = chance.standard_normal(n) + fear_of_area[area]
    answers: dict[str, Strings] = {}
    for number, (code, p) in enumerate(ANSWERS.items()):
        hidden = (
            p.hardship * hardship[area]
            + p.flats * flats[area]
            + p.woman * (woman - 0.5)
            + p.young * YOUNG[age]
            + p.fear * fear
            + own[number, area]
            + chance.standard_normal(n) * np.sqrt(max(1 - p.fear**2, 0.3))
        )
        # The cuts are those of a wave without `calmer`.
        cuts = _cuts(hidden, p.shares, weight)
        options = [o for o in standard()[code].options if not o.is_missing]
        values = np.array([o.value for o in options])
        answer = values[np.searchsorted(cuts, hidden - p.fear * calmer)]
        unknown = chance.random(n) < p.dont_know
        skipped = chance.random(n) < SKIPPED
        answers[code] = np.where(skipped, "", np.where(unknown, "9", answer))
    _let_some_stay_in(answers, fear, woman, age, chance)
    return Sample(frame, area, age, np.where(woman, *SEXES), weight, answered, answers)


def _let_some_stay_in(
    answers: dict[str, Strings],
    fear: Floats,
    woman: NDArray[np.bool_],
    age: Ints,
    chance: np.random.Generator,
) -> None:
    """Let the old and the afraid hardly ever go out late, and only them say why."""
    hidden = 0.3 * fear + 0.5 * woman - 0.7 * YOUNG[age]
    hidden += chance.standard_normal(fear.size)
    stays_in = (hidden > np.quantile(hidden, 0.83)) & (answers["safety_alone"] != "")
    answers["safety_alone"] = np.where(stays_in, "5", answers["safety_alone"])
    answers["stays_in_reason"] = np.where(stays_in, answers["stays_in_reason"], "")


def _stream(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[seed, number]))


def _normal_scores(values: Floats) -> Floats:
    """Return the values' ranks, spread like draws from a normal distribution."""
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    inverse = NormalDist().inv_cdf
    return np.array([inverse((r + 0.5) / values.size) for r in rank.tolist()])


def _allocate(persons: Ints, invited: int) -> Ints:
    """Share out the invitations: by the root of the area's size, then by age."""
    by_area = np.sqrt(persons.sum(axis=1))
    by_age = persons / np.maximum(persons.sum(axis=1, keepdims=True), 1)
    size = invited * (by_area / by_area.sum())[:, None] * by_age
    return np.minimum(size.round().astype(np.int64), persons)


def _scaled(odds: Floats, rate: float) -> Floats:
    """Move log odds so that the mean probability is as asked for."""
    low, high = -20.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        mean = (1 / (1 + np.exp(-(odds + middle)))).mean()
        low, high = (middle, high) if mean < rate else (low, middle)
    return np.asarray(1 / (1 + np.exp(-(odds + low))))


def _cuts(hidden: Floats, shares: tuple[float, ...], weight: Floats) -> Floats:
    """Return the cuts that give the options their shares in the population."""
    order = np.argsort(hidden, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    where = np.searchsorted(reached, np.cumsum(shares)[:-1] / sum(shares))
    return hidden[order][where]
