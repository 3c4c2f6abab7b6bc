"""Numbers, shares, intervals and dates as they are written in the page's language."""

from __future__ import annotations

from datetime import date

from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _

NBSP = "\N{NO-BREAK SPACE}"


def number(value: float, decimals: int = 0) -> str:
    """
    Return a number with the language's decimal sign and groups of three.

    >>> from django.utils.translation import override
    >>> with override("en"):
    ...     number(242140), number(-1.25, 1)
    ('242,140', '−1.2')
    """
    rounded = round(value, decimals) + 0.0  # no "−0"
    written = str(
        formats.number_format(abs(rounded), decimal_pos=decimals, force_grouping=True)
    )
    return f"−{written}" if rounded < 0 else written


def percent(per_cent: float, decimals: int = 0) -> str:
    """Return a figure that is in per cent already, with the sign."""
    space = "" if get_language() == "en" else NBSP
    return f"{number(per_cent, decimals)}{space}%"


def share(value: float, bound: str = "") -> str:
    """
    Return a share between 0 and 1 as whole per cent.

    `bound` says that the true share lies at or beyond it: "<" or ">".

    >>> from django.utils.translation import override
    >>> with override("sv"):
    ...     share(0.31), share(0.05, "<")
    ('31\\xa0%', 'högst 5\\xa0%')
    """
    written = percent(100 * value)
    if bound == "<":
        return _("at most %(share)s") % {"share": written}
    if bound == ">":
        return _("at least %(share)s") % {"share": written}
    return written


def interval(low: float, high: float) -> str:
    """
    Return two shares as the ends of an interval, in whole per cent.

    >>> interval(0.24, 0.39)
    '24–39'
    """
    return f"{number(100 * low)}–{number(100 * high)}"


def share_with_interval(
    value: float, low: float | None, high: float | None, bound: str = ""
) -> str:
    """
    Return a share with its interval.

    >>> from django.utils.translation import override
    >>> with override("en"):
    ...     share_with_interval(0.31, 0.24, 0.39)
    '31% (24–39)'
    """
    if low is None or high is None:
        return share(value, bound)
    return f"{share(value, bound)} ({interval(low, high)})"


def day(on: date) -> str:
    """
    Return a date in words.

    >>> from django.utils.translation import override
    >>> with override("sv"):
    ...     day(date(2026, 3, 1))
    '1 mars 2026'
    """
    return str(formats.date_format(on, "j F Y"))


def listed(words: list[str]) -> str:
    """
    Return words as they are listed in a sentence.

    >>> from django.utils.translation import override
    >>> with override("sv"):
    ...     listed(["Ulva", "Näs", "Vaksala"])
    'Ulva, Näs och Vaksala'
    """
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s and %(last)s") % {
        "first": ", ".join(words[:-1]),
        "last": words[-1],
    }


def capital(sentence: str) -> str:
    """Return the sentence with a capital first letter, the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def small(words: str) -> str:
    """Return the words with a small first letter, for the middle of a sentence."""
    return words[:1].lower() + words[1:]
