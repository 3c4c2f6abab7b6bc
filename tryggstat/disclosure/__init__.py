"""Statistical disclosure control for frequency tables."""

from tryggstat.disclosure.audit import InconsistentCounts
from tryggstat.disclosure.rules import Rules
from tryggstat.disclosure.suppression import (
    CannotProtect,
    Earlier,
    Protection,
    protect,
    rounded,
)
from tryggstat.disclosure.tables import LinkedTables, Table, linked_tables

__all__ = [
    "CannotProtect",
    "Earlier",
    "InconsistentCounts",
    "LinkedTables",
    "Protection",
    "Rules",
    "Table",
    "linked_tables",
    "protect",
    "rounded",
]
