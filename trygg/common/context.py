"""What every page knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame of a page shows."""
    return {"is_demo": settings.TRYGG_DEMO}
