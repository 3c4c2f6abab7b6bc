"""Areas compared: typology, likeness, composite index, segregation."""

# SciPy and numba are imported where they are used: a command that needs neither starts
# in a third of the time.

from tryggstat.compass._steps import Indicator
from tryggstat.compass.groups import GroupCount, GroupsTest, count_groups, groups_test
from tryggstat.compass.index import CompositeIndex, composite_index
from tryggstat.compass.segregation import (
    MultigroupSegregation,
    Segregation,
    exposure,
    multigroup_segregation,
    segregation,
    spatial_dissimilarity,
)
from tryggstat.compass.similarity import Similar, similar
from tryggstat.compass.standardise import standardise
from tryggstat.compass.typology import Move, Typology, silhouette, typology
from tryggstat.compass.uncertainty import RankUncertainty, rank_uncertainty

__all__ = [
    "CompositeIndex",
    "GroupCount",
    "GroupsTest",
    "Indicator",
    "Move",
    "MultigroupSegregation",
    "RankUncertainty",
    "Segregation",
    "Similar",
    "Typology",
    "composite_index",
    "count_groups",
    "exposure",
    "groups_test",
    "multigroup_segregation",
    "rank_uncertainty",
    "segregation",
    "silhouette",
    "similar",
    "spatial_dissimilarity",
    "standardise",
    "typology",
]
