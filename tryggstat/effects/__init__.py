"""Did the measure help? Series, comparison areas, synthetic control, displacement."""

from tryggstat.effects.conclusion import (
    Conclusion,
    Effect,
    conclude,
    effect_of,
    smallest_effect,
)
from tryggstat.effects.did import (
    DifferenceInDifferences,
    EventTime,
    difference_in_differences,
    poisson_difference_in_differences,
    staggered_difference_in_differences,
)
from tryggstat.effects.displacement import Displacement, buffer_areas, displacement
from tryggstat.effects.its import (
    InterruptedSeries,
    interrupted_series,
    series_smallest_effect,
)
from tryggstat.effects.synthetic_control import SyntheticControl, synthetic_control

__all__ = [
    "Conclusion",
    "DifferenceInDifferences",
    "Displacement",
    "Effect",
    "EventTime",
    "InterruptedSeries",
    "SyntheticControl",
    "buffer_areas",
    "conclude",
    "difference_in_differences",
    "displacement",
    "effect_of",
    "interrupted_series",
    "poisson_difference_in_differences",
    "series_smallest_effect",
    "smallest_effect",
    "staggered_difference_in_differences",
    "synthetic_control",
]
