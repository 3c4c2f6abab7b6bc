"""What is wrong with a file, said so that the one who sent it can put it right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from django.utils.translation import gettext as _

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Problem:
    """One thing to tell. An error stops the import; a warning and a note do not."""

    file: str
    line: int | None
    column: str | None
    what: str
    what_to_do: str = ""
    level: Level = "error"

    def __str__(self) -> str:
        place = [self.file]
        if self.line is not None:
            place.append(_("line %(line)d") % {"line": self.line})
        if self.column:
            place.append(_("column %(column)s") % {"column": self.column})
        return f"{', '.join(place)}: {self.what} {self.what_to_do}".rstrip()


class BadFile(Exception):
    """A file that cannot be read at all. Carries the problem to show."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass
class Problems:
    """The problems of one file: the first of each kind in full, the rest counted."""

    file: str
    most: int = 20
    found: list[Problem] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        what: str,
        what_to_do: str = "",
        *,
        line: int | None = None,
        column: str | None = None,
        level: Level = "error",
    ) -> None:
        """Keep the problem; of a kind that is too common only the number."""
        seen = self._counts[kind] = self._counts.get(kind, 0) + 1
        if seen <= self.most:
            self.found.append(Problem(self.file, line, column, what, what_to_do, level))

    def all(self) -> list[Problem]:
        """Return the problems, with a line for those that were only counted."""
        more = sum(max(seen - self.most, 0) for seen in self._counts.values())
        if not more:
            return self.found
        level: Level = "error" if errors(self.found) else "warning"
        what = _("%(number)d more of the same kinds.") % {"number": more}
        return [*self.found, Problem(self.file, None, None, what, "", level)]


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Return those that stop an import."""
    return [problem for problem in problems if problem.level == "error"]


# A personal or coordination number, with or without century and sign
PERSONAL = re.compile(
    r"(?<!\d)(?:(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]|[678]\d|9[01]))"
    r"[-+]?\d{4}(?!\d)"
)


def shortened(text: str, most: int = 40) -> str:
    """Return the text of a cell as it can be quoted, never with a personal number."""
    text = PERSONAL.sub("…", " ".join(text.split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"
