"""Questions that are not asked but follow from the answers to others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Answers = NDArray[np.str_]  # option values, "" where there is no answer

ENOUGH_ITEMS = 0.6  # share of the items that must be answered for an index


def insecurity(answers: Mapping[str, Answers]) -> Answers:
    """
    Say who is insecure by the definition of the national safety survey.

    It is those who feel fairly or very unsafe alone outdoors late in the evening where
    they live, and those who hardly ever go out then because they feel unsafe.
    """
    alone, reason = answers["safety_alone"], answers["stays_in_reason"]
    unsafe = np.isin(alone, ["3", "4"]) | ((alone == "5") & (reason == "unsafe"))
    safe = np.isin(alone, ["1", "2"]) | ((alone == "5") & (reason == "other"))
    return np.select([unsafe, safe], ["yes", "no"], "")


def problem_index(answers: Mapping[str, Answers]) -> Answers:
    """Return each respondent's mean of the problem items, 0 to 100, one decimal."""
    columns = [a for code, a in sorted(answers.items()) if code.startswith("problem_")]
    items = np.stack([np.isin(a, ["1", "2", "3"]) * _number(a) for a in columns])
    answered = np.stack([np.isin(a, ["0", "1", "2", "3"]) for a in columns])
    share = answered.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        index = items.sum(axis=0) / answered.sum(axis=0) / 3 * 100
    enough = (share >= ENOUGH_ITEMS) & answered.any(axis=0)
    return np.where(enough, np.char.mod("%.1f", np.where(enough, index, 0)), "")


def _number(answers: Answers) -> NDArray[np.float64]:
    return np.where(np.char.isdigit(answers), answers, "0").astype(float)


RULES: dict[str, tuple[Callable[[Mapping[str, Answers]], Answers], tuple[str, ...]]] = {
    "insecurity": (insecurity, ("safety_alone", "stays_in_reason")),
    "problem_index": (problem_index, ("problem_litter",)),
}


def derive(
    rule: str, answers: Mapping[str, Answers], questions: Iterable[str]
) -> Answers | None:
    """
    Return what follows by a rule, or None where a question it needs was not asked.

    `questions` are the codes of the whole questionnaire: an item of an index that was
    not asked is one that was not answered.
    """
    work, needs = RULES[rule]
    if any(code not in answers for code in needs):
        return None
    nothing = np.full_like(answers[needs[0]], "")
    return work({code: answers.get(code, nothing) for code in questions})
