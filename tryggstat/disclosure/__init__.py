"""Statistical disclosure control for tables of counts and sums."""

from tryggstat.disclosure.attack import Attack, Contradiction, attack
from tryggstat.disclosure.audit import InconsistentCounts
from tryggstat.disclosure.cellkey import (
    NoSuchNoise,
    perturb,
    perturbation_table,
    record_keys,
)
from tryggstat.disclosure.rounding import CannotRound, controlled_rounding
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
    "CannotRound",
    "Contradiction",
    "Earlier",
    "InconsistentCounts",
    "LinkedTables",
    "NoSuchNoise",
    "Protection",
    "Rules",
    "Table",
    "attack",
    "controlled_rounding",
    "linked_tables",
    "perturb",
    "perturbation_table",
    "protect",
    "published_tables",
    "record_keys",
    "rounded",
]
