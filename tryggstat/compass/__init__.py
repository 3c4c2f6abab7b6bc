"""Areas compared: typology, likeness, composite index, segregation."""

from tryggstat.compass.groups import GroupCount, GroupsTest, count_groups, groups_test
from tryggstat.compass.segregation import (
    MultigroupSegregation,
    Segregation,
    exposure,
    multigroup_segregation,
    segregation,
)
from tryggstat.compass.similarity import Similar, similar
from tryggstat.compass.standardise import standardise
from tryggstat.compass.typology import Move, Typology, silhouette, typology

__all__ = [
    "GroupCount",
    "GroupsTest",
    "Move",
    "MultigroupSegregation",
    "Segregation",
    "Similar",
    "Typology",
    "count_groups",
    "exposure",
    "groups_test",
    "multigroup_segregation",
    "segregation",
    "silhouette",
    "similar",
    "standardise",
    "typology",
]
