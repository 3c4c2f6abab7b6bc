"""From a sample to figures about a population: weights, estimates, comparisons."""

from tryggstat.survey.design import Coded, Design, LonelyUnit, encode
from tryggstat.survey.estimation import Estimates, estimate

__all__ = ["Coded", "Design", "Estimates", "LonelyUnit", "encode", "estimate"]
