"""The site does not start while a view has not said what it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True)
class Route:
    """One address, the name by which it is reversed, and its view."""

    name: str
    address: str
    view: Any


def routes(
    resolver: URLResolver | None = None, prefix: str = "", namespace: str = ""
) -> Iterator[Route]:
    """Yield every address below a resolver, that of the whole site by default."""
    for entry in (resolver or get_resolver()).url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from routes(entry, address, inner)
        elif isinstance(entry, URLPattern):
            yield Route(f"{namespace}{entry.name}", address, entry.callback)


@register(Tags.urls)
def every_view_is_declared(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse to start while a view lacks @concerns (security.md 3.3, rule 3)."""
    return [
        Error(
            f"The view at {route.address} does not say what it concerns.",
            hint="Mark it with @concerns(Data.…, Act.…).",
            id="trygg.E001",
        )
        for route in routes()
        if not hasattr(route.view, "concerns")
    ]
