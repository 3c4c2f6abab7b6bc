"""Everything that changes areas, indicators and what is known about them."""

from trygg.areas.actions.crosswalks import NoOverlap, make_crosswalk, recalculate
from trygg.areas.actions.geographies import load_area_key, load_geography
from trygg.areas.actions.indicators import ImportReport, load_indicators, store_table

__all__ = [
    "ImportReport",
    "NoOverlap",
    "load_area_key",
    "load_geography",
    "load_indicators",
    "make_crosswalk",
    "recalculate",
    "store_table",
]
