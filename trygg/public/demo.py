"""Who answers for the demonstration's site."""

from __future__ import annotations

from datetime import datetime

from trygg.areas.queries import municipality_area
from trygg.public.actions import set_publisher


def load_demo_publisher(municipality: str, *, at: datetime) -> None:
    """Name the site after the municipality whose areas were loaded."""
    place = municipality_area(municipality).name
    set_publisher(
        municipality=municipality,
        place=place,
        name=f"{place} (demonstration)",
        email="demonstration@example.org",
        data_protection_email="dataskydd@example.org",
        at=at,
    )
