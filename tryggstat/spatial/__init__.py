"""Areas and places on the map: rates, neighbours, likeness of what lies near."""

# SciPy, numba and shapely are imported where they are used: a small job starts without.

from tryggstat.spatial.autocorrelation import (
    GlobalTest,
    bivariate_moran,
    geary,
    getis_ord,
    join_counts,
    moran,
)
from tryggstat.spatial.local import (
    LocalTest,
    local_bivariate_moran,
    local_geary,
    local_getis_ord,
    local_moran,
)
from tryggstat.spatial.neighbours import (
    Neighbours,
    contiguity,
    higher_order,
    nearest,
    neighbour_pairs,
    within_distance,
)
from tryggstat.spatial.rates import (
    Rates,
    crude_rates,
    funnel_limits,
    poisson_interval,
    smooth_rates_locally,
    standardised_rates,
    standardised_ratios,
)
from tryggstat.spatial.scan import (
    Cluster,
    Scan,
    scan_bernoulli,
    scan_poisson,
    scan_space_time,
)
from tryggstat.spatial.scan_zones import Zones, circles, ellipses

__all__ = [
    "Cluster",
    "GlobalTest",
    "LocalTest",
    "Neighbours",
    "Rates",
    "Scan",
    "Zones",
    "bivariate_moran",
    "circles",
    "contiguity",
    "crude_rates",
    "ellipses",
    "funnel_limits",
    "geary",
    "getis_ord",
    "higher_order",
    "join_counts",
    "local_bivariate_moran",
    "local_geary",
    "local_getis_ord",
    "local_moran",
    "moran",
    "nearest",
    "neighbour_pairs",
    "poisson_interval",
    "scan_bernoulli",
    "scan_poisson",
    "scan_space_time",
    "smooth_rates_locally",
    "standardised_rates",
    "standardised_ratios",
    "within_distance",
]
