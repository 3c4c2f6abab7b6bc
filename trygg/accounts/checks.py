"""The site does not start while a view has not said what it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver


def patterns(
    resolver: URLResolver, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    """Yield every address below a resolver, with its pattern."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, prefix + str(entry.pattern))
        else:
            yield prefix + str(entry.pattern), entry


@register(Tags.urls)
def every_view_is_declared(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse to start while a view lacks @concerns (security.md 3.3, rule 3)."""
    return [
        Error(
            f"The view at {address} does not say what it concerns.",
            hint="Mark it with @concerns(Data.…, Act.…).",
            id="trygg.E001",
        )
        for address, pattern in patterns(get_resolver())
        if not hasattr(pattern.callback, "concerns")
    ]
