"""The standard questionnaire as it stands in questionnaire.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("questionnaire.toml")


@dataclass(frozen=True)
class OptionText:
    """One answer that can be given, in both languages."""

    value: str
    sv: str
    en: str
    counts: bool = False  # in the headline share
    is_missing: bool = False  # don't know, no opinion


@dataclass(frozen=True)
class QuestionText:
    """One question with its options, in both languages."""

    code: str
    block: str
    kind: str
    sv: str
    en: str
    headline_sv: str
    headline_en: str
    options: tuple[OptionText, ...]
    derived: str = ""
    is_sensitive: bool = False
    wording_is_verified: bool = False


@dataclass(frozen=True)
class Questionnaire:
    """One version of the questions that are asked."""

    version: int
    questions: tuple[QuestionText, ...]

    def __getitem__(self, code: str) -> QuestionText:
        return next(q for q in self.questions if q.code == code)


@cache
def standard() -> Questionnaire:
    """Return the standard questionnaire."""
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    scales = {
        name: (
            scale["kind"],
            tuple(OptionText(**option) for option in scale["options"]),
        )
        for name, scale in content["scales"].items()
    }
    questions = []
    for entry in content["questions"]:
        kind, options = scales[entry.pop("scale")]
        questions.append(QuestionText(kind=kind, options=options, **entry))
    return Questionnaire(content["version"], tuple(questions))
