"""From a sample to figures about a population: weights, estimates, comparisons."""

from tryggstat.survey.calibration import (
    calibrate,
    check_margins,
    margin_matrix,
    post_stratify,
    rake,
    rake_replicates,
    raker,
)
from tryggstat.survey.comparison import Contrasts, adjust_p, compare, compare_waves
from tryggstat.survey.design import Coded, Design, LonelyUnit, encode
from tryggstat.survey.estimation import Estimates, estimate
from tryggstat.survey.nonresponse import adjust_by_class, adjust_by_propensity
from tryggstat.survey.regression import (
    Independence,
    Regression,
    independence_test,
    linear_regression,
    logistic_regression,
)
from tryggstat.survey.replicates import Replicates, given_replicates, replicate
from tryggstat.survey.scales import (
    cronbach_alpha,
    insecurity,
    item_mean,
    problem_index,
    top_box,
)
from tryggstat.survey.small_area import (
    benchmark,
    diagnose,
    fay_herriot,
    fay_herriot_share,
    smooth_rates,
)
from tryggstat.survey.spatial_small_area import spatial_fay_herriot
from tryggstat.survey.unit_level import unit_level
from tryggstat.survey.weighting import (
    WeightingError,
    Weights,
    design_weights,
    kish_design_effect,
    trim,
)

__all__ = [
    "Coded",
    "Contrasts",
    "Design",
    "Estimates",
    "Independence",
    "LonelyUnit",
    "Regression",
    "Replicates",
    "WeightingError",
    "Weights",
    "adjust_by_class",
    "adjust_by_propensity",
    "adjust_p",
    "benchmark",
    "calibrate",
    "check_margins",
    "compare",
    "compare_waves",
    "cronbach_alpha",
    "design_weights",
    "diagnose",
    "encode",
    "estimate",
    "fay_herriot",
    "fay_herriot_share",
    "given_replicates",
    "independence_test",
    "insecurity",
    "item_mean",
    "kish_design_effect",
    "linear_regression",
    "logistic_regression",
    "margin_matrix",
    "post_stratify",
    "problem_index",
    "rake",
    "rake_replicates",
    "raker",
    "replicate",
    "smooth_rates",
    "spatial_fay_herriot",
    "top_box",
    "trim",
    "unit_level",
]
