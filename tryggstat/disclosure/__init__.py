"""Statistical disclosure control for frequency tables."""

from tryggstat.disclosure.attack import Attack, Contradiction, attack
from tryggstat.disclosure.audit import InconsistentCounts
from tryggstat.disclosure.rules import Rules
from tryggstat.disclosure.suppression import (
    CannotProtect,
    Earlier,
    Protection,
    protect,
    rounded,
)
from tryggstat.disclosure.tables import (
    LinkedTables,
    Table,
    linked_tables,
    published_tables,
)

__all__ = [
    "Attack",
    "CannotProtect",
    "Contradiction",
    "Earlier",
    "InconsistentCounts",
    "LinkedTables",
    "Protection",
    "Rules",
    "Table",
    "attack",
    "linked_tables",
    "protect",
    "published_tables",
    "rounded",
]
